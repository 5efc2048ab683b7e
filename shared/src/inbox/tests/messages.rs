use super::*;
use crate::domain::message::{Edit, Reaction};
use crate::inbox::change;
use crate::inbox::messages::{self, Between};

fn texts(page: &[Message]) -> Vec<String> {
    let texts = page.iter().map(|message| match &message.content {
        Content::Text { text } => text.clone(),
        other => format!("{other:?}"),
    });
    texts.collect()
}

async fn backwards(hub: &TestHub, chat: &ChatRow, limit: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut place: Option<Between> = None;
    loop {
        let page = messages::page(&hub.db, chat, place.as_ref(), limit);
        let page = page.await.unwrap();
        let mut earlier = texts(&page.messages);
        earlier.extend(all);
        all = earlier;
        place = page.back;
        if place.is_none() {
            return all;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_message_is_no_gap_and_no_duplicate_of_those_that_are_paged_through() {
    // AC 147
    let hub = hub();
    let mut id = None;
    for n in 1..=45 {
        id = Some(write(&hub, 1, text("1", &format!("{n}"))).await);
    }
    let id = id.unwrap();
    let first = messages::page(&hub.db, &chat(&hub, &id).await, None, 20)
        .await
        .unwrap();
    write(&hub, 1, text("1", "46")).await;
    let row = chat(&hub, &id).await;
    let second = messages::page(&hub.db, &row, first.back.as_ref(), 20)
        .await
        .unwrap();
    let third = messages::page(&hub.db, &row, second.back.as_ref(), 20)
        .await
        .unwrap();
    let seen: Vec<usize> = [&first, &second, &third]
        .map(|page| page.messages.len())
        .into();
    assert_eq!(seen, [20, 20, 5]);
    assert_eq!(third.back, None);
    let all = [third.messages, second.messages, first.messages].concat();
    let expect: Vec<String> = (1..=45).map(|n| n.to_string()).collect();
    assert_eq!(texts(&all), expect);
    // And the new one comes after them.
    let after = messages::page(&hub.db, &row, Some(&first.forth), 20)
        .await
        .unwrap();
    assert_eq!(texts(&after.messages), ["46"]);
    let after = messages::page(&hub.db, &row, Some(&after.forth), 20)
        .await
        .unwrap();
    assert_eq!(texts(&after.messages), [""; 0]);
    write(&hub, 1, text("1", "47")).await;
    let after = messages::page(&hub.db, &row, Some(&after.forth), 20)
        .await
        .unwrap();
    assert_eq!(texts(&after.messages), ["47"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_takes_one_read_however_many_messages_there_are() {
    // AC 153
    let hub = hub();
    let mut id = None;
    for n in 1..=300 {
        id = Some(write(&hub, 1, text("1", &format!("{n}"))).await);
    }
    let row = chat(&hub, &id.unwrap()).await;
    let (n_reads, page) = reads(&hub, messages::page(&hub.db, &row, None, 20)).await;
    assert_eq!((n_reads, page.unwrap().messages.len()), (1, 20));
}

#[tokio::test(start_paused = true)]
async fn a_merged_conversation_reads_as_one_and_comes_apart_again() {
    let hub = hub();
    let one = write(&hub, 1, text("1", "a")).await;
    let other = write(&hub, 1, text("2", "b")).await;
    write(&hub, 1, text("1", "c")).await;
    write(&hub, 1, text("2", "d")).await;
    let ann = person("ann");
    let row = change::join(&hub, &sight(1), &one, &other, &ann)
        .await
        .unwrap();
    assert_eq!((row.chat.clone(), row.unread()), (one.clone(), 4));
    write(&hub, 1, text("2", "e")).await;
    let row = chat(&hub, &one).await;
    for limit in [1, 2, 3, 10] {
        let all = backwards(&hub, &row, limit).await;
        assert_eq!(all, ["a", "b", "c", "d", "e"], "{limit} at once");
    }
    // Forwards from the first page, whichever conversation gave nothing to it.
    let page = messages::page(&hub.db, &row, None, 1).await.unwrap();
    let after = messages::page(&hub.db, &row, Some(&page.forth), 10)
        .await
        .unwrap();
    assert_eq!(texts(&after.messages), [""; 0]);
    let before = messages::page(&hub.db, &row, page.back.as_ref(), 2)
        .await
        .unwrap();
    let after = messages::page(&hub.db, &row, Some(&before.forth), 10)
        .await
        .unwrap();
    assert_eq!(texts(&after.messages), ["e"]);

    let (row, freed) = change::split(&hub, &sight(1), &one, &other, &ann)
        .await
        .unwrap();
    assert_eq!(backwards(&hub, &row, 10).await, ["a", "c", "e"]);
    assert_eq!(backwards(&hub, &freed, 10).await, ["b", "d"]);
    let again = write(&hub, 1, text("2", "f")).await;
    assert_eq!(again, other);
    let split = change::split(&hub, &sight(1), &one, &other, &ann).await;
    assert!(matches!(split, Err(change::ChangeError::NotMerged)));
}

#[tokio::test(start_paused = true)]
async fn a_place_of_another_conversation_is_refused() {
    let hub = hub();
    let one = write(&hub, 1, text("1", "a")).await;
    let other = write(&hub, 2, text("2", "b")).await;
    let page = messages::page(&hub.db, &chat(&hub, &one).await, None, 1)
        .await
        .unwrap();
    assert_eq!(page.forth.check(&chat(&hub, &one).await), Ok(()));
    assert!(page.forth.check(&chat(&hub, &other).await).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_text_is_found_within_a_conversation_a_few_hundred_messages_at_once() {
    let hub = hub();
    let mut id = None;
    for n in 1..=620 {
        let words = if n % 310 == 1 { "The Invoice" } else { "word" };
        id = Some(write(&hub, 1, text("1", &format!("{words} {n}"))).await);
    }
    let row = chat(&hub, &id.unwrap()).await;
    let look = messages::search(&hub.db, &row, "invoice", None);
    let (n_reads, found) = reads(&hub, look).await;
    let (hits, place) = found.unwrap();
    assert_eq!(
        (n_reads, texts(&hits)),
        (5, vec!["The Invoice 311".to_owned()])
    );
    let (hits, place) = messages::search(&hub.db, &row, "invoice", place.as_ref())
        .await
        .unwrap();
    assert_eq!(
        (texts(&hits), place),
        (vec!["The Invoice 1".to_owned()], None)
    );
}

#[tokio::test(start_paused = true)]
async fn edits_reactions_and_deletions_are_seen_on_what_they_are_about() {
    let hub = hub();
    let id = write(&hub, 1, text("1", "hi")).await;
    let target = Some("1.hi".to_owned());
    let later = |n: i64, content: Content| NewMessage {
        remote_id: format!("later {n}"),
        at_s: Some(BASE_MS / 1000 + n),
        content,
        ..text("1", "")
    };
    let reaction = |emoji: Option<&str>| Content::Reaction {
        emoji: emoji.map(str::to_owned),
        target: Some("1.hi".to_owned()),
    };
    let since = hub.clock.now_ms() + 1;
    write(&hub, 1, later(1, reaction(Some("👍")))).await;
    let edit = |text: &str| Content::Edited {
        text: text.to_owned(),
        target: Some("1.hi".to_owned()),
    };
    write(&hub, 1, later(9, edit("hi all"))).await;
    // The earlier one came late.
    write(&hub, 1, later(5, edit("hi every"))).await;
    let marked = message(&hub, &id, 1).await;
    let author = Author {
        name: Some("Person 1".to_owned()),
        ..Author::default()
    };
    assert_eq!(
        marked.marks.reactions,
        [Reaction {
            direction: Direction::In,
            author,
            emoji: "👍".to_owned(),
            at_ms: BASE_MS + 1_000,
        }]
    );
    let reads_now = Edit {
        text: "hi all".to_owned(),
        at_ms: BASE_MS + 9_000,
    };
    assert_eq!(marked.marks.edited, Some(reads_now));
    write(&hub, 1, later(10, reaction(None))).await;
    write(&hub, 1, later(11, Content::Deleted { target })).await;
    let marked = message(&hub, &id, 1).await;
    assert_eq!(marked.marks.reactions, []);
    assert_eq!(marked.marks.deleted_ms, Some(BASE_MS + 11_000));
    // None of them has to be looked at, and a browser learns of the change.
    assert_eq!(chat(&hub, &id).await.unread(), 1);
    let (changed, next) = messages::changed(&hub.db, &id, (1, 1), since)
        .await
        .unwrap();
    assert_eq!((changed.len(), next), (1, None));
    let now = hub.clock.now_ms() + 1;
    let (changed, _) = messages::changed(&hub.db, &id, (1, 9), now).await.unwrap();
    assert_eq!(changed, []);
}
