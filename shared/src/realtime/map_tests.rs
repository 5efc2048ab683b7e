//! Rows before and after, and what is told of them.

use super::*;
use crate::domain::chat_id::Alias;
use crate::domain::content::Content;
use crate::domain::delivery::{Destination, Lane};
use crate::domain::ids::{ChatId, IdInstance, LocationId};
use crate::domain::message::{CrmMessage, CrmStatus, Direction, Origin};
use crate::domain::rights::Rights;
use crate::domain::status::{InstanceState, Status};
use crate::store::db::Key;
use crate::store::people::PersonKind;

fn workspace() -> WorkspaceId {
    WorkspaceId::new("w")
}

fn image<T: Row>(row: &T) -> Item {
    serde_dynamo::to_item(row).unwrap()
}

fn change<T: Row>(key: &Key, old: Option<&T>, new: Option<&T>) -> Change {
    Change {
        pk: key.pk.clone(),
        sk: key.sk.clone(),
        old: old.map(image),
        new: new.map(image),
    }
}

/// What is told, a line for each.
fn told(change: &Change) -> Vec<String> {
    let line = |news| match news {
        News::Person { workspace, person } => format!("look at {person} of {workspace}"),
        News::Everybody { workspace } => format!("look at everybody of {workspace}"),
        News::Event {
            workspace,
            to,
            event,
        } => {
            let to = match to {
                Audience::Number(number) => format!("who see {number}"),
                Audience::Person(person) => format!("{person} and managers"),
            };
            let event = serde_json::to_string(&event).unwrap();
            format!("{to} of {workspace}: {event}")
        }
    };
    news(change).into_iter().map(line).collect()
}

/// The row as it is changed from, and what is told of the change.
fn check<T: Row + Clone>(key: &Key, row: &T, alter: impl FnOnce(&mut T), expect: &[&str]) {
    let mut new = row.clone();
    new.set_rev(row.rev() + 1);
    alter(&mut new);
    assert_eq!(told(&change(key, Some(row), Some(&new))), expect);
}

fn message(direction: Direction) -> Message {
    let (chat, number) = (ChatId::new("c"), NumberId::new("n"));
    let content = Content::Text { text: "hi".into() };
    let sent = Delivery::to_whatsapp(&content);
    let deliveries = match direction {
        Direction::In => BTreeMap::new(),
        Direction::Out => BTreeMap::from([(Destination::Whatsapp, sent)]),
    };
    serde_json::from_value(serde_json::json!({
        "workspace": workspace(), "number": number, "chat": chat, "seq": 7, "rev": 1,
        "direction": direction, "origin": Origin::Whatsapp, "at_ms": 1, "accepted_ms": 2,
        "author": {}, "content": content, "status": Status::Queued, "deliveries": deliveries,
    }))
    .unwrap()
}

fn chat() -> ChatRow {
    let mut chat = ChatRow::new(
        workspace(),
        NumberId::new("n"),
        ChatId::new("c"),
        Alias::from_phone_digits("15550100001"),
    );
    chat.rev = 4;
    chat
}

fn number() -> NumberRow {
    serde_json::from_value(serde_json::json!({
        "rev": 2, "workspace": workspace(), "number": "n", "id_instance": IdInstance(1_101),
        "name": "Sales", "created_ms": 1, "state": InstanceState::Authorized,
        "api_url": "https://api.example", "token_sealed": "t", "hook_key_sealed": "k",
        "hook_token_sha256": "h", "hook_token_sealed": "s", "delay_ms": 500,
    }))
    .unwrap()
}

fn person() -> PersonRow {
    PersonRow {
        rev: 5,
        workspace: workspace(),
        person: PersonId::new("p"),
        kind: PersonKind::Local {
            login: "vera".into(),
        },
        name: "Vera".into(),
        rights: Rights::default(),
        is_active: true,
        epoch: 1,
        password: Some("hash".into()),
        setup: None,
        totp: None,
        telegram: None,
        recovery: Default::default(),
        created_ms: 1,
        entered_ms: None,
    }
}

fn install() -> InstallRow {
    serde_json::from_value(serde_json::json!({
        "rev": 1, "location": "L", "workspace": workspace(), "state": InstallState::Active,
        "access_sealed": "a", "refresh_sealed": "r", "expires_ms": 1, "refreshed_ms": 1,
        "scope": "", "installed_ms": 1,
    }))
    .unwrap()
}

