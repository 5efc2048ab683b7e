//! Which workspace an installation of the app is for: what an owner's browser takes to GoHighLevel and
//! brings back, as OAuth's `state`. Without one, a location gets a workspace of its own.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::clock::{Clock, Millis};
use crate::crypto;
use crate::store::db::{Cond, Db, DbError, Op, Write};
use crate::store::people_runtime::InstallStateRow;
use crate::store::{keys, row};

use super::audit::{self, About, Action, Actor};
use super::session::Caller;

/// How long an installation may take.
pub const STATE_MS: Millis = 60 * 60 * 1000;

const STATE_BYTES: usize = 32;

/// Makes a state for the caller's workspace, and the address to install the app at.
///
/// # Errors
/// The tables.
pub async fn offer(
    db: &impl Db,
    clock: &Clock,
    caller: &Caller,
    install_url: &Url,
) -> Result<(SecretString, Millis), DbError> {
    let state = crypto::random_token(STATE_BYTES);
    let now_ms = clock.now_ms();
    let until_ms = now_ms + STATE_MS;
    let mut row = InstallStateRow {
        rev: 0,
        workspace: caller.workspace.clone(),
        person: caller.person().clone(),
        until_ms,
        expires_at: until_ms / 1000 + 1,
    };
    let key = keys::install_state(&crypto::sha256_hex(&state));
    let (actor, action) = (Actor::caller(caller), Action::InstallLinkMade);
    let entry = audit::entry(now_ms, &caller.workspace, &actor, action, About::default())?;
    db.write(vec![row::save(key, &mut row)?, entry]).await?;
    let mut url = install_url.clone();
    url.query_pairs_mut().append_pair("state", &state);
    Ok((String::from(url).into(), until_ms))
}

/// What a state says, and the write that uses it up. `None` for one that is nobody's, used or too old.
pub(super) async fn read(
    db: &impl Db,
    clock: &Clock,
    state: &SecretString,
) -> Result<Option<(InstallStateRow, Write)>, DbError> {
    let key = keys::install_state(&crypto::sha256_hex(state.expose_secret()));
    let row = row::load::<InstallStateRow>(db, &key).await?;
    let row = row.filter(|row| clock.now_ms() < row.until_ms);
    Ok(row.map(|row| {
        let used = Write {
            key,
            op: Op::Delete,
            only_if: Cond::Rev(row.rev),
        };
        (row, used)
    }))
}
