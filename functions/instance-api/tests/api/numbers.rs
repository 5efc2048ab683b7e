//! Adding, listing and renaming numbers.

use axum::http::Method;
use greenhub::account::numbers::Settled;
use greenhub::crypto::sha256_hex;
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{NumberId, WorkspaceId};
use greenhub::domain::message::{Direction, Origin};
use greenhub::pipeline::accept::{self, Home};
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallState, NumberRow};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::support::{
    ALICE, BOB, CAROL, HUB, I1, I2, L1, L2, T1, T2, World, fault, world, world_at,
};

/// Rows of the directory that a refused number must not leave.
fn n_rows(world: &World) -> usize {
    world.db.rows(Table::Directory).len()
}

#[tokio::test]
async fn a_number_is_added_and_set_up() {
    // AC 33
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let answer = world.add(&token, I1, T1).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["name"], format!("WhatsApp {I1}"));
    assert_eq!(answer.json["idInstance"], I1.to_string());
    assert_eq!(answer.json["state"], "authorized");
    assert_eq!(answer.json["phone"], "+79001110001");
    assert_eq!(answer.json["configured"], true);
    assert_eq!(answer.json["pause"], Value::Null);

    let id = answer.json["id"].as_str().unwrap();
    let row = world.row("w1", id).await.unwrap();
    assert_eq!(row.location.as_ref().unwrap().as_str(), L1);
    assert_eq!(row.wid.as_deref(), Some("79001110001@c.us"));
    assert_eq!(row.delay_ms, 500);
    assert_eq!(row.webhook_before, None);

    let written = world.written(0).await;
    assert_eq!(written.len(), 1);
    let settings = &written[0];
    let url = settings["webhookUrl"].as_str().unwrap();
    let key = url
        .strip_prefix(&format!("{HUB}/webhooks/green-api/"))
        .unwrap();
    // 128 bits and more: 22 characters of base64url are 132.
    assert!(key.len() >= 22, "{key}");
    let hook_token = settings["webhookUrlToken"].as_str().unwrap();
    assert!(hook_token.len() >= 43, "{hook_token}");
    assert_eq!(sha256_hex(hook_token), row.hook_token_sha256);
    assert_eq!(settings["incomingWebhook"], "yes");
    assert_eq!(settings["incomingCallWebhook"], "yes");
    assert_eq!(settings["stateWebhook"], "yes");
    // AC 34
    assert_eq!(settings["outgoingWebhook"], "yes");
    assert_eq!(settings["outgoingMessageWebhook"], "yes");
    assert_eq!(settings["outgoingAPIMessageWebhook"], "yes");

    // AC 161. Nothing of that is readable in the table, and the API's token opens.
    let dump = format!("{:?}", world.db.rows(Table::Directory));
    for secret in [T1, key, hook_token] {
        assert!(!dump.contains(secret));
        assert!(!answer.text.contains(secret));
    }
    let context = NumberRow::seal_context(&row.workspace, &row.number, NumberRow::TOKEN);
    let opened = world.keys.data_keys.open(&row.token_sealed, &context);
    assert_eq!(opened.unwrap().expose_secret(), T1);
}

