//! Tokens: for the code of an installation, for a refresh token, and a sub-account's for an agency's.
//!
//! A refresh token works **once**: its answer holds the next one, and if that answer is lost or not
//! stored, the location has to be connected anew by a person (GHL contract, exchange and refresh).
//! So these calls have a long limit, and nothing here tries twice. Whoever refreshes holds a lease
//! and stores the pair before using it. Making a sub-account's tokens ([`Ghl::location_token`]) uses
//! nothing up: it can be asked for again.

use std::time::Duration;

use http::Method;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::domain::ids::{CompanyId, LocationId};

use super::client::{Answer, Api, Ghl, endpoint, send};
use super::error::{Endpoint, GhlError};
use super::wire::{id, text};

/// Where people consent; white-label customers' twin is [`CONSENT_WHITELABEL`].
pub const CONSENT: &str = "https://marketplace.gohighlevel.com";

/// The same without GoHighLevel's name in it.
pub const CONSENT_WHITELABEL: &str = "https://marketplace.leadconnectorhq.com";

/// What the app has to be allowed to do.
pub const SCOPES: [&str; 10] = [
    "conversations.readonly",
    "conversations.write",
    "conversations/message.readonly",
    "conversations/message.write",
    "contacts.readonly",
    "contacts.write",
    "locations.readonly",
    "users.readonly",
    // The two that make sub-accounts' tokens out of an agency's.
    "oauth.readonly",
    "oauth.write",
];

const TIMEOUT: Duration = Duration::from_secs(30);

/// The app as GoHighLevel knows it.
#[derive(Clone, Debug)]
pub struct OAuth {
    http: Client,
    base: Url,
    client_id: String,
    client_secret: SecretString,
    redirect_uri: String,
    timeout: Duration,
}

/// Whom a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum UserType {
    /// One sub-account.
    Location,
    /// An agency.
    Company,
}

/// A pair of tokens.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// For calls.
    pub access: SecretString,
    /// For the next pair; works once.
    pub refresh: SecretString,
    /// How long the access token works, seconds from the answer on; about a day.
    pub expires_in_s: u64,
    /// Separated by blanks; empty if it is not told.
    pub scope: String,
    /// What the answer says, which can be another thing than was asked for.
    pub user_type: UserType,
    /// The agency.
    pub company: Option<CompanyId>,
    /// The sub-account; an agency's token has none.
    pub location: Option<LocationId>,
    /// An agency installed the app for several sub-accounts at once.
    pub is_bulk: bool,
    /// Who installed it.
    pub user_id: Option<String>,
}

impl TokenSet {
    /// Whether the token is an agency's, of which each sub-account's has still to be made.
    pub fn is_agency(&self) -> bool {
        self.user_type == UserType::Company || (self.is_bulk && self.location.is_none())
    }
}

#[derive(Serialize)]
#[serde(tag = "grant_type", rename_all = "snake_case")]
enum Grant<'a> {
    AuthorizationCode { code: &'a str },
    RefreshToken { refresh_token: &'a str },
}

#[derive(Serialize)]
struct TokenForm<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    #[serde(flatten)]
    grant: Grant<'a>,
    user_type: UserType,
    redirect_uri: &'a str,
}

/// Where a person goes to install the app. `consent` is [`CONSENT`], its twin, or the sandbox.
/// Installations that begin in GoHighLevel's own shop come without a state, so there is none.
pub fn authorize_url(consent: &Url, client_id: &str, redirect_uri: &Url, scopes: &[&str]) -> Url {
    let mut url = endpoint(consent, &["v2", "oauth", "chooselocation"]);
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("scope", &scopes.join(" "))
        // The picker fails with either of the two ids alone.
        .append_pair("version_id", app_id(client_id));
    url
}

/// The app's own id: the client's without the key's.
fn app_id(client_id: &str) -> &str {
    client_id.split_once('-').map_or(client_id, |(app, _)| app)
}

