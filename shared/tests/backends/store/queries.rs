//! Rows in the order of the table's and the indexes' sort keys.

use std::ops::RangeInclusive;

use greenhub::store::db::{Cond, Db, DbError, Index, Item, Query, Range, Table};
use serde_json::json;

use super::{key, outcome, put};

pub(super) async fn check_all<D: Db>(db: &D) {
    by_key(db).await;
    large_rows(db).await;
    by_index(db).await;
    refusals(db).await;
}

/// The rows' sort keys, in their order.
fn sks(rows: Result<Vec<Item>, DbError>) -> Vec<String> {
    let rows = rows.unwrap();
    rows.into_iter()
        .map(|row| row["sk"].as_s().unwrap().clone())
        .collect()
}

fn text(from: &str, to: &str) -> Range {
    Range::Text {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn number(range: RangeInclusive<i64>) -> Range {
    Range::Number {
        from: *range.start(),
        to: *range.end(),
    }
}

async fn by_key<D: Db>(db: &D) {
    for sk in ["m#2", "m#10", "m#1", "a", "n#1", "m#~", "É"] {
        let at = key(Table::Chats, "by_key", sk);
        db.write(vec![put(at, json!({"rev": 1}), Cond::Always)])
            .await
            .unwrap();
    }
    let other = key(Table::Chats, "by_key_of_another", "m#3");
    db.write(vec![put(other, json!({"rev": 1}), Cond::Always)])
        .await
        .unwrap();
    let same_in_another_table = key(Table::Directory, "by_key", "m#4");
    db.write(vec![put(same_in_another_table, json!({}), Cond::Always)])
        .await
        .unwrap();

    let check = async |range: Range, backwards: bool, limit: usize, expect: &[&str]| {
        let query = Query {
            table: Table::Chats,
            index: None,
            pk: "by_key".to_owned(),
            range,
            backwards,
            limit,
        };
        assert_eq!(sks(db.query(&query).await), expect, "{query:?}");
    };
    check(text("m#", "m#~"), false, 10, &["m#1", "m#10", "m#2", "m#~"]).await;
    check(text("m#", "m#~"), true, 10, &["m#~", "m#2", "m#10", "m#1"]).await;
    check(text("m#", "m#~"), false, 2, &["m#1", "m#10"]).await;
    check(text("m#", "m#~"), true, 2, &["m#~", "m#2"]).await;
    check(text("m#10", "m#2"), false, 10, &["m#10", "m#2"]).await;
    check(text("m#11", "m#19"), false, 10, &[]).await;
    check(text("m#2", "m#1"), false, 10, &[]).await;
    check(text("a", "É"), false, 1, &["a"]).await;
    check(text("z", "É"), false, 9, &["É"]).await;
    check(text("a", "z"), false, 0, &[]).await;
}

/// DynamoDB ends a page after a megabyte; a caller does not notice.
async fn large_rows<D: Db>(db: &D) {
    let body = "x".repeat(300 * 1024);
    for n in 0..8 {
        let at = key(Table::Chats, "large_rows", &format!("{n}"));
        db.write(vec![put(at, json!({"body": body}), Cond::Always)])
            .await
            .unwrap();
    }
    let check = async |backwards: bool, limit: usize, expect: &[&str]| {
        let pk = "large_rows".to_owned();
        let range = text("0", "9");
        let query = Query {
            table: Table::Chats,
            index: None,
            pk,
            range,
            backwards,
            limit,
        };
        assert_eq!(sks(db.query(&query).await), expect, "{query:?}");
    };
    check(false, 100, &["0", "1", "2", "3", "4", "5", "6", "7"]).await;
    check(true, 6, &["7", "6", "5", "4", "3", "2"]).await;
    check(false, 1, &["0"]).await;
}

async fn by_index<D: Db>(db: &D) {
    let rows = [
        (
            Table::Chats,
            "chat-a",
            json!({"due_shard": "s1", "due_at": 30, "rev": 1}),
        ),
        (
            Table::Chats,
            "chat-b",
            json!({"due_shard": "s1", "due_at": 4, "rev": 1}),
        ),
        (
            Table::Chats,
            "chat-c",
            json!({"due_shard": "s1", "due_at": 1_700_000_000_000_i64}),
        ),
        (
            Table::Chats,
            "chat-d",
            json!({"due_shard": "s2", "due_at": 5}),
        ),
        (Table::Chats, "chat-e", json!({"due_shard": "s1", "rev": 1})),
        (
            Table::Chats,
            "chat-f",
            json!({"number_id": "n1", "last_at": 20, "name": "f"}),
        ),
        (
            Table::Chats,
            "chat-g",
            json!({"number_id": "n1", "last_at": 100, "name": "g"}),
        ),
        (
            Table::Directory,
            "number-a",
            json!({"due_shard": "s1", "due_at": 7}),
        ),
    ];
    for (table, pk, json) in rows {
        db.write(vec![put(key(table, pk, pk), json, Cond::Always)])
            .await
            .unwrap();
    }

    let check = async |index, table, pk: &str, range, backwards, limit, expect: &[&str]| {
        let pk = pk.to_owned();
        let query = Query {
            table,
            index: Some(index),
            pk,
            range,
            backwards,
            limit,
        };
        assert_eq!(sks(db.query(&query).await), expect, "{query:?}");
    };
    use Index::{ByNumber, Due};
    use Table::{Chats, Directory};
    let all = || number(0..=i64::MAX);
    check(
        Due,
        Chats,
        "s1",
        all(),
        false,
        10,
        &["chat-b", "chat-a", "chat-c"],
    )
    .await;
    check(Due, Chats, "s1", all(), true, 2, &["chat-c", "chat-a"]).await;
    check(
        Due,
        Chats,
        "s1",
        number(0..=30),
        false,
        10,
        &["chat-b", "chat-a"],
    )
    .await;
    check(Due, Chats, "s1", number(5..=29), false, 10, &[]).await;
    check(Due, Chats, "s2", all(), false, 10, &["chat-d"]).await;
    check(Due, Chats, "s3", all(), false, 10, &[]).await;
    check(Due, Directory, "s1", all(), false, 10, &["number-a"]).await;
    check(
        ByNumber,
        Chats,
        "n1",
        all(),
        true,
        10,
        &["chat-g", "chat-f"],
    )
    .await;
    check(
        ByNumber,
        Chats,
        "n1",
        number(-5..=20),
        false,
        10,
        &["chat-f"],
    )
    .await;

    let projected = async |index, pk: &str, expect: &[&str]| {
        let (pk, range) = (pk.to_owned(), all());
        let query = Query {
            table: Chats,
            index: Some(index),
            pk,
            range,
            backwards: false,
            limit: 1,
        };
        let mut rows = db.query(&query).await.unwrap();
        let mut names: Vec<String> = rows.remove(0).into_keys().collect();
        names.sort();
        assert_eq!(names, expect, "{query:?}");
    };
    projected(Due, "s1", &["due_at", "due_shard", "pk", "sk"]).await;
    projected(ByNumber, "n1", &["last_at", "number_id", "pk", "sk"]).await;

    // Without the attributes the row leaves the index.
    let at = key(Chats, "chat-b", "chat-b");
    db.write(vec![put(at, json!({"rev": 2}), Cond::Always)])
        .await
        .unwrap();
    check(Due, Chats, "s1", number(0..=30), false, 10, &["chat-a"]).await;
    db.write(vec![super::delete(
        key(Chats, "chat-a", "chat-a"),
        Cond::Always,
    )])
    .await
    .unwrap();
    check(Due, Chats, "s1", number(0..=30), false, 10, &[]).await;
}

async fn refusals<D: Db>(db: &D) {
    let check = async |table, index, pk: &str, range: Range| {
        let query = Query {
            table,
            index,
            pk: pk.to_owned(),
            range,
            backwards: false,
            limit: 1,
        };
        assert_eq!(outcome(db.query(&query).await), "malformed", "{query:?}");
    };
    check(Table::Chats, None, "p", number(0..=1)).await;
    check(Table::Chats, Some(Index::Due), "p", text("a", "b")).await;
    check(Table::Runtime, Some(Index::Due), "p", number(0..=1)).await;
    check(Table::Directory, Some(Index::ByNumber), "p", number(0..=1)).await;
    check(Table::Chats, None, "", text("a", "b")).await;
    check(Table::Chats, None, "p", text("", "b")).await;
}
