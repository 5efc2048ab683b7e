use std::time::Duration;

use super::*;
use crate::inbox::change::{self, Change};
use crate::inbox::list::{self, At, Filter};
use crate::store::team::{InboxRow, Label};

/// All pages of a list, by the phones in it.
async fn phones(hub: &TestHub, sight: &Sight, filter: &Filter, limit: usize) -> Vec<String> {
    let mut phones = Vec::new();
    let mut after: Option<At> = None;
    loop {
        let page = list::page(&hub.db, sight, filter, after.as_ref(), limit);
        let page = page.await.unwrap();
        let found = page.entries.iter();
        phones.extend(found.map(|entry| entry.chat.address.local().to_owned()));
        after = page.next;
        if after.is_none() {
            return phones;
        }
    }
}

async fn changed(hub: &TestHub, id: &ChatId, what: Change) -> ChatRow {
    let done = change::change(hub, &sight(9), id, &person("ann"), &what).await;
    done.unwrap()
}

#[tokio::test(start_paused = true)]
async fn conversations_are_listed_by_activity_over_all_numbers_that_somebody_sees() {
    let hub = hub();
    for n in 1..=7 {
        write(&hub, 1 + n % 3, text(&n.to_string(), "hi")).await;
    }
    write(&hub, 3, text("2", "again")).await;
    for limit in [1, 2, 3, 7, 50] {
        let all = phones(&hub, &sight(3), &Filter::Open, limit).await;
        assert_eq!(all, ["2", "7", "6", "5", "4", "3", "1"], "{limit} at once");
        let theirs = phones(&hub, &sight(1), &Filter::Open, limit).await;
        assert_eq!(theirs, ["6", "3"], "{limit} at once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_active_in_the_same_millisecond_is_listed_once() {
    let hub = hub();
    for n in 1..=20 {
        let home = home(1 + n % 2);
        let new = text(&n.to_string(), "hi");
        accept::whatsapp_message(&hub, &home, new).await.unwrap();
    }
    for limit in [1, 3, 7] {
        let mut all = phones(&hub, &sight(2), &Filter::Open, limit).await;
        assert_eq!(all.len(), 20, "{limit} at once");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20, "{limit} at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_in_the_lists_that_it_belongs_to() {
    let hub = hub();
    let mut ids = Vec::new();
    for n in 1..=5 {
        ids.push(write(&hub, 1, text(&n.to_string(), "hi")).await);
    }
    let assigned = |name: &str| Change {
        assignee: Some(Some(person(name))),
        ..Change::default()
    };
    changed(&hub, &ids[0], assigned("ann")).await;
    changed(&hub, &ids[1], assigned("bob")).await;
    let closed = Change {
        closed: Some(true),
        ..Change::default()
    };
    changed(&hub, &ids[2], closed.clone()).await;
    let archived = Change {
        archived: Some(true),
        labels: Some(["vip".to_owned()].into()),
        ..Change::default()
    };
    changed(&hub, &ids[3], archived).await;
    let vip = Change {
        labels: Some(["vip".to_owned()].into()),
        pinned: Some(true),
        ..Change::default()
    };
    changed(&hub, &ids[0], vip).await;
    let check = async |filter: Filter, expect: &[&str]| {
        assert_eq!(
            phones(&hub, &sight(1), &filter, 2).await,
            expect,
            "{filter:?}"
        );
    };
    // What is pinned comes first.
    check(Filter::Open, &["1", "5", "2"]).await;
    check(Filter::Of(person("ann")), &["1"]).await;
    check(Filter::Of(person("bob")), &["2"]).await;
    check(Filter::Unassigned, &["5"]).await;
    check(Filter::Closed, &["3"]).await;
    check(Filter::Archived, &["4"]).await;
    check(Filter::Label("vip".to_owned()), &["1", "4"]).await;
    check(Filter::Label("else".to_owned()), &[]).await;

    // Whoever writes again is seen again, and has the labels that they had.
    for n in ["3", "4"] {
        write(&hub, 1, text(n, "hello?")).await;
    }
    check(Filter::Closed, &[]).await;
    check(Filter::Archived, &[]).await;
    check(Filter::Open, &["1", "4", "3", "5", "2"]).await;
    check(Filter::Label("vip".to_owned()), &["1", "4"]).await;
    changed(
        &hub,
        &ids[3],
        Change {
            labels: Some([].into()),
            ..Change::default()
        },
    )
    .await;
    check(Filter::Label("vip".to_owned()), &["1"]).await;
    // Closed by hand, it leaves the lists of what is to be done.
    changed(&hub, &ids[0], closed).await;
    check(Filter::Of(person("ann")), &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_takes_as_many_reads_however_much_there_is() {
    // AC 153
    let hub = hub();
    let mut counts = Vec::new();
    for n in 1..=600 {
        let id = write(&hub, 1, text(&n.to_string(), "hi")).await;
        for m in 0..(n % 3) {
            write(&hub, 1, text(&n.to_string(), &format!("more {m}"))).await;
        }
        if n % 2 == 0 {
            let closed = Change {
                closed: Some(true),
                ..Change::default()
            };
            changed(&hub, &id, closed).await;
        }
        if n % 200 == 0 {
            let sight = sight(1);
            let (n_reads, page) =
                reads(&hub, list::page(&hub.db, &sight, &Filter::Open, None, 20)).await;
            assert_eq!(page.unwrap().entries.len(), 20);
            counts.push(n_reads);
        }
    }
    // One for what is pinned, two of the index, two for each conversation.
    assert_eq!(counts, [43, 43, 43]);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_was_away_learns_what_has_changed() {
    // AC 154
    let hub = hub();
    let first = write(&hub, 1, text("1", "hi")).await;
    write(&hub, 2, text("2", "hi")).await;
    write(&hub, 3, text("3", "hi")).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let since = hub.clock.now_ms();
    write(&hub, 1, text("4", "hi")).await;
    let closed = Change {
        closed: Some(true),
        ..Change::default()
    };
    changed(&hub, &first, closed).await;
    let mut seen = Vec::new();
    let mut from = since;
    loop {
        let now = hub.clock.now_ms();
        let changes = list::changes(&hub.db, &sight(2), from, 1, now)
            .await
            .unwrap();
        let found = changes.entries.iter();
        seen.extend(found.map(|entry| entry.chat.address.local().to_owned()));
        from = changes.until_ms;
        if !changes.more {
            break;
        }
    }
    // Of the same millisecond, in any order.
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["1", "4"]);
    // What comes while the index lags behind is told by the next question.
    assert_eq!(from, hub.clock.now_ms() - 10_000);
}

#[tokio::test(start_paused = true)]
async fn people_are_found_by_names_and_phones_on_numbers_that_somebody_sees() {
    let hub = hub();
    let named = |from: &str, name: &str| {
        let mut new = text(from, "hi");
        new.author.name = Some(name.to_owned());
        new
    };
    write(&hub, 1, named("79001234567", "Анна Karlson")).await;
    write(&hub, 1, named("4930123456", "Karla Anders")).await;
    write(&hub, 2, named("79007654321", "Karl")).await;
    let check = async |sight: &Sight, query: &str, expect: &[&str]| {
        let (found, more) = list::search(&hub.db, sight, query, 10).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| it.chat.address.local()).collect();
        assert_eq!((found.as_slice(), more), (expect, false), "{query}");
    };
    let all = sight(2);
    check(&all, "karl", &["79007654321", "4930123456", "79001234567"]).await;
    check(&sight(1), "KARL", &["4930123456", "79001234567"]).await;
    check(&all, "карл", &[]).await;
    check(&all, "анна karl", &["79001234567"]).await;
    check(&all, "+7 900", &["79007654321", "79001234567"]).await;
    check(&all, "4567", &["79001234567"]).await;
    check(&all, "", &[]).await;
    // A new name is found, and the old one is not.
    let mut renamed = named("4930123456", "Greta");
    renamed.remote_id = "renamed".to_owned();
    write(&hub, 1, renamed).await;
    check(&all, "karla", &[]).await;
    check(&all, "gre", &["4930123456"]).await;
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_pinned() {
    let hub = hub();
    let pinned = Change {
        pinned: Some(true),
        ..Change::default()
    };
    for n in 0..list::PINNED_MOST {
        let id = write(&hub, 1, text(&format!("{n}1"), "hi")).await;
        changed(&hub, &id, pinned.clone()).await;
    }
    let id = write(&hub, 1, text("99", "hi")).await;
    let refused = change::change(&hub, &sight(1), &id, &person("ann"), &pinned).await;
    assert!(matches!(refused, Err(change::ChangeError::TooManyPinned)));
}

#[test]
fn a_workspaces_labels_are_kept_as_they_are() {
    let row = InboxRow {
        rev: 1,
        labels: vec![Label {
            id: "a".to_owned(),
            name: "VIP".to_owned(),
            colour: "#aabbcc".to_owned(),
        }],
        ..InboxRow::default()
    };
    let item = row::item(&row).unwrap();
    assert_eq!(row::read::<InboxRow>(item).unwrap(), row);
}
