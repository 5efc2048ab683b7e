//! People: who may do what to whom.

use axum::http::Method;
use serde_json::{Value, json};

use super::support::{Answer, Browser, OWNER, PASSWORD, World, browser, rights, world};

const N1: &str = "11111111111111111111111111111111";
const N2: &str = "22222222222222222222222222222222";

async fn change(world: &World, who: &Browser, id: &str, body: Value) -> Answer {
    let path = format!("/api/people/{id}");
    world.call(who, Method::PATCH, &path, body).await
}

#[tokio::test]
async fn nobody_raises_themselves() {
    // AC 105
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("", &[N1])).await;
    let before = world.person(&id).await;
    for more in [
        rights("i", &[N1]),
        rights("f", &[N1]),
        rights("if", &[]),
        rights("u", &[N1]),
        rights("o", &[]),
    ] {
        let raised = change(&world, &anna, &id, json!({ "rights": more })).await;
        raised.is(403, "not_yours_to_grant");
    }
    // Another number is not given either, and nothing else with it.
    let body = json!({ "name": "Boss", "rights": rights("f", &[N1]) });
    change(&world, &anna, &id, body).await.is(403, "");
    let body = json!({ "rights": rights("", &[N1, N2]) });
    change(&world, &anna, &id, body).await;
    assert_eq!(world.person(&id).await, before);
    let (id, max) = world.add(&owner, "max", rights("uf", &[])).await;
    let body = json!({ "rights": rights("uif", &[]) });
    change(&world, &max, &id, body)
        .await
        .is(403, "not_yours_to_grant");
    // What they have they may give up, and what they are called is their own.
    let changed = change(&world, &max, &id, json!({ "name": " Max M " })).await;
    assert_eq!(changed.is(200, "").json["name"], "Max M");
}

#[tokio::test]
async fn a_manager_takes_everything_away_again() {
    // AC 106
    let world = world().await;
    let owner = world.owner().await;
    let (_, max) = world.add(&owner, "max", rights("uf", &[])).await;
    let (id, anna) = world.add(&owner, "anna", rights("uif", &[N1, N2])).await;
    let changed = change(&world, &max, &id, json!({ "rights": rights("", &[]) })).await;
    assert_eq!(changed.is(200, "").json["rights"], rights("", &[]));
    let row = world.person(&id).await;
    assert!(!row.rights.manage_users && !row.rights.manage_instances && !row.rights.full_access);
    assert!(row.rights.numbers.is_empty());
    // It holds at once, without signing in again.
    let people = world
        .call(&anna, Method::GET, "/api/people", Value::Null)
        .await;
    assert_eq!(
        people.is(200, "").json["people"].as_array().unwrap().len(),
        1
    );
    let body = json!({ "name": "x", "login": "x", "rights": rights("", &[]) });
    world
        .call(&anna, Method::POST, "/api/people", body)
        .await
        .is(403, "manager_needed");

    // The second step, and the Telegram account with it.
    let nonce = greenhub::account::telegram_link::offer(
        &world.db,
        &world.clock,
        &world.workspace,
        &row.person,
        None,
    );
    let nonce = nonce.await.unwrap();
    let link = greenhub::account::telegram_link::redeem(&world.db, &world.clock, &nonce, 1, "A");
    link.await.unwrap();
    assert!(world.person(&id).await.telegram.is_some());
    let path = format!("/api/people/{id}/second-step");
    world
        .call(&max, Method::DELETE, &path, Value::Null)
        .await
        .is(204, "");
    let row = world.person(&id).await;
    assert!(row.telegram.is_none() && row.totp.is_none() && row.recovery.is_empty());
    world.sign_in("anna").await;
}

#[tokio::test]
async fn nobody_passes_on_what_they_do_not_have() {
    // AC 107
    let world = world().await;
    let owner = world.owner().await;
    let (_, max) = world.add(&owner, "max", rights("u", &[N1])).await;
    let add = async |login: &str, rights: Value| {
        let body = json!({ "name": login, "login": login, "rights": rights });
        world.call(&max, Method::POST, "/api/people", body).await
    };
    for (letters, right) in [
        ("i", "manageInstances"),
        ("f", "fullAccess"),
        ("o", "owner"),
    ] {
        let refused = add("anna", rights(letters, &[]))
            .await
            .is(403, "not_yours_to_grant");
        assert_eq!(refused.json["right"], right);
    }
    let added = add("anna", rights("u", &[N1, N2])).await.is(201, "");
    let id = added.json["person"]["id"].as_str().unwrap().to_owned();
    assert_eq!(added.json["person"]["rights"], rights("u", &[N1]));
    assert_eq!(world.person(&id).await.rights.numbers.len(), 1);
    // A number that they do not see is not theirs to take, and they are told that there is one.
    let body = json!({ "rights": rights("", &[N1, N2]) });
    change(&world, &owner, &id, body).await.is(200, "");
    let changed = change(&world, &max, &id, json!({ "rights": rights("", &[]) })).await;
    let changed = changed.is(200, "");
    assert_eq!(changed.json["rights"]["numbers"], json!([]));
    assert_eq!(changed.json["hiddenNumbers"], 1);
    assert!(!changed.text.contains(N2));
    let left: Vec<_> = world.person(&id).await.rights.numbers.into_iter().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].as_str(), N2);
}

