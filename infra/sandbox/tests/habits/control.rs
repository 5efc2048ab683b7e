//! The control interface itself.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use aws_lc_rs::{
    cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CUSTOMER, I1, L1, TOKEN1, world};

#[tokio::test]
async fn calls_are_recorded_whole() {
    let w = world(0.01).await;
    let path = format!("/waInstance{I1}/sendMessage/{TOKEN1}?a=1&b=%20");
    let body = json!({ "chatId": CUSTOMER, "message": "hi" });
    w.request(Method::POST, &path)
        .header("x-mine", "yes")
        .json(&body)
        .send()
        .await
        .unwrap();
    w.token(&[("grant_type", "refresh_token")]).await;
    let calls = w.control(Method::GET, "/calls", None).await.1;
    assert_eq!(calls.as_array().unwrap().len(), 2);
    let green = &calls[0];
    assert_eq!(green["provider"], "green-api");
    assert_eq!(green["method"], "POST");
    assert_eq!(
        green["path"],
        format!("/waInstance{I1}/sendMessage/{TOKEN1}")
    );
    assert_eq!(green["query"], json!({ "a": "1", "b": " " }));
    assert_eq!(green["headers"]["x-mine"], "yes");
    assert_eq!(green["body"], body);
    assert_eq!(green["status"], 200);
    assert_eq!(calls[1]["provider"], "ghl");
    assert!(
        calls[1]["body"]
            .as_str()
            .unwrap()
            .contains("grant_type=refresh_token")
    );
    let (first, second) = (
        green["seq"].as_u64().unwrap(),
        calls[1]["seq"].as_u64().unwrap(),
    );
    assert!(first < second);
    let later = w
        .control(Method::GET, &format!("/calls?after={first}"), None)
        .await
        .1;
    assert_eq!(later.as_array().unwrap().len(), 1);
    let ghl = w.control(Method::GET, "/calls?provider=ghl", None).await.1;
    assert_eq!(ghl, later);
    w.control(Method::POST, "/reset", None).await;
    assert_eq!(w.control(Method::GET, "/calls", None).await.1, json!([]));
}

#[tokio::test]
async fn a_reset_keeps_accounts() {
    let w = world(0.01).await;
    let token = w.access().await;
    let contact = w.contact(&token, "+79005550001").await;
    let reply = json!({ "locationId": L1, "contactId": contact, "message": "hi" });
    w.control(Method::POST, "/ghl/reply", Some(reply)).await;
    w.send_text("hi").await;
    w.control(Method::POST, "/reset", None).await;
    assert!(w.phone().await.is_empty());
    let shown = w
        .control(Method::GET, &format!("/ghl/{L1}/conversations"), None)
        .await
        .1;
    assert_eq!(shown[0]["messages"], json!([]));
    assert_eq!(
        w.control(Method::GET, "/deliveries", None).await.1,
        json!([])
    );
    assert_eq!(
        w.ghl_get(&token, &format!("/contacts/{contact}")).await.0,
        200
    );
}

