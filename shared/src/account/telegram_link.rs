//! Linking a person to their Telegram account: a bot cannot write to anybody first, so the person
//! opens it by a link with a nonce, and the bot's webhook redeems that.

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::people::{PersonRow, TelegramAccount};
use crate::store::people_runtime::TelegramLinkRow;
use crate::store::{keys, row};

use super::audit::{Action, Actor};
use super::{audit, browser};

/// How long a link works.
pub const LINK_MS: Millis = 15 * 60 * 1000;

/// Of a nonce, bytes: Telegram takes 64 characters.
const NONCE_BYTES: usize = 24;

/// Of what Telegram calls somebody, characters.
const NAME_CHARS: usize = 100;

/// What came of a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The account is the person's from now on.
    Linked {
        /// The tenant.
        workspace: WorkspaceId,
        /// Who.
        person: PersonId,
        /// What others call them.
        name: String,
    },
    /// Nobody's, used or too old.
    Unknown,
}

/// Makes a nonce for a person, who asks for it in `session`: that one goes on when linking ends their
/// others.
///
/// # Errors
/// The tables.
pub async fn offer(
    db: &impl Db,
    clock: &Clock,
    workspace: &WorkspaceId,
    person: &PersonId,
    session: Option<&str>,
) -> Result<String, DbError> {
    let nonce = crypto::random_token(NONCE_BYTES);
    let until_ms = clock.now_ms() + LINK_MS;
    let mut row = TelegramLinkRow {
        rev: 0,
        workspace: workspace.clone(),
        person: person.clone(),
        session: session.map(str::to_owned),
        until_ms,
        expires_at: until_ms / 1000 + 1,
    };
    let key = keys::telegram_link(&crypto::sha256_hex(&nonce));
    db.write(vec![row::save(key, &mut row)?]).await?;
    Ok(nonce)
}

/// Links the Telegram account that showed `nonce` to the bot in a private chat. The person's other
/// sessions end, since how they sign in has changed.
///
/// # Errors
/// The tables; it can be called again.
pub async fn redeem(
    db: &impl Db,
    clock: &Clock,
    nonce: &str,
    telegram_user_id: i64,
    name: &str,
) -> Result<Redeemed, DbError> {
    let key = keys::telegram_link(&crypto::sha256_hex(nonce));
    for _ in 0..row::TRIES {
        let now_ms = clock.now_ms();
        let Some(link) = row::load::<TelegramLinkRow>(db, &key).await? else {
            return Ok(Redeemed::Unknown);
        };
        let at = keys::person(&link.workspace, &link.person);
        let person = row::load::<PersonRow>(db, &at).await?;
        let person = person.filter(|person| person.is_active && now_ms < link.until_ms);
        let Some(mut person) = person else {
            return Ok(Redeemed::Unknown);
        };
        person.telegram = Some(TelegramAccount {
            user_id: telegram_user_id,
            name: name.chars().take(NAME_CHARS).collect(),
            since_ms: now_ms,
        });
        let mut writes = vec![Write {
            key: key.clone(),
            op: Op::Delete,
            only_if: Cond::Rev(link.rev),
        }];
        writes.extend(browser::end_others(db, &mut person, link.session.as_deref()).await?);
        let actor = Actor::person(&person);
        let about = audit::About::person(&person);
        writes.push(audit::entry(
            now_ms,
            &person.workspace,
            &actor,
            Action::TelegramLinked,
            about,
        )?);
        let redeemed = Redeemed::Linked {
            workspace: person.workspace.clone(),
            person: person.person.clone(),
            name: person.name.clone(),
        };
        writes.push(row::save(at, &mut person)?);
        match db.write(writes).await {
            Ok(()) => return Ok(redeemed),
            Err(DbError::Condition { .. } | DbError::Conflict) => continue,
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Conflict)
}
