//! The whole command, against a stack of the template in the emulator of AWS.

use std::collections::BTreeMap;

use greenhub::clock::Clock;
use greenhub::store::directory::InstallState;
use greenhub::{config, wiring};
use greenhub_import::error::Error;
use greenhub_import::options::Options;
use greenhub_local::{Aws, unless_missing};

use crate::mariadb::MariaDb;
use crate::schema_and_rows;
use crate::world::{install, number};

const DATA_KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn one_command_fills_the_tables_of_a_stack() {
    let dir = tempfile::tempdir().unwrap();
    let Some(emulator) = unless_missing(Aws::start(dir.path()).await).unwrap() else {
        return;
    };
    let secret = BTreeMap::from([
        ("ghl_client_secret", "x".to_owned()),
        ("ghl_shared_secret", "x".to_owned()),
        ("data_key_1", DATA_KEY.to_owned()),
    ]);
    let outputs = emulator.stores("moving", secret).await.unwrap();
    let aws = config::aws_at(emulator.url()).unwrap();
    let server = MariaDb::start().await;
    let address = server.filled("command", &schema_and_rows()).await;

    let clock = Clock::system();
    let options = Options {
        from: Some(address.into()),
        to: "moving".into(),
        dry_run: true,
        ..Options::default()
    };
    let run = async |options: &Options| {
        let mut out = Vec::new();
        let done = greenhub_import::run(options, &aws, &clock, &mut out).await;
        done.map(|()| String::from_utf8(out).unwrap())
    };
    let told = run(&options).await.unwrap();
    assert!(told.contains("nothing was written"), "{told}");
    let options = Options {
        dry_run: false,
        ..options
    };
    let told = run(&options).await.unwrap();
    assert!(
        told.contains("numbers:   4 new, 0 here already, 3 skipped"),
        "{told}"
    );
    let db = wiring::hub_of_stack(&aws, &outputs).db;
    let (one, home) = (number(&db, 1_101_000_001).await, install(&db, "L1").await);
    assert_eq!(
        (&one.workspace, home.state),
        (&home.workspace, InstallState::Active)
    );
    let told = run(&options).await.unwrap();
    assert!(
        told.contains("numbers:   0 new, 4 here already, 3 skipped"),
        "{told}"
    );
    assert_eq!(number(&db, 1_101_000_001).await, one);
    assert_eq!(install(&db, "L1").await, home);

    // Nothing is begun with a stack that is none, or at a time that cannot be.
    let elsewhere = Options {
        to: "nowhere".into(),
        ..options.clone()
    };
    let error = run(&elsewhere).await.unwrap_err();
    assert!(matches!(error, Error::Stack { .. }), "{error}");
    let long_ago = Options {
        stopped_at: Some(clock.now_ms() - 25 * 3_600_000),
        ..options.clone()
    };
    let error = run(&long_ago).await.unwrap_err();
    assert!(matches!(error, Error::Options(_)), "{error}");
    let without_token = Options {
        keep_workflow_token: true,
        ..options
    };
    let error = run(&without_token).await.unwrap_err();
    assert!(matches!(error, Error::NoWorkflowToken), "{error}");
    emulator.stop().await;
}