#[test]
fn messages_come_change_and_go() {
    // AC 154
    let key = keys::message(&ChatId::new("c"), 7);
    let event = |action: &str, rev: u64, status: &str| {
        format!(
            r#"who see n of w: {{"action":"{action}","topic":"message","id":"c-7","inst_id":"n","chat_id":"c","rev":{rev},"seq":7,"status":"{status}"}}"#
        )
    };
    let (came, sent) = (message(Direction::In), message(Direction::Out));
    let new = event("insert", 1, "queued");
    assert_eq!(told(&change(&key, None, Some(&came))), [new.as_str()]);
    assert_eq!(told(&change(&key, None, Some(&sent))), [new]);
    let gone = event("delete", 1, "queued");
    assert_eq!(told(&change(&key, Some(&came), None)), [gone]);

    let changed = |alter: fn(&mut Message), status: &str| {
        check(&key, &sent, alter, &[&event("update", 2, status)]);
    };
    changed(|it| it.status = Status::Read, "read");
    changed(|it| it.status_reason = Some("no account".into()), "queued");
    changed(
        |it| {
            it.content = Content::Text {
                text: "hello".into(),
            }
        },
        "queued",
    );
    changed(|it| it.whatsapp_id = Some("3EB0".into()), "queued");
    changed(|it| parts(it)[0].state = PartState::Done, "queued");
    changed(|it| parts(it)[0].state = PartState::Dead, "queued");
    changed(|it| parts(it)[0].error = Some("refused".into()), "queued");

    let unseen = |alter: fn(&mut Message)| check(&key, &sent, alter, &[]);
    unseen(|_| {});
    unseen(|it| {
        parts(it)[0].state = PartState::Sending {
            since_ms: 1,
            by: "run".into(),
        }
    });
    unseen(|it| {
        parts(it)[0].state = PartState::Retry {
            at_ms: 1,
            look_since_ms: None,
        }
    });
    unseen(|it| parts(it)[0].attempts = 1);
    unseen(|it| {
        let mut crm = CrmMessage::new("m");
        crm.told = Some(CrmStatus::Read);
        it.crm = Some(crm);
    });
}

fn parts(message: &mut Message) -> &mut Vec<Part> {
    &mut message
        .deliveries
        .get_mut(&Destination::Whatsapp)
        .unwrap()
        .parts
}

#[test]
fn chats_change_for_people_and_not_for_lanes() {
    let key = keys::chat(&ChatId::new("c"));
    let event = |action: &str, rev: u64| {
        format!(
            r#"who see n of w: {{"action":"{action}","topic":"chat","id":"c","inst_id":"n","chat_id":"c","rev":{rev}}}"#
        )
    };
    let row = chat();
    let new = event("insert", 4);
    assert_eq!(told(&change(&key, None, Some(&row))), [new]);
    let gone = event("delete", 4);
    assert_eq!(told(&change(&key, Some(&row), None)), [gone]);
    let changed = |alter: fn(&mut ChatRow)| check(&key, &row, alter, &[&event("update", 5)]);
    changed(|it| it.seq = 1);
    changed(|it| it.last_at = 1);
    changed(|it| it.title = Some("Vera".into()));
    changed(|it| it.merged_into = Some(ChatId::new("d")));
    let unseen = |alter: fn(&mut ChatRow)| check(&key, &row, alter, &[]);
    unseen(|_| {});
    unseen(|it| it.set_due(Lane::Whatsapp, 1));
    unseen(|it| {
        it.untold.insert(7);
    });
    unseen(|it| {
        it.echoes.insert("3EB0".into(), 1);
    });
}

#[test]
fn numbers_change_for_people_and_not_for_the_sweeper() {
    // AC 116
    let key = keys::number(&workspace(), &NumberId::new("n"));
    let event = |action: &str, rev: u64| {
        format!(
            r#"who see n of w: {{"action":"{action}","topic":"number","id":"n","inst_id":"n","rev":{rev}}}"#
        )
    };
    let row = number();
    let new = event("insert", 2);
    assert_eq!(told(&change(&key, None, Some(&row))), [new]);
    let gone = event("delete", 2);
    assert_eq!(told(&change(&key, Some(&row), None)), [gone]);
    let changed = |alter: fn(&mut NumberRow)| check(&key, &row, alter, &[&event("update", 3)]);
    changed(|it| it.state = InstanceState::NotAuthorized);
    changed(|it| it.name = "Support".into());
    let unseen = |alter: fn(&mut NumberRow)| check(&key, &row, alter, &[]);
    unseen(|it| it.set_due(1));
    unseen(|it| it.checked_ms = 1);
    unseen(|it| it.token_sealed = "another".into());
}

