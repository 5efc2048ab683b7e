//! People as others see them: never with a hash or a secret.

use std::collections::BTreeSet;

use greenhub::account::browser::Listed;
use greenhub::account::setup::Offer;
use greenhub::clock::rfc3339;
use greenhub::domain::ids::NumberId;
use greenhub::domain::rights::Rights;
use greenhub::store::people::{PersonKind, PersonRow};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// What somebody may do. All of it: what is `false` is not theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = Rights)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RightsView {
    /// Everything.
    pub(crate) owner: bool,
    /// Manages people.
    pub(crate) manage_users: bool,
    /// Manages the numbers that they see.
    pub(crate) manage_instances: bool,
    /// Sees all numbers, those of the future too.
    pub(crate) full_access: bool,
    /// Our ids of the numbers that they see without that.
    pub(crate) numbers: BTreeSet<String>,
}

impl RightsView {
    /// Somebody's rights, without numbers that the one who asks does not see; and how many those are.
    pub(crate) fn of(rights: &Rights, asks: &Rights) -> (Self, usize) {
        let seen = rights.numbers.iter().filter(|number| asks.may_see(number));
        let numbers: BTreeSet<_> = seen.map(ToString::to_string).collect();
        let hidden = rights.numbers.len() - numbers.len();
        let view = RightsView {
            owner: rights.owner,
            manage_users: rights.manage_users,
            manage_instances: rights.manage_instances,
            full_access: rights.full_access,
            numbers,
        };
        (view, hidden)
    }
}

impl From<RightsView> for Rights {
    fn from(view: RightsView) -> Self {
        Rights {
            owner: view.owner,
            manage_users: view.manage_users,
            manage_instances: view.manage_instances,
            full_access: view.full_access,
            numbers: view.numbers.into_iter().map(NumberId::new).collect(),
        }
    }
}

/// Somebody of a workspace.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    /// Ours.
    id: String,
    /// What others call them.
    name: String,
    /// What they sign in with; none for GoHighLevel's users.
    login: Option<String>,
    /// `local` signs in here, `ghl` comes from GoHighLevel.
    kind: &'static str,
    /// What they may do.
    rights: RightsView,
    /// How many numbers more they see, which the one who asks does not.
    hidden_numbers: usize,
    /// May come in.
    is_active: bool,
    /// Has set a password; if not, the link still waits.
    has_password: bool,
    /// Which second steps they have: `totp`, `telegram`
    second_step: Vec<&'static str>,
    /// RFC 3339.
    created_at: String,
    /// When they last came in, RFC 3339.
    last_seen_at: Option<String>,
}

impl Person {
    pub(crate) fn of(row: &PersonRow, asks: &Rights) -> Self {
        let (rights, hidden_numbers) = RightsView::of(&row.rights, asks);
        Person {
            id: row.person.to_string(),
            name: row.name.clone(),
            login: row.login().map(str::to_owned),
            kind: match row.kind {
                PersonKind::Local { .. } => "local",
                PersonKind::Ghl { .. } => "ghl",
            },
            rights,
            hidden_numbers,
            is_active: row.is_active,
            has_password: row.password.is_some(),
            second_step: ways(row),
            created_at: rfc3339(row.created_ms),
            last_seen_at: row.entered_ms.map(rfc3339),
        }
    }
}

/// Which second steps somebody has.
pub(crate) fn ways(row: &PersonRow) -> Vec<&'static str> {
    let totp = row.totp.as_ref().map(|_| "totp");
    let telegram = row.telegram.as_ref().map(|_| "telegram");
    totp.into_iter().chain(telegram).collect()
}

/// A link by which somebody sets their password. It is shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetupLink {
    /// The page.
    url: String,
    /// What it carries, for `POST /api/setup`.
    #[schema(format = Password)]
    token: String,
    /// It works until then, RFC 3339.
    expires_at: String,
}

impl SetupLink {
    pub(crate) fn of(offer: &Offer, public_base_url: &Url) -> Self {
        SetupLink {
            url: offer.url(public_base_url).expose_secret().to_owned(),
            token: offer.token.expose_secret().to_owned(),
            expires_at: rfc3339(offer.until_ms),
        }
    }
}

/// A session of somebody's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    /// For ending it.
    id: String,
    /// It is the one that asks.
    is_current: bool,
    /// From where it began.
    address: String,
    /// With which browser.
    user_agent: String,
    /// RFC 3339.
    created_at: String,
    /// To some minutes, RFC 3339.
    last_seen_at: String,
}

impl Session {
    pub(crate) fn of(listed: Listed, current: Option<&str>) -> Self {
        Session {
            is_current: current == Some(&listed.id),
            id: listed.id,
            address: listed.row.address,
            user_agent: listed.row.user_agent,
            created_at: rfc3339(listed.row.created_ms),
            last_seen_at: rfc3339(listed.row.seen_ms),
        }
    }
}
