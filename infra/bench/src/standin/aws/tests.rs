//! The stand-in through AWS's own client: what `store::dynamo` asks of it comes out as it would of
//! the tables themselves.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use greenhub::config::Tables;
use greenhub::domain::ids::{ChatId, NumberId, WorkspaceId};
use greenhub::http;
use greenhub::store::db::{Cond, Db, DbError, Item, Key, Op, Query, Range, Table, Write};
use greenhub::store::dynamo::Dynamo;
use greenhub::store::{chats, keys, row};

use super::*;

fn client(aws: &Aws) -> Dynamo {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .endpoint_url(format!("http://{}", aws.addr))
        .build();
    let names = ["directory", "chats", "runtime"].map(str::to_owned);
    let [directory, chats, runtime] = names;
    Dynamo::new(
        Client::from_conf(config),
        Tables {
            directory,
            chats,
            runtime,
        },
    )
}

fn put(sk: &str, item: &Item, only_if: Cond) -> Write {
    let key = Key {
        table: Table::Runtime,
        pk: "p".into(),
        sk: sk.into(),
    };
    let op = Op::Put(item.clone());
    Write { key, op, only_if }
}

/// A row with every kind of value that rows have.
fn chat() -> chats::ChatRow {
    let alias = greenhub::domain::chat_id::Alias::from_phone_digits("79001234567");
    let (workspace, number) = (WorkspaceId::new("w"), NumberId::new("n"));
    let mut chat = chats::ChatRow::new(workspace, number, ChatId::new("c"), alias);
    chat.set_due(greenhub::domain::delivery::Lane::Crm, 5);
    chat.untold.insert(7);
    chat.crm = Some(chats::CrmContact {
        location: greenhub::domain::ids::LocationId::new("L"),
        contact: greenhub::domain::ids::ContactId::new("C"),
        dressed: true,
        phone_to_tell: false,
    });
    chat
}

#[tokio::test]
async fn rows_come_back_as_they_went_in() {
    let aws = Aws::start().unwrap();
    let db = client(&aws);
    let mut before = chat();
    let key = keys::chat(&ChatId::new("c"));
    assert!(db.get(&key).await.unwrap().is_none());
    let write = row::save(key.clone(), &mut before).unwrap();
    db.write(vec![write]).await.unwrap();
    let after: chats::ChatRow = row::load(&db, &key).await.unwrap().unwrap();
    assert_eq!(after, before);
    assert_eq!(
        aws.tables.get(&key).await.unwrap(),
        db.get(&key).await.unwrap()
    );

    let range = |from: &str, to: &str| Query {
        table: Table::Chats,
        index: None,
        pk: "CHAT#c".into(),
        range: Range::Text {
            from: from.into(),
            to: to.into(),
        },
        backwards: false,
        limit: 5,
    };
    assert_eq!(db.query(&range("A", "Z")).await.unwrap().len(), 1);
    assert_eq!(db.query(&range("D", "Z")).await.unwrap().len(), 0);
    let due = Query {
        index: Some(greenhub::store::db::Index::Due),
        pk: after.due_shard.unwrap(),
        range: Range::Number { from: 0, to: 5 },
        ..range("", "")
    };
    assert_eq!(db.query(&due).await.unwrap().len(), 1);
}

#[tokio::test]
async fn conditions_are_those_of_the_tables() {
    let aws = Aws::start().unwrap();
    let db = client(&aws);
    let item: Item = [
        (
            "rev",
            aws_sdk_dynamodb::types::AttributeValue::N("1".into()),
        ),
        (
            "owner",
            aws_sdk_dynamodb::types::AttributeValue::S("me".into()),
        ),
        (
            "until_ms",
            aws_sdk_dynamodb::types::AttributeValue::N("100".into()),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let holds = async |only_if: Cond| {
        let there = put("there", &item, Cond::Always);
        db.write(vec![there]).await.unwrap();
        match db.write(vec![put("there", &item, only_if)]).await {
            Ok(()) => true,
            Err(DbError::Condition { failed }) => {
                assert_eq!(failed, [0]);
                false
            }
            Err(error) => panic!("{error}"),
        }
    };
    let check = async |only_if: Cond, expect: bool| {
        assert_eq!(holds(only_if.clone()).await, expect, "{only_if:?}");
    };
    check(Cond::Always, true).await;
    check(Cond::Absent, false).await;
    check(Cond::Present, true).await;
    check(Cond::Rev(1), true).await;
    check(Cond::Rev(2), false).await;
    check(Cond::AbsentOrBefore("until_ms", 100), false).await;
    check(Cond::AbsentOrBefore("until_ms", 101), true).await;
    check(Cond::Is("owner", "me".into()), true).await;
    check(Cond::Is("owner", "you".into()), false).await;

    let both = vec![
        put("new", &item, Cond::Absent),
        put("there", &item, Cond::Absent),
    ];
    let refused = db.write(both).await;
    assert!(matches!(refused, Err(DbError::Condition { failed }) if failed == [1]));
    let gone = Write {
        op: Op::Delete,
        ..put("there", &item, Cond::Is("owner", "me".into()))
    };
    db.write(vec![gone, put("new", &item, Cond::Absent)])
        .await
        .unwrap();
    let left: Vec<_> = aws
        .tables
        .rows(Table::Runtime)
        .into_iter()
        .map(|(key, _)| key.sk)
        .collect();
    assert_eq!(left, ["new"]);
}

#[tokio::test]
async fn what_no_function_asks_is_refused() {
    let aws = Aws::start().unwrap();
    let http = http::client(Duration::from_secs(10)).unwrap();
    let check = async |target: &str, body: Value, expect: u16| {
        let request = http
            .post(format!("http://{}/", aws.addr))
            .header("x-amz-target", target);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), expect, "{target} {body}");
    };
    let key = json!({ "pk": { "S": "p" }, "sk": { "S": "s" } });
    let known = json!({ "TableName": "chats", "Key": key });
    check("DynamoDB_20120810.GetItem", known.clone(), 200).await;
    check("DynamoDB_20120810.UpdateItem", known, 400).await;
    let table = json!({ "TableName": "other", "Key": key });
    check("DynamoDB_20120810.GetItem", table, 400).await;
    let condition = json!({
        "TableName": "chats", "Item": key, "ConditionExpression": "attribute_exists(x)",
    });
    check("DynamoDB_20120810.PutItem", condition, 400).await;
    assert_eq!(aws.take_sent(), []);
    let message = json!({ "QueueUrl": "q", "MessageBody": "b", "DelaySeconds": 3 });
    check("AmazonSQS.SendMessage", message, 200).await;
    let sent = Sent {
        queue_url: "q".into(),
        body: "b".into(),
        delay_s: 3,
    };
    assert_eq!(aws.take_sent(), [sent]);
    assert_eq!(aws.take_sent(), []);
}
