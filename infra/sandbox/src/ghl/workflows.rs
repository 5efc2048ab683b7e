//! Workflows that come to an action of the app (GHL contract, workflow modules): a call that nobody
//! signs, with the headers that the app's form in the portal says.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{app::App, deliver, ghl::webhooks::Unknown, ids, record::Provider};

/// Not documented; as for webhooks.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The body of `POST /_sandbox/ghl/workflow-action`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Run {
    location_id: String,
    contact_id: String,
    /// What the form's fields say, under their references.
    data: Map<String, Value>,
    /// The header that proves the location; left out if there is none.
    authorization: Option<String>,
    workflow_id: Option<String>,
    /// The action's key, and its version.
    key: Option<String>,
    version: Option<String>,
}

/// Calls the app once: how often GHL does is not documented. Gives `{status, answer}`.
pub(crate) async fn run(app: &App, run: Run) -> Result<Value, Unknown> {
    let phone = {
        let state = app.lock();
        let ghl = &state.kept.ghl;
        if !ghl.locations.contains_key(&run.location_id) {
            return Err(Unknown("location"));
        }
        let contact = ghl.contact_in(&run.location_id, &run.contact_id);
        contact.ok_or(Unknown("contact"))?.phone.clone()
    };
    let mut headers = HeaderMap::new();
    let filled_in = [
        (
            HeaderName::from_static("locationid"),
            Some(&run.location_id),
        ),
        (HeaderName::from_static("contactphone"), Some(&phone)),
        (header::AUTHORIZATION, run.authorization.as_ref()),
    ];
    for (name, value) in filled_in {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let body = json!({
        "data": run.data,
        "extras": {
            "locationId": run.location_id,
            "contactId": run.contact_id,
            "workflowId": run.workflow_id.unwrap_or_else(ids::uuid),
        },
        "meta": {
            "key": run.key.unwrap_or_else(|| "send_whatsapp".into()),
            "version": run.version.unwrap_or_else(|| "1.0".into()),
        },
        "isMarketplaceAction": true,
    });
    let url = format!("{}/webhooks/workflow-action", app.app_url());
    let bytes = body.to_string().into_bytes();
    let answer = deliver::ask(app, Provider::Ghl, &url, headers, bytes, 1, TIMEOUT).await;
    let (status, answer) = match answer {
        Some((status, body)) => (
            Some(status),
            serde_json::from_slice(&body).unwrap_or_default(),
        ),
        None => (None, Value::Null),
    };
    Ok(json!({ "status": status, "answer": answer }))
}
