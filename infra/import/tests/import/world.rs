//! The product's tables in memory, and the older adapter's rows brought into them.

use std::collections::BTreeMap;

use greenhub::account::common_token::CommonToken;
use greenhub::clock::Clock;
use greenhub::config::Green;
use greenhub::crypto::DataKeys;
use greenhub::domain::ids::{IdInstance, LocationId};
use greenhub::domain::text::Lang;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::db::{Db, Key, Table};
use greenhub::store::directory::{InstallRow, NumberRow, OwnerRow};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};
use greenhub_import::bring::{Brought, Importer};
use greenhub_import::plan::{self, Plan};
use greenhub_import::{old, report, source};
use secrecy::ExposeSecret as _;

pub(crate) fn data_keys() -> DataKeys {
    DataKeys::new("1".into(), &BTreeMap::from([("1".into(), [7; 32])])).unwrap()
}

/// What is at this address, judged.
pub(crate) async fn planned(address: &str) -> Plan {
    planned_at(address, &Green::default()).await
}

pub(crate) async fn planned_at(address: &str, green: &Green) -> Plan {
    let opts = source::database(&address.into()).unwrap();
    plan::plan(old::read(opts).await.unwrap(), green)
}

pub(crate) fn importer<D: Db + Clone>(db: &D) -> Importer<D> {
    let now_ms = Clock::system().now_ms();
    Importer {
        db: db.clone(),
        data_keys: data_keys(),
        ids: IdSource::random(),
        now_ms,
        stopped_ms: now_ms - 60_000,
        lang: Lang::Ru,
        common_token: None,
        dry_run: false,
    }
}

/// Brings it over, and gives the report as well.
pub(crate) async fn bring<D: Db>(importer: &Importer<D>, plan: &Plan) -> (Vec<Brought>, String) {
    let brought = importer.bring(plan, |_| {}).await.unwrap();
    let told = report::text(plan, &brought, importer.dry_run);
    (brought, told)
}

pub(crate) fn common_token(token: &str, now_ms: i64) -> CommonToken {
    CommonToken::new(&token.into(), now_ms + 3_600_000).unwrap()
}

/// All rows that are to stay as they are.
pub(crate) fn directory(db: &MemoryDb) -> Vec<(Key, String)> {
    let rows = db.rows(Table::Directory).into_iter();
    rows.map(|(key, item)| {
        let sorted: BTreeMap<_, _> = item.into_iter().collect();
        (key, format!("{sorted:?}"))
    })
    .collect()
}

pub(crate) async fn install(db: &impl Db, location: &str) -> InstallRow {
    let key = keys::install(&LocationId::new(location));
    row::load(db, &key).await.unwrap().unwrap()
}

pub(crate) async fn number(db: &impl Db, instance: u64) -> NumberRow {
    let key = keys::instance_owner(IdInstance(instance));
    let owner: OwnerRow = row::load(db, &key).await.unwrap().unwrap();
    let key = keys::number(&owner.workspace, &owner.number);
    row::load(db, &key).await.unwrap().unwrap()
}

/// The location's tokens, opened.
pub(crate) fn tokens(install: &InstallRow) -> (String, String) {
    let open = |sealed: &str, field| {
        let context = InstallRow::seal_context(&install.location, field);
        let opened = data_keys().open(sealed, &context).unwrap();
        opened.expose_secret().to_owned()
    };
    (
        open(&install.access_sealed, InstallRow::ACCESS),
        open(&install.refresh_sealed, InstallRow::REFRESH),
    )
}

pub(crate) fn hub(db: &MemoryDb) -> Hub<MemoryDb, MemoryQueue> {
    let clock = Clock::system();
    Hub {
        db: db.clone(),
        queue: MemoryQueue::new(clock.clone()),
        clock,
        ids: IdSource::random(),
        settings: Settings::default(),
    }
}