#[test]
fn whatever_happens_to_a_person_has_their_sockets_looked_at() {
    let key = keys::person(&workspace(), &PersonId::new("p"));
    let event = |action: &str, rev: u64| {
        format!(
            r#"p and managers of w: {{"action":"{action}","topic":"person","id":"p","rev":{rev}}}"#
        )
    };
    let look = "look at p of w";
    let row = person();
    let new = event("insert", 5);
    assert_eq!(told(&change(&key, None, Some(&row))), [look, &new]);
    let gone = event("delete", 5);
    assert_eq!(told(&change(&key, Some(&row), None)), [look, &gone]);
    let changed =
        |alter: fn(&mut PersonRow)| check(&key, &row, alter, &[look, &event("update", 6)]);
    changed(|it| it.name = "Vera K.".into());
    changed(|it| it.is_active = false);
    changed(|it| it.rights.full_access = true);
    // Nothing that others see, but a session may have ended.
    let unseen = |alter: fn(&mut PersonRow)| check(&key, &row, alter, &[look]);
    unseen(|_| {});
    unseen(|it| it.epoch = 2);
    unseen(|it| it.password = None);
}

#[test]
fn an_import_is_followed_step_by_step() {
    let key = keys::import(&workspace(), &NumberId::new("n"));
    let event = |action: &str, rev: u64| {
        format!(
            r#"who see n of w: {{"action":"{action}","topic":"job","id":"n","inst_id":"n","rev":{rev}}}"#
        )
    };
    let row = JobRow { rev: 3 };
    let new = event("insert", 3);
    assert_eq!(told(&change(&key, None, Some(&row))), [new]);
    let gone = event("delete", 3);
    assert_eq!(told(&change(&key, Some(&row), None)), [gone]);
    check(&key, &row, |_| {}, &[&event("update", 4)]);
    check(&key, &row, |it| it.rev = 3, &[]);
}

#[test]
fn the_end_of_an_installation_has_everybody_looked_at() {
    let key = keys::install(&LocationId::new("L"));
    let row = install();
    let ended = ["look at everybody of w"];
    assert!(told(&change(&key, None, Some(&row))).is_empty());
    assert_eq!(told(&change(&key, Some(&row), None)), ended);
    check(
        &key,
        &row,
        |it| it.state = InstallState::Uninstalled,
        &ended,
    );
    check(
        &key,
        &row,
        |it| it.workspace = WorkspaceId::new("v"),
        &ended,
    );
    check(&key, &row, |it| it.state = InstallState::Suspended, &[]);
    check(&key, &row, |it| it.access_sealed = "another".into(), &[]);
}

#[test]
fn what_cannot_be_read_is_told_to_nobody() {
    let check = |key: Key, image: serde_json::Value| {
        let image: Item = serde_dynamo::to_item(image).unwrap();
        let change = Change {
            pk: key.pk,
            sk: key.sk,
            old: None,
            new: Some(image),
        };
        assert!(news(&change).is_empty(), "{change:?}");
    };
    let chat = ChatId::new("c");
    check(keys::chat(&chat), serde_json::json!({"rev": 1}));
    check(keys::message(&chat, 1), serde_json::json!({"seq": "one"}));
    check(
        keys::file_link(&NumberId::new("n"), "l"),
        serde_json::json!({"rev": 1}),
    );
    let nothing = Change {
        pk: keys::chat(&chat).pk,
        sk: keys::chat(&chat).sk,
        old: None,
        new: None,
    };
    assert!(news(&nothing).is_empty());
}

#[test]
fn the_same_thing_is_told_once_as_it_is_now() {
    let event = |action: Action, id: &str, rev: u64| Event {
        action,
        topic: Topic::Message,
        id: id.to_owned(),
        number: None,
        chat: None,
        rev,
        seq: None,
        status: None,
    };
    let check = |told: &[(Action, &str, u64)], expect: &[(Action, &str, u64)]| {
        let mut events = Vec::new();
        for (action, id, rev) in told {
            let to = Audience::Number(NumberId::new("n"));
            add(&mut events, to, event(*action, id, *rev));
        }
        let got: Vec<_> = events
            .iter()
            .map(|(_, it)| (it.action, it.id.as_str(), it.rev))
            .collect();
        assert_eq!(got, expect);
    };
    use Action::{Delete, Insert, Update};
    check(&[], &[]);
    check(
        &[(Insert, "1", 1), (Insert, "2", 1), (Update, "1", 2)],
        &[(Insert, "1", 2), (Insert, "2", 1)],
    );
    check(&[(Update, "1", 2), (Update, "1", 3)], &[(Update, "1", 3)]);
    check(&[(Insert, "1", 1), (Delete, "1", 1)], &[(Delete, "1", 1)]);
    check(&[(Update, "1", 2), (Delete, "1", 2)], &[(Delete, "1", 2)]);
    check(&[(Delete, "1", 2), (Insert, "1", 1)], &[(Insert, "1", 1)]);
}
