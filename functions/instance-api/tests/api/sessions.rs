//! `POST /api/session/ghl`, and what a session is good for.

use axum::http::Method;
use greenhub::crypto::sha256_hex;
use greenhub::domain::ids::CompanyId;
use greenhub::store::db::{Db, Table};
use greenhub::store::directory::InstallState;
use greenhub::store::keys;
use serde_json::{Value, json};

use super::support::{ALICE, BOB, CAROL, L1, L2, World, world};

async fn check(world: &World, authorization: Option<&str>, expect: u16) {
    let answer = world
        .call(Method::GET, "/api/instances", authorization, "")
        .await;
    assert_eq!(answer.status, expect, "{authorization:?}: {}", answer.text);
}

#[tokio::test]
async fn a_context_becomes_a_session() {
    // AC 18
    let world = world().await;
    let context = world.context(L1, &format!("user={ALICE}")).await;
    let answer = world.exchange(&context).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["expiresIn"], 900);
    assert_eq!(answer.json["workspace"], "w1");
    assert_eq!(answer.json["workspaceName"], "Shop w1");
    assert_eq!(answer.json["locationId"], L1);
    assert_eq!(answer.json["userName"], "Alice Acme");
    assert_eq!(answer.json["role"], "admin");
    assert_eq!(answer.json["isAdmin"], true);
    assert_eq!(answer.json["lang"], "en");
    assert_eq!(answer.json["connected"], true);
    assert_eq!(answer.json["install"]["state"], "active");
    assert_eq!(answer.json["install"]["problem"], Value::Null);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let token = answer.json["token"].as_str().unwrap();
    assert_eq!(token.len(), 43);
    check(&world, Some(&format!("Bearer {token}")), 200).await;

    // Only its hash is kept.
    let dump = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(!dump.contains(token) && !dump.contains(&context));
    let kept = world
        .db
        .get(&keys::session(&sha256_hex(token)))
        .await
        .unwrap();
    assert!(kept.is_some());

    // A location whose tokens are refused can be seen, and says so.
    let refused = InstallState::NeedsReauthorization;
    world
        .change_install(L1, |install| {
            install.state = refused;
            install.problem = Some("the refresh token was refused".to_owned());
        })
        .await;
    let context = world.context(L1, &format!("user={BOB}")).await;
    let answer = world.exchange(&context).await;
    assert_eq!(answer.json["connected"], false, "{}", answer.text);
    assert_eq!(answer.json["role"], "user");
    assert_eq!(answer.json["isAdmin"], false);
    // AC 17: the part that the page is told.
    let install = &answer.json["install"];
    assert_eq!(install["state"], "needs_reauthorization");
    assert_eq!(install["problem"], "the refresh token was refused");
}

#[tokio::test]
async fn a_session_can_be_looked_at_and_ended() {
    let world = world().await;
    let bearer = |token: &str| format!("Bearer {token}");
    let token = world.sign_in(L1, BOB).await;
    let other = world.sign_in(L1, BOB).await;
    let look = async || {
        world
            .with(&token, Method::GET, "/api/session", Value::Null)
            .await
    };
    let answer = look().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["expiresIn"], 900);
    assert_eq!(answer.json["role"], "user");
    assert_eq!(answer.json["token"], Value::Null);
    assert_eq!(answer.json["connected"], true);
    // What GoHighLevel does meanwhile shows without a new session.
    let suspended = InstallState::Suspended;
    world
        .change_install(L1, |install| install.state = suspended)
        .await;
    world.later(60_000);
    let answer = look().await;
    assert_eq!(answer.json["install"]["state"], "suspended");
    assert_eq!(answer.json["expiresIn"], 840);

    let ended = world
        .with(&token, Method::DELETE, "/api/session", Value::Null)
        .await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    check(&world, Some(&bearer(&token)), 401).await;
    check(&world, Some(&bearer(&other)), 200).await;
}

#[tokio::test]
async fn a_session_tells_where_the_installation_stands_now() {
    // AC 17: the API's part.
    let world = world().await;
    let token = world.sign_in(L1, BOB).await;
    let check = async |state: InstallState, expect: &str, connected: bool| {
        world
            .change_install(L1, |install| install.state = state)
            .await;
        let answer = world
            .with(&token, Method::GET, "/api/session", Value::Null)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["connected"], connected, "{}", answer.text);
        assert_eq!(answer.json["install"]["state"], expect, "{}", answer.text);
    };
    check(InstallState::Active, "active", true).await;
    check(InstallState::Suspended, "suspended", true).await;
    let refused = InstallState::NeedsReauthorization;
    check(refused, "needs_reauthorization", false).await;
    check(InstallState::Active, "active", true).await;
    world
        .change_install(L1, |install| install.state = InstallState::Uninstalled)
        .await;
    let answer = world
        .with(&token, Method::GET, "/api/session", Value::Null)
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn garbage_is_no_context() {
    // AC 19
    let world = world().await;
    let good = world.context(L1, "").await;
    // The salt of another context: as if it were encrypted with another secret.
    let other = world.context(L1, "").await;
    let swapped = format!("{}{}", &other[..24], &good[24..]);
    let check = async |body: Value, expect: &str| {
        let sent = body.to_string();
        let answer = world
            .call(Method::POST, "/api/session/ghl", None, sent)
            .await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert_eq!(answer.json["code"], expect, "{body}");
        assert!(!answer.text.contains(L1) && !answer.text.contains("userId"));
    };
    check(json!({ "encryptedData": "garbage" }), "bad_context").await;
    check(json!({ "encryptedData": "" }), "bad_context").await;
    check(json!({ "encryptedData": swapped }), "bad_context").await;
    check(json!({ "encryptedData": &good[..99] }), "bad_context").await;
    check(json!({ "encryptedData": null }), "bad_body").await;
    check(json!({ "encryptedData": 7 }), "bad_body").await;
    check(json!({}), "bad_body").await;
    check(json!([]), "bad_body").await;
    check(json!("x"), "bad_body").await;
    // What has the form of a context was one presentation of it.
    let rows = world.db.rows(Table::Runtime);
    let seen = rows.iter().filter(|(key, _)| key.sk == "CONTEXT").count();
    assert_eq!(seen, 1, "{rows:?}");
    assert_eq!(world.exchange(&other).await.json["code"], "context_used");
    // None of that has used this one up.
    assert_eq!(world.exchange(&good).await.status, 200);
}

