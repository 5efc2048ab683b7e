//! A hundred requests a minute.

use axum::body::Body;
use axum::http::{Method, Request};
use greenhub::http::address::EDGE_HEADER;
use serde_json::{Value, json};

use super::support::{ALICE, Answer, EDGE_KEY, L1, World, world};

const OPEN: [(Method, &str); 2] = [
    (Method::GET, "/api/page-config"),
    (Method::POST, "/api/session/ghl"),
];

fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 429, "{what}: {}", answer.text);
    assert_eq!(answer.json["code"], "too_many_requests");
    let wait = answer.json["retryAfter"].as_u64().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(answer.headers["retry-after"], wait.to_string());
}

#[tokio::test]
async fn an_address_asks_an_open_route_a_hundred_times_a_minute() {
    // AC 32
    let world = world().await;
    let body = || json!({ "encryptedData": "garbage" }).to_string();
    for (method, path) in OPEN {
        let ask =
            |address: &'static str| world.call_from(address, method.clone(), path, None, body());
        for n in 0..100 {
            let answer = ask("203.0.113.7").await;
            assert_ne!(answer.status, 429, "{path}: request {n}");
        }
        assert_refused(&ask("203.0.113.7").await, path);
        // Nobody else pays for that.
        assert_ne!(ask("203.0.113.8").await.status, 429, "{path}");
    }
    // The document names no open route of ours that is not counted.
    let document = super::routes::document();
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/api/")) {
        for (method, operation) in item.as_object().unwrap() {
            let is_open = operation["security"] == json!([]);
            let is_tried = OPEN
                .iter()
                .any(|(tried, at)| at == path && tried.as_str().eq_ignore_ascii_case(method));
            assert_eq!(is_open, is_tried, "{method} {path}");
        }
    }
    world.later(120_000);
    let (method, path) = OPEN[0].clone();
    let answer = world
        .call_from("203.0.113.7", method, path, None, body())
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_address_behind_the_network_is_its_own_and_cannot_be_made_up() {
    let world = world().await;
    let ask = async |key: &str, forwarded: &str| {
        let request = Request::get("/api/page-config")
            .header(EDGE_HEADER, key)
            .header("x-forwarded-for", forwarded)
            .body(Body::empty())
            .unwrap();
        world.answer(request).await.status
    };
    for n in 0..100 {
        let made_up = format!("192.0.2.{n}, 203.0.113.7, 198.51.100.1");
        assert_eq!(ask(EDGE_KEY, &made_up).await, 200);
    }
    assert_eq!(ask(EDGE_KEY, "203.0.113.7, 198.51.100.1").await, 429);
    assert_eq!(ask(EDGE_KEY, "203.0.113.8, 198.51.100.1").await, 200);
    // Without the key the network is what asks.
    for _ in 0..100 {
        assert_eq!(ask("guessed", "203.0.113.7, 198.51.100.2").await, 200);
    }
    assert_eq!(ask("guessed", "203.0.113.9, 198.51.100.2").await, 429);
}

#[tokio::test]
async fn a_session_asks_a_route_a_hundred_times_a_minute() {
    let world = world().await;
    let one = world.sign_in(L1, ALICE).await;
    let other = world.sign_in(L1, ALICE).await;
    let ask = async |world: &World, session: &str, path: &str| {
        world.with(session, Method::GET, path, Value::Null).await
    };
    for _ in 0..100 {
        assert_eq!(ask(&world, &one, "/api/instances").await.status, 200);
    }
    assert_refused(&ask(&world, &one, "/api/instances").await, "a session");
    assert_eq!(ask(&world, &one, "/api/workspace").await.status, 200);
    assert_eq!(ask(&world, &other, "/api/instances").await.status, 200);
    world.later(120_000);
    assert_eq!(ask(&world, &one, "/api/instances").await.status, 200);
}

#[tokio::test]
async fn whoever_guesses_tokens_is_sent_away() {
    let world = world().await;
    let guess = async |n: usize| {
        let token = format!("Bearer guess{n}");
        let path = "/api/instances";
        world
            .call_from("203.0.113.7", Method::GET, path, Some(&token), "")
            .await
    };
    for n in 0..100 {
        assert_eq!(guess(n).await.status, 401);
    }
    assert_refused(&guess(100).await, "a guess");
    // Whoever has a session at the same address goes on.
    let alice = world.sign_in(L1, ALICE).await;
    let alice = format!("Bearer {alice}");
    let path = "/api/instances";
    let answer = world
        .call_from("203.0.113.7", Method::GET, path, Some(&alice), "")
        .await;
    assert_eq!(answer.status, 200);
}
