use super::*;
use crate::domain::delivery::{Destination, Lane, PartState};
use crate::domain::status::Status;
use crate::inbox::stuck::{self, Filter, RetryError};
use crate::pipeline::settle;

/// Settles the only part of an answer.
async fn settled(hub: &TestHub, message: &Message, state: PartState, status: Status) {
    settle::change_part(hub, message, Destination::Whatsapp, 0, |part| {
        part.state = state.clone();
        part.status = Some(status);
        part.error = Some("no".to_owned());
        part.attempts += 1;
    })
    .await
    .unwrap();
}

fn unknown() -> PartState {
    PartState::Unknown {
        since_ms: 0,
        looked_ms: 0,
        at_ms: 0,
        to_person: true,
    }
}

async fn seqs(hub: &TestHub, filter: &Filter, limit: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    let mut after = None;
    loop {
        let theirs = sight(1);
        let page = stuck::page(&hub.db, &theirs, filter, after.as_ref(), limit);
        let page = page.await.unwrap();
        seqs.extend(page.rows.iter().map(|row| row.seq));
        after = page.next;
        if after.is_none() {
            return seqs;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_died_is_listed_until_it_is_sent_once_more_or_let_be() {
    let hub = hub();
    linked(&hub, 1).await;
    let id = write(&hub, 1, text("1", "hi")).await;
    for n in 2..=5 {
        tokio::time::advance(Duration::from_millis(1)).await;
        let message = answer(&hub, &id, &format!("r{n}")).await;
        settled(&hub, &message, PartState::Dead, Status::Failed).await;
    }
    let all = Filter::default();
    for limit in [1, 2, 10] {
        assert_eq!(
            seqs(&hub, &all, limit).await,
            [5, 4, 3, 2],
            "{limit} at once"
        );
    }
    let elsewhere = Filter {
        at: Some(Destination::Crm),
        ..Filter::default()
    };
    assert_eq!(seqs(&hub, &elsewhere, 2).await, [0; 0]);
    assert_eq!(
        stuck::page(&hub.db, &sight(0), &all, None, 9)
            .await
            .unwrap()
            .rows,
        []
    );

    let ann = person("ann");
    let reason = "too late";
    let gone = stuck::discard(&hub, &sight(1), (&id, 3), &ann, reason)
        .await
        .unwrap();
    assert_eq!(gone.discarded.unwrap().reason, reason);
    assert_eq!(seqs(&hub, &all, 10).await, [5, 4, 2]);

    let retried = stuck::retry(&hub, &sight(1), (&id, 4), false)
        .await
        .unwrap();
    assert_eq!(retried.to, [Destination::Whatsapp].into());
    assert_eq!(seqs(&hub, &all, 10).await, [5, 2]);
    let again = message(&hub, &id, 4).await;
    let part = &again.deliveries[&Destination::Whatsapp].parts[0];
    assert_eq!(
        (again.status, &part.state),
        (Status::Queued, &PartState::Pending)
    );
    // What went wrong before is still told, and its lane goes back for it.
    assert_eq!((part.attempts, part.errors.len()), (1, 1));
    let steps: Vec<_> = again.steps.iter().map(|step| step.status).collect();
    assert_eq!(steps, [Status::Queued, Status::Failed, Status::Queued]);
    let row = chat(&hub, &id).await;
    assert!(row.due(Lane::Whatsapp).is_some());
    assert!(row.cursor(Lane::Whatsapp) <= 4 || row.behind(Lane::Whatsapp).any(|seq| seq == 4));
    let twice = stuck::retry(&hub, &sight(1), (&id, 4), false).await;
    assert!(matches!(twice, Err(RetryError::NotStuck)));
    let elsewhere = stuck::retry(&hub, &sight(0), (&id, 5), false).await;
    assert!(matches!(elsewhere, Err(RetryError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_sent_once_more_only_if_somebody_says_so() {
    let hub = hub();
    linked(&hub, 1).await;
    let id = write(&hub, 1, text("1", "hi")).await;
    let message = answer(&hub, &id, "r").await;
    settled(&hub, &message, unknown(), Status::Unknown).await;
    let (theirs, all) = (sight(1), Filter::default());
    let page = stuck::page(&hub.db, &theirs, &all, None, 9);
    assert!(page.await.unwrap().rows[0].is_unclear);
    let refused = stuck::retry(&hub, &sight(1), (&id, 2), false).await;
    assert!(matches!(refused, Err(RetryError::Unclear)));
    stuck::retry(&hub, &sight(1), (&id, 2), true).await.unwrap();
    assert_eq!(seqs(&hub, &Filter::default(), 9).await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_turns_up_after_all_is_not_listed_any_more() {
    let hub = hub();
    linked(&hub, 1).await;
    let id = write(&hub, 1, text("1", "hi")).await;
    let message = answer(&hub, &id, "r").await;
    settled(&hub, &message, unknown(), Status::Unknown).await;
    assert_eq!(seqs(&hub, &Filter::default(), 9).await, [2]);
    let message = super::message(&hub, &id, 2).await;
    settle::sent(&hub, &message, Destination::Whatsapp, 0, "W1")
        .await
        .unwrap();
    assert_eq!(seqs(&hub, &Filter::default(), 9).await, [0; 0]);
    let message = super::message(&hub, &id, 2).await;
    let steps: Vec<_> = message.steps.iter().map(|step| step.status).collect();
    assert_eq!(steps, [Status::Queued, Status::Unknown, Status::Accepted]);
    assert!(
        message.deliveries[&Destination::Whatsapp].parts[0]
            .done_ms
            .is_some()
    );
}
