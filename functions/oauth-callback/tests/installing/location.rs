//! Installations in a single sub-account.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use greenhub::clock::Clock;
use greenhub::domain::ids::LocationId;
use greenhub::store::db::{Db, Table};
use greenhub::store::directory::{self, InstallRow, InstallState};
use greenhub::store::{keys, row};
use greenhub_sandbox::SandboxConfig;
use serde_json::{Value, json};

use super::support::{COMPANY, L1, number, token_answer, world, world_at};

#[tokio::test]
async fn an_installation_stores_the_tokens() {
    // AC 1
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let before_ms = Clock::system().now_ms();
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    let after_ms = Clock::system().now_ms();
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("Acme Plumbing"), "{}", page.html);
    assert_eq!(
        page.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );

    let calls = world.calls("ghl", "/oauth/token").await;
    assert_eq!(calls.len(), 1);
    let form = &calls[0]["body"];
    let form = match form {
        Value::String(text) => url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect::<BTreeMap<_, _>>(),
        form => serde_json::from_value(form.clone()).unwrap(),
    };
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], code);
    assert_eq!(form["redirect_uri"], "https://hub.example/oauth/callback");
    assert_eq!(form["user_type"], "Location");

    let install = world.installation(L1).await.unwrap();
    assert_eq!(install.state, InstallState::Active);
    let life_ms = 86_399_000;
    assert!((before_ms + life_ms..=after_ms + life_ms).contains(&install.expires_ms));
    // Its journal is compared from now on.
    let due_ms = install.due_at.unwrap();
    assert!((before_ms + 1..=after_ms + 300_000).contains(&due_ms));
    assert!(install.due_shard.is_some());
    assert_eq!(install.company.as_ref().unwrap().as_str(), COMPANY);

    let workspace = world.workspace(L1).await;
    assert_eq!(workspace.name, "Acme Plumbing");
    assert_eq!(workspace.country.as_deref(), Some("US"));
    assert_eq!(workspace.location, Some(LocationId::new(L1)));

    // The stored token is the one that works, and it is nowhere in clear.
    let access = world.token(&install, &install.access_sealed, InstallRow::ACCESS);
    let refresh = world.token(&install, &install.refresh_sealed, InstallRow::REFRESH);
    let told = world
        .http
        .get(world.address(&format!("/locations/{L1}")))
        .bearer_auth(&access)
        .header("version", "2021-07-28")
        .send()
        .await
        .unwrap();
    assert_eq!(told.status(), 200);
    // AC 161
    let dump = format!("{:?}", world.db.rows(Table::Directory));
    assert!(!dump.contains(&access) && !dump.contains(&refresh));
    assert!(!page.html.contains(&access) && !page.html.contains(&refresh));
}

#[tokio::test]
async fn a_second_installation_replaces_the_tokens_and_keeps_the_numbers() {
    // AC 2
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    world.open(&format!("/oauth/callback?code={code}")).await;
    let first = world.installation(L1).await.unwrap();
    let number = number(&first.workspace);
    let key = keys::number(&number.workspace, &number.number);
    let write = row::save(key, &mut number.clone()).unwrap();
    world.db.write(vec![write]).await.unwrap();

    let code = world.consent(&format!("location_id={L1}")).await;
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let second = world.installation(L1).await.unwrap();
    assert_eq!(second.workspace, first.workspace);
    let token = |row: &InstallRow| world.token(row, &row.access_sealed, InstallRow::ACCESS);
    assert_ne!(token(&second), token(&first));

    let numbers = directory::numbers(&world.db, &first.workspace)
        .await
        .unwrap();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0].location, Some(LocationId::new(L1)));
    assert_eq!(numbers[0].token_sealed, number.token_sealed);
}

