//! Measures what the goals name, and prints it as one table:
//! `cargo run --release -p greenhub-bench`.

mod progress;
mod smoothing;
mod table;

use std::io::{Write, stdout};

fn main() -> std::io::Result<()> {
    let rows = smoothing::rows();
    stdout().write_all(table::markdown(&rows).as_bytes())
}
