//! Backups of the tables that nothing else can bring back, `directory` and `chats`, beside
//! DynamoDB's own recovery to a point in time.
//!
//! [`rotation`] says when one is due and which have had their time, [`vault`] is DynamoDB's side of
//! it, [`restored`] is what a row becomes that comes back from one. Taking them is the sweeper's work,
//! bringing them back that of a person with `infra/backup`.

pub mod restored;
pub mod rotation;
pub mod vault;
