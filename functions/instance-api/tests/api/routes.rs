//! Every route, without rights; and the document that names them.

use axum::http::Method;
use greenhub::store::db::Table;
use serde_json::{Value, json};

use super::support::{ALICE, CAROL, I1, L1, L2, T1, World, world};

const METHODS: [&str; 8] = [
    "get", "put", "post", "patch", "delete", "options", "head", "trace",
];

struct Operation {
    method: Method,
    path: String,
    security: Value,
}

async fn operations(world: &World) -> Vec<Operation> {
    let answer = world.call(Method::GET, "/api/openapi.json", None, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let paths = answer.json["paths"].as_object().unwrap().clone();
    let mut all = Vec::new();
    for (path, item) in &paths {
        for name in METHODS {
            if let Some(operation) = item.get(name) {
                all.push(Operation {
                    method: name.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    security: operation["security"].clone(),
                });
            }
        }
    }
    all
}

#[tokio::test]
async fn the_document_names_every_route_and_who_is_let_in() {
    let world = world().await;
    let mut got: Vec<_> = operations(&world)
        .await
        .into_iter()
        .map(|it| format!("{} {} {}", it.method, it.path, it.security))
        .collect();
    got.sort();
    let expect = [
        "DELETE /api/instances/{id} [{\"bearer\":[]}]",
        "GET /api/instances [{\"bearer\":[]}]",
        "GET /api/openapi.json []",
        "GET /api/session [{\"bearer\":[]}]",
        "GET /api/workflow-secret [{\"bearer\":[]}]",
        "GET /f/{token}/{name} []",
        "GET /oauth/callback []",
        "HEAD /f/{token}/{name} []",
        "PATCH /api/instances/{id} [{\"bearer\":[]}]",
        "POST /api/instances [{\"bearer\":[]}]",
        "POST /api/session/ghl []",
        "POST /api/workflow-secret [{\"bearer\":[]}]",
        "POST /f/{token}/{name} []",
        "POST /webhooks/ghl []",
        "POST /webhooks/green-api []",
        "POST /webhooks/green-api/{key} []",
        "POST /webhooks/workflow-action []",
    ];
    assert_eq!(got, expect);

    let document = world
        .call(Method::GET, "/api/openapi.json", None, "")
        .await
        .json;
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
}

#[tokio::test]
async fn no_closed_route_lets_a_stranger_in() {
    // AC 21, AC 22, AC 24, AC 25
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let carol = world.sign_in(L2, CAROL).await;
    let added = world.add(&alice, I1, T1).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json["id"].as_str().unwrap();
    // Carol may do as she likes in her own location.
    let others_rows = || -> Vec<_> {
        let rows = world.db.rows(Table::Directory).into_iter();
        rows.filter(|(key, _)| key.pk != format!("LOC#{L2}"))
            .collect()
    };
    let before = others_rows();

    let closed = operations(&world).await.into_iter();
    let closed: Vec<_> = closed.filter(|it| it.security != json!([])).collect();
    assert_eq!(closed.len(), 7);
    for operation in closed {
        let path = operation.path.replace("{id}", id);
        assert!(!path.contains('{'), "{path}");
        let what = format!("{} {path}", operation.method);
        let body = json!({ "name": "x", "idInstance": I1, "apiTokenInstance": "wrong" });
        for authorization in [None, Some("Bearer garbage"), Some("Basic Og==")] {
            let answer = world
                .call(
                    operation.method.clone(),
                    &path,
                    authorization,
                    body.to_string(),
                )
                .await;
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            assert_eq!(answer.json["code"], "sign_in_needed");
        }
        let answer = world.with(&carol, operation.method, &path, body).await;
        if operation.path.contains("{id}") {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text);
        }
        assert!(!answer.text.contains(id), "{what}: {}", answer.text);
        assert_eq!(others_rows(), before, "{what}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
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