impl OAuth {
    /// The app with the API at `base` ([`BASE`](super::client::BASE), or the sandbox). `http` must
    /// not follow redirects.
    pub fn new(
        http: Client,
        base: Url,
        client_id: String,
        client_secret: SecretString,
        redirect_uri: String,
    ) -> Self {
        Self {
            http,
            base,
            client_id,
            client_secret,
            redirect_uri,
            timeout: TIMEOUT,
        }
    }

    /// The same with another limit for the time of one call (30 seconds by default).
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The app's own id.
    pub fn app_id(&self) -> &str {
        app_id(&self.client_id)
    }

    /// The tokens for the code that an installation brought to the callback.
    pub async fn exchange(&self, code: &str) -> Result<TokenSet, GhlError> {
        self.token(Grant::AuthorizationCode { code }, UserType::Location)
            .await
    }

    /// The next pair. `user_type` is the stored token's. The old refresh token is dead from the
    /// moment on in which GoHighLevel reads this, even if its answer never arrives.
    pub async fn refresh(
        &self,
        refresh_token: &SecretString,
        user_type: UserType,
    ) -> Result<TokenSet, GhlError> {
        let refresh_token = refresh_token.expose_secret();
        self.token(Grant::RefreshToken { refresh_token }, user_type)
            .await
    }

    async fn token(&self, grant: Grant<'_>, user_type: UserType) -> Result<TokenSet, GhlError> {
        let form = TokenForm {
            client_id: &self.client_id,
            client_secret: self.client_secret.expose_secret(),
            grant,
            user_type,
            redirect_uri: &self.redirect_uri,
        };
        // Without a `Version`: the newest one refuses these fields' names.
        let url = endpoint(&self.base, &["oauth", "token"]);
        let request = self.http.post(url).timeout(self.timeout).form(&form);
        let answer = send(request, Endpoint::Token).await?;
        token_set(&answer.value.unwrap_or_default()).ok_or(GhlError::Unreadable { status: 200 })
    }
}

impl Ghl {
    /// Makes a sub-account's tokens out of an agency's access token (GHL contract, agency to
    /// location token). Asked again, it makes others.
    ///
    /// # Errors
    /// [`GhlError::LocationInactive`] while the sub-account is paused, [`GhlError::OtherTenant`] if
    /// the app is not installed in it, and whatever a call can end in.
    pub async fn location_token(
        &self,
        agency_token: &SecretString,
        company: &CompanyId,
        location: &LocationId,
    ) -> Result<Answer<TokenSet>, GhlError> {
        let form = [
            ("companyId", company.as_str()),
            ("locationId", location.as_str()),
        ];
        let path = ["locationToken"];
        self.call(Api::OAuth, Method::POST, &path, agency_token, |request| {
            request.form(&form)
        })
        .await?
        .try_map(|answer| {
            let unreadable = GhlError::Unreadable { status: 200 };
            let mut tokens = token_set(&answer.unwrap_or_default()).ok_or(unreadable.clone())?;
            let told = tokens.location.get_or_insert_with(|| location.clone());
            // Tokens of another sub-account must not end up in this one's row.
            if told != location || tokens.user_type != UserType::Location {
                return Err(unreadable);
            }
            tokens.company.get_or_insert_with(|| company.clone());
            Ok(tokens)
        })
    }
}

fn token_set(answer: &Value) -> Option<TokenSet> {
    let location = id(answer, "locationId").map(LocationId::new);
    Some(TokenSet {
        access: text(answer, "access_token")?.into(),
        refresh: text(answer, "refresh_token")?.into(),
        expires_in_s: text(answer, "expires_in")?.parse().ok()?,
        scope: text(answer, "scope").unwrap_or_default(),
        user_type: match text(answer, "userType").as_deref() {
            Some("Location") => UserType::Location,
            Some("Company") => UserType::Company,
            Some(_) => return None,
            // An agency's is always named; what is not could only be taken for one by mistake.
            None => UserType::Location,
        },
        company: id(answer, "companyId").map(CompanyId::new),
        location,
        is_bulk: answer
            .get("isBulkInstallation")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        user_id: id(answer, "userId"),
    })
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
