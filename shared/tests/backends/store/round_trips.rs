//! What rows can hold: serde structs go in and come out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use greenhub::domain::delivery::{Delivery, Destination, Part, PartState};
use greenhub::store::db::{Cond, Db, Op, Table, Write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    rev: u64,
    small: i64,
    large: u64,
    fraction: f64,
    flag: bool,
    absent: Option<String>,
    present: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<i64>,
    by_destination: BTreeMap<Destination, Delivery>,
    by_number: BTreeMap<u64, String>,
    seqs: BTreeSet<u64>,
    nested: Vec<Nested>,
    unit: Plain,
    external: External,
    adjacent: Adjacent,
    empty: String,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Plain {
    FirstOne,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Nested {
    Unit,
    Fields {
        at_ms: i64,
        ratio: f64,
        more: Option<Box<Nested>>,
    },
    Wrapped(Inner),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    n: u64,
    map: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum External {
    Tuple(u8, String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Numbers(Vec<i64>),
}

pub(super) async fn check_all<D: Db>(db: &D) {
    let part = |state| Part {
        state,
        ..Part::default()
    };
    let states = vec![
        part(PartState::Pending),
        part(PartState::Sending {
            since_ms: 1_700_000_000_000,
            by: "run".into(),
        }),
        part(PartState::Done),
        part(PartState::Retry {
            at_ms: i64::MAX,
            look_since_ms: Some(-1),
        }),
        part(PartState::Unknown {
            since_ms: 0,
            looked_ms: 0,
            at_ms: 1,
            to_person: false,
        }),
        Part {
            attempts: 3,
            remote_id: Some("id".to_owned()),
            ..part(PartState::Dead)
        },
    ];
    let inner = Inner {
        n: u64::MAX,
        map: BTreeMap::from([("a b".to_owned(), i64::MIN)]),
    };
    let fields = |more| Nested::Fields {
        at_ms: i64::MIN,
        ratio: -0.1,
        more,
    };
    let row = Row {
        rev: 1,
        small: i64::MIN,
        large: u64::MAX,
        fraction: 0.1 + 0.2,
        flag: true,
        absent: None,
        present: Some("here".to_owned()),
        left_out: None,
        by_destination: BTreeMap::from([
            (Destination::Whatsapp, Delivery { parts: states }),
            (Destination::Crm, Delivery::single()),
        ]),
        by_number: BTreeMap::from([(u64::MAX, "most".to_owned())]),
        seqs: BTreeSet::from([3, 1, u64::MAX]),
        nested: vec![
            Nested::Unit,
            fields(None),
            fields(Some(Box::new(Nested::Unit))),
            Nested::Wrapped(inner),
        ],
        unit: Plain::FirstOne,
        external: External::Tuple(7, "seven".to_owned()),
        adjacent: Adjacent::Numbers(vec![-1, 0, 1]),
        empty: String::new(),
        text: "наша почта \u{1F4EC} \"quoted\"\n\u{0}".to_owned(),
    };
    check(db, &row).await;
    check(
        db,
        &Row {
            fraction: 1.0,
            by_destination: BTreeMap::new(),
            by_number: BTreeMap::new(),
            seqs: BTreeSet::new(),
            nested: Vec::new(),
            ..row.clone()
        },
    )
    .await;
    check(
        db,
        &Row {
            fraction: 1e30,
            large: 0,
            small: 0,
            ..row.clone()
        },
    )
    .await;
    check(
        db,
        &Row {
            fraction: 1.5e-9,
            ..row
        },
    )
    .await;
}

async fn check<D: Db, T>(db: &D, value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let at = key(Table::Runtime, "round_trips", "row");
    let op = Op::Put(serde_dynamo::to_item(value).unwrap());
    db.write(vec![Write {
        key: at.clone(),
        op,
        only_if: Cond::Always,
    }])
    .await
    .unwrap();
    let row = db.get(&at).await.unwrap().unwrap();
    let back: T = serde_dynamo::from_item(row).unwrap();
    assert_eq!(&back, value);
}
