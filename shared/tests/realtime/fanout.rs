//! Who learns of what, and whose socket is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use greenhub::domain::ids::{LocationId, PersonId, WorkspaceId};
use greenhub::domain::status::InstanceState;
use greenhub::realtime::fanout::Fanout;
use greenhub::realtime::socket;
use greenhub::store::db::Db as _;
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallRow, InstallState, NumberRow};
use greenhub::store::memory::{Call, Fate, Hook};
use greenhub::store::{keys, row};

use crate::world::{World, number, rights, workspace};

#[tokio::test(start_paused = true)]
async fn everybody_learns_of_what_they_see_and_of_nothing_else() {
    // AC 152, AC 154
    let world = World::new();
    let all = world.person("all", rights(&["f"])).await;
    let one = world.person("one", rights(&["n1"])).await;
    let none = world.person("none", rights(&["u"])).await;
    let elsewhere = WorkspaceId::new("elsewhere");
    let stranger = world
        .person_of(&elsewhere, "stranger", rights(&["f", "n1"]))
        .await;
    for person in [&all, &one, &none, &stranger] {
        world.browser(person, person.person.as_str()).await;
    }
    world.skip_stream();

    let chat = world.incoming("n1", "15550100001", "m1").await;
    world.stream().await;
    let of_n1 = [
        format!("insert chat {chat}"),
        format!("insert message {chat}-1"),
    ];
    let sorted = |connection: &str| {
        let mut learned = world.learned(connection);
        learned.sort();
        learned
    };
    assert_eq!(sorted("all"), of_n1);
    assert_eq!(sorted("one"), of_n1);
    assert!(sorted("none").is_empty() && sorted("stranger").is_empty());

    let chat = world.incoming("n2", "15550100001", "m2").await;
    world.stream().await;
    let of_n2 = [
        format!("insert chat {chat}"),
        format!("insert message {chat}-1"),
    ];
    assert_eq!(sorted("all"), of_n2);
    assert!(sorted("one").is_empty() && sorted("none").is_empty());

    let theirs = world
        .incoming_at(&elsewhere, "n9", "15550100001", "m3")
        .await;
    world.stream().await;
    assert_eq!(sorted("stranger").len(), 2);
    assert!(
        ["all", "one", "none"]
            .into_iter()
            .all(|it| sorted(it).is_empty())
    );
    assert_ne!(theirs, chat);

    world.change("one", |row| row.name = "One".into()).await;
    world.stream().await;
    let renamed = ["update person one"];
    assert_eq!(sorted("one"), renamed);
    assert_eq!(sorted("none"), renamed);
    assert!(sorted("all").is_empty() && sorted("stranger").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_logged_out_shows_at_once() {
    // AC 116
    let world = World::new();
    let vera = world.person("vera", rights(&["n1"])).await;
    world.browser(&vera, "k1").await;
    let mut row: NumberRow = serde_json::from_value(serde_json::json!({
        "rev": 0, "workspace": workspace(), "number": "n1", "id_instance": 1_101,
        "name": "Sales", "created_ms": 1, "state": InstanceState::Authorized,
        "api_url": "https://api.example", "token_sealed": "", "hook_key_sealed": "",
        "hook_token_sha256": "", "hook_token_sealed": "", "delay_ms": 500,
    }))
    .unwrap();
    let key = keys::number(&workspace(), &number("n1"));
    let write = row::save(key.clone(), &mut row).unwrap();
    world.hub.db.write(vec![write]).await.unwrap();
    world.skip_stream();
    let changed = row::change::<NumberRow>(&world.hub.db, &key, |row| {
        row.state = InstanceState::NotAuthorized;
        true
    });
    changed.await.unwrap().unwrap();
    world.stream().await;
    assert_eq!(world.learned("k1"), ["update number n1"]);
}

#[tokio::test(start_paused = true)]
async fn what_ends_a_session_closes_its_sockets_and_no_others() {
    // AC 102, AC 149
    async fn check(
        what: &str,
        alter: impl AsyncFnOnce(&World, &str),
        own: bool,
        other_session: bool,
    ) {
        let world = World::new();
        let vera = world.person("vera", rights(&["n1"])).await;
        let boris = world.person("boris", rights(&["n1"])).await;
        let session = world.browser(&vera, "own").await;
        world.open(&vera, &session, "window").await;
        world.browser(&vera, "phone").await;
        world.browser(&boris, "boris").await;
        world.skip_stream();
        let began_ms = world.hub.clock.now_ms();
        alter(&world, &session).await;
        world.stream().await;
        assert!(world.hub.clock.now_ms() - began_ms < 5_000, "{what}");
        let is_open = |connection: &str| world.connections.is_open(connection);
        assert_eq!(is_open("own"), own, "{what}");
        assert_eq!(is_open("window"), own, "{what}");
        assert_eq!(is_open("phone"), other_session, "{what}");
        assert!(is_open("boris"), "{what}");
        let kept = socket::of_workspace(&world.hub.db, &workspace()).await;
        let n_kept = usize::from(own) * 2 + usize::from(other_session) + 1;
        assert_eq!(kept.unwrap().len(), n_kept, "{what}");

        // Whoever is still there goes on learning.
        let _ = world.incoming("n1", "15550100001", "m1").await;
        world.stream().await;
        let learns = |connection: &str| {
            let learned = world.learned(connection);
            learned.iter().any(|it| it.starts_with("insert message"))
        };
        assert_eq!(learns("own"), own, "{what}");
        assert_eq!(learns("phone"), other_session, "{what}");
        assert!(learns("boris"), "{what}");
    }
    let renamed = async |world: &World, _: &str| {
        world.change("vera", |row| row.name = "V.".into()).await;
    };
    check("renamed", renamed, true, true).await;
    let everywhere = async |world: &World, _: &str| {
        world.change("vera", |row| row.epoch += 1).await;
    };
    check("signed out everywhere", everywhere, false, false).await;
    let one = async |world: &World, session: &str| {
        let (db, vera) = (&world.hub.db, PersonId::new("vera"));
        let ended = greenhub::account::browser::end(db, &workspace(), &vera, session).await;
        assert!(ended.unwrap());
    };
    check("signed out here", one, false, true).await;
    let shut_out = async |world: &World, _: &str| {
        world.change("vera", |row| row.is_active = false).await;
    };
    check("shut out", shut_out, false, false).await;
    let removed = async |world: &World, _: &str| {
        let gone = greenhub::store::db::Write {
            key: keys::person(&workspace(), &PersonId::new("vera")),
            op: greenhub::store::db::Op::Delete,
            only_if: greenhub::store::db::Cond::Always,
        };
        world.hub.db.write(vec![gone]).await.unwrap();
    };
    check("removed", removed, false, false).await;
}

#[tokio::test(start_paused = true)]
async fn rights_narrow_and_widen_an_open_socket() {
    // AC 149
    let world = World::new();
    let vera = world.person("vera", rights(&["n1", "n2"])).await;
    world.browser(&vera, "k1").await;
    world.skip_stream();
    let numbers = async |id: &str| {
        for to in ["n1", "n2", "n3"] {
            let _ = world
                .incoming(to, "15550100001", &format!("{id}{to}"))
                .await;
        }
        world.stream().await;
        let told = world.connections.take("k1");
        let of: std::collections::BTreeSet<_> = told
            .iter()
            .filter_map(|event| Some(event["inst_id"].as_str()?.to_owned()))
            .collect();
        Vec::from_iter(of)
    };
    assert_eq!(numbers("a").await, ["n1", "n2"]);
    world
        .change("vera", |row| row.rights = rights(&["n2"]))
        .await;
    assert_eq!(numbers("b").await, ["n2"]);
    world
        .change("vera", |row| row.rights = rights(&["f"]))
        .await;
    assert_eq!(numbers("c").await, ["n1", "n2", "n3"]);
    world.change("vera", |row| row.rights = rights(&[])).await;
    assert!(numbers("d").await.is_empty());
    assert!(world.connections.is_open("k1"));
}

#[tokio::test(start_paused = true)]
async fn another_run_learns_of_changed_rights_within_five_seconds() {
    // AC 102, AC 149
    let world = World::new();
    let vera = world.person("vera", rights(&["n1"])).await;
    world.browser(&vera, "k1").await;
    world.skip_stream();
    // The stream of chats has a run of its own, which does not see the person's row change.
    let of_chats = || {
        let mut changes = world.untold();
        changes.retain(|change| change.pk.starts_with("CHAT#"));
        world.skip_stream();
        changes
    };
    let _ = world.incoming("n1", "15550100001", "m1").await;
    world.fanout.tell(&of_chats()).await.unwrap();
    assert_eq!(world.learned("k1").len(), 2);
    world.change("vera", |row| row.rights = rights(&[])).await;
    tokio::time::advance(Duration::from_millis(2_001)).await;
    let _ = world.incoming("n1", "15550100001", "m2").await;
    world.fanout.tell(&of_chats()).await.unwrap();
    assert!(world.learned("k1").is_empty());

    world.change("vera", |row| row.is_active = false).await;
    tokio::time::advance(Duration::from_millis(2_001)).await;
    let _ = world.incoming("n1", "15550100001", "m3").await;
    world.fanout.tell(&of_chats()).await.unwrap();
    assert!(!world.connections.is_open("k1"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_run_out_is_told_nothing_more() {
    let world = World::new();
    world.crm_session("token").await;
    let (db, clock) = (&world.hub.db, &world.hub.clock);
    let caller = greenhub::account::session::caller_of(db, clock, "token").await;
    let caller = caller.unwrap().unwrap();
    let key = greenhub::realtime::standing::SessionKey::of(&caller);
    let ticket = socket::ticket(db, clock, &workspace(), caller.person(), key).await;
    let ticket = ticket.unwrap();
    let ticket = secrecy::ExposeSecret::expose_secret(&ticket);
    world.sockets.open("k1", None, Some(ticket)).await.unwrap();
    world.connections.connect("k1");
    world.skip_stream();
    let _ = world.incoming("n1", "15550100001", "m1").await;
    world.stream().await;
    assert_eq!(world.learned("k1").len(), 2);
    tokio::time::advance(Duration::from_secs(900)).await;
    let _ = world.incoming("n1", "15550100001", "m2").await;
    world.stream().await;
    assert!(!world.connections.is_open("k1"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_installation_closes_the_sockets_that_came_from_it() {
    let world = World::new();
    world.crm_session("token").await;
    let (db, clock) = (&world.hub.db, &world.hub.clock);
    let caller = greenhub::account::session::caller_of(db, clock, "token").await;
    let caller = caller.unwrap().unwrap();
    let key = greenhub::realtime::standing::SessionKey::of(&caller);
    let ticket = socket::ticket(db, clock, &workspace(), caller.person(), key).await;
    let ticket = ticket.unwrap();
    let ticket = secrecy::ExposeSecret::expose_secret(&ticket);
    world.sockets.open("crm", None, Some(ticket)).await.unwrap();
    world.connections.connect("crm");
    let vera = world.person("vera", rights(&["f"])).await;
    world.browser(&vera, "vera").await;
    world.skip_stream();
    let key = keys::install(&LocationId::new("L"));
    let changed = row::change::<InstallRow>(db, &key, |row| {
        row.state = InstallState::Uninstalled;
        true
    });
    changed.await.unwrap().unwrap();
    world.stream().await;
    assert!(!world.connections.is_open("crm") && world.connections.is_open("vera"));
}

#[tokio::test(start_paused = true)]
async fn one_bad_connection_holds_up_nobody() {
    let world = World::new();
    let vera = world.person("vera", rights(&["f"])).await;
    let session = world.sign_in(&vera).await;
    for connection in ["good", "gone", "broken"] {
        world.open(&vera, &session, connection).await;
    }
    world.skip_stream();
    world.connections.vanish("gone");
    world.connections.set_broken("broken", true);
    let _ = world.incoming("n1", "15550100001", "m1").await;
    let tally = world.stream().await;
    assert_eq!((tally.n_frames, tally.n_gone, tally.n_closed), (1, 1, 1));
    assert_eq!(world.learned("good").len(), 2);
    // It missed something, so it has to begin anew.
    assert!(!world.connections.is_open("broken"));
    let left = socket::of_workspace(&world.hub.db, &workspace())
        .await
        .unwrap();
    let left: Vec<_> = left.into_iter().map(|it| it.connection).collect();
    assert_eq!(left, ["good"]);

    let n_posts = world.connections.n_posts();
    let _ = world.incoming("n1", "15550100001", "m2").await;
    world.stream().await;
    assert_eq!(world.connections.n_posts(), n_posts + 1);
}

/// Tables of which one cannot be read for a while.
struct Failing {
    table: Table,
    fails: AtomicBool,
}

impl Hook for Failing {
    fn before(&self, call: &Call) -> Fate {
        let table = match call {
            Call::Get(key) => key.table,
            Call::Query(query) => query.table,
            Call::Write(_) | Call::Wake { .. } => return Fate::Go,
        };
        match self.fails.load(Ordering::SeqCst) && table == self.table {
            true => Fate::Fail,
            false => Fate::Go,
        }
    }

    fn after(&self, _: &Call) -> Fate {
        Fate::Go
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_comes_again_and_nothing_is_missing() {
    // AC 146
    for table in [Table::Runtime, Table::Directory] {
        let world = World::new();
        let vera = world.person("vera", rights(&["f"])).await;
        world.browser(&vera, "k1").await;
        world.skip_stream();
        let hook = Arc::new(Failing {
            table,
            fails: AtomicBool::new(true),
        });
        let db = world.hub.db.hooked(Arc::clone(&hook) as Arc<dyn Hook>);
        let fanout = Fanout::new(db, world.hub.clock.clone(), world.connections.clone());
        let chat = world.incoming("n1", "15550100001", "m1").await;
        let batch = world.untold();
        assert!(fanout.tell(&batch).await.is_err());
        assert!(world.learned("k1").is_empty(), "{table:?}");
        let _ = world.incoming("n1", "15550100001", "m2").await;
        hook.fails.store(false, Ordering::SeqCst);
        // What came meanwhile waits behind it.
        fanout.tell(&batch).await.unwrap();
        fanout.tell(&world.untold()[batch.len()..]).await.unwrap();
        let mut learned = world.learned("k1");
        learned.sort();
        let expect = [
            format!("insert chat {chat}"),
            format!("insert message {chat}-1"),
            format!("insert message {chat}-2"),
            format!("update chat {chat}"),
        ];
        assert_eq!(learned, expect, "{table:?}");
    }
}
