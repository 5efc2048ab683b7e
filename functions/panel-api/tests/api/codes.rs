//! Second steps: codes by Telegram, of an app, and those that were put away.

use axum::http::Method;
use greenhub::account::code_sender::NotSent;
use greenhub::account::telegram_link::{self, Redeemed};
use greenhub::store::db::Table;
use serde_json::{Value, json};
use totp_rs::Totp;

use super::support::{Answer, Browser, OWNER, PASSWORD, World, browser, rights, world};

const CHAT: i64 = 777_000_111;

/// Links a Telegram account the way people do: by the bot, which is opened by a link.
async fn link_telegram(world: &World, who: &Browser) {
    let path = "/api/me/second-step/telegram";
    let link = world
        .call(who, Method::POST, path, Value::Null)
        .await
        .is(201, "");
    let url = link.json["url"].as_str().unwrap();
    let nonce = url.strip_prefix("https://t.me/shop_bot?start=").unwrap();
    let rows = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(!rows.contains(nonce), "only its hash is kept");
    let redeem = || telegram_link::redeem(&world.db, &world.clock, nonce, CHAT, "Olga T");
    let redeemed = redeem().await.unwrap();
    assert!(matches!(redeemed, Redeemed::Linked { .. }), "{redeemed:?}");
    assert_eq!(redeem().await.unwrap(), Redeemed::Unknown, "once");
}

/// Sets an app up. Gives it, and the recovery codes.
async fn link_app(world: &World, who: &Browser) -> (Totp, Vec<String>) {
    let path = "/api/me/second-step/totp";
    let new = world
        .call(who, Method::POST, path, Value::Null)
        .await
        .is(201, "");
    let url = new.json["url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/"), "{url}");
    let app = Totp::from_url(url).unwrap();
    let rows = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(
        !rows.contains(new.json["secret"].as_str().unwrap()),
        "sealed"
    );
    let prove = async |code: String| {
        let path = "/api/me/second-step/totp/code";
        world
            .call(who, Method::PUT, path, json!({ "code": code }))
            .await
    };
    prove("000000".to_owned()).await.is(422, "wrong_code");
    let proved = prove(code_of(world, &app)).await.is(200, "");
    let codes = proved.json["codes"].as_array().unwrap().iter();
    (
        app,
        codes.map(|it| it.as_str().unwrap().to_owned()).collect(),
    )
}

fn code_of(world: &World, app: &Totp) -> String {
    let now_s = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    app.generate(now_s).to_string()
}

async fn begin(world: &World) -> (Browser, Answer) {
    let answer = world
        .password(&browser(), OWNER, PASSWORD)
        .await
        .is(200, "");
    assert_eq!(answer.json["status"], "code_needed", "{}", answer.text);
    assert_eq!(answer.cookie("g-session"), None);
    let challenge = answer.cookie("g-challenge");
    assert!(challenge.is_some());
    (
        Browser {
            challenge,
            ..browser()
        },
        answer,
    )
}

async fn type_code(world: &World, browser: &Browser, code: &str) -> Answer {
    let body = json!({ "code": code });
    world
        .call(browser, Method::POST, "/api/sign-in/code", body)
        .await
}

fn other_than(code: &str) -> &'static str {
    if code == "123456" { "654321" } else { "123456" }
}

