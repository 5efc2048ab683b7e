//! Which method does what.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Answer, Refused, files,
    model::{Kind, bot_user},
    params::Params,
    send, updates,
};
use crate::{
    app::{App, News},
    ids,
};

pub(super) fn call(app: &Arc<App>, method: &str, params: &Params) -> Answer {
    match method {
        "getme" => {
            let mut me = bot_user();
            me["can_join_groups"] = true.into();
            me["can_read_all_group_messages"] = false.into();
            me["supports_inline_queries"] = false.into();
            Ok(me)
        }
        "setwebhook" => set_webhook(app, params),
        "deletewebhook" => {
            let mut state = app.change(News::Telegram);
            let webhook = &mut state.kept.telegram.webhook;
            webhook.url.clear();
            if params.flag("drop_pending_updates") {
                webhook.pending.clear();
            }
            Ok(true.into())
        }
        "getwebhookinfo" => webhook_info(app),
        "getupdates" => updates::get(app, params),
        "sendmessage" => send::text(app, params),
        "sendphoto" => send::file(app, params, "photo"),
        "sendvideo" => send::file(app, params, "video"),
        "sendaudio" => send::file(app, params, "audio"),
        "sendvoice" => send::file(app, params, "voice"),
        "senddocument" => send::file(app, params, "document"),
        "sendsticker" => send::file(app, params, "sticker"),
        "editmessagetext" => send::edit(app, params, false),
        "editmessagecaption" => send::edit(app, params, true),
        "deletemessage" => send::delete(app, params),
        "setmessagereaction" => send::react(app, params),
        "createforumtopic" => send::create_topic(app, params),
        "getfile" => files::get(app, params),
        "getchat" => chat(app, params),
        "createchatinvitelink" | "exportchatinvitelink" => invite(app, method, params),
        // Nothing is shown of these, and nothing waits for them.
        "answercallbackquery"
        | "sendchataction"
        | "setmycommands"
        | "setmydescription"
        | "setmyname" => Ok(true.into()),
        _ => Err(Refused::new(404, "Not Found")),
    }
}

fn set_webhook(app: &App, params: &Params) -> Answer {
    let url = params.text("url").unwrap_or_default();
    let secret = params.text("secret_token").unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if secret.len() > 256 || !secret.chars().all(fits) {
        return Err(Refused::bad("secret token contains unallowed characters"));
    }
    // The real one takes https alone; the sandbox's app is on this machine.
    if !url.is_empty() && url::Url::parse(&url).is_err() {
        return Err(Refused::bad("invalid webhook URL specified"));
    }
    let allowed = params.json("allowed_updates");
    let mut state = app.change(News::Telegram);
    let webhook = &mut state.kept.telegram.webhook;
    webhook.url = url;
    webhook.secret = secret;
    if let Some(allowed) = allowed.as_array() {
        webhook.allowed = allowed
            .iter()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
    }
    webhook.max_connections = params.int("max_connections").unwrap_or(40);
    if params.flag("drop_pending_updates") {
        webhook.pending.clear();
    }
    drop(state);
    app.telegram_wake.notify_one();
    Ok(true.into())
}

fn webhook_info(app: &App) -> Answer {
    let state = app.lock();
    let webhook = &state.kept.telegram.webhook;
    let mut info = json!({
        "url": webhook.url,
        "has_custom_certificate": false,
        "pending_update_count": webhook.pending.len(),
    });
    if !webhook.url.is_empty() {
        info["max_connections"] = webhook.max_connections.into();
    }
    if !webhook.allowed.is_empty() {
        info["allowed_updates"] = webhook.allowed.clone().into();
    }
    if let Some((at_s, words)) = &webhook.last_error {
        info["last_error_date"] = (*at_s).into();
        info["last_error_message"] = words.clone().into();
    }
    Ok(info)
}

fn chat(app: &App, params: &Params) -> Answer {
    let id = params.chat()?;
    let state = app.lock();
    let chat = state.kept.telegram.chats.get(&id);
    let chat = chat.filter(|chat| chat.kind == Kind::Private || is_in(&chat.bot));
    let chat = chat.ok_or_else(|| Refused::bad("chat not found"))?;
    let mut full = chat.wire();
    full["accent_color_id"] = 0.into();
    full["max_reaction_count"] = 11.into();
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false,
        "premium_subscription": false, "gifts_from_channels": false,
    });
    if let Some(allowed) = &chat.reactions {
        let allowed = allowed
            .iter()
            .map(|it| json!({ "type": "emoji", "emoji": it }));
        full["available_reactions"] = allowed.collect();
    }
    Ok(full)
}

pub(super) fn is_in(status: &str) -> bool {
    matches!(status, "member" | "administrator" | "creator")
}

fn invite(app: &App, method: &str, params: &Params) -> Answer {
    let id = params.chat()?;
    let state = app.lock();
    let chat = state.kept.telegram.chats.get(&id);
    let chat = chat.ok_or_else(|| Refused::bad("chat not found"))?;
    if chat.bot != "administrator" {
        return Err(Refused::bad("not enough rights to manage chat invite link"));
    }
    let link = format!("https://t.me/+{}", ids::hex(&ids::random::<8>()));
    Ok(match method {
        "exportchatinvitelink" => Value::String(link),
        _ => json!({
            "invite_link": link, "creator": bot_user(), "creates_join_request": false,
            "is_primary": false, "is_revoked": false,
        }),
    })
}
