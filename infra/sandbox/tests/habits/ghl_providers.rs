//! The two shapes of SMS provider (GHL contract, two shapes of SMS provider).

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{L1, World, answer, world};

async fn has(w: &World, extra: bool, default: bool) {
    let body = json!({ "extra": extra, "default": default });
    let path = format!("/ghl/{L1}/providers");
    let (status, told) = w.control(Method::PUT, &path, Some(body.clone())).await;
    assert_eq!((status, told), (200, body));
}

fn ids() -> (String, String) {
    let app = greenhub_sandbox::SandboxConfig::default().ghl;
    (app.conversation_provider_id, app.default_provider_id)
}

/// What is typed goes to every provider that the location has, each in its own form to its own
/// address.
#[tokio::test]
async fn what_is_typed_goes_to_each_provider_in_its_own_form() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let (extra_id, _) = ids();
    for (extra, default) in [(true, false), (false, true), (true, true), (false, false)] {
        has(&w, extra, default).await;
        let before = w.app.all().len();
        let reply = json!({ "locationId": L1, "contactId": contact, "message": "hi" });
        let (_, sent) = w.control(Method::POST, "/ghl/reply", Some(reply)).await;
        let hooks = &w.app.all()[before..];
        let at = |path: &str| hooks.iter().filter(|h| h.path == path).collect::<Vec<_>>();
        let (channel, sms) = (at("/webhooks/ghl"), at("/webhooks/ghl/sms"));
        assert_eq!(channel.len(), usize::from(extra));
        assert_eq!(sms.len(), usize::from(default));
        for hook in channel {
            assert_eq!(hook.json["conversationProviderId"], extra_id);
            assert!(hook.json["conversationId"].is_string());
            assert_eq!(hook.json["messageId"], sent["messageId"]);
        }
        for hook in sms {
            assert!(hook.json.get("conversationProviderId").is_none());
            assert!(hook.json.get("customUserId").is_none());
            assert_eq!(hook.json["userId"], "Us1sandboxAcmeAlice1");
            let id = if extra { "twinId" } else { "messageId" };
            assert_eq!(hook.json["messageId"], sent[id]);
        }
    }
}

/// Which providers a location has is told in the newest version of the API alone.
#[tokio::test]
async fn a_location_tells_its_sms_providers() {
    let w = world(0.01).await;
    let token = w.access().await;
    let path = format!("/locations/{L1}/conversationChannels/SMS");
    let (extra_id, default_id) = ids();
    for (extra, default) in [(true, false), (false, true), (true, true)] {
        has(&w, extra, default).await;
        let request = w.request(Method::GET, &path).bearer_auth(&token);
        let (status, told) = answer(request.header("version", "v3")).await;
        assert_eq!(status, 200, "{told}");
        let channel = &told["conversationChannel"];
        let listed: Vec<&Value> = channel["SMS"].as_array().unwrap().iter().collect();
        let lists = |id: &str| {
            let mut all = listed.iter();
            all.any(|it| it["conversationProvider"]["_id"] == id)
        };
        assert_eq!((lists(&extra_id), lists(&default_id)), (extra, default));
        assert_eq!(channel["defaults"]["SMS"] == default_id.as_str(), default);
    }
    assert_eq!(w.ghl_get(&token, &path).await.0, 404, "an older version");
}

/// The default provider need not be named; an extra channel that is not named stores nothing.
#[tokio::test]
async fn what_comes_in_is_stored_as_the_location_has_it() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let (extra_id, default_id) = ids();
    let post = async |id: Option<&str>| {
        let mut body = json!({ "type": "SMS", "contactId": contact, "message": "hi" });
        if let Some(id) = id {
            body["conversationProviderId"] = id.into();
        }
        let path = "/conversations/messages/inbound";
        let (status, answer) = w.ghl_json(&token, Method::POST, path, body).await;
        let Some(id) = answer["messageId"].as_str() else {
            return (status, Value::Null);
        };
        let path = format!("/conversations/messages/{id}");
        (status, w.ghl_get(&token, &path).await.1["type"].clone())
    };
    assert_eq!(post(Some(&extra_id)).await, (201, json!(22)));
    assert_eq!(post(None).await, (201, Value::Null));
    assert_eq!(post(Some(&default_id)).await, (400, Value::Null));
    has(&w, false, true).await;
    assert_eq!(post(Some(&extra_id)).await, (400, Value::Null));
    assert_eq!(post(None).await, (201, json!(20)));
    assert_eq!(post(Some(&default_id)).await, (201, json!(20)));
    has(&w, true, true).await;
    assert_eq!(post(Some(&extra_id)).await, (201, json!(22)));
    assert_eq!(post(None).await, (201, json!(20)));
}
