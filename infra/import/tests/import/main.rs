//! From a real database of the older adapter's to the product's tables, and on from there.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod addresses;
mod arriving;
mod broken_off;
mod command;
mod going_on;
mod mariadb;
mod world;

/// The older adapter's tables.
const SCHEMA: &str = include_str!("schema.sql");

/// What may be in them.
const ROWS: &str = include_str!("rows.sql");

fn schema_and_rows() -> String {
    format!("{SCHEMA}{ROWS}")
}
