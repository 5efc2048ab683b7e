//! DynamoDB's request units: what a read or a write is billed as.
//!
//! After the developer guide's chapters on read and write request units and on global secondary
//! indexes. Index entries that a transaction changes are counted once and not twice, because the
//! indexes are brought up to date after it.

use aws_sdk_dynamodb::types::AttributeValue;
use greenhub::store::db::{Item, Op, Table, Write};
use greenhub::store::memory;

/// A read unit is so many bytes.
const READ_BYTES: usize = 4096;

/// A write unit is so many bytes.
const WRITE_BYTES: usize = 1024;

/// An index as the template has it: all of them hold keys only.
pub(super) struct Index {
    pub(super) table: Table,
    pub(super) keys: [&'static str; 2],
}

/// Every index of the three tables.
pub(super) const INDEXES: [Index; 6] = [
    Index {
        table: Table::Directory,
        keys: ["due_shard", "due_at"],
    },
    Index {
        table: Table::Chats,
        keys: ["due_shard", "due_at"],
    },
    Index {
        table: Table::Chats,
        keys: ["number_id", "last_at"],
    },
    Index {
        table: Table::Chats,
        keys: ["stand_in", "last_at"],
    },
    Index {
        table: Table::Chats,
        keys: ["holder_in", "last_at"],
    },
    Index {
        table: Table::Chats,
        keys: ["number_id", "changed_at"],
    },
];

/// Units of a read that brought these rows. Finding nothing costs one.
pub(super) fn read(rows: &[Item]) -> u64 {
    units(rows.iter().map(memory::n_bytes).sum(), READ_BYTES)
}

/// Units of a write, for the table itself: the larger of what was there and what is.
pub(super) fn write(before: Option<&Item>, after: Option<&Item>) -> u64 {
    let larger = before.into_iter().chain(after).map(memory::n_bytes).max();
    units(larger.unwrap_or_default(), WRITE_BYTES)
}

/// Units of a write, for the table's indexes: one for each entry that goes or comes. An entry with
/// another key is another entry.
pub(super) fn indexes(table: Table, before: Option<&Item>, after: Option<&Item>) -> u64 {
    let of_table = INDEXES.iter().filter(|index| index.table == table);
    of_table
        .map(|index| {
            let entry = |row: Option<&Item>| row.and_then(|row| index.entry(row));
            let (before, after) = (entry(before), entry(after));
            if before == after {
                return 0;
            }
            u64::from(before.is_some()) + u64::from(after.is_some())
        })
        .sum()
}

/// The row that a write leaves, with its key in it.
pub(super) fn after(write: &Write) -> Option<Item> {
    let Op::Put(row) = &write.op else {
        return None;
    };
    let mut row = row.clone();
    for (name, value) in [("pk", &write.key.pk), ("sk", &write.key.sk)] {
        row.insert(name.to_owned(), AttributeValue::S(value.clone()));
    }
    Some(row)
}

impl Index {
    /// The key of a row in the index; nothing if the row is not in it.
    fn entry(&self, row: &Item) -> Option<[AttributeValue; 2]> {
        let [partition, sort] = self.keys.map(|key| row.get(key));
        Some([partition?.clone(), sort?.clone()])
    }
}

fn units(n_bytes: usize, of_bytes: usize) -> u64 {
    n_bytes.div_ceil(of_bytes).max(1) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn item(fields: &[(&str, i64)], n_bytes: usize) -> Item {
        let fields = fields.iter().map(|(name, value)| {
            let value = AttributeValue::N(value.to_string());
            ((*name).to_owned(), value)
        });
        let text = AttributeValue::S("x".repeat(n_bytes));
        fields.chain([("text".to_owned(), text)]).collect()
    }

    #[test]
    fn reads_and_writes_are_billed_by_their_size() {
        let check = |n_bytes: usize, expect_read: u64, expect_write: u64| {
            let row = item(&[], n_bytes - "text".len());
            assert_eq!(read(std::slice::from_ref(&row)), expect_read, "{n_bytes}");
            assert_eq!(write(None, Some(&row)), expect_write, "{n_bytes}");
            assert_eq!(write(Some(&row), None), expect_write, "{n_bytes}");
        };
        check(4, 1, 1);
        check(1024, 1, 1);
        check(1025, 1, 2);
        check(4096, 1, 4);
        check(4097, 2, 5);
        assert_eq!((read(&[]), write(None, None)), (1, 1));
        assert_eq!(write(Some(&item(&[], 3000)), Some(&item(&[], 1))), 3);
    }

    #[test]
    fn an_index_is_billed_for_what_changes_in_it() {
        let due = |at: i64, n_bytes| item(&[("due_shard", 1), ("due_at", at)], n_bytes);
        let listed = |at: i64, n_bytes| item(&[("number_id", 1), ("last_at", at)], n_bytes);
        let none = item(&[], 1);
        let check = |before: &Item, after: &Item, expect: u64| {
            let units = indexes(Table::Chats, Some(before), Some(after));
            assert_eq!(units, expect, "{before:?} {after:?}");
        };
        check(&none, &none, 0);
        check(&none, &due(5, 2000), 1);
        check(&due(5, 1), &due(5, 2000), 0);
        check(&due(5, 1), &due(6, 1), 2);
        check(&due(6, 1), &none, 1);
        check(&none, &listed(5, 1500), 1);
        check(&listed(5, 1), &listed(5, 1500), 0);
        check(&listed(5, 1), &listed(6, 1), 2);
        assert_eq!(indexes(Table::Runtime, None, Some(&due(5, 1))), 0);
        assert_eq!(indexes(Table::Directory, None, Some(&due(5, 1))), 1);
        assert_eq!(indexes(Table::Chats, Some(&due(5, 1)), None), 1);
    }

    #[test]
    fn the_indexes_are_the_templates() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        let template: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut deployed = BTreeSet::new();
        for table in ["DirectoryTable", "ChatsTable", "RuntimeTable"] {
            let indexes = &template["Resources"][table]["Properties"]["GlobalSecondaryIndexes"];
            for index in indexes.as_sequence().into_iter().flatten() {
                let text = |value: &serde_yaml_ng::Value| value.as_str().unwrap().to_owned();
                deployed.insert((
                    table.to_owned(),
                    text(&index["KeySchema"][0]["AttributeName"]),
                    text(&index["KeySchema"][1]["AttributeName"]),
                ));
                let projection = text(&index["Projection"]["ProjectionType"]);
                assert_eq!(
                    projection, "KEYS_ONLY",
                    "an entry would have the row's size"
                );
            }
        }
        let known = INDEXES.iter().map(|index| {
            let [partition, sort] = index.keys.map(str::to_owned);
            let table = format!("{:?}Table", index.table);
            (table, partition, sort)
        });
        assert_eq!(known.collect::<BTreeSet<_>>(), deployed);
    }
}
