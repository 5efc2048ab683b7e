//! Every route of the inbox for those who may not.

use axum::http::Method;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::Table;
use greenhub::store::memory::MemoryDb;
use serde_json::{Value, json};

use super::support::{World, world};

struct Route {
    method: Method,
    path: String,
    has_body: bool,
    is_for_admins: bool,
}

/// The routes of these subjects, as the document has them.
fn routes() -> Vec<Route> {
    let document = panel_api::openapi::describe::<MemoryDb, MemoryQueue>([]);
    let document = serde_json::to_value(document).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let subjects = ["/api/chats", "/api/messages", "/api/inbox", "/api/health"];
        if !subjects.iter().any(|subject| path.starts_with(subject)) {
            continue;
        }
        for method in ["get", "put", "post", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                let method = method.to_uppercase().parse().unwrap();
                let route = Route {
                    method,
                    path: path.clone(),
                    has_body: operation["requestBody"].is_object(),
                    is_for_admins: operation["security"].to_string().contains("admin"),
                };
                routes.push(route);
            }
        }
    }
    routes
}

/// What each route with a body would do if it let the caller in.
fn body_of(method: &Method, path: &str) -> Value {
    match (method.as_str(), path) {
        ("POST", "/api/chats") => json!({ "number": "n1", "phone": "+79001234567" }),
        ("PATCH", "/api/chats/{id}") => json!({ "closed": true }),
        ("POST", "/api/chats/{id}/merge" | "/api/chats/{id}/split") => json!({ "chat": "c" }),
        ("POST", "/api/chats/{id}/messages") => {
            json!({ "requestId": "r", "kind": "text", "text": "hi" })
        }
        ("PATCH", "/api/messages/{message}") => json!({ "text": "hi all" }),
        ("POST", "/api/chats/{id}/uploads") => json!({ "name": "a.png", "nBytes": 1 }),
        ("POST", "/api/chats/{id}/files") => json!({ "requestId": "r", "uploads": ["u"] }),
        ("POST", "/api/messages/{message}/retry") => json!({}),
        ("POST", "/api/chats/{id}/notes")
        | ("PATCH", "/api/chats/{id}/notes/{note}")
        | ("PUT", "/api/chats/{id}/draft") => json!({ "text": "hi" }),
        ("PUT", "/api/inbox") => json!({ "rev": 0, "labels": [], "canned": [], "optOut": [] }),
        ("POST", "/api/health/stuck/retry") => json!({ "messages": ["c-1"] }),
        ("POST", "/api/health/stuck/discard") => json!({ "messages": ["c-1"], "reason": "x" }),
        (method, path) => panic!("{method} {path} has a body: give it one here"),
    }
}

fn filled(path: &str, chat: &str) -> String {
    let query = match path {
        "/api/chats/changes" => "?since=0",
        "/api/chats/{id}/messages/changes" => "?from=0&to=9&since=0",
        "/api/health/quarantine" => "?number=n1",
        _ => "",
    };
    let path = path
        .replace("{id}", chat)
        .replace("{chat}", chat)
        .replace("{note}", "1")
        .replace("{n}", "0");
    path.replace("{message}", &format!("{chat}-1")) + query
}

fn everything(world: &World) -> Vec<(greenhub::store::db::Key, greenhub::store::db::Item)> {
    let tables = [Table::Chats, Table::Directory];
    tables
        .into_iter()
        .flat_map(|table| world.hub.db.rows(table))
        .collect()
}

#[tokio::test]
async fn nobody_reaches_a_conversation_without_a_session_or_without_the_number() {
    // AC 129, AC 152
    let world = world().await;
    let theirs = world.write("n1", "79001234567@c.us", "hi").await;
    let hidden = world.write("n2", "79001234567@c.us", "hi").await;
    let (bob, eve) = (
        world.bob().await,
        world
            .person("w2", "eve", greenhub::domain::rights::Rights::of_owner())
            .await,
    );
    let before = everything(&world);
    let routes = routes();
    assert!(routes.len() > 20, "{}", routes.len());
    for route in routes {
        let Route {
            method,
            path,
            has_body,
            is_for_admins,
        } = route;
        let body = if has_body {
            body_of(&method, &path)
        } else {
            Value::Null
        };
        let named = path.contains('{');
        let route = format!("{method} {path}");
        let ask = async |session, chat: &greenhub::domain::ids::ChatId| {
            let path = filled(&path, chat.as_str());
            world
                .ask(session, method.clone(), &path, body.clone())
                .await
        };
        let answer = ask(None, &theirs).await;
        assert_eq!(answer.refusal(), (401, "sign_in_needed"), "{route}");
        if method != Method::GET {
            let path = filled(&path, theirs.as_str());
            let asked = world.ask_as(Some(&bob), None, method.clone(), &path, body.clone());
            let answer = asked.await;
            assert_eq!(answer.refusal(), (403, "csrf_token_needed"), "{route}");
        }
        if named {
            let not_for_bob = match is_for_admins {
                true => (403, "admin_needed"),
                false => (404, "not_found"),
            };
            let nothing = (404, "not_found");
            for (session, chat, expect) in [(&bob, &hidden, not_for_bob), (&eve, &theirs, nothing)]
            {
                let answer = ask(Some(session), chat).await;
                assert_eq!(answer.refusal(), expect, "{route}");
            }
        }
    }
    assert!(before == everything(&world), "somebody changed something");
    // And lists have none of them.
    for path in [
        "/api/chats",
        "/api/chats?q=7900",
        "/api/chats/changes?since=0",
    ] {
        let chats = world.get(&bob, path).await.json["chats"].clone();
        let ids: Vec<_> = chats
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["id"])
            .collect();
        assert_eq!(ids, [theirs.as_str()], "{path}");
        let chats = world.get(&eve, path).await.json["chats"].clone();
        assert_eq!(chats, json!([]), "{path}");
    }
    // A place in somebody else's list leads nowhere else.
    let page = world
        .get(&bob, &format!("/api/chats/{theirs}/messages"))
        .await;
    let place = page.json["forth"].as_str().unwrap().to_owned();
    let path = format!("/api/chats?cursor={place}");
    assert_eq!(world.get(&eve, &path).await.refusal(), (400, "bad_cursor"));
    let own = world.write("n3", "79001234567@c.us", "hi").await;
    let path = format!("/api/chats/{own}/messages?cursor={place}");
    assert_eq!(world.get(&eve, &path).await.refusal(), (400, "bad_cursor"));
    let hidden = world.get(&bob, "/api/health/quarantine?number=n2").await;
    assert_eq!(hidden.refusal(), (404, "not_found"));
}
