//! The demo data, made the way a person makes them: an owner sets a password by the link that the
//! deployer's command makes, installs the app in a location through OAuth for their workspace, a user
//! of that location signs in, and a number is added. On a second start it is all there and nothing is
//! made.

use std::{fmt, path::Path, time::Duration};

use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{error::Error, layout, wait};

/// What `credentials.json` holds: where the demo data are and how to act as their provider.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Signs in; nobody, if somebody else owns the workspace already.
    pub owner: Option<Owner>,
    /// Our id of the tenant.
    pub workspace: Option<String>,
    /// The GoHighLevel location.
    pub location: String,
    /// The `idInstance` at GREEN-API.
    pub instance: String,
    /// Where the number's notifications go, its key included.
    pub green_webhook_url: String,
    /// What GREEN-API sends along as `Authorization`.
    pub green_webhook_token: String,
}

/// A person's sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Owner {
    /// The name to sign in with.
    pub login: String,
    /// Generated; there are no default passwords.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("workspace", &self.workspace)
            .field("location", &self.location)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

mod owner;

pub use owner::Admin;
pub(crate) use owner::AdminCommand;

/// The number that is added.
const INSTANCE: &str = "1101000001";
const SETTINGS_TRIES: u32 = 10;
/// GREEN-API answers `getSettings` once a second, and others ask, too.
const SETTINGS_PAUSE: Duration = Duration::from_millis(1_300);

/// What makes the demo data.
#[derive(Debug)]
pub struct Demo<'a> {
    /// Makes the link for the first owner.
    pub admin: &'a dyn Admin,
    /// Follows no redirects.
    pub client: &'a reqwest::Client,
    /// Our origin.
    pub base: &'a str,
    /// The address that the app is registered with, and redirected to.
    pub public: &'a str,
    /// The address of the sandbox.
    pub sandbox: &'a str,
    /// The client id of its marketplace app.
    pub client_id: &'a str,
}

/// The accounts of the sandbox, as far as they matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accounts {
    green_api: GreenApi,
    ghl: Ghl,
}

#[derive(Deserialize)]
struct GreenApi {
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Ghl {
    locations: Vec<Location>,
    users: Vec<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    location_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    user_id: String,
    role: String,
    location_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    id_instance: Value,
    api_token_instance: String,
    name: String,
}

#[derive(Deserialize)]
struct Session {
    token: String,
    workspace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    webhook_url: String,
    webhook_url_token: String,
}

impl Demo<'_> {
    /// Makes what is not there and writes `credentials.json`. Says whether anything was made.
    ///
    /// # Errors
    ///
    /// [`Error::Demo`] names the step that went otherwise than it must.
    pub async fn ensure(&self, file: &Path) -> Result<(Credentials, bool), Error> {
        let accounts: Accounts = self
            .read(
                "accounts",
                self.client
                    .get(format!("{}/_sandbox/accounts", self.sandbox)),
            )
            .await?;
        let location = first(accounts.ghl.locations, "location", |_| true)?.location_id;
        let user = first(accounts.ghl.users, "admin of the location", |user| {
            user.role == "admin" && user.location_id.as_deref() == Some(&location)
        })?;
        let instance = first(accounts.green_api.instances, INSTANCE, |i| {
            text(&i.id_instance) == INSTANCE
        })?;

        let mut made = false;
        let mut owner = self.known_owner(file).await?;
        let session = match self.session(&location, &user).await? {
            Ok(session) => session,
            Err(_) => {
                made = true;
                let signed_in = match &owner {
                    Some(owner) => self.sign_in(owner).await?,
                    None => {
                        let new = self.make_owner(None).await?;
                        new.map(|(new, signed_in)| {
                            owner = Some(new);
                            signed_in
                        })
                    }
                };
                let state = match &signed_in {
                    Some(signed_in) => self.install_state(signed_in).await?,
                    None => None,
                };
                self.install(&location, state.as_deref()).await?;
                self.session(&location, &user)
                    .await?
                    .map_err(|refused| refused.into_error())?
            }
        };
        if owner.is_none() {
            // Data of a version in which nobody could sign in.
            let new = self.make_owner(Some(&location)).await?;
            made |= new.is_some();
            owner = new.map(|(owner, _)| owner);
        }
        let mut workspace = session.workspace.clone();
        if !self.has_number(&session).await? {
            made = true;
            let added = self.add_number(&session, &instance).await?;
            workspace = workspace.or_else(|| added["workspace"].as_str().map(str::to_owned));
        }
        let settings = self.webhook_settings(&instance).await?;
        let credentials = Credentials {
            owner,
            workspace,
            location,
            instance: INSTANCE.into(),
            green_webhook_url: settings.webhook_url,
            green_webhook_token: settings.webhook_url_token,
        };
        let text = serde_json::to_vec_pretty(&credentials).unwrap_or_default();
        layout::write_private(file, &text)?;
        Ok((credentials, made))
    }

    /// A session of ours for the user context that GHL's page would hand over. The inner result
    /// tells an app that is not installed from a system that is broken.
    async fn session(
        &self,
        location: &str,
        user: &User,
    ) -> Result<Result<Session, Refused>, Error> {
        let context: Value = self
            .read(
                "the user context",
                self.client
                    .get(format!("{}/_sandbox/ghl/{location}/sso", self.sandbox))
                    .query(&[("user", &user.user_id), ("role", &user.role)]),
            )
            .await?;
        let answer = self
            .client
            .post(format!("{}/api/session/ghl", self.base))
            .json(&json!({ "encryptedData": context["payload"] }))
            .send()
            .await?;
        let status = answer.status();
        if status.is_client_error() {
            return Ok(Err(Refused {
                step: "signing in",
                status,
                body: excerpt(answer).await,
            }));
        }
        Ok(Ok(decode("signing in", answer).await?))
    }