#[tokio::test]
async fn accounts_can_be_added() {
    let w = world(0.01).await;
    let body = json!({ "idInstance": 710722725742_u64, "apiTokenInstance": "abc", "phone": "+7 900 1", "stateInstance": "notAuthorized" });
    let (status, made) = w
        .control(Method::POST, "/green-api", Some(body.clone()))
        .await;
    assert_eq!(status, 200, "{made}");
    let state = w
        .request(Method::GET, "/waInstance710722725742/getStateInstance/abc")
        .send()
        .await
        .unwrap();
    assert_eq!(
        state.json::<Value>().await.unwrap()["stateInstance"],
        "notAuthorized"
    );
    assert_eq!(
        w.control(Method::POST, "/green-api", Some(body)).await.0,
        400,
        "it exists"
    );
    let (_, made) = w.control(Method::POST, "/green-api", Some(json!({}))).await;
    assert_eq!(made["apiTokenInstance"].as_str().unwrap().len(), 50);
    let (_, made) = w
        .control(
            Method::POST,
            "/ghl/locations",
            Some(json!({ "name": "Third" })),
        )
        .await;
    w.install(made["locationId"].as_str().unwrap()).await;
    let accounts = w.control(Method::GET, "/accounts", None).await.1;
    assert_eq!(
        accounts["greenApi"]["instances"].as_array().unwrap().len(),
        5
    );
    assert_eq!(accounts["ghl"]["locations"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn unknown_ids_are_404_in_json() {
    let w = world(0.01).await;
    let cases = [
        (Method::GET, "/green-api/1/phone/x@c.us", None),
        (
            Method::POST,
            "/green-api/1/incoming",
            Some(json!({ "from": "7900", "text": "x" })),
        ),
        (Method::POST, "/green-api/1/notify", Some(json!({}))),
        (
            Method::PUT,
            "/green-api/1/state",
            Some(json!({ "stateInstance": "authorized" })),
        ),
        (Method::GET, "/ghl/nobody/contacts", None),
        (Method::GET, "/ghl/nobody/conversations", None),
        (Method::GET, "/ghl/nobody/sso", None),
        (
            Method::POST,
            "/ghl/reply",
            Some(json!({ "locationId": "x", "contactId": "y", "message": "" })),
        ),
        (Method::GET, "/no/such/thing", None),
    ];
    for (method, path, body) in cases {
        let (status, body) = w.control(method, path, body).await;
        assert_eq!(status, 404, "{path}");
        assert!(body["error"].is_string(), "{path} {body}");
    }
}

/// Our own reading of the format: MD5 chains of passphrase and salt give key and vector.
fn decrypt(blob: &str, passphrase: &str) -> Value {
    let bytes = STANDARD.decode(blob).unwrap();
    assert_eq!(&bytes[..8], b"Salted__");
    let salt = &bytes[8..16];
    let mut derived: Vec<u8> = Vec::new();
    while derived.len() < 48 {
        let mut hash = Md5::new();
        if let Some(at) = derived.len().checked_sub(16) {
            hash.update(&derived[at..]);
        }
        hash.update(passphrase.as_bytes());
        hash.update(salt);
        derived.extend_from_slice(&hash.finalize());
    }
    let key = UnboundCipherKey::new(&AES_256, &derived[..32]).unwrap();
    let iv: [u8; 16] = derived[32..].try_into().unwrap();
    let mut text = bytes[16..].to_vec();
    let context = DecryptionContext::Iv128(FixedLength::from(&iv));
    let plain = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    serde_json::from_slice(plain.decrypt(&mut text, context).unwrap()).unwrap()
}

/// The same with the program that the contract names; `None` where it is not installed.
fn openssl(blob: &str, passphrase: &str) -> Option<Value> {
    let mut child = Command::new("openssl")
        .args([
            "enc",
            "-d",
            "-aes-256-cbc",
            "-md",
            "md5",
            "-a",
            "-A",
            "-k",
            passphrase,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(blob.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).ok()
}

#[tokio::test]
async fn user_contexts_decrypt() {
    let w = world(0.01).await;
    let secret = greenhub_sandbox::SandboxConfig::default().ghl.shared_secret;
    let cases = [
        ("", "Us1sandboxAcmeAlice1", "admin", "location", Some(L1)),
        (
            "?user=Us2sandboxAcmeBob001",
            "Us2sandboxAcmeBob001",
            "user",
            "location",
            Some(L1),
        ),
        (
            "?user=Us2sandboxAcmeBob001&role=admin",
            "Us2sandboxAcmeBob001",
            "admin",
            "location",
            Some(L1),
        ),
        (
            "?user=Us0sandboxAgencyAdm1",
            "Us0sandboxAgencyAdm1",
            "admin",
            "agency",
            Some(L1),
        ),
        ("?agency=1", "Us0sandboxAgencyAdm1", "admin", "agency", None),
    ];
    for (query, user, role, kind, location) in cases {
        let (_, body) = w
            .control(Method::GET, &format!("/ghl/{L1}/sso{query}"), None)
            .await;
        let blob = body["payload"].as_str().unwrap();
        let context = decrypt(blob, &secret);
        assert_eq!(context["userId"], user);
        assert_eq!(context["role"], role);
        assert_eq!(context["type"], kind);
        assert_eq!(
            context.get("activeLocation"),
            location.map(Value::from).as_ref()
        );
        match openssl(blob, &secret) {
            Some(other) => assert_eq!(other, context),
            None => eprintln!("openssl is not here: only our own reading was compared"),
        }
    }
}

/// The page and its news.
#[tokio::test]
async fn the_page_is_served_with_a_strict_policy() {
    let w = world(0.01).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.css", "text/css"),
        ("/page/app.js", "text/javascript"),
        ("/page/texts.js", "text/javascript"),
        ("/page/telegram.js", "text/javascript"),
    ] {
        let page = w.request(Method::GET, path).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(page.headers()["content-type"], kind);
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let text = page.text().await.unwrap();
        assert!(
            !text.contains("innerHTML") && !text.contains("<script>"),
            "{path}"
        );
    }
    let mut news = w
        .request(Method::GET, "/_sandbox/events")
        .send()
        .await
        .unwrap();
    assert_eq!(news.headers()["content-type"], "text/event-stream");
    w.send_text("hi").await;
    let chunk = String::from_utf8(news.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(
        chunk.contains("event: changed") && chunk.contains("data: green"),
        "{chunk}"
    );
}