#[tokio::test]
async fn the_code_is_all_that_is_read() {
    // AC 3
    let world = world().await;
    let refused = [
        "/oauth/callback",
        "/oauth/callback?code=",
        "/oauth/callback?code=%20",
        "/oauth/callback?state=x&error=access_denied",
    ];
    for path in refused {
        let page = world.open(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(world.calls("ghl", "/oauth/token").await.len(), 0);
    assert_eq!(world.rows(), 0);

    // AC 4
    let code = world.consent(&format!("location_id={L1}")).await;
    let path = format!("/oauth/callback?locationId=Lo2sandboxBetaDental&code={code}&state=s&x=%ff");
    let page = world.open(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert_eq!(world.installation(L1).await.unwrap().location.as_str(), L1);
}

#[tokio::test]
async fn a_refusal_is_explained_and_stores_nothing() {
    let world = world().await;
    let check = async |fault: Value, expect: StatusCode, words: &str| {
        world.fault(fault).await;
        let page = world.open("/oauth/callback?code=c0de").await;
        assert_eq!(page.status, expect, "{}", page.html);
        assert!(page.html.contains(words), "{words}: {}", page.html);
        assert!(!page.html.contains("access-7") && !page.html.contains("refresh-7"));
        assert_eq!(world.rows(), 0, "{words}");
    };
    let answer = |status: u16, body: Value| {
        json!({
            "provider": "ghl", "path_contains": "/oauth/token", "times": 1,
            "status": status, "body": body,
        })
    };
    let refused = StatusCode::BAD_REQUEST;
    // AC 5
    let grant = answer(400, json!({ "error": "invalid_grant" }));
    check(grant, refused, "invalid_grant").await;
    let unknown = answer(
        401,
        json!({ "error": "UnAuthorized!", "error_description": "Authorization code not found" }),
    );
    check(unknown, refused, "invalid_code").await;
    let hostile = answer(422, json!({ "message": "<img src=x onerror=1>" }));
    check(hostile, refused, "&#60;img src=x onerror=1&#62;").await;

    // AC 6
    let unnamed = token_answer(json!({ "userType": "Location" }));
    check(unnamed, refused, "location id is missing").await;
    // What is not said to be an agency's is none.
    let untyped = token_answer(json!({}));
    check(untyped, refused, "location id is missing").await;
    let nobodys = token_answer(json!({ "userType": "Company", "companyId": "" }));
    check(nobodys, refused, "agency&#39;s id is missing").await;

    let down = StatusCode::BAD_GATEWAY;
    check(answer(503, json!({})), down, "does not answer").await;
    check(answer(429, json!({})), down, "does not answer").await;
    check(answer(200, json!({ "ok": true })), down, "does not answer").await;
    let cut =
        json!({ "provider": "ghl", "path_contains": "/oauth/token", "times": 1, "drop": true });
    check(cut, down, "does not answer").await;
}

#[tokio::test]
async fn an_unreachable_provider_is_told() {
    let sandbox = greenhub_sandbox::start(SandboxConfig::default())
        .await
        .unwrap();
    let world = world_at(sandbox, "http://127.0.0.1:1");
    let page = world.open("/oauth/callback?code=c0de").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_location_without_a_name_is_installed_too() {
    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let fault = json!({
        "provider": "ghl", "path_contains": "/locations/", "times": 1, "status": 503, "body": {},
    });
    world.fault(fault).await;
    let page = world.open(&format!("/oauth/callback?code={code}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let workspace = world.workspace(L1).await;
    assert_eq!(workspace.name, L1);
}

#[tokio::test]
async fn a_page_is_in_the_persons_language_and_runs_nothing() {
    let world = world().await;
    let check = async |lang: &str, expect: &str| {
        let page = world.open_with("/oauth/callback", lang, "").await;
        let html = &page.html;
        assert!(
            html.contains(&format!("<html lang=\"{expect}\">")),
            "{html}"
        );
        assert!(
            !html.contains("<script") && !html.contains("style=\""),
            "{html}"
        );
        let policy = page.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
    };
    check("ru-RU,ru;q=0.9,en;q=0.8", "ru").await;
    check("en-US", "en").await;
    check("de", "en").await;
}

#[tokio::test]
async fn an_address_opens_the_callback_a_hundred_times_a_minute() {
    // AC 32
    let world = world().await;
    for _ in 0..100 {
        let page = world.open("/oauth/callback").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
    let page = world.open("/oauth/callback?code=x").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
}