#[tokio::test]
async fn the_list_is_newest_first_and_has_no_secrets() {
    // AC 22
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    assert!(world.list(&token).await.is_empty());
    let body = json!({
        "idInstance": I1.to_string(), "apiTokenInstance": format!(" {T1} "),
        "name": " <script>alert(1)</script> ", "apiUrl": world.address(""),
    });
    let first = world
        .with(&token, Method::POST, "/api/instances", body)
        .await;
    assert_eq!(first.status, 201, "{}", first.text);
    // Two numbers in one millisecond would have no order.
    world.clock.sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(world.add(&token, I2, T2).await.status, 201);

    let list = world.list(&token).await;
    let ids: Vec<_> = list.iter().map(|one| one["idInstance"].clone()).collect();
    assert_eq!(ids, [I2.to_string(), I1.to_string()]);
    assert_eq!(list[1]["name"], "<script>alert(1)</script>");
    let created = list[1]["createdAt"].as_str().unwrap();
    assert!(
        greenhub::clock::parse_rfc3339(created).is_some(),
        "{created}"
    );

    // AC 23
    let text = json!(list).to_string();
    let row = world
        .row("w1", list[1]["id"].as_str().unwrap())
        .await
        .unwrap();
    for secret in [
        T1,
        T2,
        &row.hook_token_sha256,
        &row.token_sealed,
        "Token",
        "webhooks",
        "sealed",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let mut fields: Vec<_> = list[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    let expect = [
        "activity",
        "apiUrl",
        "configured",
        "createdAt",
        "id",
        "idInstance",
        "isDefault",
        "mediaUrl",
        "name",
        "pause",
        "phone",
        "sending",
        "settings",
        "state",
        "stateSince",
        "webhookBefore",
    ];
    assert_eq!(fields, expect);

    // Everybody of the location may look, and nobody of another one.
    let bob = world.sign_in(L1, BOB).await;
    assert_eq!(world.list(&bob).await.len(), 2);
    let carol = world.sign_in(L2, CAROL).await;
    assert!(world.list(&carol).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_before_anybody_is_asked() {
    let world = world_at(Some("http://127.0.0.1:1")).await;
    let token = world.sign_in(L1, ALICE).await;
    let rows = n_rows(&world);
    let check = async |change: Value, expect: u16, code: &str| {
        let mut body = json!({ "idInstance": I1, "apiTokenInstance": T1 });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = world
            .with(&token, Method::POST, "/api/instances", body)
            .await;
        assert_eq!(answer.status, expect, "{change}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{change}");
        assert!(!answer.text.contains(T1), "{}", answer.text);
    };
    // AC 26
    check(json!({ "idInstance": "12ab" }), 400, "bad_instance_id").await;
    check(json!({ "idInstance": "" }), 400, "bad_instance_id").await;
    check(json!({ "idInstance": "-1" }), 400, "bad_instance_id").await;
    check(json!({ "idInstance": -1 }), 400, "bad_body").await;
    check(json!({ "idInstance": 1.5 }), 400, "bad_body").await;
    check(json!({ "idInstance": null }), 400, "bad_body").await;
    check(json!({ "apiTokenInstance": "" }), 400, "bad_token").await;
    check(json!({ "apiTokenInstance": "a/b" }), 400, "bad_token").await;
    check(json!({ "apiTokenInstance": null }), 400, "bad_body").await;
    check(json!({ "name": "x".repeat(101) }), 400, "bad_name").await;
    check(json!({ "name": "a\u{7}b" }), 400, "bad_name").await;
    check(
        json!({ "apiUrl": "http://169.254.169.254/latest" }),
        400,
        "bad_address",
    )
    .await;
    check(
        json!({ "apiUrl": "https://green-api.com.evil.example" }),
        400,
        "bad_address",
    )
    .await;
    check(
        json!({ "mediaUrl": "http://localhost:1" }),
        400,
        "bad_address",
    )
    .await;
    check(json!({ "name": "x".repeat(70_000) }), 413, "body_too_large").await;
    // AC 36
    check(json!({}), 503, "try_again").await;
    assert_eq!(n_rows(&world), rows);
}

#[tokio::test]
async fn the_credentials_have_to_be_right() {
    // AC 35
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let rows = n_rows(&world);
    let wrong = world.add(&token, I1, T2).await;
    assert_eq!(
        (wrong.status, wrong.json["code"].as_str()),
        (400, Some("invalid_credentials"))
    );
    let unknown = world.add(&token, 1_101_009_999, T1).await;
    assert_eq!(
        unknown.json["code"], "invalid_credentials",
        "{}",
        unknown.text
    );

    let check = async |fault: Value, expect: u16, code: &str| {
        world.faults(json!([fault])).await;
        let answer = world.add(&token, I1, T1).await;
        assert_eq!(answer.status, expect, "{fault}: {}", answer.text);
        assert_eq!(answer.json["code"], code, "{fault}");
        assert_eq!(n_rows(&world), rows);
    };
    let says = |method: &str, status: u16, message: &str| {
        fault(
            method,
            json!({ "status": status, "body": { "message": message } }),
        )
    };
    check(
        says("getWaSettings", 401, "Unauthorized"),
        400,
        "invalid_credentials",
    )
    .await;
    check(
        says("getWaSettings", 403, "Forbidden"),
        400,
        "invalid_credentials",
    )
    .await;
    let unpaid = "Instance account is expired. Renew your instance from personal area";
    check(says("getWaSettings", 400, unpaid), 400, "instance_expired").await;
    check(
        says("getWaSettings", 400, "Instance is deleted"),
        400,
        "instance_deleted",
    )
    .await;
    // AC 36
    check(
        says("getWaSettings", 429, "Too Many Requests"),
        503,
        "try_again",
    )
    .await;
    check(says("getWaSettings", 502, "Bad Gateway"), 503, "try_again").await;
    check(
        fault("getWaSettings", json!({ "drop": true })),
        503,
        "try_again",
    )
    .await;
    check(
        fault("getWaSettings", json!({ "delay_ms": 2500 })),
        503,
        "try_again",
    )
    .await;
}

#[tokio::test]
async fn a_slow_second_answer_is_no_wrong_credential() {
    // AC 36
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let rows = n_rows(&world);
    world
        .faults(json!([fault(
            "getSettings",
            json!({ "status": 429, "body": {} })
        )]))
        .await;
    let answer = world.add(&token, I1, T1).await;
    assert_eq!(answer.json["code"], "try_again", "{}", answer.text);
    assert_eq!(n_rows(&world), rows);
}

#[tokio::test]
async fn an_instance_is_in_one_workspace_only() {
    // AC 37
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let carol = world.sign_in(L2, CAROL).await;
    assert_eq!(world.add(&alice, I1, T1).await.status, 201);
    let rows = n_rows(&world);
    let again = world.add(&alice, I1, T1).await;
    assert_eq!(
        (again.status, again.json["code"].as_str()),
        (409, Some("instance_taken"))
    );
    world.second().await;
    assert_eq!(again.json["id"], world.list(&alice).await[0]["id"]);
    let other = world.add(&carol, I1, T1).await;
    assert_eq!(
        (other.status, other.json["code"].as_str()),
        (409, Some("instance_elsewhere"))
    );
    assert!(!other.text.contains("w1") && !other.text.contains(L1));
    // Who does not know its token does not learn that somebody has it.
    world.second().await;
    let guess = world.add(&carol, I1, T2).await;
    assert_eq!(guess.json["code"], "invalid_credentials");
    assert_eq!(n_rows(&world), rows);
    assert_eq!(world.written(0).await.len(), 1);
}

#[tokio::test]
async fn settings_that_were_not_written_are_written_later() {
    // AC 38
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let trouble = fault("setSettings", json!({ "status": 500, "body": {} }));
    world.faults(json!([trouble])).await;
    let answer = world.add(&token, I1, T1).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["configured"], false);
    let id = answer.json["id"].as_str().unwrap();
    let row = world.row("w1", id).await.unwrap();
    assert!(row.due_at.unwrap() <= world.clock.now_ms());
    assert!(row.due_shard.is_some());

    let hub = HUB.parse().unwrap();
    let settle = async |number: &str| {
        let (workspace, number) = (WorkspaceId::new("w1"), NumberId::new(number));
        let settler = world.settler(&hub);
        settler.settle_settings(&workspace, &number).await.unwrap()
    };
    world.second().await;
    let busy = fault("getSettings", json!({ "status": 429, "body": {} }));
    world.faults(json!([busy])).await;
    assert!(matches!(settle(id).await, Settled::NotYet(_)));
    assert!(world.row("w1", id).await.unwrap().due_at.unwrap() > world.clock.now_ms());

    assert_eq!(settle(id).await, Settled::Done);
    assert_eq!(world.list(&token).await[0]["configured"], true);
    let written = world.written(0).await;
    assert_eq!(written.len(), 2);
    assert_eq!(written[0], written[1], "the same address and token");

    // Writing restarts the number: what is set already is not written.
    world.second().await;
    assert_eq!(settle(id).await, Settled::Done);
    assert_eq!(world.written(0).await.len(), 2);
    assert_eq!(settle("nobody").await, Settled::Gone);
}

#[tokio::test]
async fn a_location_without_working_tokens_gets_no_number() {
    // AC 41
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let refused = InstallState::NeedsReauthorization;
    world
        .change_install(L1, |install| install.state = refused)
        .await;
    let rows = n_rows(&world);
    let answer = world.add(&token, I1, T1).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.json["code"], "authorization_needed");
    assert!(
        answer.json["detail"]
            .as_str()
            .unwrap()
            .contains("Install the app")
    );
    assert_eq!(n_rows(&world), rows);
}

#[tokio::test]
async fn a_number_that_is_not_linked_can_be_added() {
    let world = world().await;
    let token = world.sign_in(L1, ALICE).await;
    let address = world.address(&format!("/_sandbox/green-api/{I1}/state"));
    let state = json!({ "stateInstance": "notAuthorized" });
    world.http.put(address).json(&state).send().await.unwrap();
    let answer = world.add(&token, I1, T1).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["state"], "notAuthorized");
    assert_eq!(answer.json["phone"], Value::Null);
}

#[tokio::test]
async fn a_number_is_renamed_by_its_own_admins() {
    let world = world().await;
    let alice = world.sign_in(L1, ALICE).await;
    let added = world.add(&alice, I1, T1).await;
    let id = added.json["id"].as_str().unwrap();
    let path = format!("/api/instances/{id}");
    let check = async |token: &str, path: &str, body: Value, expect: u16| {
        let answer = world.with(token, Method::PATCH, path, body.clone()).await;
        assert_eq!(answer.status, expect, "{path} {body}: {}", answer.text);
        answer.json
    };
    let renamed = check(&alice, &path, json!({ "name": " Магазин " }), 200).await;
    assert_eq!(renamed["name"], "Магазин");
    check(&alice, &path, json!({ "name": "" }), 400).await;
    check(&alice, &path, json!({ "name": "a\nb" }), 400).await;
    check(&alice, &path, json!({ "nickname": "x" }), 400).await;
    check(&alice, &path, json!({}), 200).await;

    // AC 61: what is shown of calls can be set.
    assert_eq!(renamed["settings"]["calls"], "each_event");
    let once = json!({ "settings": { "calls": "outcome_only" } });
    let changed = check(&alice, &path, once, 200).await;
    assert_eq!(changed["settings"]["calls"], "outcome_only");
    assert_eq!(changed["name"], "Магазин", "what is left out stays");
    assert_eq!(world.list(&alice).await[0]["settings"], changed["settings"]);
    check(&alice, &path, json!({ "settings": {} }), 200).await;
    let unknown = json!({ "settings": { "calls": "never" } });
    check(&alice, &path, unknown, 400).await;

    // AC 24
    let carol = world.sign_in(L2, CAROL).await;
    check(&carol, &path, json!({ "name": "x" }), 404).await;
    check(
        &carol,
        &format!("/api/instances/{I1}"),
        json!({ "name": "x" }),
        404,
    )
    .await;
    let bob = world.sign_in(L1, BOB).await;
    check(&bob, &path, json!({ "name": "x" }), 403).await;
    assert_eq!(world.list(&alice).await[0]["name"], "Магазин");

    // AC 26
    check(&alice, "/api/instances/abc", json!({ "name": "x" }), 400).await;
    let unknown = format!("/api/instances/{}", "0".repeat(32));
    check(&alice, &unknown, json!({ "name": "x" }), 404).await;
    let nobody = world.add(&bob, I2, T2).await;
    assert_eq!(
        (nobody.status, nobody.json["code"].as_str()),
        (403, Some("admin_needed"))
    );
}

#[tokio::test]
async fn a_number_is_shown_with_what_happens_on_it() {
    let world = world().await;
    let (alice, id) = world.added(I1, T1).await;
    let show = async |path: &str| {
        let answer = world.with(&alice, Method::GET, path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    };
    let path = format!("/api/instances/{id}");
    let quiet = json!({ "lastMessageAt": null, "waiting": { "whatsapp": 0, "crm": 0 } });
    assert_eq!(show(&path).await["activity"], quiet);

    let row = world.row("w1", &id).await.unwrap();
    let home = Home::from(&row);
    for n in 0..3 {
        accept::whatsapp_message(&world.hub, &home, written(n))
            .await
            .unwrap();
    }
    let shown = show(&path).await;
    assert_eq!(
        shown["activity"]["waiting"],
        json!({ "whatsapp": 0, "crm": 3 })
    );
    let last = shown["activity"]["lastMessageAt"].as_str().unwrap();
    assert!(greenhub::clock::parse_rfc3339(last).is_some(), "{last}");
    // The list costs a look at each number's conversations only if that is asked for.
    assert_eq!(
        show("/api/instances").await["instances"][0]["activity"],
        Value::Null
    );
    let list = show("/api/instances?activity=true").await;
    assert_eq!(list["instances"][0]["activity"], shown["activity"]);
}

/// What a customer with this number at the end of their phone wrote.
fn written(n: u32) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: format!("M{n}"),
        direction: Direction::In,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: Alias::from_phone_digits(&format!("7900123456{n}")),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text {
            text: "hi".to_owned(),
        },
        quoted: None,
    }
}