#[tokio::test]
async fn nobody_tries_altered_copies_of_a_context_until_one_opens() {
    // A context has no signature: blocks of it can be altered, and may mean another role then.
    let world = world().await;
    let context = world.context(L1, &format!("user={BOB}")).await;
    let altered = |n: usize| {
        let mut bytes = context.clone().into_bytes();
        let at = 40 + n;
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let first = world.exchange(&altered(0)).await;
    assert_eq!(first.json["code"], "bad_context", "{}", first.text);
    for n in 1..5 {
        let answer = world.exchange(&altered(n)).await;
        let code = answer.json["code"].as_str().unwrap();
        assert!(["bad_context", "context_used"].contains(&code), "{code}");
    }
    let answer = world.exchange(&context).await;
    assert_eq!(answer.json["code"], "context_used", "{}", answer.text);
}

#[tokio::test]
async fn a_page_outside_of_a_sub_account_is_told_so() {
    // AC 20
    let world = world().await;
    let context = world.context(L1, "agency=1").await;
    let answer = world.exchange(&context).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json["code"], "sub_account_needed");
    assert!(
        answer.json["detail"]
            .as_str()
            .unwrap()
            .contains("sub-account")
    );
}

#[tokio::test]
async fn only_an_installed_location_has_sessions() {
    // AC 41
    let world = world().await;
    let session = world.sign_in(L1, ALICE).await;
    let check = async |location: &str| {
        let context = world.context(location, "").await;
        let answer = world.exchange(&context).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(answer.json["code"], "not_installed");
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains("authorise the app"), "{detail}");
    };
    world
        .change_install(L1, |install| install.state = InstallState::Uninstalled)
        .await;
    check(L1).await;
    // A session from before ends with the installation.
    self::check(&world, Some(&format!("Bearer {session}")), 401).await;

    let other = CompanyId::new("Co8another");
    world
        .change_install(L2, |install| install.company = Some(other.clone()))
        .await;
    check(L2).await;
    // An automatic installation does not know its agency.
    world
        .change_install(L2, |install| install.company = None)
        .await;
    world.sign_in(L2, CAROL).await;
}

#[tokio::test]
async fn a_context_works_once() {
    // AC 28
    let world = world().await;
    let context = world.context(L1, "").await;
    assert_eq!(world.exchange(&context).await.status, 200);
    let padded = format!(" {}\n", context.trim_end_matches('='));
    // The last block altered: a copy that still decrypts would be one more use of the same context.
    let mut altered = context.clone().into_bytes();
    let at = altered.len() - 8;
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    for again in [context, padded] {
        let answer = world.exchange(&again).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.json["code"], "context_used");
    }
    assert!(matches!(world.exchange(&altered).await.status, 400 | 401));

    // A captured one is of no use to anybody, however long it is kept.
    let kept = world.context(L1, "").await;
    assert_eq!(world.exchange(&kept).await.status, 200);
    for _ in 0..3 {
        world.later(13 * 3600 * 1000);
        let answer = world.exchange(&kept).await;
        assert_eq!(answer.json["code"], "context_used", "{}", answer.text);
    }

    // Of two at once one wins.
    let context = world.context(L1, "").await;
    let (a, b) = tokio::join!(world.exchange(&context), world.exchange(&context));
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [200, 401]);
}

#[tokio::test]
async fn a_session_ends_and_nothing_else_is_one() {
    // AC 21, AC 28
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let context = world.context(L1, "").await;
    check(&world, Some(&format!("Bearer {token}")), 200).await;
    check(&world, Some(&format!("bearer {token}")), 200).await;
    check(&world, None, 401).await;
    check(&world, Some(""), 401).await;
    check(&world, Some("Bearer"), 401).await;
    check(&world, Some("Bearer "), 401).await;
    check(&world, Some("Bearer garbage"), 401).await;
    check(&world, Some(&token), 401).await;
    check(&world, Some(&format!("Basic {token}")), 401).await;
    check(&world, Some(&format!("Bearer {}", sha256_hex(&token))), 401).await;
    check(&world, Some(&format!("Bearer {context}")), 401).await;

    // A quarter of an hour, and using it makes it no longer.
    world.later(14 * 60 * 1000);
    check(&world, Some(&format!("Bearer {token}")), 200).await;
    world.later(60 * 1000);
    check(&world, Some(&format!("Bearer {token}")), 401).await;
}