#[tokio::test]
async fn a_code_comes_by_telegram_and_ends_with_its_time_and_its_tries() {
    // AC 97
    let world = world().await;
    let owner = world.owner().await;
    link_telegram(&world, &owner).await;
    let (browser, answer) = begin(&world).await;
    assert_eq!(answer.json["sent"], true);
    assert_eq!(answer.json["triesLeft"], 5);
    let code = world.telegram.last_code();
    assert_eq!(code.len(), 6);
    assert!(code.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(world.telegram.sent.lock().unwrap().last().unwrap().0, CHAT);
    let rows = format!("{:?}", world.db.rows(Table::Runtime));
    assert!(
        !rows.contains(&format!("\"{code}\"")),
        "only its hash is kept"
    );
    let wrong = type_code(&world, &browser, other_than(&code)).await;
    assert_eq!(wrong.is(401, "wrong_code").json["triesLeft"], 4);
    let right = type_code(&world, &browser, &format!(" {code} "))
        .await
        .is(200, "");
    let session = right.cookie("g-session");
    let inside = Browser {
        session,
        ..browser.clone()
    };
    world.me(&inside).await.is(200, "");
    // It works once.
    type_code(&world, &browser, &code)
        .await
        .is(401, "challenge_over");

    // Five wrong ones end it, also for the right one.
    let (browser, _) = begin(&world).await;
    let code = world.telegram.last_code();
    for left in (1..5).rev() {
        let wrong = type_code(&world, &browser, other_than(&code)).await;
        assert_eq!(wrong.is(401, "wrong_code").json["triesLeft"], left);
    }
    type_code(&world, &browser, other_than(&code))
        .await
        .is(401, "challenge_over");
    type_code(&world, &browser, &code)
        .await
        .is(401, "challenge_over");

    // So do ten minutes.
    let (browser, _) = begin(&world).await;
    world.later(10 * 60 * 1000);
    type_code(&world, &browser, &world.telegram.last_code())
        .await
        .is(401, "challenge_over");

    // And giving up.
    let (browser, _) = begin(&world).await;
    world
        .call(&browser, Method::DELETE, "/api/sign-in", Value::Null)
        .await
        .is(204, "");
    type_code(&world, &browser, &world.telegram.last_code())
        .await
        .is(401, "challenge_over");

    // A code is of no use for another challenge.
    let (first, _) = begin(&world).await;
    let of_first = world.telegram.last_code();
    let (second, _) = begin(&world).await;
    if world.telegram.last_code() != of_first {
        type_code(&world, &second, &of_first)
            .await
            .is(401, "wrong_code");
    }
    type_code(&world, &first, &of_first).await.is(200, "");
}

#[tokio::test]
async fn a_code_works_on_every_server_and_after_a_restart() {
    // AC 98
    let world = world().await;
    let owner = world.owner().await;
    link_telegram(&world, &owner).await;
    let (browser, _) = begin(&world).await;
    let code = world.telegram.last_code();
    let other = world.another_instance();
    // The page that is loaded again is where it was.
    let shown = other
        .call(&browser, Method::GET, "/api/sign-in", Value::Null)
        .await;
    assert_eq!(shown.is(200, "").json["status"], "code_needed");
    let wrong = type_code(&other, &browser, other_than(&code)).await;
    assert_eq!(wrong.is(401, "wrong_code").json["triesLeft"], 4);
    let wrong = type_code(&world, &browser, other_than(&code)).await;
    assert_eq!(wrong.is(401, "wrong_code").json["triesLeft"], 3);
    type_code(&other.another_instance(), &browser, &code)
        .await
        .is(200, "");
    let shown = other
        .call(&browser, Method::GET, "/api/sign-in", Value::Null)
        .await;
    assert_eq!(shown.is(200, "").json["status"], "signed_out");
}

#[tokio::test]
async fn challenges_are_few_and_so_are_messages() {
    // AC 99
    let world = world().await;
    let owner = world.owner().await;
    link_telegram(&world, &owner).await;
    let (browser, _) = begin(&world).await;
    let again = async || {
        world
            .call(
                &browser,
                Method::POST,
                "/api/sign-in/send-code",
                Value::Null,
            )
            .await
    };
    again().await.is(429, "code_sent_already");
    world.later(30_000);
    let first = world.telegram.last_code();
    again().await.is(200, "");
    let second = world.telegram.last_code();
    if first != second {
        type_code(&world, &browser, &first)
            .await
            .is(401, "wrong_code");
    }
    for n in 2..5 {
        world.later(30_000);
        again().await.is(if n < 4 { 200 } else { 429 }, "");
    }
    for _ in 1..10 {
        begin(&world).await;
    }
    let elsewhere = Browser {
        address: "203.0.113.99",
        ..Browser::default()
    };
    world
        .password(&elsewhere, OWNER, PASSWORD)
        .await
        .is(429, "too_many_tries");
    let n_sent = world.telegram.sent.lock().unwrap().len();
    assert_eq!(n_sent, 10 + 3);
    world.later(31 * 60 * 1000);
    begin(&world).await;
}

#[tokio::test]
async fn without_a_way_to_telegram_a_person_is_told_what_to_do() {
    // AC 100
    let world = world().await;
    let owner = world.owner().await;
    link_telegram(&world, &owner).await;
    let fail = |error| *world.telegram.fails.lock().unwrap() = error;
    fail(Some(NotSent::MayNotWrite));
    let refused = world.password(&browser(), OWNER, PASSWORD).await;
    let refused = refused.is(409, "bot_may_not_write");
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(
        detail.contains("@shop_bot") && detail.contains("Start"),
        "{detail}"
    );
    assert_eq!(refused.json["botUrl"], "https://t.me/shop_bot");
    assert_eq!(refused.cookie("g-session"), None);
    assert_eq!(refused.cookie("g-challenge"), None);
    fail(Some(NotSent::NoBot));
    let refused = world
        .password(&browser(), OWNER, PASSWORD)
        .await
        .is(409, "no_bot");
    assert!(refused.json["detail"].as_str().unwrap().contains("reset"));
    fail(Some(NotSent::Unavailable));
    world
        .password(&browser(), OWNER, PASSWORD)
        .await
        .is(503, "try_again");
    // Who has put recovery codes away comes in with them.
    fail(None);
    let path = "/api/me/second-step/recovery-codes";
    let codes = world
        .call(&owner, Method::POST, path, Value::Null)
        .await
        .is(201, "");
    fail(Some(NotSent::MayNotWrite));
    let (browser, answer) = begin(&world).await;
    assert_eq!(answer.json["notSent"], "bot_may_not_write");
    assert_eq!(answer.json["recovery"], true);
    let code = codes.json["codes"][0].as_str().unwrap();
    type_code(&world, &browser, code).await.is(200, "");
}

#[tokio::test]
async fn an_apps_code_is_taken_once() {
    // AC 97: the second factor without Telegram.
    let world = world().await;
    let owner = world.owner().await;
    let other = world.sign_in(OWNER).await;
    let (app, codes) = link_app(&world, &owner).await;
    assert_eq!(codes.len(), 8);
    // What signs them in has changed: the session that did it goes on, the others end.
    world.me(&owner).await.is(200, "");
    world.me(&other).await.is(401, "");
    // Not the code that proved it.
    let (browser, answer) = begin(&world).await;
    assert_eq!(answer.json["totp"], true);
    assert_eq!(answer.json["sent"], false);
    type_code(&world, &browser, &code_of(&world, &app))
        .await
        .is(401, "wrong_code");
    world.later(60_000);
    let code = code_of(&world, &app);
    let halves = format!("{} {}", &code[..3], &code[3..]);
    type_code(&world, &browser, &halves).await.is(200, "");
    let (browser, _) = begin(&world).await;
    type_code(&world, &browser, &code)
        .await
        .is(401, "wrong_code");
    assert!(world.telegram.sent.lock().unwrap().is_empty());

    // Recovery codes work once each, however they are written.
    let written = codes[3].replace('-', " ").to_uppercase();
    type_code(&world, &browser, &written).await.is(200, "");
    let (browser, _) = begin(&world).await;
    type_code(&world, &browser, &codes[3])
        .await
        .is(401, "wrong_code");
    let shown = world
        .call(&owner, Method::GET, "/api/me/second-step", Value::Null)
        .await;
    assert_eq!(shown.is(200, "").json["recoveryCodesLeft"], 7);
    // New ones replace all of them.
    let path = "/api/me/second-step/recovery-codes";
    world
        .call(&owner, Method::POST, path, Value::Null)
        .await
        .is(201, "");
    let (browser, _) = begin(&world).await;
    type_code(&world, &browser, &codes[4])
        .await
        .is(401, "wrong_code");

    let path = "/api/me/second-step/totp";
    world
        .call(&owner, Method::DELETE, path, Value::Null)
        .await
        .is(204, "");
    world
        .call(&owner, Method::DELETE, path, Value::Null)
        .await
        .is(409, "not_set_up");
    world.sign_in(OWNER).await;
}

#[tokio::test]
async fn where_a_second_step_is_required_nobody_is_in_without_one() {
    let world = world().await;
    let owner = world.owner().await;
    let (_, anna) = world.add(&owner, "anna", rights("f", &[])).await;
    let policy = json!({ "secondStepRequired": true });
    let require = async |who: &Browser| {
        world
            .call(who, Method::PUT, "/api/policy", policy.clone())
            .await
    };
    require(&anna).await.is(403, "manager_needed");
    require(&owner).await.is(422, "bad_fields");
    link_app(&world, &owner).await;
    require(&owner).await.is(200, "");
    world.me(&owner).await.is(200, "");
    world.me(&anna).await.is(401, "");
    // Anna comes in, and can do nothing but set one up.
    let anna = world.sign_in("anna").await;
    assert_eq!(world.me(&anna).await.is(200, "").json["onlyEnrols"], true);
    let people = world
        .call(&anna, Method::GET, "/api/people", Value::Null)
        .await;
    people.is(403, "second_step_needed");
    let (_, codes) = link_app(&world, &anna).await;
    assert_eq!(codes.len(), 8);
    assert_eq!(world.me(&anna).await.is(200, "").json["onlyEnrols"], false);
    world
        .call(&anna, Method::GET, "/api/people", Value::Null)
        .await
        .is(200, "");
    // The last one stays.
    let path = "/api/me/second-step/totp";
    let removed = world.call(&anna, Method::DELETE, path, Value::Null).await;
    removed.is(409, "second_step_required");
    // Whoever is added begins there, too.
    let (_, max) = world.add(&owner, "max", rights("f", &[])).await;
    assert_eq!(world.me(&max).await.is(200, "").json["onlyEnrols"], true);
}