#[tokio::test]
async fn owners_and_oneself_are_protected() {
    // AC 108: what the interface does.
    let world = world().await;
    let owner = world.owner().await;
    let owners = world.my_id(&owner).await;
    let (id, max) = world.add(&owner, "max", rights("uif", &[])).await;
    let remove = async |who: &Browser, id: &str| {
        let path = format!("/api/people/{id}");
        world.call(who, Method::DELETE, &path, Value::Null).await
    };
    remove(&max, &id).await.is(400, "yourself");
    remove(&owner, &owners).await.is(400, "yourself");
    remove(&max, &owners).await.is(403, "owner_needed");
    let off = json!({ "isActive": false });
    change(&world, &max, &id, off.clone())
        .await
        .is(400, "yourself");
    for body in [
        json!({ "name": "x" }),
        json!({ "rights": rights("", &[]) }),
        off.clone(),
        json!({ "login": "x" }),
    ] {
        change(&world, &max, &owners, body)
            .await
            .is(403, "owner_needed");
    }
    let path = format!("/api/people/{owners}/setup-link");
    world
        .call(&max, Method::POST, &path, Value::Null)
        .await
        .is(403, "owner_needed");
    let path = format!("/api/people/{owners}/second-step");
    world
        .call(&max, Method::DELETE, &path, Value::Null)
        .await
        .is(403, "owner_needed");

    // The last owner stays one.
    let demote = json!({ "rights": rights("uif", &[]) });
    change(&world, &owner, &owners, demote.clone())
        .await
        .is(409, "last_owner");
    // One who has not come in yet is none to rely on.
    let body = json!({ "name": "Otto", "login": "otto", "rights": rights("o", &[]) });
    let otto = world
        .call(&owner, Method::POST, "/api/people", body)
        .await
        .is(201, "");
    change(&world, &owner, &owners, demote.clone())
        .await
        .is(409, "last_owner");
    let body = json!({ "token": otto.json["setupLink"]["token"], "password": PASSWORD });
    let otto_in = world.set_up(body).await;
    let ottos = otto.json["person"]["id"].as_str().unwrap();
    // Two owners who demote each other at once leave one.
    let (a, b) = tokio::join!(
        change(&world, &owner, ottos, demote.clone()),
        change(&world, &otto_in, &owners, demote.clone())
    );
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert!(
        both == [200, 403] || both == [200, 409],
        "{} {}",
        a.text,
        b.text
    );
    let is_owner = [world.person(&owners).await, world.person(ottos).await];
    assert_eq!(is_owner.iter().filter(|row| row.rights.owner).count(), 1);
}

#[tokio::test]
async fn what_was_typed_is_refused_by_field() {
    // AC 108
    let world = world().await;
    let owner = world.owner().await;
    let (id, _) = world.add(&owner, "anna", rights("", &[])).await;
    let check = async |name: &str, login: &str, expect: &[(&str, &str)]| {
        let body = json!({ "name": name, "login": login, "rights": rights("", &[]) });
        let bad = world
            .call(&owner, Method::POST, "/api/people", body.clone())
            .await;
        let bad = bad.is(422, "bad_fields");
        let got: Vec<_> = bad.json["fields"].as_array().unwrap().iter().collect();
        let got: Vec<_> = got
            .iter()
            .map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()))
            .collect();
        assert_eq!(got, expect, "{body}");
    };
    let long = "x".repeat(101);
    check("", "", &[("name", "blank"), ("login", "blank")]).await;
    check(" \t ", "new", &[("name", "blank")]).await;
    check("Anna", "ANNA", &[("login", "taken")]).await;
    check("Anna", " anna ", &[("login", "taken")]).await;
    check("Anna", OWNER, &[("login", "taken")]).await;
    check("Anna", "an na", &[("login", "bad_signs")]).await;
    check("An\nna", "anna2", &[("name", "bad_signs")]).await;
    check(&long, &long, &[("name", "too_long"), ("login", "too_long")]).await;
    let bad = change(&world, &owner, &id, json!({ "login": OWNER }))
        .await
        .is(422, "bad_fields");
    assert_eq!(bad.json["fields"][0]["code"], "taken");
    change(&world, &owner, &id, json!({ "login": "Anna" }))
        .await
        .is(200, "");
    // A right that is left out is no right that was taken: the whole list is told, or nothing.
    let body = json!({ "rights": { "owner": false, "manageUsers": true } });
    change(&world, &owner, &id, body).await.is(400, "bad_body");
    // Two of one name at once.
    let body = || json!({ "name": "Twin", "login": "twin", "rights": rights("", &[]) });
    let (a, b) = tokio::join!(
        world.call(&owner, Method::POST, "/api/people", body()),
        world.call(&owner, Method::POST, "/api/people", body())
    );
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [201, 422], "{} {}", a.text, b.text);
}

