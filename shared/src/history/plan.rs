//! Which chats there are to import.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Millis;
use crate::domain::chat_id::{Alias, AliasKind};
use crate::domain::ids::NumberId;
use crate::green_api::client::Listed;
use crate::green_api::map::Journaled;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::history::{ChatPhase, ImportOptions, ImportedChatRow, all_chats};
use crate::store::{keys, row};

/// How many rows are written at once.
const AT_ONCE: usize = 100;

/// How far back the journals are asked for, in minutes, where the phone has told its chats: what is
/// older is among them. As much as the provider's own client asks for.
const FEW_MINUTES: u32 = 14 * 24 * 60;

/// How far back they are asked for where it has not: ten years.
const MANY_MINUTES: u32 = 5_256_000;

/// What the provider has told about a number.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) chats: Vec<Listed>,
    pub(super) contacts: Vec<Listed>,
    pub(super) journals: Vec<Journaled>,
}

/// How far back the journals are to be asked for, in minutes.
pub(super) fn minutes(knows_chats: bool, since_ms: Option<Millis>, now_ms: Millis) -> u32 {
    let most = if knows_chats {
        FEW_MINUTES
    } else {
        MANY_MINUTES
    };
    let since = since_ms.map(|since_ms| (now_ms - since_ms).max(0) / 60_000 + 1);
    since.map_or(most, |minutes| {
        u32::try_from(minutes).unwrap_or(u32::MAX).min(most)
    })
}

/// The chats with their names. Channels and broadcasts are none.
pub(super) fn chats(told: Told, options: &ImportOptions) -> BTreeMap<Alias, Option<String>> {
    let wanted = |alias: &Alias| {
        let is_chat = matches!(
            alias.kind(),
            AliasKind::Phone | AliasKind::Lid | AliasKind::Group
        );
        is_chat && options.chats.as_ref().is_none_or(|it| it.contains(alias))
    };
    let mut names: BTreeMap<Alias, String> = BTreeMap::new();
    let mut found: BTreeSet<Alias> = BTreeSet::new();
    for it in told.contacts {
        names.extend(it.name.map(|name| (it.chat, name)));
    }
    for it in told.chats {
        names.extend(it.name.map(|name| (it.chat.clone(), name)));
        found.insert(it.chat);
    }
    found.extend(told.journals.into_iter().map(|it| it.message.chat));
    // What somebody has chosen is tried even if nobody tells of it.
    found.extend(options.chats.iter().flatten().cloned());
    found.retain(wanted);
    let named = found.into_iter().map(|alias| {
        let name = names.remove(&alias);
        (alias, name)
    });
    named.collect()
}

/// Writes the plan down in place of the one before; how many chats it has.
pub(super) async fn store(
    db: &impl Db,
    number: &NumberId,
    chats: BTreeMap<Alias, Option<String>>,
) -> Result<u64, DbError> {
    let before = all_chats(db, number).await?;
    let mut writes = Vec::new();
    let n_chats = chats.len() as u64;
    for old in before.iter().filter(|it| !chats.contains_key(&it.alias)) {
        writes.push(Write {
            key: keys::imported_chat(number, &old.alias),
            op: Op::Delete,
            only_if: Cond::Always,
        });
    }
    for (alias, name) in chats {
        let known = before.binary_search_by(|it| it.alias.cmp(&alias)).ok();
        let row = ImportedChatRow {
            // Greater than any that a run of before may still have in mind.
            rev: known.map_or(1, |at| before[at].rev + 1),
            name,
            chat: None,
            phase: ChatPhase::Open,
            attempts: 0,
            total: 0,
            saved: 0,
            skipped: 0,
            placeholders: 0,
            upto: None,
            alias,
        };
        writes.push(Write {
            key: keys::imported_chat(number, &row.alias),
            op: Op::Put(row::item(&row)?),
            only_if: Cond::Always,
        });
    }
    for some in writes.chunks(AT_ONCE) {
        db.write(some.to_vec()).await?;
    }
    Ok(n_chats)
}

/// Opens the chats anew that failed; how many there are.
pub(super) async fn reopen(db: &impl Db, number: &NumberId) -> Result<u64, DbError> {
    let mut n_chats = 0;
    for mut chat in all_chats(db, number).await? {
        let key = keys::imported_chat(number, &chat.alias);
        match chat.phase {
            ChatPhase::Failed { .. } => {
                chat.phase = ChatPhase::Open;
                chat.attempts = 0;
                db.write(vec![row::save(key, &mut chat)?]).await?;
                n_chats += 1;
            }
            // Opened by a run before this one, which was killed.
            ChatPhase::Open => n_chats += 1,
            ChatPhase::Done => {}
        }
    }
    Ok(n_chats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journals_are_asked_for_as_far_as_need_be() {
        let check = |knows_chats, since_ms, expect| {
            assert_eq!(minutes(knows_chats, since_ms, 600_000_000), expect);
        };
        check(true, None, FEW_MINUTES);
        check(false, None, MANY_MINUTES);
        check(true, Some(540_000_000), 1001);
        check(true, Some(700_000_000), 1);
        check(true, Some(Millis::MIN / 2), FEW_MINUTES);
    }

    #[test]
    fn chats_are_whom_one_can_write_to() {
        let alias = |text: &str| Alias::parse(text).expect("an id");
        let listed = |id: &str, name: Option<&str>| Listed {
            chat: alias(id),
            name: name.map(str::to_owned),
        };
        let told = || Told {
            chats: vec![
                listed("79001@c.us", None),
                listed("1203@g.us", Some("Family")),
                listed("status@broadcast", None),
                listed("1203@newsletter", Some("News")),
            ],
            contacts: vec![
                listed("79001@c.us", Some("Anna")),
                listed("79002@c.us", Some("Boris")),
            ],
            journals: Vec::new(),
        };
        let check = |only: Option<&[&str]>, expect: &[(&str, Option<&str>)]| {
            let options = ImportOptions {
                chats: only.map(|only| only.iter().map(|it| alias(it)).collect()),
                ..ImportOptions::default()
            };
            let planned = chats(told(), &options);
            let expect = expect
                .iter()
                .map(|(id, name)| (alias(id), name.map(str::to_owned)));
            assert_eq!(planned, expect.collect(), "{only:?}");
        };
        check(
            None,
            &[("1203@g.us", Some("Family")), ("79001@c.us", Some("Anna"))],
        );
        check(Some(&["79001@c.us"]), &[("79001@c.us", Some("Anna"))]);
        check(Some(&["79002@c.us"]), &[("79002@c.us", Some("Boris"))]);
        check(Some(&[]), &[]);
    }
}
