//! People who have signed in: what of the numbers is theirs.

use axum::body::Body;
use axum::http::{Method, Request, header};
use greenhub::account::audit;
use greenhub::account::browser::{self, Browser};
use greenhub::domain::ids::{NumberId, PersonId, WorkspaceId};
use greenhub::domain::rights::Rights;
use greenhub::store::db::Db;
use greenhub::store::people::{PersonKind, PersonRow};
use greenhub::store::{keys, row};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::support::{Answer, I1, I2, T1, T2, World, world};

/// Somebody of the first workspace with a session.
async fn person(world: &World, name: &str, rights: Rights) -> SecretString {
    let (workspace, id) = (WorkspaceId::new("w1"), PersonId::new(name));
    let kind = PersonKind::Local {
        login: name.to_owned(),
    };
    let now_ms = world.clock.now_ms();
    let mut row = PersonRow::new(&workspace, id, kind, name.to_owned(), rights, now_ms);
    let browser = Browser::default();
    let (cookie, mut writes) = browser::begin(now_ms, &row, &browser, false).unwrap();
    let key = keys::person(&workspace, &row.person);
    writes.push(row::save(key, &mut row).unwrap());
    world.db.write(writes).await.unwrap();
    cookie
}

async fn with_cookie(
    world: &World,
    cookie: &SecretString,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let cookies = format!("a=b; g-session={}", cookie.expose_secret());
    let body = match body {
        Value::Null => Body::empty(),
        body => body.to_string().into(),
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookies)
        .header(browser::CSRF_HEADER, browser::csrf_token(cookie))
        .body(body);
    world.answer(request.unwrap()).await
}

fn seeing(numbers: &[&str]) -> Rights {
    Rights {
        numbers: numbers.iter().copied().map(NumberId::new).collect(),
        ..Rights::default()
    }
}

#[tokio::test]
async fn a_number_is_managed_only_by_who_may() {
    // AC 110, AC 113
    let world = world().await;
    let (_, id) = world.added(I1, T1).await;
    let plain = person(&world, "plain", seeing(&[&id])).await;
    let elsewhere = Rights {
        manage_instances: true,
        ..Rights::default()
    };
    let elsewhere = person(&world, "elsewhere", elsewhere).await;
    let path = format!("/api/instances/{id}");
    let before = world.row("w1", &id).await.unwrap();

    // Seeing it is not managing it.
    let shown = with_cookie(&world, &plain, Method::GET, &path, Value::Null).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for (method, path, body) in [
        (Method::DELETE, path.clone(), Value::Null),
        (Method::PATCH, path.clone(), json!({ "name": "x" })),
        (Method::POST, format!("{path}/logout"), Value::Null),
        (Method::POST, format!("{path}/reboot"), Value::Null),
        (Method::GET, format!("{path}/qr"), Value::Null),
        (
            Method::PUT,
            format!("{path}/access"),
            json!({ "apiTokenInstance": T2 }),
        ),
        (
            Method::POST,
            "/api/instances".to_owned(),
            json!({ "idInstance": I2, "apiTokenInstance": T2 }),
        ),
    ] {
        let what = format!("{method} {path}");
        let refused = with_cookie(&world, &plain, method.clone(), &path, body.clone()).await;
        assert_eq!(refused.status, 403, "{what}: {}", refused.text);
        assert_eq!(refused.json["code"], "admin_needed");
        // Who manages numbers, but does not see this one, finds nothing.
        if path.contains(&id) {
            let nothing = with_cookie(&world, &elsewhere, method, &path, body).await;
            assert_eq!(nothing.status, 404, "{what}: {}", nothing.text);
        }
    }
    let list = with_cookie(
        &world,
        &elsewhere,
        Method::GET,
        "/api/instances",
        Value::Null,
    )
    .await;
    assert_eq!(list.json["instances"], json!([]), "{}", list.text);
    let list = with_cookie(&world, &plain, Method::GET, "/api/instances", Value::Null).await;
    assert_eq!(list.json["instances"].as_array().unwrap().len(), 1);
    let routing = json!({ "routing": { "defaultInstance": id } });
    let refused = with_cookie(&world, &elsewhere, Method::PATCH, "/api/workspace", routing).await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    assert_eq!(world.row("w1", &id).await.unwrap(), before);

    // What is there already is told as that.
    let again = json!({ "idInstance": I1, "apiTokenInstance": T1 });
    let again = with_cookie(&world, &elsewhere, Method::POST, "/api/instances", again).await;
    assert_eq!(again.status, 409, "{}", again.text);
    assert_eq!(again.json["code"], "instance_taken");
}

#[tokio::test]
async fn whoever_adds_a_number_sees_it_and_what_they_did_is_kept() {
    let world = world().await;
    let rights = Rights {
        manage_instances: true,
        ..Rights::default()
    };
    let max = person(&world, "max", rights).await;
    let body = json!({ "idInstance": I1, "apiTokenInstance": T1, "name": "Sales" });
    let added = with_cookie(&world, &max, Method::POST, "/api/instances", body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json["id"].as_str().unwrap();
    let path = format!("/api/instances/{id}");
    let body = json!({ "name": "Support" });
    let changed = with_cookie(&world, &max, Method::PATCH, &path, body.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let same = with_cookie(&world, &max, Method::PATCH, &path, body).await;
    assert_eq!(same.status, 200, "{}", same.text);
    world.second().await;
    let gone = with_cookie(&world, &max, Method::DELETE, &path, Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let workspace = WorkspaceId::new("w1");
    let entries = audit::page(&world.db, &workspace, None, 100).await.unwrap();
    let said = |entry: &audit::AuditRow| format!("{:?} {:?}", entry.action, entry.about.changes);
    let said: Vec<_> = entries.iter().rev().map(said).collect();
    assert_eq!(
        said,
        [
            "NumberAdded {}",
            "NumberChanged {\"name\": (\"Sales\", \"Support\")}",
            "NumberRemoved {}"
        ]
    );
    assert!(entries.iter().all(|it| it.actor.name == "max"));
    assert!(!format!("{entries:?}").contains(T1));
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    // AC 104
    let world = world().await;
    let owner = person(&world, "olga", Rights::of_owner()).await;
    let (_, id) = world.added(I1, T1).await;
    let path = format!("/api/instances/{id}");
    for token in [
        None,
        Some("x".to_owned()),
        Some(browser::csrf_token(&"x".to_owned().into())),
    ] {
        let mut request = Request::delete(&path).header(
            header::COOKIE,
            format!("g-session={}", owner.expose_secret()),
        );
        if let Some(token) = token {
            request = request.header(browser::CSRF_HEADER, token);
        }
        let refused = world.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(refused.json["code"], "csrf_token_needed");
    }
    assert!(world.row("w1", &id).await.is_some());
    // GoHighLevel's page has no cookie, and a cookie no such session.
    let session = with_cookie(&world, &owner, Method::GET, "/api/session", Value::Null).await;
    assert_eq!(session.status, 401, "{}", session.text);
    let workspace = with_cookie(&world, &owner, Method::GET, "/api/workspace", Value::Null).await;
    assert_eq!(workspace.status, 200, "{}", workspace.text);
}
