use super::*;
use crate::inbox::change::{self, Change};
use crate::inbox::send::SendError;
use crate::store::team::Decided;

async fn changed(hub: &TestHub, id: &ChatId, what: Change) -> ChatRow {
    let done = change::change(hub, &sight(1), id, &person("ann"), &what).await;
    done.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_came_in_is_unread_until_somebody_looks() {
    // AC 122, AC 149
    let hub = hub();
    let id = write(&hub, 1, text("1", "hi")).await;
    write(&hub, 1, text("1", "hello?")).await;
    assert_eq!(chat(&hub, &id).await.unread(), 2);
    let read = |n| Change {
        read: Some(n),
        ..Change::default()
    };
    // What came while the browser drew the first two is still to be looked at.
    write(&hub, 1, text("1", "anybody?")).await;
    assert_eq!(changed(&hub, &id, read(2)).await.unread(), 1);
    assert_eq!(changed(&hub, &id, read(1)).await.unread(), 1);
    assert_eq!(changed(&hub, &id, read(99)).await.unread(), 0);
    let unread = Change {
        unread: true,
        ..Change::default()
    };
    assert_eq!(changed(&hub, &id, unread).await.unread(), 1);
    // Whoever answers has read it.
    linked(&hub, 1).await;
    answer(&hub, &id, "yes").await;
    assert_eq!(chat(&hub, &id).await.unread(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_change_of_a_conversation_bumps_its_revision_and_none_does_not() {
    let hub = hub();
    let id = write(&hub, 1, text("1", "hi")).await;
    let rev = chat(&hub, &id).await.rev;
    let closed = Change {
        closed: Some(true),
        ..Change::default()
    };
    assert_eq!(changed(&hub, &id, closed.clone()).await.rev, rev + 1);
    assert_eq!(changed(&hub, &id, closed).await.rev, rev + 1);
    let decided: Vec<_> = chat(&hub, &id).await.team.decisions;
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0].what, Decided::Closed);
    assert_eq!(decided[0].by, Some(person("ann")));
}

#[tokio::test(start_paused = true)]
async fn nobody_writes_to_who_asked_for_it_until_somebody_lifts_that() {
    let hub = hub();
    linked(&hub, 1).await;
    let id = write(&hub, 1, text("1", "hi")).await;
    answer(&hub, &id, "hello").await;
    write(&hub, 1, text("1", "STOP")).await;
    let row = chat(&hub, &id).await;
    let opted_out = row.team.opted_out.unwrap();
    assert_eq!(
        (opted_out.word.as_deref(), opted_out.by),
        (Some("stop"), None)
    );
    let writer = Writer {
        person: person("ann"),
        name: String::new(),
    };
    let draft = || Draft {
        request: "r".to_owned(),
        content: Content::Text {
            text: "but".to_owned(),
        },
        quotes: None,
    };
    let refused = send::send(&hub, &sight(1), &id, &writer, draft()).await;
    assert!(matches!(refused, Err(SendError::OptedOut)));
    let lifted = Change {
        opted_out: Some(false),
        ..Change::default()
    };
    changed(&hub, &id, lifted).await;
    send::send(&hub, &sight(1), &id, &writer, draft())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_is_one_message_and_an_answer_quotes_by_whatsapps_id() {
    let hub = hub();
    linked(&hub, 1).await;
    let id = write(&hub, 1, text("1", "hi")).await;
    let first = answer(&hub, &id, "r1").await;
    let again = answer(&hub, &id, "r1").await;
    assert_eq!(first, again);
    let writer = Writer {
        person: person("ann"),
        name: "Ann".to_owned(),
    };
    let draft = |quotes| Draft {
        request: "r2".to_owned(),
        content: Content::Text {
            text: "yes".to_owned(),
        },
        quotes: Some(quotes),
    };
    let sent = send::send(&hub, &sight(1), &id, &writer, draft((id.clone(), 1))).await;
    let quoted = sent.unwrap().quoted.unwrap();
    assert_eq!(quoted.remote_id.as_deref(), Some("1.hi"));
    // Our own message has no id of WhatsApp's yet; another conversation's cannot be quoted here.
    let other = write(&hub, 1, text("2", "hi")).await;
    for quotes in [(id.clone(), 2), (other, 1), (id.clone(), 77)] {
        let refused = send::send(&hub, &sight(1), &id, &writer, draft(quotes)).await;
        assert!(matches!(refused, Err(SendError::NothingToQuote)));
    }
    // Another's conversation is not there.
    let refused = send::send(&hub, &sight(0), &id, &writer, draft((id.clone(), 1))).await;
    assert!(matches!(refused, Err(SendError::NotFound)));
}

#[test]
fn what_whatsapp_does_not_take_is_refused_before_it_is_taken() {
    let check = |content: Content, expect: bool| {
        assert_eq!(send::check(&content).is_ok(), expect, "{content:?}");
    };
    let text = |n| Content::Text {
        text: "ы".repeat(n),
    };
    check(text(0), false);
    check(text(20_000), true);
    check(text(20_001), false);
    let place = |latitude| Content::Location {
        latitude,
        longitude: 0.0,
        name: String::new(),
        address: String::new(),
    };
    check(place(90.0), true);
    check(place(90.1), false);
    check(place(f64::NAN), false);
    let poll = |options: &[&str]| Content::Poll {
        name: "?".to_owned(),
        options: options.iter().map(|it| (*it).to_owned()).collect(),
        multiple: false,
    };
    check(poll(&["a", "b"]), true);
    check(poll(&["a"]), false);
    check(poll(&["a", "a "]), false);
    check(poll(&["a", ""]), false);
    check(Content::Deleted { target: None }, false);
}
