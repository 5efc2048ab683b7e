//! The streams of the tables: who is told of them, and of what.

use std::collections::BTreeSet;

use greenhub::domain::ids::{ChatId, ContactId, LocationId, NumberId, PersonId, WorkspaceId};
use greenhub::store::db::Key;
use greenhub::store::keys;
use serde_yaml_ng::Value;

use super::{Template, listed, referred};

#[test]
fn browsers_are_told_of_both_tables_and_a_failed_batch_comes_again() {
    // AC 146
    let template = Template::read();
    let mut sources = template.resources("AWS::Lambda::EventSourceMapping");
    sources.retain(|(_, source)| !source["StartingPosition"].is_null());
    let tables: BTreeSet<_> = sources
        .iter()
        .map(|(_, source)| source["EventSourceArn"]["!GetAtt"].as_str().unwrap())
        .collect();
    let expect = ["ChatsTable.StreamArn", "DirectoryTable.StreamArn"];
    assert_eq!(tables, BTreeSet::from(expect));
    for (name, source) in sources {
        assert_eq!(referred(&source["FunctionName"]), "StreamFanoutFunction");
        assert_eq!(source["BisectBatchOnFunctionError"], true, "{name}");
        // Unless told, a batch is repeated for as long as it is not too old.
        assert!(source["MaximumRetryAttempts"].is_null(), "{name}");
        assert_eq!(source["MaximumRecordAgeInSeconds"], 2 * 3600, "{name}");
        let given_up = &source["DestinationConfig"]["OnFailure"]["Destination"];
        assert_eq!(referred(given_up), "StreamDeadLetters", "{name}");
    }
}

/// Whether a source's filter lets a row through, as AWS describes it: any of the patterns, each of
/// its fields, any of a field's values.
fn lets_through(source: &Value, pk: &str, sk: &str) -> bool {
    let is_like = |allowed: &serde_json::Value, value: &str| {
        allowed.as_array().unwrap().iter().any(|one| {
            let prefix = one["prefix"].as_str();
            one == value || prefix.is_some_and(|prefix| value.starts_with(prefix))
        })
    };
    listed(&source["FilterCriteria"]["Filters"])
        .iter()
        .map(|filter| serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap())
        .any(|pattern: serde_json::Value| {
            let keys = &pattern["dynamodb"]["Keys"];
            is_like(&keys["pk"]["S"], pk) && is_like(&keys["sk"]["S"], sk)
        })
}

#[test]
fn the_streams_let_through_what_browsers_are_told_of_and_nothing_else() {
    let template = Template::read();
    let source = |name: &str| template.resource(name)["Properties"].clone();
    let (chats, directory) = (source("ChatsStreamSource"), source("DirectoryStreamSource"));
    let check = |source: &Value, key: Key| {
        let is_told = keys::stream_row(&key.pk, &key.sk).is_some();
        assert_eq!(lets_through(source, &key.pk, &key.sk), is_told, "{key:?}");
    };
    let (workspace, number) = (WorkspaceId::new("w"), NumberId::new("n"));
    let (chat, location) = (ChatId::new("c"), LocationId::new("L"));
    check(&chats, keys::chat(&chat));
    check(&chats, keys::message(&chat, 7));
    check(&chats, keys::file_link(&number, "l"));
    check(&chats, keys::unsure(&number, &chat, 7));
    check(&chats, keys::ghl_id(&location, "m"));
    check(
        &chats,
        keys::contact_chat(&location, &ContactId::new("x"), &number),
    );
    check(&directory, keys::number(&workspace, &number));
    check(&directory, keys::person(&workspace, &PersonId::new("p")));
    check(&directory, keys::import(&workspace, &number));
    check(&directory, keys::install(&location));
    check(&directory, keys::workspace(&workspace));
    check(&directory, keys::gone_number(&workspace, &number));
    check(&directory, keys::workflow_secret(&location));
    check(&directory, keys::hook("h"));
}
