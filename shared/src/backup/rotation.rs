//! When a backup is due, and which have had their time.

use super::vault::{Backup, BackupError, Vault};
use crate::clock::{self, Clock, Millis};
use crate::store::db::Table;

/// The tables that are kept. What is in `runtime` is worth nothing a day later.
pub const TABLES: [Table; 2] = [Table::Directory, Table::Chats];

/// What the names of our backups begin with; others' are left alone.
const PREFIX: &str = "greenhub-";

/// How much earlier than its time a backup may be: the schedule is not to the second.
const EARLY_MS: Millis = 60_000;

/// The lists are looked at in every tenth minute.
const LOOK_EVERY_MINUTES: Millis = 10;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How far apart they are, milliseconds; 0 for none.
    pub interval_ms: Millis,
    /// How many of each table are kept, at least one.
    pub n_kept: usize,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Backups that were begun.
    pub taken: usize,
    /// Backups that were removed.
    pub removed: usize,
}

/// Whether a run of the sweeper at this time looks after the backups.
pub fn is_time_to_look(now_ms: Millis) -> bool {
    now_ms.div_euclid(60_000).rem_euclid(LOOK_EVERY_MINUTES) == 0
}

/// The name of the backups that are taken now: those of both tables have the same one, since only
/// together they are a state of the product.
pub fn name_at(now_ms: Millis) -> String {
    let at = clock::rfc3339(now_ms);
    let seconds = at.split('.').next().unwrap_or(&at);
    let digits: String = seconds
        .chars()
        .filter(|sign| !matches!(sign, '-' | ':'))
        .collect();
    format!("{PREFIX}{digits}Z")
}

/// Whether a backup is one of ours.
pub fn is_ours(backup: &Backup) -> bool {
    backup.name.starts_with(PREFIX)
}

