//! The tables, files, queues and secrets as the product uses them: one suite for the tables in
//! memory and in DynamoDB, and one for the files in memory and in S3, which must answer alike, and
//! what SQS and Secrets Manager have to do.
//!
//! AWS is the emulator that `cargo run` uses, with the tables, bucket, queues and secret of the
//! template.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod files;
mod queue;
mod secret;
mod store;

use std::collections::BTreeMap;

use greenhub::store::memory::MemoryDb;
use greenhub::{config, wiring};
use greenhub_local::{Aws, unless_missing};

#[tokio::test]
async fn the_tables_in_memory() {
    store::check_backend(&MemoryDb::new()).await;
}

#[tokio::test]
async fn the_files_in_memory() {
    files::check_memory().await;
}

#[tokio::test]
async fn the_tables_the_files_the_queues_and_the_secret_in_aws() {
    let dir = tempfile::tempdir().unwrap();
    let Some(emulator) = unless_missing(Aws::start(dir.path()).await).unwrap() else {
        return;
    };
    let outputs = emulator.stores("backends", BTreeMap::new()).await.unwrap();
    let aws = config::aws_at(emulator.url()).unwrap();
    let hub = wiring::hub_of_stack(&aws, &outputs);
    // Each to its end, whatever becomes of the others.
    let tables = tokio::spawn(async move { store::check_backend(&hub.db).await });
    let bucket = outputs["MediaBucketName"].clone();
    let files = tokio::spawn(files::check_bucket(aws.clone(), bucket));
    let queues = tokio::spawn(queue::check_backend(
        aws_sdk_sqs::Client::new(&aws),
        hub.queue,
        outputs.clone(),
    ));
    let secret = tokio::spawn(secret::check_backend(
        aws_sdk_secretsmanager::Client::new(&aws),
        outputs["AppSecretName"].clone(),
    ));
    let ended = [tables.await, files.await, queues.await, secret.await];
    emulator.stop().await;
    for suite in ended {
        suite.unwrap();
    }
}
