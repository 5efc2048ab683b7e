//! Who gets a socket, and how long they keep it.

use std::time::Duration;

use greenhub::account::session;
use greenhub::domain::ids::{LocationId, PersonId};
use greenhub::realtime::browser::Refusal;
use greenhub::realtime::socket::{self, MOST_OF_PERSON, OpenError, TICKET_MS};
use greenhub::realtime::standing::SessionKey;
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};
use secrecy::ExposeSecret as _;

use crate::world::{ORIGIN, World, rights, workspace};

/// How an attempt ends, in one word.
fn ended(result: Result<(), Refusal>) -> &'static str {
    match result {
        Ok(()) => "open",
        Err(Refusal::ForeignPage) => "foreign page",
        Err(Refusal::NoTicket) => "no ticket",
        Err(Refusal::Ticket(OpenError::BadTicket)) => "bad ticket",
        Err(Refusal::Ticket(OpenError::SessionEnded)) => "session ended",
        Err(Refusal::Ticket(OpenError::Db(_))) => "tables",
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_one_socket_for_whoever_may_have_it() {
    // AC 152
    async fn check(
        what: &str,
        origin: Option<&str>,
        meanwhile: impl AsyncFnOnce(&World, &str, &str),
        expect: &str,
    ) {
        let world = World::new();
        let vera = world.person("vera", rights(&["f"])).await;
        let session = world.sign_in(&vera).await;
        let ticket = world.ticket(&vera, &session).await;
        meanwhile(&world, &session, &ticket).await;
        let opened = world.sockets.open("k1", origin, Some(&ticket)).await;
        assert_eq!(ended(opened), expect, "{what}");
        let sockets = socket::of_workspace(&world.hub.db, &workspace()).await;
        let is_open = sockets.unwrap().iter().any(|it| it.connection == "k1");
        assert_eq!(is_open, expect == "open", "{what}");
    }
    let nothing = async |_: &World, _: &str, _: &str| {};
    check("our page", Some(ORIGIN), nothing, "open").await;
    check("no browser", None, nothing, "open").await;
    let foreign = "foreign page";
    check(
        "another page",
        Some("https://evil.example"),
        nothing,
        foreign,
    )
    .await;
    check(
        "a longer name",
        Some("https://hub.example.evil.example"),
        nothing,
        foreign,
    )
    .await;
    check(
        "another scheme",
        Some("http://hub.example"),
        nothing,
        foreign,
    )
    .await;
    check("a page without an address", Some("null"), nothing, foreign).await;
    let used = async |world: &World, _: &str, ticket: &str| {
        let opened = world.sockets.open("k0", None, Some(ticket)).await;
        assert_eq!(ended(opened), "open");
    };
    check("used", Some(ORIGIN), used, "bad ticket").await;
    let late = async |_: &World, _: &str, _: &str| {
        tokio::time::advance(Duration::from_millis(TICKET_MS as u64)).await;
    };
    check("late", Some(ORIGIN), late, "bad ticket").await;
    let in_time = async |_: &World, _: &str, _: &str| {
        tokio::time::advance(Duration::from_millis(TICKET_MS as u64 - 1)).await;
    };
    check("in time", Some(ORIGIN), in_time, "open").await;
    let shut_out = async |world: &World, _: &str, _: &str| {
        world.change("vera", |row| row.is_active = false).await;
    };
    check("shut out", Some(ORIGIN), shut_out, "session ended").await;
    let everywhere = async |world: &World, _: &str, _: &str| {
        world.change("vera", |row| row.epoch += 1).await;
    };
    check(
        "ended everywhere",
        Some(ORIGIN),
        everywhere,
        "session ended",
    )
    .await;
    let signed_out = async |world: &World, session: &str, _: &str| {
        let vera = PersonId::new("vera");
        let db = &world.hub.db;
        let ended = greenhub::account::browser::end(db, &workspace(), &vera, session).await;
        assert!(ended.unwrap());
    };
    check("signed out", Some(ORIGIN), signed_out, "session ended").await;

    let world = World::new();
    let refused = async |ticket| ended(world.sockets.open("k1", Some(ORIGIN), ticket).await);
    assert_eq!(refused(None).await, "no ticket");
    assert_eq!(refused(Some("")).await, "bad ticket");
    assert_eq!(refused(Some("../WS#w")).await, "bad ticket");
    assert!(world.hub.db.rows(Table::Runtime).is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_at_once_with_the_same_ticket_one_gets_in() {
    let world = World::new();
    let vera = world.person("vera", rights(&["f"])).await;
    let session = world.sign_in(&vera).await;
    let ticket = world.ticket(&vera, &session).await;
    let tries = (0..8).map(|n| {
        let (sockets, ticket) = (&world.sockets, &ticket);
        async move { ended(sockets.open(&format!("k{n}"), None, Some(ticket)).await) }
    });
    let ends = futures::future::join_all(tries).await;
    let n_open = ends.iter().filter(|end| **end == "open").count();
    assert_eq!(n_open, 1, "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn the_tables_have_no_ticket_that_could_be_shown() {
    // AC 161
    let world = World::new();
    let vera = world.person("vera", rights(&["f"])).await;
    let session = world.sign_in(&vera).await;
    let ticket = world.ticket(&vera, &session).await;
    let dump = format!("{:?}", world.hub.db.rows(Table::Runtime));
    assert!(dump.contains("TICKET#") && !dump.contains(&ticket));
}

#[tokio::test(start_paused = true)]
async fn of_too_many_sockets_the_oldest_are_closed() {
    let world = World::new();
    let vera = world.person("vera", rights(&["f"])).await;
    let session = world.sign_in(&vera).await;
    for n in 0..=MOST_OF_PERSON {
        tokio::time::advance(Duration::from_millis(1)).await;
        world.open(&vera, &session, &format!("k{n:02}")).await;
    }
    let is_open = |n: usize| world.connections.is_open(&format!("k{n:02}"));
    assert!(!is_open(0) && (1..=MOST_OF_PERSON).all(is_open));
    let left = socket::of_workspace(&world.hub.db, &workspace()).await;
    assert_eq!(left.unwrap().len(), MOST_OF_PERSON);
}

#[tokio::test(start_paused = true)]
async fn a_session_of_the_crm_counts_while_it_lives_and_the_app_is_installed() {
    async fn check(what: &str, meanwhile: impl AsyncFnOnce(&World), expect: &str) {
        let world = World::new();
        world.crm_session("token").await;
        let (db, clock) = (&world.hub.db, &world.hub.clock);
        let caller = session::caller_of(db, clock, "token").await;
        let caller = caller.unwrap().unwrap();
        let (person, key) = (caller.person(), SessionKey::of(&caller));
        let ticket = socket::ticket(db, clock, &caller.workspace, person, key).await;
        let ticket = ticket.unwrap();
        meanwhile(&world).await;
        let ticket = Some(ticket.expose_secret());
        let opened = world.sockets.open("k1", Some(ORIGIN), ticket).await;
        assert_eq!(ended(opened), expect, "{what}");
    }
    check("living", async |_| {}, "open").await;
    let left = async |world: &World| session::end(&world.hub.db, "token").await.unwrap();
    check("signed out", left, "session ended").await;
    let removed = async |world: &World| {
        let key = keys::install(&LocationId::new("L"));
        let changed = row::change::<InstallRow>(&world.hub.db, &key, |row| {
            row.state = InstallState::Uninstalled;
            true
        });
        changed.await.unwrap().unwrap();
    };
    check("app removed", removed, "session ended").await;
}
