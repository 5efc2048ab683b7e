//! Every route, without rights; and the document that names them.

use axum::http::Method;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::Table;
use greenhub::store::memory::MemoryDb;
use serde_json::{Value, json};

use super::support::{ALICE, BOB, CAROL, I1, I2, L1, L2, T1, T2, world};

const METHODS: [&str; 8] = [
    "get", "put", "post", "patch", "delete", "options", "head", "trace",
];

/// What a route would do if it let the caller in. A route with a body that is not here fails the
/// tests below, so that each of them gets as far as its rights.
fn body_of(route: &str) -> Value {
    match route {
        "POST /api/instances" => json!({ "idInstance": I2, "apiTokenInstance": T2 }),
        "PATCH /api/instances/{id}" => {
            json!({ "name": "x", "settings": { "calls": "outcome_only" } })
        }
        "PUT /api/instances/{id}/access" => json!({ "apiTokenInstance": T1 }),
        "POST /api/instances/{id}/pairing-code" => json!({ "phone": "+79001110001" }),
        "POST /api/instances/{id}/test-message" => {
            json!({ "phone": "+79001234567", "text": "hi" })
        }
        "PATCH /api/workspace" => json!({ "lang": "ru" }),
        other => panic!("{other} has a body: give it one here"),
    }
}

/// Routes for everybody with a session although they are no reading.
const CHANGES_FOR_ALL: [&str; 1] = ["DELETE /api/session"];

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

    fn is_closed(&self) -> bool {
        self.security != json!([])
    }

    /// Who is let in, in a word. With a cookie it takes a token, too, wherever something changes.
    fn who(&self) -> &'static str {
        let cookie = |scopes: Value| match self.method == Method::GET {
            true => json!({ "cookie": scopes }),
            false => json!({ "cookie": scopes, "csrf": [] }),
        };
        let is = |security: Value| self.security == security;
        match () {
            () if is(json!([])) => "open",
            () if is(json!([{ "bearer": [] }])) => "crm",
            () if is(json!([{ "bearer": [] }, cookie(json!([]))])) => "all",
            () if is(json!([{ "bearer": ["admin"] }, cookie(json!(["admin"]))])) => "admin",
            () => panic!("{}: {}", self.route(), self.security),
        }
    }

    fn is_for_admins(&self) -> bool {
        self.security[0] == json!({ "bearer": ["admin"] })
    }

    fn body(&self) -> Value {
        match self.has_body {
            true => body_of(&self.route()),
            false => Value::Null,
        }
    }
}

/// This function's part of the document.
pub(crate) fn document() -> Value {
    let nothing = utoipa::openapi::OpenApi::default();
    let ours = instance_api::openapi::describe::<MemoryDb, MemoryQueue>();
    serde_json::to_value(greenhub::http::openapi::document(nothing, [ours])).unwrap()
}

fn operations() -> Vec<Operation> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, item) in paths {
        for name in METHODS {
            if let Some(operation) = item.get(name) {
                all.push(Operation {
                    method: name.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    security: operation["security"].clone(),
                    has_body: operation["requestBody"].is_object(),
                });
            }
        }
    }
    all
}

#[test]
fn the_document_names_every_route_and_who_is_let_in() {
    let mut got: Vec<_> = operations()
        .into_iter()
        .map(|it| format!("{} {}", it.route(), it.who()))
        .collect();
    got.sort();
    // In short: for anybody, from the CRM, for everybody with a session, for who manages numbers.
    let expect = [
        "DELETE /api/instances/{id} admin",
        "DELETE /api/session crm",
        "GET /api/instances all",
        "GET /api/instances/{id} all",
        "GET /api/instances/{id}/qr admin",
        "GET /api/instances/{id}/test-message/{message} all",
        "GET /api/page-config open",
        "GET /api/session crm",
        "GET /api/workflow-secret admin",
        "GET /api/workspace all",
        "PATCH /api/instances/{id} admin",
        "PATCH /api/workspace admin",
        "POST /api/instances admin",
        "POST /api/instances/{id}/check admin",
        "POST /api/instances/{id}/logout admin",
        "POST /api/instances/{id}/pairing-code admin",
        "POST /api/instances/{id}/reboot admin",
        "POST /api/instances/{id}/refresh admin",
        "POST /api/instances/{id}/test-message admin",
        "POST /api/session/ghl open",
        "POST /api/workflow-secret admin",
        "PUT /api/instances/{id}/access admin",
    ];
    assert_eq!(got, expect);

    let document = document();
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    // Every reference leads somewhere.
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1) {
        let name = name.split('"').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name}");
    }
    // What a route refuses is said by it, in full.
    let add = &document["paths"]["/api/instances"]["post"]["responses"];
    for (status, code) in [
        ("400", "invalid_credentials"),
        ("400", "bad_body"),
        ("401", "sign_in_needed"),
        ("403", "admin_needed"),
        ("409", "webhook_elsewhere"),
        ("413", "body_too_large"),
        ("429", "too_many_requests"),
        ("503", "try_again"),
    ] {
        let told = &add[status];
        let words = told["description"].as_str().unwrap_or_default();
        assert!(words.contains(&format!("`{code}`")), "{status}: {told}");
        assert!(told["content"]["application/problem+json"].is_object());
    }
    let rename = &document["paths"]["/api/instances/{id}"]["patch"];
    assert_eq!(rename["parameters"][0]["name"], "id");
    assert_eq!(rename["parameters"][0]["in"], "path");
    assert!(rename["responses"]["404"].is_object());
}

