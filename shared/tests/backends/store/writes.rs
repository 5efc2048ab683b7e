//! Conditions, and transactions that are applied whole or not at all.

use greenhub::store::db::{Cond, Db, Key, Table, Write};
use serde_json::{Value, json};

use super::{check_only, delete, key, outcome, put, readable, row};

pub(super) async fn check_all<D: Db>(db: &D) {
    conditions(db).await;
    transactions(db).await;
    refusals(db).await;
}

async fn set<D: Db>(db: &D, at: &Key, before: &Value) {
    let write = if before.is_null() {
        delete(at.clone(), Cond::Always)
    } else {
        put(at.clone(), before.clone(), Cond::Always)
    };
    db.write(vec![write]).await.unwrap();
}

/// Every condition, in every kind of write, on a row that is there and on none.
async fn conditions<D: Db>(db: &D) {
    let at = key(Table::Chats, "conditions", "row");
    let holds = async |cond: Cond, before: Value, expect: bool| {
        let told = if expect { "ok" } else { "condition [0]" };
        let after = json!({"rev": 9});

        set(db, &at, &before).await;
        let got = outcome(
            db.write(vec![put(at.clone(), after.clone(), cond.clone())])
                .await,
        );
        assert_eq!(got, told, "put if {cond:?} on {before}");
        let there = readable(db.get(&at).await.unwrap());
        assert_eq!(
            there,
            if expect {
                after.clone()
            } else {
                before.clone()
            },
            "put if {cond:?}"
        );

        set(db, &at, &before).await;
        let got = outcome(db.write(vec![check_only(at.clone(), cond.clone())]).await);
        assert_eq!(got, told, "check {cond:?} on {before}");
        assert_eq!(
            readable(db.get(&at).await.unwrap()),
            before,
            "check {cond:?}"
        );

        let got = outcome(db.write(vec![delete(at.clone(), cond.clone())]).await);
        assert_eq!(got, told, "delete if {cond:?} on {before}");
        let there = readable(db.get(&at).await.unwrap());
        assert_eq!(
            there,
            if expect { Value::Null } else { before },
            "delete if {cond:?}"
        );
    };

    let none = || Value::Null;
    holds(Cond::Always, none(), true).await;
    holds(Cond::Always, json!({"rev": 1}), true).await;
    holds(Cond::Absent, none(), true).await;
    holds(Cond::Absent, json!({"rev": 1}), false).await;
    holds(Cond::Present, none(), false).await;
    holds(Cond::Present, json!({"rev": 1}), true).await;
    holds(Cond::Rev(1), none(), false).await;
    holds(Cond::Rev(1), json!({"rev": 1}), true).await;
    holds(Cond::Rev(1), json!({"rev": 2}), false).await;
    holds(Cond::Rev(1), json!({"rev": "1"}), false).await;
    holds(Cond::Rev(1), json!({"other": 1}), false).await;
    holds(Cond::Rev(u64::MAX), json!({"rev": u64::MAX}), true).await;
    holds(Cond::Rev(u64::MAX), json!({"rev": u64::MAX - 1}), false).await;
    let before = |value| Cond::AbsentOrBefore("until_ms", value);
    holds(before(10), none(), true).await;
    holds(before(10), json!({"until_ms": 9}), true).await;
    holds(before(10), json!({"until_ms": 10}), false).await;
    holds(before(10), json!({"until_ms": 100}), false).await;
    holds(before(-5), json!({"until_ms": -6}), true).await;
    holds(before(10), json!({"other": 1}), false).await;
    holds(before(10), json!({"until_ms": "1"}), false).await;
    let is = |text: &str| Cond::Is("holder", text.to_owned());
    holds(is("me"), none(), false).await;
    holds(is("me"), json!({"holder": "me"}), true).await;
    holds(is("me"), json!({"holder": "you"}), false).await;
    holds(is("me"), json!({"other": "me"}), false).await;
    // Words that DynamoDB keeps for itself are names like any other.
    holds(
        Cond::Is("status", "a".to_owned()),
        json!({"status": "a"}),
        true,
    )
    .await;
    holds(Cond::AbsentOrBefore("ttl", 2), json!({"ttl": 1}), true).await;
}

