//! docs/benchmarks.md: the table with how it was made and how it is to be read.

use std::fs;
use std::thread;

use greenhub::clock::{Clock, rfc3339};

use crate::error::Error;
use crate::functions::build::root;

/// The document, with gaps for what every run fills in.
const TEXT: &str = include_str!("report.md");

/// Writes the document anew.
pub(crate) fn write(table: &str) -> Result<(), Error> {
    let now = rfc3339(Clock::system().now_ms());
    let date = now.split('T').next().unwrap_or_default();
    let text = document(&machine(), date, table);
    fs::write(root().join("docs/benchmarks.md"), text)
        .map_err(Error::io("writing docs/benchmarks.md"))
}

fn document(machine: &str, date: &str, table: &str) -> String {
    TEXT.replace("{machine}", machine)
        .replace("{date}", date)
        .replace("{table}", table.trim_end())
}

/// What it was measured on, in a few words.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    format!(
        "{cores} cores of {} ({})",
        processor(&cpuinfo),
        std::env::consts::ARCH
    )
}

/// The maker's name of the processor, without its numbers.
fn processor(cpuinfo: &str) -> String {
    let name = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([':', ' ', '\t']))
        .unwrap_or("an unnamed processor");
    let words = name
        .split_whitespace()
        .take_while(|word| *word != "@" && *word != "CPU");
    let words = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words
        .map(|word| word.replace("(R)", "").replace("(TM)", ""))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_and_not_numbered() {
        let check = |cpuinfo: &str, expect: &str| assert_eq!(processor(cpuinfo), expect);
        check(
            "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t: x\n",
            "AMD EPYC",
        );
        check(
            "model name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz\n",
            "Intel Xeon Platinum",
        );
        check("", "an unnamed processor");
    }

    #[test]
    fn the_document_has_the_table_and_no_gap() {
        let text = document("2 cores", "2026-11-24", "| what |\n| --- |\n");
        assert!(text.contains("2 cores") && text.contains("2026-11-24"));
        assert!(text.contains("\n| what |\n| --- |\n"), "{text}");
        assert!(!text.contains(['{', '}']), "{text}");
        assert!(text.contains("cargo run --release -p greenhub-bench -- --write"));
    }
}