#[tokio::test]
async fn whoever_manages_nobody_sees_only_themselves() {
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("if", &[])).await;
    let (other, _) = world.add(&owner, "max", rights("u", &[])).await;
    let people = world
        .call(&anna, Method::GET, "/api/people", Value::Null)
        .await
        .is(200, "");
    let people = people.json["people"].as_array().unwrap().clone();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["id"], id);
    let path = format!("/api/people/{other}");
    world
        .call(&anna, Method::GET, &path, Value::Null)
        .await
        .is(404, "not_found");
    change(&world, &anna, &other, json!({ "name": "x" }))
        .await
        .is(404, "not_found");
    world
        .call(&anna, Method::DELETE, &path, Value::Null)
        .await
        .is(403, "manager_needed");
    change(&world, &anna, &id, json!({ "rights": rights("i", &[]) }))
        .await
        .is(403, "manager_needed");
    let all = world
        .call(&owner, Method::GET, "/api/people", Value::Null)
        .await
        .is(200, "");
    assert_eq!(all.json["people"].as_array().unwrap().len(), 3);
    assert!(!all.text.contains("argon2"), "{}", all.text);
}

#[tokio::test]
async fn users_of_gohighlevel_are_people_with_the_rights_of_their_role() {
    let world = world().await;
    let owner = world.owner().await;
    let alice = world.crm_user("alice", true).await;
    world.crm_user("bob", false).await;
    let people = world
        .bearer(&alice, Method::GET, "/api/people", Value::Null)
        .await
        .is(200, "");
    let people = people.json["people"].as_array().unwrap().clone();
    let of = |name: &str| people.iter().find(|it| it["name"] == name).unwrap().clone();
    assert_eq!(of("alice")["rights"], rights("uif", &[]));
    assert_eq!(of("bob")["rights"], rights("f", &[]));
    assert_eq!(of("bob")["kind"], "ghl");
    // Their rights and names are GoHighLevel's; shutting them out is ours.
    let bob = of("bob")["id"].as_str().unwrap().to_owned();
    for body in [
        json!({ "rights": rights("", &[]) }),
        json!({ "name": "x" }),
        json!({ "login": "x" }),
    ] {
        change(&world, &owner, &bob, body).await.is(409, "from_crm");
    }
    // A second entrance is the same person's.
    world.crm_user("bob", true).await;
    let row = world.person(&bob).await;
    assert!(row.rights.manage_users);
    // An admin there manages people here, but no owner.
    let body = json!({ "name": "Max", "login": "max", "rights": rights("uif", &[]) });
    world
        .bearer(&alice, Method::POST, "/api/people", body)
        .await
        .is(201, "");
    let body = json!({ "name": "Eve", "login": "eve", "rights": rights("o", &[]) });
    world
        .bearer(&alice, Method::POST, "/api/people", body)
        .await
        .is(403, "not_yours_to_grant");
}

#[tokio::test]
async fn who_did_what_is_kept_and_read_page_by_page() {
    let world = world().await;
    let owner = world.owner().await;
    let (id, anna) = world.add(&owner, "anna", rights("", &[N1])).await;
    change(&world, &owner, &id, json!({ "rights": rights("u", &[]) }))
        .await
        .is(200, "");
    world.sign_in("anna").await;
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/audit?limit=2{cursor}");
        let page = world
            .call(&owner, Method::GET, &path, Value::Null)
            .await
            .is(200, "");
        let entries = page.json["entries"].as_array().unwrap();
        assert!(entries.len() <= 2);
        all.extend(entries.iter().cloned());
        match page.json["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut actions: Vec<_> = all
        .iter()
        .map(|it| it["action"].as_str().unwrap())
        .collect();
    actions.sort_unstable();
    let expect = [
        "owner_made",
        "password_set",
        "person_added",
        "person_changed",
        "setup_link_made",
        "signed_in",
    ];
    assert_eq!(actions, expect);
    let changed = all
        .iter()
        .find(|it| it["action"] == "person_changed")
        .unwrap();
    assert_eq!(changed["actorName"], "Olga");
    assert_eq!(changed["person"], id);
    assert_eq!(
        changed["changes"]["manageUsers"],
        json!({ "was": "false", "is": "true" })
    );
    assert_eq!(
        changed["changes"]["numbers"],
        json!({ "was": N1, "is": "" })
    );
    for cursor in ["x", "1.2.3", "1.%2e%2e", "-5.abc", "99999999999999999999.a"] {
        let path = format!("/api/audit?cursor={cursor}");
        world
            .call(&owner, Method::GET, &path, Value::Null)
            .await
            .is(400, "bad_cursor");
    }
    let (_, max) = world.add(&owner, "max", rights("f", &[])).await;
    world
        .call(&max, Method::GET, "/api/audit", Value::Null)
        .await
        .is(403, "manager_needed");
    world
        .call(&anna, Method::GET, "/api/audit", Value::Null)
        .await
        .is(200, "");
    let other = world.other_owner().await;
    let theirs = world
        .call(&other, Method::GET, "/api/audit", Value::Null)
        .await
        .is(200, "");
    assert!(!theirs.text.contains("Olga Shop") && !theirs.text.contains(&id));
    world
        .password(&browser(), "max", PASSWORD)
        .await
        .is(200, "");
}
