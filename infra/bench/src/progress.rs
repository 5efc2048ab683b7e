//! What is being measured, told to the person who waits.

use std::io::{Write, stderr};

/// Says what begins now.
pub(crate) fn step(what: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(stderr(), "measuring: {what}");
}
