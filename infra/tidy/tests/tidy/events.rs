//! The sample events: one for each function, described with the command that uses it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{files, template};

#[test]
fn each_function_has_a_described_event() {
    let readme = files::read("events/README.md");
    let mut left: BTreeSet<_> = files::all(&[".json"])
        .into_iter()
        .filter_map(|(path, _)| path.strip_prefix("events/").map(str::to_owned))
        .collect();
    for function in template::functions() {
        let sample = format!("{}.json", function.folder);
        assert!(left.contains(&sample), "events/{sample} is missing");
        // Further ones are named after it.
        let further = format!("{}.", function.folder);
        for sample in left.extract_if(.., |sample| sample.starts_with(&further)) {
            let line = format!(
                "sam local invoke {}Function --event events/{sample}",
                function.id
            );
            assert!(readme.contains(&line), "events/README.md lacks `{line}`");
        }
    }
    assert!(left.is_empty(), "of no function: {left:?}");
}

#[test]
fn each_event_has_its_triggers_shape() {
    for (path, text) in files::all(&[".json"]) {
        let Some(sample) = path.strip_prefix("events/") else {
            continue;
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        let is_http =
            event["version"] == "2.0" && event["requestContext"]["http"]["method"].is_string();
        let is_queue = event["Records"][0]["eventSource"] == "aws:sqs";
        let is_socket = event["requestContext"]["eventType"] == "CONNECT";
        let is_stream = event["Records"][0]["eventSource"] == "aws:dynamodb";
        let is_schedule = event["detail-type"] == "Scheduled Event";
        let expect = match sample {
            "outbound-sender.json"
            | "crm-sender.json"
            | "media-keeper.json"
            | "history-import.json"
            | "telegram-sender.json" => is_queue,
            "sweeper.json" => is_schedule,
            "realtime.json" => is_socket,
            "stream-fanout.json" => is_stream,
            _ => is_http,
        };
        assert!(expect, "{path} is no event of its function's trigger");
    }
}
