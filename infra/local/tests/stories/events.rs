//! The sample events of `events/`: each deployed function takes its own.

use std::path::Path;

use serde_json::Value;

use super::world::{Outcome, World, ensure};

/// The file of each function.
const EVENTS: [(&str, &str); 16] = [
    ("GreenApiWebhook", "green-api-webhook.json"),
    ("GhlWebhook", "ghl-webhook.json"),
    ("GhlWebhook", "ghl-webhook.workflow-action.json"),
    ("OauthCallback", "oauth-callback.json"),
    ("InstanceApi", "instance-api.json"),
    ("PanelApi", "panel-api.json"),
    ("OutboundSender", "outbound-sender.json"),
    ("CrmSender", "crm-sender.json"),
    ("MediaKeeper", "media-keeper.json"),
    ("HistoryImport", "history-import.json"),
    ("TelegramWebhook", "telegram-webhook.json"),
    ("TelegramSender", "telegram-sender.json"),
    ("FileLink", "file-link.json"),
    ("Realtime", "realtime.json"),
    ("StreamFanout", "stream-fanout.json"),
    ("Sweeper", "sweeper.json"),
];

pub async fn every_function_takes_its_sample_event(world: &World) -> Outcome {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    for (function, file) in EVENTS {
        let text =
            std::fs::read_to_string(dir.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let event: Value =
            serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
        let answer = world
            .stack
            .invoke(function, &event)
            .await
            .map_err(|error| error.to_string())?;
        // An unsigned or unknown caller is refused; a function that cannot read its event fails.
        let status = answer["statusCode"].as_u64();
        ensure!(
            status.is_none_or(|status| status < 500),
            "{function}: {answer}"
        );
    }
    Ok(())
}