    /// Chooses the location on the provider's page and follows it back to us.
    async fn install(&self, location: &str, state: Option<&str>) -> Result<(), Error> {
        let step = "installing the app";
        let redirect = format!("{}/oauth/callback", self.public);
        let chosen = self
            .client
            .get(format!("{}/oauth/chooselocation", self.sandbox))
            .query(&[
                ("response_type", "code"),
                ("redirect_uri", &redirect),
                ("client_id", self.client_id),
                ("location_id", location),
            ])
            .query(&state.map(|state| [("state", state)]))
            .send()
            .await?;
        let back = chosen
            .headers()
            .get("location")
            .and_then(|l| l.to_str().ok().map(str::to_owned));
        let Some(back) = back.filter(|_| chosen.status().is_redirection()) else {
            return Err(Refused {
                step,
                status: chosen.status(),
                body: excerpt(chosen).await,
            }
            .into_error());
        };
        let answer = self.client.get(back).send().await?;
        if answer.status().is_success() || answer.status().is_redirection() {
            return Ok(());
        }
        Err(Refused {
            step,
            status: answer.status(),
            body: excerpt(answer).await,
        }
        .into_error())
    }

    async fn has_number(&self, session: &Session) -> Result<bool, Error> {
        let url = format!("{}/api/instances", self.base);
        let listed: Value = self
            .read(
                "listing the numbers",
                self.client.get(url).bearer_auth(&session.token),
            )
            .await?;
        Ok(mentions(&listed, INSTANCE))
    }

    async fn add_number(&self, session: &Session, instance: &Instance) -> Result<Value, Error> {
        let request = self
            .client
            .post(format!("{}/api/instances", self.base))
            .bearer_auth(&session.token)
            .json(&json!({
                "idInstance": INSTANCE,
                "apiTokenInstance": instance.api_token_instance,
                "name": instance.name,
                "apiUrl": self.sandbox,
            }));
        self.read("adding the number", request).await
    }

    /// Where the number's notifications go. GREEN-API applies settings with a delay, so they may
    /// not be there at once.
    async fn webhook_settings(&self, instance: &Instance) -> Result<Settings, Error> {
        let step = "the number's settings";
        let url = format!(
            "{}/waInstance{INSTANCE}/getSettings/{}",
            self.sandbox, instance.api_token_instance
        );
        for _ in 0..SETTINGS_TRIES {
            wait::pause(SETTINGS_PAUSE).await;
            let settings: Settings = self.read(step, self.client.get(&url)).await?;
            if !settings.webhook_url.is_empty() {
                return Ok(settings);
            }
        }
        Err(Error::Demo {
            step,
            reason: "the number was added without a webhook address".into(),
        })
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        step: &'static str,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Error> {
        decode(step, request.send().await?).await
    }
}

/// An answer that is not a success.
struct Refused {
    step: &'static str,
    status: StatusCode,
    body: String,
}

impl Refused {
    fn into_error(self) -> Error {
        Error::Demo {
            step: self.step,
            reason: format!("{} {}", self.status, self.body),
        }
    }
}

async fn decode<T: serde::de::DeserializeOwned>(
    step: &'static str,
    answer: Response,
) -> Result<T, Error> {
    let status = answer.status();
    if !status.is_success() {
        return Err(Refused {
            step,
            status,
            body: excerpt(answer).await,
        }
        .into_error());
    }
    // Serde's message names the field; the body itself may hold a token and is not shown.
    let bytes = answer.bytes().await?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Demo {
        step,
        reason: format!("an unexpected answer: {error}"),
    })
}

/// The beginning of an error's text, which by our own rule holds no secret.
async fn excerpt(answer: Response) -> String {
    answer
        .text()
        .await
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}

fn first<T>(list: Vec<T>, what: &str, wanted: impl Fn(&T) -> bool) -> Result<T, Error> {
    list.into_iter().find(wanted).ok_or_else(|| Error::Demo {
        step: "accounts",
        reason: format!("the sandbox has no {what}"),
    })
}

/// An id, whether it is written as a number or as a text.
fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// Whether an object anywhere in `value` has this `idInstance`.
fn mentions(value: &Value, id: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| mentions(item, id)),
        Value::Object(fields) => {
            fields
                .get("idInstance")
                .is_some_and(|found| text(found) == id)
                || fields.values().any(|field| mentions(field, id))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_number_is_recognised() {
        let check =
            |listed: Value, expect| assert_eq!(mentions(&listed, INSTANCE), expect, "{listed}");
        check(json!([{ "idInstance": "1101000001" }]), true);
        check(
            json!({ "instances": [{ "idInstance": 1_101_000_001 }] }),
            true,
        );
        check(
            json!([{ "idInstance": "1101000002", "name": "1101000001" }]),
            false,
        );
        check(json!([]), false);
    }

    #[test]
    fn credentials_have_the_shape_that_others_read_and_are_not_shown() {
        let credentials = Credentials {
            owner: None,
            workspace: Some("w".into()),
            location: "l".into(),
            instance: INSTANCE.into(),
            green_webhook_url: "http://localhost:3000/webhooks/green-api/key-of-it".into(),
            green_webhook_token: "token-of-it".into(),
        };
        assert_eq!(
            serde_json::to_value(&credentials).unwrap(),
            json!({
                "owner": null, "workspace": "w", "location": "l", "instance": "1101000001",
                "green_webhook_url": "http://localhost:3000/webhooks/green-api/key-of-it",
                "green_webhook_token": "token-of-it",
            })
        );
        assert!(!format!("{credentials:?}").contains("of-it"));
    }
}