#[tokio::test]
async fn no_closed_route_lets_a_stranger_in() {
    // AC 21, AC 22, AC 24, AC 25
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let text = json!({ "phone": "+79001234567", "text": "to be found" });
    let path = format!("/api/instances/{id}/test-message");
    let sent = world.with(&alice, Method::POST, &path, text).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    let message = sent.json["id"].as_str().unwrap();
    let carol = world.sign_in(L2, CAROL).await;
    let bob = world.sign_in(L1, BOB).await;
    let ended = world.sign_in(L1, ALICE).await;
    world.end_session(&ended).await;
    let ended = format!("Bearer {ended}");
    // Carol may do as she likes in her own location.
    let others_rows = || -> Vec<_> {
        let rows = world.db.rows(Table::Directory).into_iter();
        rows.filter(|(key, _)| key.pk != format!("LOC#{L2}"))
            .collect()
    };
    let before = others_rows();
    let n_messages = world.db.rows(Table::Chats).len();
    let n_calls = world.calls("").await.len();

    let all = operations().into_iter();
    let closed: Vec<_> = all.filter(Operation::is_closed).collect();
    assert!(closed.len() >= 16, "{}", closed.len());
    for operation in closed {
        let route = operation.route();
        let path = operation.path.replace("{id}", &id);
        let path = path.replace("{message}", message);
        assert!(!path.contains('{'), "{path}: give this parameter a value");
        let method = || operation.method.clone();
        let body = operation.body();
        let strangers = [
            None,
            Some("Bearer garbage"),
            Some("Basic Og=="),
            Some(&*ended),
        ];
        for authorization in strangers {
            let answer = world
                .call(method(), &path, authorization, body.to_string())
                .await;
            assert_eq!(answer.status, 401, "{route}: {}", answer.text);
            assert_eq!(answer.json["code"], "sign_in_needed");
        }

        // Everybody may look, only admins change, and nothing changes without saying so.
        let changes = operation.method != Method::GET;
        let is_listed = CHANGES_FOR_ALL.contains(&&*route);
        assert!(
            !changes || operation.is_for_admins() || is_listed,
            "{route}"
        );
        if is_listed {
            continue;
        }
        let answer = world.with(&bob, method(), &path, body.clone()).await;
        if operation.is_for_admins() {
            assert_eq!(answer.status, 403, "{route}: {}", answer.text);
            assert_eq!(answer.json["code"], "admin_needed");
        } else {
            assert_eq!(answer.status, 200, "{route}: {}", answer.text);
        }

        // Another workspace's admin finds nothing under these ids, and sees nothing without them.
        if operation.path.contains('{') {
            let answer = world.with(&carol, method(), &path, body).await;
            assert_eq!(answer.status, 404, "{route}: {}", answer.text);
            assert_eq!(answer.json["code"], "not_found");
        } else if !changes {
            let answer = world.with(&carol, method(), &path, body).await;
            assert_eq!(answer.status, 200, "{route}: {}", answer.text);
            for theirs in [&*id, "w1", L1, T1] {
                assert!(!answer.text.contains(theirs), "{route}: {}", answer.text);
            }
        }
    }
    assert_eq!(others_rows(), before);
    assert_eq!(world.db.rows(Table::Chats).len(), n_messages);
    assert_eq!(world.calls("").await.len(), n_calls, "nobody was asked");
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let world = world().await;
    let check = async |method: Method, path: &str, expect: u16| {
        let answer = world.call(method, path, None, "").await;
        assert_eq!(answer.status, expect, "{path}: {}", answer.text);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    };
    check(Method::GET, "/api/nothing", 404).await;
    check(Method::GET, "/api/instances/x/y", 404).await;
    check(Method::PUT, "/api/instances", 405).await;
    check(Method::GET, "/api/session/ghl", 405).await;
    check(Method::POST, "/api/session/ghl", 400).await;
}

#[tokio::test]
async fn the_page_learns_whom_it_may_listen_to() {
    let world = world().await;
    let answer = world.call(Method::GET, "/api/page-config", None, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let expect = json!({
        "parentOrigins": ["https://app.gohighlevel.com"],
        "installUrl": "https://market.example/install",
    });
    assert_eq!(answer.json, expect);
}
