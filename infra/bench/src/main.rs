//! Measures what the goals name, and prints it as one table:
//! `cargo run --release -p greenhub-bench`. With `--write` the table is kept in docs/benchmarks.md,
//! too. With `--lambda-dir DIR` the functions are cargo-lambda's in that folder, and not built here.

mod cost;
mod counted;
mod deployed;
mod effort;
mod error;
mod functions;
mod inbox;
mod legs;
mod options;
mod progress;
mod report;
mod seed;
mod smoothing;
mod standin;
mod table;
mod world;

use std::io::{Write, stdout};

use tokio::runtime::Builder;

use error::Error;
use options::Options;
use progress::step;
use table::Row;

fn main() -> Result<(), Error> {
    let options = Options::read(std::env::args_os().skip(1))?;
    let table = table::markdown(&rows(&options)?);
    if options.write {
        report::write(&table)?;
    }
    let told = stdout().write_all(table.as_bytes());
    told.map_err(Error::io("printing the table"))
}

/// Everything, in the order in which a reader asks: the functions, a message's way, its price, the
/// work in it, and many messages at once.
fn rows(options: &Options) -> Result<Vec<Row>, Error> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("starting"))?;
    let binaries = functions::build::binaries(options.lambda_dir.as_deref())?;
    let mut rows = runtime.block_on(functions::rows(&binaries))?;
    step("calls of a message");
    let failed = || Error::io("the stand-ins");
    let legs = runtime.block_on(legs::walk()).map_err(failed())?;
    rows.extend(legs::rows(&legs));
    let (deployed, cpu_ms) = runtime.block_on(deployed::rows(&binaries))?;
    rows.extend(cost::rows(&legs, cpu_ms));
    rows.extend(effort::rows().map_err(failed())?);
    rows.extend(deployed);
    step("lists where there is much");
    rows.extend(runtime.block_on(inbox::rows()).map_err(failed())?);
    rows.extend(smoothing::rows());
    Ok(rows)
}
