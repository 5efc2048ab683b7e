//! Logs and metrics, and how to keep secrets and people's data out of them.
//!
//! Lambda takes every line of the standard output for an event: JSON, without colours. Metrics are
//! lines, too (CloudWatch's embedded metric format), so they cost no call.

use std::fmt::{Debug, Display, Formatter};
use std::io::Write;

use serde_json::{Map, Value, json};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::Millis;

/// Where our metrics are in CloudWatch.
const NAMESPACE: &str = "Greenhub";

/// Libraries that would show requests, and with them tokens and messages, below warnings.
const TALKATIVE: [&str; 7] = [
    "aws_", "h2", "hyper", "lambda_", "reqwest", "rustls", "tower",
];

/// Writes logs from `level` on to the standard output. The first call counts.
pub fn init(level: Level) {
    // A second call is one in a test, where it does not matter who was first.
    let _ = tracing_subscriber::registry()
        .with(filter(level))
        .with(json_lines())
        .try_init();
}

fn json_lines<S>() -> fmt::Layer<S, JsonFields, Format<Json>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer()
        .json()
        .flatten_event(true)
        .with_ansi(false)
        .with_span_list(false)
}

fn filter(level: Level) -> Targets {
    let talkative = LevelFilter::from_level(level.min(Level::WARN));
    Targets::new()
        .with_default(level)
        .with_targets(TALKATIVE.map(|library| (library, talkative)))
}

/// What is never printed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Redacted<T>(pub T);

impl<T> Debug for Redacted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> Display for Redacted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A phone or a WhatsApp id, enough of it to recognise it by: `7900***4567`, `7900***4567@c.us`.
/// Of what is too short for that, less or nothing is shown.
pub fn mask_phone(phone: &str) -> String {
    let (digits, server) = phone.split_at(phone.find('@').unwrap_or(phone.len()));
    let chars: Vec<char> = digits.chars().collect();
    let n_shown = match chars.len() {
        11.. => 4,
        7..=10 => 2,
        _ => 0,
    };
    let head: String = chars[..n_shown].iter().collect();
    let tail: String = chars[chars.len() - n_shown..].iter().collect();
    format!("{head}***{tail}{server}")
}

/// What a metric's value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Time.
    Milliseconds,
    /// Data.
    Bytes,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
            Unit::Bytes => "Bytes",
        }
    }
}

/// Tells CloudWatch one value of a metric. Each set of `dimensions` is a metric of its own that
/// costs money: names of lanes and methods, never ids.
pub fn metric(at_ms: Millis, name: &str, value: f64, unit: Unit, dimensions: &[(&str, &str)]) {
    let line = embedded_metric(at_ms, name, value, unit, dimensions);
    // Nobody could be told that telling failed.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn embedded_metric(
    at_ms: Millis,
    name: &str,
    value: f64,
    unit: Unit,
    dimensions: &[(&str, &str)],
) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let about = json!({
        "Timestamp": at_ms,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [names],
            "Metrics": [{"Name": name, "Unit": unit.as_str()}],
        }],
    });
    let mut line = Map::from_iter([("_aws".to_owned(), about), (name.to_owned(), json!(value))]);
    line.extend(
        dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value))),
    );
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn what_is_redacted_is_never_printed() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only printed")]
        struct Holder {
            token: Redacted<String>,
            list: Vec<Redacted<u32>>,
        }
        let token = Redacted("hunter".to_owned());
        let holder = Holder {
            token: token.clone(),
            list: vec![Redacted(4711)],
        };
        for printed in [
            format!("{token}"),
            format!("{token:?}"),
            format!("{token:>20}"),
            format!("{holder:?}"),
            format!("{holder:#?}"),
        ] {
            assert!(printed.contains("[redacted]"), "{printed}");
            assert!(
                !printed.contains("hunter") && !printed.contains("4711"),
                "{printed}"
            );
        }
    }

    #[test]
    fn a_phone_is_masked() {
        let check = |phone: &str, expect: &str| assert_eq!(mask_phone(phone), expect);
        check("79001234567", "7900***4567");
        check("79001234567@c.us", "7900***4567@c.us");
        check("+380501234567", "+380***4567");
        check("123456789012345678@g.us", "1234***5678@g.us");
        check("1234567", "12***67");
        check("123456", "***");
        check("", "***");
        check("@c.us", "***@c.us");
        check("телефон один", "теле***один");
    }

    #[test]
    fn a_metric_is_a_line_for_cloudwatch() {
        let dimensions = [("method", "sendMessage"), ("lane", "whatsapp")];
        let line = embedded_metric(1_700_000_000_000, "sent", 2.0, Unit::Count, &dimensions);
        let expect = json!({
            "_aws": {
                "Timestamp": 1_700_000_000_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Greenhub",
                    "Dimensions": [["method", "lane"]],
                    "Metrics": [{"Name": "sent", "Unit": "Count"}],
                }],
            },
            "sent": 2.0,
            "method": "sendMessage",
            "lane": "whatsapp",
        });
        assert_eq!(line, expect);
        assert!(!line.to_string().contains('\n'));
    }

    #[test]
    fn libraries_are_quiet_whatever_the_level() {
        let check = |level: Level, target: &str, at: Level, expect: bool| {
            assert_eq!(
                filter(level).would_enable(target, &at),
                expect,
                "{level} {target} {at}"
            );
        };
        check(Level::DEBUG, "greenhub::pipeline", Level::DEBUG, true);
        check(Level::INFO, "greenhub::pipeline", Level::DEBUG, false);
        check(Level::TRACE, "outbound_sender", Level::TRACE, true);
        check(
            Level::TRACE,
            "aws_smithy_runtime::client",
            Level::INFO,
            false,
        );
        check(
            Level::TRACE,
            "aws_smithy_runtime::client",
            Level::WARN,
            true,
        );
        check(Level::TRACE, "hyper_util::client", Level::DEBUG, false);
        check(
            Level::ERROR,
            "aws_smithy_runtime::client",
            Level::WARN,
            false,
        );
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_line_is_json_on_one_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::registry()
            .with(filter(Level::INFO))
            .with(json_lines().with_writer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(lane = "crm", token = %Redacted("hunter"), "two\nlines \u{1b}[31m");
            tracing::debug!("not this");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let [line] = written.lines().collect::<Vec<_>>()[..] else {
            panic!("{written}")
        };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["lane"], "crm");
        assert_eq!(line["token"], "[redacted]");
        assert!(
            line["message"].as_str().unwrap().starts_with("two\nlines"),
            "{line}"
        );
    }
}
