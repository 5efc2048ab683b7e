//! One suite for the tables in memory and the tables in DynamoDB: they must answer alike.
//!
//! DynamoDB is asked if `GREENHUB_TEST_AWS` names an endpoint that plays AWS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod store;

use greenhub::store::memory::MemoryDb;

#[tokio::test]
async fn memory() {
    store::check_backend(&MemoryDb::new()).await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told of the emulator by its environment"
)]
async fn dynamo() {
    if let Ok(endpoint) = std::env::var("GREENHUB_TEST_AWS") {
        let db = store::emulated::tables(&endpoint).await;
        store::check_backend(&db).await;
    }
}
