//! Bodies that are broken, huge, or somebody else's.

use axum::http::Method;
use greenhub::store::db::Table;
use serde_json::{Value, json};

use super::support::{ALICE, CAROL, I1, I2, L1, L2, T1, T2, world};

#[tokio::test]
async fn a_broken_or_huge_body_is_refused_and_changes_nothing() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let added = world.add(&token, I1, T1).await;
    let number = format!("/api/instances/{}", added.json["id"].as_str().unwrap());
    // But for how often was asked.
    let rows = || -> Vec<_> {
        let runtime = world.db.rows(Table::Runtime).into_iter();
        let kept = runtime.filter(|(key, _)| !key.pk.starts_with("COUNT#"));
        kept.chain(world.db.rows(Table::Directory)).collect()
    };
    let before = rows();
    let bearer = format!("Bearer {token}");
    let huge = json!({ "name": "x".repeat(5 << 20), "encryptedData": "x", "idInstance": I2 });
    let bodies: [(Vec<u8>, u16); 8] = [
        (b"".to_vec(), 400),
        (b"{".to_vec(), 400),
        (b"name=x".to_vec(), 400),
        (b"\xff\xfe\x00".to_vec(), 400),
        (b"{\"name\":\"\xff\"}".to_vec(), 400),
        (b"[".repeat(60_000), 400),
        (vec![b'x'; 5 << 20], 413),
        (huge.to_string().into_bytes(), 413),
    ];
    let routes = [
        (Method::POST, "/api/session/ghl", None),
        (Method::POST, "/api/instances", Some(bearer.as_str())),
        (Method::PATCH, &number, Some(bearer.as_str())),
    ];
    for (method, path, authorization) in routes {
        for (body, expect) in &bodies {
            let answer = world
                .call(method.clone(), path, authorization, body.clone())
                .await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
            assert_eq!(answer.status, *expect, "{path} {shown}: {}", answer.text);
            assert!(answer.text.len() < 1000, "{path}: {}", answer.text);
        }
    }
    assert_eq!(rows(), before);
}

// AC 24, 25: the id of our own row as well as the provider's, in the address as well as in a body.
#[tokio::test]
async fn another_workspaces_number_is_out_of_reach_by_whatever_id() {
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let carol = world.sign_in(L2, CAROL).await;
    let ours = world.add(&alice, I1, T1).await;
    let ours = ours.json["id"].as_str().unwrap();
    world.second().await;
    let hers = world.add(&carol, I2, T2).await;
    let hers = hers.json["id"].as_str().unwrap().to_owned();
    let before = world.db.rows(Table::Directory);
    let ids = [
        ours.to_owned(),
        I1.to_string(),
        format!("{hers}/../{ours}"),
        format!("..%2F..%2Fw1%2F{ours}"),
        format!("{hers}%23NUM%23{ours}"),
        format!("w1%23{ours}"),
        "%00".to_owned(),
        "-1".to_owned(),
        "1e9".to_owned(),
        "x".repeat(3000),
    ];
    for id in ids {
        let path = format!("/api/instances/{id}");
        for method in [Method::PATCH, Method::DELETE] {
            let body = json!({ "name": "mine", "id": ours, "workspace": "w1", "locationId": L1 });
            let answer = world.with(&carol, method.clone(), &path, body).await;
            assert!(
                matches!(answer.status, 400 | 404 | 405),
                "{method} {path}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
    assert_eq!(world.db.rows(Table::Directory), before);
    // Nor does a body say for whom a number is added.
    let body =
        json!({ "idInstance": I1, "apiTokenInstance": T1, "workspace": "w1", "locationId": L1 });
    let answer = world
        .with(&carol, Method::POST, "/api/instances", body)
        .await;
    assert!((400..500).contains(&answer.status), "{}", answer.text);
    assert_eq!(world.list(&alice).await.len(), 1);
    assert_eq!(
        world.list(&alice).await[0]["idInstance"],
        json!(I1.to_string())
    );
    assert_ne!(world.list(&carol).await[0]["id"], Value::from(ours));
}