async fn transactions<D: Db>(db: &D) {
    let a = || key(Table::Chats, "transactions", "a");
    let b = || key(Table::Chats, "transactions", "b");
    // Another table takes part like the same one.
    let c = || key(Table::Directory, "transactions", "c");
    let check = async |writes: Vec<Write>, expect: &str, rows: [Value; 3]| {
        set(db, &a(), &json!({"rev": 1, "name": "a"})).await;
        set(db, &b(), &Value::Null).await;
        set(db, &c(), &json!({"rev": 7, "name": "c"})).await;
        let shown = format!("{writes:?}");
        assert_eq!(outcome(db.write(writes).await), expect, "{shown}");
        for (at, expect) in [a(), b(), c()].iter().zip(rows) {
            assert_eq!(
                readable(db.get(at).await.unwrap()),
                expect,
                "{at:?} after {shown}"
            );
        }
    };
    let unchanged = || {
        [
            json!({"rev": 1, "name": "a"}),
            Value::Null,
            json!({"rev": 7, "name": "c"}),
        ]
    };
    let new = || json!({"rev": 2});

    check(vec![], "ok", unchanged()).await;
    check(
        vec![
            put(a(), new(), Cond::Rev(1)),
            put(b(), new(), Cond::Absent),
            delete(c(), Cond::Rev(7)),
        ],
        "ok",
        [new(), new(), Value::Null],
    )
    .await;
    check(
        vec![
            put(a(), new(), Cond::Rev(1)),
            put(b(), new(), Cond::Present),
            check_only(c(), Cond::Rev(7)),
        ],
        "condition [1]",
        unchanged(),
    )
    .await;
    check(
        vec![
            put(a(), new(), Cond::Absent),
            put(b(), new(), Cond::Absent),
            check_only(c(), Cond::Rev(8)),
        ],
        "condition [0, 2]",
        unchanged(),
    )
    .await;
    check(
        vec![
            put(b(), new(), Cond::Absent),
            check_only(c(), Cond::Is("name", "c".to_owned())),
        ],
        "ok",
        [
            json!({"rev": 1, "name": "a"}),
            new(),
            json!({"rev": 7, "name": "c"}),
        ],
    )
    .await;
    // A check of nothing does not move the places of the others.
    check(
        vec![
            check_only(a(), Cond::Always),
            put(b(), new(), Cond::Present),
        ],
        "condition [1]",
        unchanged(),
    )
    .await;
    check(
        vec![check_only(b(), Cond::Always), check_only(a(), Cond::Always)],
        "ok",
        unchanged(),
    )
    .await;
    check(
        vec![
            delete(b(), Cond::Always),
            put(a(), new(), Cond::AbsentOrBefore("rev", 2)),
        ],
        "ok",
        [new(), Value::Null, json!({"rev": 7, "name": "c"})],
    )
    .await;
    check(
        vec![put(a(), new(), Cond::Always), delete(a(), Cond::Always)],
        "malformed",
        unchanged(),
    )
    .await;
    let many = |n: usize| {
        (0..n)
            .map(|i| {
                put(
                    key(Table::Chats, "many", &format!("{i:03}")),
                    new(),
                    Cond::Always,
                )
            })
            .collect()
    };
    check(many(100), "ok", unchanged()).await;
    check(many(101), "malformed", unchanged()).await;
}

/// What is a bug of ours comes back as one.
async fn refusals<D: Db>(db: &D) {
    let check = async |at: Key, json: Value, expect: &str| {
        let shown = format!("{at:?} {json}");
        let shown = shown.chars().take(200).collect::<String>();
        let got = outcome(db.write(vec![put(at, json, Cond::Always)]).await);
        assert_eq!(got, expect, "{shown}");
    };
    let at = || key(Table::Chats, "refusals", "row");
    check(key(Table::Chats, "", "row"), json!({}), "malformed").await;
    check(key(Table::Chats, "refusals", ""), json!({}), "malformed").await;
    check(at(), json!({"text": ""}), "ok").await;
    check(at(), json!({"text": "x".repeat(300 * 1024)}), "ok").await;
    check(at(), json!({"text": "x".repeat(400 * 1024)}), "malformed").await;
    // The keys of an index must have their types where they are there at all.
    check(at(), json!({"due_shard": "s", "due_at": 1}), "ok").await;
    check(at(), json!({"due_shard": "s"}), "ok").await;
    check(at(), json!({"due_shard": "s", "due_at": "1"}), "malformed").await;
    check(at(), json!({"due_shard": "s", "due_at": null}), "malformed").await;
    check(at(), json!({"due_shard": 1, "due_at": 1}), "malformed").await;
    check(at(), json!({"number_id": "n", "last_at": "1"}), "malformed").await;
    check(
        key(Table::Runtime, "refusals", "row"),
        json!({"due_at": "1"}),
        "ok",
    )
    .await;

    // The key of the row wins over attributes of the same names.
    let mine = json!({"pk": "other", "sk": "other", "rev": 1});
    db.write(vec![put(at(), mine, Cond::Always)]).await.unwrap();
    let there = db.get(&at()).await.unwrap().unwrap();
    assert_eq!(there, row(json!({"pk": "refusals", "sk": "row", "rev": 1})));
    db.write(vec![delete(at(), Cond::Always)]).await.unwrap();
}