/// Takes what is due and removes what has had its time. A table's failure does not keep the other
/// from being seen to, nor a failed backup the older ones from staying: the last good ones are never
/// removed for one that is not there.
///
/// # Errors
/// The first table's that failed.
pub async fn rotate(vault: &impl Vault, clock: &Clock, plan: Plan) -> Result<Rotated, BackupError> {
    let mut rotated = Rotated::default();
    if plan.interval_ms <= 0 {
        return Ok(rotated);
    }
    let now_ms = clock.now_ms();
    let mut first_failure = None;
    let mut lists = Vec::new();
    for table in TABLES {
        match vault.list(table).await {
            Ok(list) => lists.push((table, list.into_iter().filter(is_ours).collect::<Vec<_>>())),
            Err(error) => first_failure = first_failure.or(Some(error)),
        }
    }
    let is_due = lists.iter().any(|(_, list)| is_due(list, now_ms, plan));
    for (table, list) in &lists {
        if is_due {
            match vault.take(*table, &name_at(now_ms)).await {
                Ok(()) => rotated.taken += 1,
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
        for old in superfluous(list, plan.n_kept) {
            match vault.remove(old).await {
                Ok(()) => rotated.removed += 1,
                Err(error) => first_failure = first_failure.or(Some(error)),
            }
        }
    }
    first_failure.map_or(Ok(rotated), Err)
}

fn is_due(list: &[Backup], now_ms: Millis, plan: Plan) -> bool {
    let newest_ms = list.iter().map(|backup| backup.created_ms).max();
    newest_ms.is_none_or(|at_ms| now_ms - at_ms >= plan.interval_ms - EARLY_MS)
}

/// All but the newest that are ready. One that is still being made counts for nothing yet.
fn superfluous(list: &[Backup], n_kept: usize) -> impl Iterator<Item = &Backup> {
    let mut ready: Vec<&Backup> = list.iter().filter(|backup| backup.is_ready).collect();
    ready.sort_by_key(|backup| std::cmp::Reverse(backup.created_ms));
    ready.into_iter().skip(n_kept.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::vault::memory::MemoryVault;

    const HOUR: Millis = 3_600_000;
    const PLAN: Plan = Plan {
        interval_ms: 12 * HOUR,
        n_kept: 3,
    };

    fn backup(created_ms: Millis, is_ready: bool) -> Backup {
        Backup {
            id: created_ms.to_string(),
            name: name_at(created_ms),
            created_ms,
            is_ready,
        }
    }

    #[test]
    fn one_is_due_when_the_newest_is_old() {
        let check = |ages_h: &[Millis], expect: bool| {
            let now = 100 * HOUR;
            let list: Vec<_> = ages_h
                .iter()
                .map(|age| backup(now - age * HOUR, true))
                .collect();
            assert_eq!(is_due(&list, now, PLAN), expect, "{ages_h:?}");
        };
        check(&[], true);
        check(&[11], false);
        check(&[12], true);
        check(&[50, 3, 20], false);
        check(&[50, 13], true);
        // Begun and not ready yet: no second one.
        let begun = [backup(100 * HOUR, false)];
        assert!(!is_due(&begun, 100 * HOUR, PLAN));
    }

    #[test]
    fn the_newest_that_are_ready_stay() {
        let check = |list: &[(Millis, bool)], expect: &[Millis]| {
            let list: Vec<_> = list.iter().map(|(at, ready)| backup(*at, *ready)).collect();
            let gone: Vec<_> = superfluous(&list, 3).map(|old| old.created_ms).collect();
            assert_eq!(gone, expect);
        };
        check(&[(1, true), (2, true), (3, true)], &[]);
        check(&[(1, true), (4, true), (2, true), (3, true)], &[1]);
        check(&[(1, true), (2, true), (3, true), (4, false)], &[]);
        check(
            &[(9, true), (7, true), (8, true), (2, true), (1, true)],
            &[2, 1],
        );
    }

    #[test]
    fn names_say_when() {
        assert_eq!(name_at(1_790_000_000_000), "greenhub-20260921T141320Z");
    }

    // AC 159
    #[tokio::test(start_paused = true)]
    async fn a_week_of_sweeps_keeps_the_newest() {
        let clock = Clock::paused(1_790_000_000_000);
        let vault = MemoryVault::default();
        let others = backup(1, true);
        vault.add(
            Table::Chats,
            Backup {
                name: "by-hand".into(),
                ..others
            },
        );
        let mut n_taken = 0;
        for _ in 0..7 * 24 * 6 {
            let rotated = rotate(&vault, &clock, PLAN).await.unwrap();
            n_taken += rotated.taken;
            clock.sleep(std::time::Duration::from_secs(600)).await;
        }
        // Both tables, twice a day.
        assert_eq!(n_taken, 2 * 14);
        for table in TABLES {
            let all = vault.list(table).await.unwrap();
            let ours: Vec<_> = all.iter().filter(|backup| is_ours(backup)).collect();
            assert_eq!(ours.len(), 3, "{table:?}");
            let age_ms = clock.now_ms() - ours.iter().map(|b| b.created_ms).min().unwrap();
            assert!(age_ms <= 3 * 12 * HOUR, "{age_ms}");
        }
        assert_eq!(vault.list(Table::Chats).await.unwrap().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_takes_nothing_away() {
        let clock = Clock::paused(1_790_000_000_000);
        let vault = MemoryVault::default();
        for n in 0..3 {
            vault.add(Table::Directory, backup(n * HOUR, true));
        }
        vault.fail(Table::Directory);
        assert!(rotate(&vault, &clock, PLAN).await.is_err());
        assert_eq!(vault.list(Table::Directory).await.unwrap().len(), 3);
        assert_eq!(vault.list(Table::Chats).await.unwrap().len(), 1);
        let none = Plan {
            interval_ms: 0,
            ..PLAN
        };
        assert_eq!(
            rotate(&vault, &clock, none).await.unwrap(),
            Rotated::default()
        );
    }
}
