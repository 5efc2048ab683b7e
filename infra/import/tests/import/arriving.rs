//! Which rows arrive, which do not, and what a second run does.

use greenhub::account::common_token::Allowed;
use greenhub::account::uninstall;
use greenhub::account::workflow_secret;
use greenhub::clock::Clock;
use greenhub::config::Green;
use greenhub::domain::ids::{CompanyId, IdInstance, LocationId, WorkspaceId};
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::store::agency::{MemberRow, MemberState};
use greenhub::store::db::{Db as _, Table};
use greenhub::store::directory::{InstallRow, InstallState, NumberRow, OwnerRow, WorkspaceRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{directory, keys, row};
use greenhub_import::bring::{LocationOutcome, NumberOutcome};
use greenhub_import::plan::Why;
use secrecy::ExposeSecret as _;

use crate::mariadb::MariaDb;
use crate::world::{
    self, bring, common_token, data_keys, importer, install, number, planned, tokens,
};
use crate::{SCHEMA, schema_and_rows};

#[tokio::test]
async fn everything_that_can_be_used_arrives_and_a_second_run_changes_nothing() {
    let server = MariaDb::start().await;
    let address = server.filled("arriving", &schema_and_rows()).await;
    let plan = planned(&address).await;
    let db = MemoryDb::new();
    let mut importer = importer(&db);

    // First only said.
    importer.dry_run = true;
    let (would, told) = bring(&importer, &plan).await;
    assert!(db.rows(Table::Directory).is_empty());
    assert!(told.contains("nothing was written"), "{told}");
    importer.dry_run = false;
    let (brought, told) = bring(&importer, &plan).await;
    assert_eq!(brought, would, "what was said is what is done");

    let outcomes: Vec<_> = brought
        .iter()
        .map(|it| (it.location.as_str(), it.outcome, it.numbers.len()))
        .collect();
    let whole = LocationOutcome::New { has_tokens: true };
    let poor = LocationOutcome::New { has_tokens: false };
    let expect = [("L1", whole, 2), ("L2", whole, 1), ("noTokens", poor, 1)];
    assert_eq!(outcomes, expect);
    let skipped: Vec<_> = plan
        .skipped
        .iter()
        .map(|it| (it.row.as_str(), it.why))
        .collect();
    let expect = [
        ("location badid", Why::LocationId),
        ("instance 1101000011", Why::ApiToken),
        ("instance 1101000012", Why::Orphan),
        ("instance -7", Why::IdInstance),
        ("location empty", Why::EmptyLocation),
    ];
    assert_eq!(skipped, expect);
    check_report(&told);
    check_locations(&db, importer.stopped_ms).await;
    check_numbers(&db, importer.stopped_ms, importer.now_ms).await;

    // Whatever has happened here since then stays.
    rename(&db, 1_101_000_001).await;
    let before = world::directory(&db);
    let (again, told) = bring(&world::importer(&db), &plan).await;
    assert_eq!(world::directory(&db), before);
    let is_here = |it: &(IdInstance, NumberOutcome)| it.1 == NumberOutcome::Here;
    for it in again {
        assert_eq!(it.outcome, LocationOutcome::Here);
        assert!(it.numbers.iter().all(is_here));
    }
    assert!(
        told.contains("numbers:   0 new, 4 here already, 3 skipped"),
        "{told}"
    );
}

/// No token, no phone; what a person needs.
fn check_report(told: &str) {
    for secret in ["token-", "access-", "refresh-", "1111111", "2222222"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    for phone in ["79001234567", "123-45-99", "1234599"] {
        assert!(!told.contains(phone), "{phone} in {told}");
    }
    for line in [
        "location L1: brought over\n",
        "  number 1101000001 \"Магазин\" authorized 7900***4567@c.us: brought over\n",
        "location noTokens: brought over without tokens: somebody has to install the app again\n",
        "    note: it has no webhook token",
        "  instance 1101000012: its location is not in the table\n",
        "locations: 3 new, 0 with newer tokens, 0 here already, 2 skipped\n",
        "numbers:   4 new, 0 here already, 3 skipped\n",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
}

async fn check_locations(db: &MemoryDb, stopped_ms: i64) {
    let of_one = install(db, "L1").await;
    assert_eq!(tokens(&of_one), ("access-1".into(), "refresh-1".into()));
    assert_eq!(of_one.expires_ms, 1_769_882_400_250);
    assert_eq!(of_one.state, InstallState::Active);
    assert_eq!(
        (of_one.installed_ms, of_one.reconciled_ms),
        (stopped_ms, stopped_ms)
    );
    assert!(of_one.due_at.is_some() && of_one.due_shard.is_some());
    let company = CompanyId::new("C1");
    assert_eq!(of_one.company.as_ref(), Some(&company));
    let key = keys::member(&company, &of_one.location);
    let member: MemberRow = row::load(db, &key).await.unwrap().unwrap();
    assert_eq!((member.state, member.due_at), (MemberState::Done, None));
    let key = keys::workspace(&of_one.workspace);
    let workspace: WorkspaceRow = row::load(db, &key).await.unwrap().unwrap();
    assert_eq!(workspace.location.as_ref(), Some(&of_one.location));
    assert_eq!(workspace.lang, Lang::Ru);

    // An unknown end has passed: the tokens are replaced before they are used.
    let of_two = install(db, "L2").await;
    assert_eq!((of_two.expires_ms, of_two.refreshed_ms), (0, 0));
    assert_eq!(tokens(&of_two).1, "refresh-2");
    assert_ne!(of_one.workspace, of_two.workspace);
    let poor = install(db, "noTokens").await;
    assert_eq!(poor.state, InstallState::NeedsReauthorization);
    // Nothing is readable in a dump.
    let dump = format!("{:?}", db.rows(Table::Directory));
    for secret in ["access-", "refresh-", "token-1", "1111111111"] {
        assert!(!dump.contains(secret), "{secret}");
    }
}

async fn check_numbers(db: &MemoryDb, stopped_ms: i64, now_ms: i64) {
    let one = number(db, 1_101_000_001).await;
    assert_eq!(
        (one.name.as_str(), &one.state),
        ("Магазин", &InstanceState::Authorized)
    );
    assert_eq!(one.wid.as_deref(), Some("79001234567@c.us"));
    assert_eq!(one.location.as_ref().unwrap().as_str(), "L1");
    assert_eq!(one.delay_ms, 1000);
    assert_eq!(one.api_url, "https://1101.api.greenapi.com/");
    // The sweeper sets it up, and nothing of the older adapter's is taken for missing.
    assert_eq!((one.configured, one.due_at), (false, Some(now_ms)));
    assert_eq!(
        (one.created_ms, one.reconciled_ms),
        (stopped_ms, stopped_ms)
    );
    let opened = |row: &NumberRow, sealed: &str, field| {
        let context = NumberRow::seal_context(&row.workspace, &row.number, field);
        let opened = data_keys().open(sealed, &context).unwrap();
        opened.expose_secret().to_owned()
    };
    assert_eq!(opened(&one, &one.token_sealed, NumberRow::TOKEN), "token-1");
    let hook_token = opened(&one, &one.hook_token_sealed, NumberRow::HOOK_TOKEN);
    assert_eq!(hook_token, "1".repeat(32));
    // The oldest stays the oldest.
    let numbers = directory::numbers(db, &one.workspace).await.unwrap();
    let order: Vec<_> = numbers.iter().map(|it| it.id_instance.0).collect();
    assert_eq!(order, [1_101_000_001, 1_101_000_002]);
    assert_eq!(numbers[1].name, "WhatsApp 1101000002");
    // Without a token of its webhook it has got one that nobody knows.
    let nine = number(db, 1_101_000_009).await;
    assert_eq!(
        opened(&nine, &nine.hook_token_sealed, NumberRow::HOOK_TOKEN).len(),
        43
    );
}

async fn rename(db: &MemoryDb, instance: u64) {
    let row = number(db, instance).await;
    let key = keys::number(&row.workspace, &row.number);
    row::change::<NumberRow>(db, &key, |row| {
        "Renamed here".clone_into(&mut row.name);
        true
    })
    .await
    .unwrap();
}

const TWO: &str = "
INSERT INTO `User` (id, accessToken, refreshToken, tokenExpiresAt) VALUES
  ('L1', 'access-1', 'refresh-1', '2026-01-31 18:00:00.000');
INSERT INTO `Instance` (idInstance, apiTokenInstance, userId) VALUES
  (1101000001, 'token-1', 'L1'), (1101000002, 'token-2', 'L1');
";

#[tokio::test]
async fn what_is_newer_here_or_somebody_elses_stays() {
    let server = MariaDb::start().await;
    let address = server.filled("newer", &format!("{SCHEMA}{TWO}")).await;
    let db = MemoryDb::new();
    // Another workspace has one of the numbers by now.
    let elsewhere = IdInstance(1_101_000_002);
    let mut owner = OwnerRow {
        rev: 0,
        workspace: WorkspaceId::new("other"),
        number: greenhub::domain::ids::NumberId::new("n"),
    };
    let key = keys::instance_owner(elsewhere);
    db.write(vec![row::save(key, &mut owner).unwrap()])
        .await
        .unwrap();
    let run = async || {
        let plan = planned(&address).await;
        let (mut brought, told) = bring(&importer(&db), &plan).await;
        (brought.remove(0), told)
    };
    let (first, told) = run().await;
    assert_eq!(first.numbers[0].1, NumberOutcome::New);
    assert_eq!(first.numbers[1], (elsewhere, NumberOutcome::Elsewhere));
    assert!(told.contains("SKIPPED: another workspace has it"), "{told}");
    let stays = row::load::<OwnerRow>(&db, &keys::instance_owner(elsewhere)).await;
    assert_eq!(stays.unwrap().unwrap().workspace.as_str(), "other");

    let first_installed_ms = install(&db, "L1").await.installed_ms;

    // Tokens that were replaced here win over those of before …
    let key = keys::install(&LocationId::new("L1"));
    let renewed = |ends_ms: i64| {
        let db = db.clone();
        let key = key.clone();
        async move {
            row::change::<InstallRow>(&db, &key, |install| {
                let context = InstallRow::seal_context(&install.location, InstallRow::REFRESH);
                install.refresh_sealed = data_keys().seal("refresh-of-ours", &context);
                install.expires_ms = ends_ms;
                true
            })
            .await
            .unwrap();
        }
    };
    renewed(1_769_882_400_001).await;
    let (second, _) = run().await;
    assert_eq!(second.outcome, LocationOutcome::Here);
    assert_eq!(tokens(&install(&db, "L1").await).1, "refresh-of-ours");

    // … and lose if the older adapter has gone on since then: each refresh ends the pair before.
    let later = "UPDATE `User` SET refreshToken = 'refresh-9', \
                 tokenExpiresAt = '2026-02-01 18:00:00.000'";
    server.change("newer", later).await;
    row::change::<InstallRow>(&db, &key, |install| {
        install.state = InstallState::NeedsReauthorization;
        true
    })
    .await
    .unwrap();
    let (third, told) = run().await;
    assert_eq!(third.outcome, LocationOutcome::Newer);
    assert!(told.contains("was here, got the newer tokens"), "{told}");
    let now = install(&db, "L1").await;
    assert_eq!(
        (tokens(&now).1.as_str(), now.state),
        ("refresh-9", InstallState::Active)
    );
    assert_eq!(now.workspace, number(&db, 1_101_000_001).await.workspace);
    // What was written in between is the older adapter's.
    assert!(now.installed_ms > first_installed_ms && now.reconciled_ms > first_installed_ms);
    assert_eq!(run().await.0.outcome, LocationOutcome::Here);

    // Where the app was removed, nothing comes back.
    let before = uninstalled(&db, "L1").await;
    let (last, told) = run().await;
    assert_eq!(last.outcome, LocationOutcome::Removed);
    assert!(last.numbers.iter().all(|it| it.1 == NumberOutcome::NoApp));
    assert!(told.contains("SKIPPED: the app was removed"), "{told}");
    assert_eq!(world::directory(&db), before);
}

async fn uninstalled(db: &MemoryDb, location: &str) -> Vec<(greenhub::store::db::Key, String)> {
    let key = keys::install(&LocationId::new(location));
    let install = row::change::<InstallRow>(db, &key, |install| {
        install.state = InstallState::Uninstalled;
        true
    });
    let install = install.await.unwrap().unwrap();
    let clock = Clock::system();
    uninstall::let_go_of_numbers(db, &clock, &install)
        .await
        .unwrap();
    world::directory(db)
}

#[tokio::test]
async fn databases_of_every_version_are_read() {
    let server = MariaDb::start().await;
    let check = async |name: &str, sql: &str, expect: &[(&str, u64, &str)]| {
        let address = server.filled(name, sql).await;
        let plan = planned(&address).await;
        let got: Vec<_> = plan
            .locations
            .iter()
            .flat_map(|location| {
                let numbers = location.numbers.iter();
                numbers.map(|it| (location.id.as_str(), it.new.id_instance.0, &*it.new.name))
            })
            .collect();
        assert_eq!(got, expect, "{name}");
    };
    // Before 1.0.0: one number for a location, and no names.
    let first = "
        CREATE TABLE `User` (id VARCHAR(191) PRIMARY KEY, accessToken TEXT, refreshToken TEXT);
        CREATE TABLE `Instance` (id BIGINT PRIMARY KEY, idInstance BIGINT, apiTokenInstance TEXT,
          userId VARCHAR(191) UNIQUE, settings JSON);
        INSERT INTO `User` VALUES ('L1', 'a', 'r');
        INSERT INTO `Instance` VALUES (1, 1101000001, 't', 'L1', NULL);";
    check(
        "first",
        first,
        &[("L1", 1_101_000_001, "WhatsApp 1101000001")],
    )
    .await;
    // Names in lower case, as servers make them that fold case, or with other habits.
    let folded = "
        CREATE TABLE `user` (id VARCHAR(191) PRIMARY KEY, access_token TEXT, refresh_token TEXT);
        CREATE TABLE `instance` (id BIGINT PRIMARY KEY, idinstance BIGINT, apitokeninstance TEXT,
          userid VARCHAR(191), settings LONGTEXT, name TEXT);
        INSERT INTO `user` VALUES ('L1', 'a', 'r');
        INSERT INTO `instance` VALUES (1, 1101000001, 't', 'L1', '{', 'Shop');";
    check("folded", folded, &[("L1", 1_101_000_001, "Shop")]).await;
    // What a failed migration left behind beside the real table.
    let both = format!(
        "{SCHEMA}{TWO} CREATE TABLE `instance` (id BIGINT PRIMARY KEY, name VARCHAR(191));"
    );
    let two = [
        ("L1", 1_101_000_001, "WhatsApp 1101000001"),
        ("L1", 1_101_000_002, "WhatsApp 1101000002"),
    ];
    check("both", &both, &two).await;

    let refused = async |name: &str, sql: &str, expect: &str| {
        let address = server.filled(name, sql).await;
        let opts = greenhub_import::source::database(&address.as_str().into()).unwrap();
        let error = greenhub_import::old::read(opts).await.unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    };
    refused("nothing", "SELECT 1", "it has no table User").await;
    let other = "CREATE TABLE `User` (id INT, mail TEXT); CREATE TABLE `Instance` (id INT);";
    refused("other", other, "no column accessToken").await;
    let wrong = "mysql://reader:hunter@localhost/old?socket=/nonexistent/socket";
    let opts = greenhub_import::source::database(&wrong.into()).unwrap();
    let error = greenhub_import::old::read(opts).await.unwrap_err();
    assert!(!error.to_string().contains("hunter"), "{error}");
}

// AC 84
#[tokio::test]
async fn workflows_go_on_only_if_that_is_asked_for_and_the_location_has_no_secret_of_its_own() {
    let server = MariaDb::start().await;
    let address = server.filled("workflows", &schema_and_rows()).await;
    let plan = world::planned_at(&address, &Green::default()).await;
    let (db, clock) = (MemoryDb::new(), Clock::system());
    let own = LocationId::new("L2");
    workflow_secret::renew(&db, &clock, &data_keys(), &own)
        .await
        .unwrap();
    let shown = "the-token-of-all-workflows";
    let opens = async |location: &str| {
        let location = LocationId::new(location);
        let found = workflow_secret::installation(&db, &clock, &location, &shown.into()).await;
        found.unwrap().is_some()
    };
    bring(&importer(&db), &plan).await;
    assert!(!opens("L1").await);

    let mut keeping = importer(&db);
    keeping.common_token = Some(common_token(shown, keeping.now_ms));
    let check = async |dry_run: bool, expect: [Option<Allowed>; 3]| {
        let mut importer = importer(&db);
        importer.common_token.clone_from(&keeping.common_token);
        importer.dry_run = dry_run;
        let (brought, _) = bring(&importer, &plan).await;
        let got: Vec<_> = brought.iter().map(|it| it.common_token).collect();
        assert_eq!(got, expect);
    };
    let first = [Allowed::Now, Allowed::HasOwn, Allowed::Now].map(Some);
    check(true, first).await;
    assert!(!opens("L1").await);
    check(false, first).await;
    assert!(opens("L1").await && opens("noTokens").await && !opens("L2").await);
    check(
        false,
        [Allowed::Before, Allowed::HasOwn, Allowed::Before].map(Some),
    )
    .await;
}
