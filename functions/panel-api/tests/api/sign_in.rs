//! Names and passwords.

use axum::http::{Method, header};
use greenhub::crypto::sha256_hex;
use greenhub::store::db::Table;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use serde_json::{Value, json};

use super::support::{Browser, OWNER, PASSWORD, browser, rights, world};

#[tokio::test]
async fn the_right_password_opens_a_session_of_which_only_a_hash_is_kept() {
    // AC 96
    let world = world().await;
    world.owner().await;
    let answer = world
        .password(&browser(), OWNER, PASSWORD)
        .await
        .is(200, "");
    assert_eq!(answer.json["status"], "signed_in");
    let set = answer.headers.get_all(header::SET_COOKIE).iter();
    let set: Vec<_> = set.map(|it| it.to_str().unwrap()).collect();
    let session = answer.cookie("g-session").unwrap();
    assert!(session.len() >= 43, "32 random bytes: {session}");
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/;"] {
        assert!(set[0].contains(attribute), "{}", set[0]);
    }
    assert!(!answer.text.contains(&session), "no script reads it");

    let rows = format!(
        "{:?}",
        [Table::Directory, Table::Runtime].map(|it| world.db.rows(it))
    );
    assert!(!rows.contains(&session));
    assert!(rows.contains(&sha256_hex(&session)));
    assert!(!rows.contains(PASSWORD));
    let csrf = answer.json["csrfToken"].as_str().unwrap();
    assert!(!rows.contains(csrf));

    let me = world
        .me(&Browser {
            session: Some(session.clone()),
            ..browser()
        })
        .await;
    assert_eq!(me.is(200, "").json["csrfToken"], csrf);
    // What is kept opens nothing, and a cookie is no bearer's token.
    let hash = Browser {
        session: Some(sha256_hex(&session)),
        ..browser()
    };
    world.me(&hash).await.is(401, "sign_in_needed");
    world
        .bearer(&session, Method::GET, "/api/me", Value::Null)
        .await
        .is(401, "");
    // The name is found however it is written.
    for login in [" Olga@Shop.Example ", "OLGA@SHOP.EXAMPLE"] {
        world
            .password(&browser(), login, PASSWORD)
            .await
            .is(200, "");
    }
    for (login, password) in [
        (OWNER, "correct horse batterz"),
        (OWNER, ""),
        ("nobody@shop.example", PASSWORD),
        ("", PASSWORD),
    ] {
        let answer = world.password(&browser(), login, password).await;
        let answer = answer.is(401, "wrong_password");
        assert_eq!(answer.cookie("g-session"), None);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_for_an_account_and_for_an_address() {
    // AC 99
    let world = world().await;
    let owner = world.owner().await;
    world.add(&owner, "anna", rights("", &[])).await;
    let at = |address| Browser {
        address,
        ..Browser::default()
    };
    // An account, from wherever: known or not.
    for login in [OWNER, "nobody"] {
        let addresses = ["203.0.113.1", "203.0.113.2"];
        for n in 0..10 {
            let from = at(addresses[n % 2]);
            world
                .password(&from, login, "wrong password")
                .await
                .is(401, "wrong_password");
        }
        let from = at("203.0.113.9");
        let answer = world.password(&from, login, "wrong password").await;
        let answer = answer.is(429, "too_many_tries");
        let wait = answer.json["retryAfter"].as_u64().unwrap();
        assert!((1..=901).contains(&wait), "{wait}");
        // The right one does not help either, or it could be found that way.
        world
            .password(&from, login, PASSWORD)
            .await
            .is(429, "too_many_tries");
    }
    // An address that tries one name after the other.
    let world = world.another_instance();
    for n in 0..10 {
        let login = format!("somebody{n}");
        let from = at("203.0.113.20");
        world
            .password(&from, &login, "wrong password")
            .await
            .is(401, "");
    }
    world
        .password(&at("203.0.113.20"), "anna", PASSWORD)
        .await
        .is(429, "too_many_tries");
    world
        .password(&at("203.0.113.21"), "anna", PASSWORD)
        .await
        .is(200, "");
    world.later(31 * 60 * 1000);
    world
        .password(&at("203.0.113.20"), "anna", PASSWORD)
        .await
        .is(200, "");
    world
        .password(&at("203.0.113.20"), OWNER, PASSWORD)
        .await
        .is(200, "");
    // Who is right is not counted: a whole office may come in from one address.
    for _ in 0..15 {
        world
            .password(&at("203.0.113.22"), "anna", PASSWORD)
            .await
            .is(200, "");
    }
}

#[tokio::test]
async fn a_person_goes_on_on_our_site() {
    // AC 101
    let world = world().await;
    let owner = world.owner().await;
    world.add(&owner, "anna", rights("", &[])).await;
    world.add(&owner, "max", rights("u", &[])).await;
    let check = async |login: &str, next: Value, expect: &str| {
        let body = json!({ "login": login, "password": PASSWORD, "next": next });
        let answer = world
            .call(&browser(), Method::POST, "/api/sign-in", body)
            .await;
        assert_eq!(answer.is(200, "").json["next"], expect, "{login} {next}");
    };
    check("anna", json!("/chats/abc"), "/chats/abc").await;
    check("anna", json!("https://evil.tld/x"), "/chats").await;
    check("anna", json!("//evil.tld"), "/chats").await;
    check("anna", json!("/\\evil.tld"), "/chats").await;
    check("anna", Value::Null, "/chats").await;
    check("max", json!("//evil.tld"), "/people").await;
    check(OWNER, json!("//evil.tld"), "/").await;
}

#[tokio::test]
async fn a_password_of_the_older_panel_works_and_is_kept_anew() {
    let world = world().await;
    let owner = world.owner().await;
    let id = world.my_id(&owner).await;
    let old = bcrypt::hash_with_salt(PASSWORD, 4, [7; 16])
        .unwrap()
        .to_string();
    let person = world.person(&id).await;
    let key = keys::person(&person.workspace, &person.person);
    row::change::<PersonRow>(&world.db, &key, |row| {
        row.password = Some(old.clone());
        true
    })
    .await
    .unwrap();
    world
        .password(&browser(), OWNER, "wrong password")
        .await
        .is(401, "");
    assert_eq!(world.person(&id).await.password, Some(old));
    world.sign_in(OWNER).await;
    let kept = world.person(&id).await.password.unwrap();
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    world.sign_in(OWNER).await;
}
