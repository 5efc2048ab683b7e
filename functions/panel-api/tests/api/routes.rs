//! Every route of the panel, without rights; by the document that names them.

use axum::http::Method;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::Table;
use greenhub::store::memory::MemoryDb;
use serde_json::{Value, json};

use super::support::{Browser, OWNER, browser, rights, world};

/// What a route would do if it let the caller in. One with a body that is not here fails the tests
/// below, so that each of them gets as far as its rights.
fn body_of(route: &str) -> Value {
    match route {
        "PUT /api/me/password" => json!({ "current": "x", "password": "y" }),
        "PUT /api/me/second-step/totp/code" => json!({ "code": "123456" }),
        "POST /api/people" => json!({ "name": "x", "login": "x", "rights": rights("", &[]) }),
        "PATCH /api/people/{id}" => json!({ "name": "x" }),
        "PUT /api/policy" => json!({ "secondStepRequired": false }),
        other => panic!("{other} has a body: give it one here"),
    }
}

struct Operation {
    method: Method,
    path: String,
    security: Value,
    has_body: bool,
}

impl Operation {
    fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn takes(&self, scheme: &str) -> bool {
        let all = self.security.as_array().unwrap();
        all.iter().any(|it| it.get(scheme).is_some())
    }

    fn is_for(&self, word: &str) -> bool {
        self.security.to_string().contains(&format!("\"{word}\""))
    }

    fn is_safe(&self) -> bool {
        self.method == Method::GET
    }

    fn body(&self) -> Value {
        match self.has_body {
            true => body_of(&self.route()),
            false => Value::Null,
        }
    }
}

/// What these tests are about; conversations have walks of their own.
const TAGS: [&str; 5] = ["about", "sign-in", "me", "people", "workspace"];

/// The routes of this function, as the document has them.
fn operations() -> Vec<Operation> {
    let nothing = utoipa::openapi::OpenApi::default();
    let others = [nothing];
    let document = panel_api::openapi::describe::<MemoryDb, MemoryQueue>(others);
    let document = serde_json::to_value(document).unwrap();
    let mut all = Vec::new();
    let paths = document["paths"].as_object().unwrap().iter();
    for (path, item) in paths.filter(|(path, _)| path.starts_with("/api/")) {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse() else {
                continue;
            };
            let is_ours = |tag: &Value| TAGS.iter().any(|ours| tag == ours);
            if !operation["tags"].as_array().unwrap().iter().any(is_ours) {
                continue;
            }
            all.push(Operation {
                method,
                path: path.clone(),
                security: operation["security"].clone(),
                has_body: operation["requestBody"].is_object(),
            });
        }
    }
    all
}

#[test]
fn the_document_says_who_is_let_in() {
    let open = [
        "GET /api/openapi.json",
        "GET /api/sign-in",
        "POST /api/sign-in",
        "DELETE /api/sign-in",
        "POST /api/sign-in/code",
        "POST /api/sign-in/send-code",
        "POST /api/setup",
        "POST /api/setup/look",
    ];
    for operation in operations() {
        let route = operation.route();
        assert!(
            operation.security.is_array(),
            "{route} does not say who is let in"
        );
        let is_open = operation.security == json!([]);
        assert_eq!(is_open, open.contains(&&*route), "{route}");
        for requirement in operation.security.as_array().unwrap() {
            let needs_token = requirement.get("cookie").is_some() && !operation.is_safe();
            assert_eq!(requirement.get("csrf").is_some(), needs_token, "{route}");
        }
    }
}

#[tokio::test]
async fn no_closed_route_lets_a_stranger_in() {
    // AC 102, AC 104
    let world = world().await;
    let owner = world.owner().await;
    let (id, _) = world.add(&owner, "anna", rights("f", &[])).await;
    let (_, plain) = world.add(&owner, "bert", rights("f", &[])).await;
    let ended = world.sign_in(OWNER).await;
    world
        .call(&ended, Method::DELETE, "/api/me/session", Value::Null)
        .await
        .is(204, "");
    let other = world.other_owner().await;
    let session = "a".repeat(64);
    let without_token = Browser {
        csrf: None,
        ..owner.clone()
    };
    let with_anothers = Browser {
        csrf: other.csrf.clone(),
        ..owner.clone()
    };
    let before = world.db.rows(Table::Directory);
    let closed = operations()
        .into_iter()
        .filter(|it| it.security != json!([]));
    let mut n_tried = 0;
    for operation in closed {
        n_tried += 1;
        let route = operation.route();
        let path = operation
            .path
            .replace("{id}", &id)
            .replace("{session}", &session);
        assert!(!path.contains('{'), "{path}: give this parameter a value");
        let ask = async |who: &Browser| {
            world
                .call(who, operation.method.clone(), &path, operation.body())
                .await
        };
        let garbage = Browser {
            session: Some("garbage".to_owned()),
            ..owner.clone()
        };
        for nobody in [browser(), garbage, ended.clone()] {
            let answer = ask(&nobody).await;
            assert_eq!(answer.status, 401, "{route}: {}", answer.text);
            assert_eq!(answer.json["code"], "sign_in_needed", "{route}");
        }
        for token in ["garbage", ended.session.as_deref().unwrap_or_default()] {
            let method = operation.method.clone();
            let answer = world.bearer(token, method, &path, operation.body()).await;
            assert_eq!(answer.status, 401, "{route}: {}", answer.text);
        }
        if !operation.takes("cookie") {
            continue;
        }
        if !operation.is_safe() {
            for forged in [&without_token, &with_anothers] {
                ask(forged).await.is(403, "csrf_token_needed");
            }
        }
        if operation.is_for("manager") {
            ask(&plain).await.is(403, "manager_needed");
        }
        if operation.is_for("admin") {
            ask(&plain).await.is(403, "admin_needed");
        }
        if operation.is_for("owner") {
            ask(&plain).await.is(403, "owner_needed");
        }
        // Another workspace's owner finds nothing under these ids.
        if operation.path.contains('{') {
            let answer = ask(&other).await;
            assert_eq!(answer.status, 404, "{route}: {}", answer.text);
            assert_eq!(answer.json["code"], "not_found", "{route}");
        } else if operation.is_safe() {
            let answer = ask(&other).await;
            assert_eq!(answer.status, 200, "{route}: {}", answer.text);
            assert!(!answer.text.contains(&id), "{route}: {}", answer.text);
        }
    }
    assert!(n_tried >= 25, "{n_tried}");
    assert_eq!(
        world.db.rows(Table::Directory),
        before,
        "nobody has changed anything"
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let world = world().await;
    let check = async |method: Method, path: &str, expect: u16| {
        let answer = world.call(&browser(), method, path, Value::Null).await;
        assert_eq!(answer.status, expect, "{path}: {}", answer.text);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["cache-control"], "no-store");
    };
    check(Method::GET, "/api/nothing", 404).await;
    check(Method::PUT, "/api/people", 405).await;
    check(Method::POST, "/api/sign-in", 400).await;
    let owner = world.owner().await;
    for id in ["1", "x", "%2e%2e", "11111111111111111111111111111111x"] {
        let path = format!("/api/people/{id}");
        world
            .call(&owner, Method::GET, &path, Value::Null)
            .await
            .is(400, "bad_id");
    }
}
