//! The demo's owner: how they come to be, and sign in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;

use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Credentials, Demo, Owner, Refused, decode, excerpt};
use crate::{command::last_line, error::Error, keys};

/// What the owner signs in with.
const LOGIN: &str = "owner@greenhub.example";

/// The command's exit code when somebody owns the workspace already.
const HAS_OWNER: i32 = 3;

type Made<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Error>> + Send + 'a>>;

/// Makes links for first owners, as only whoever has deployed the system can.
pub trait Admin: fmt::Debug + Sync {
    /// What a link for the first owner carries: of a new workspace, or of a location's. `None` if
    /// that has an owner.
    fn owner_token<'a>(&'a self, location: Option<&'a str>) -> Made<'a>;
}

/// The command `greenhub-admin`, against the emulated AWS.
#[derive(Debug)]
pub(crate) struct AdminCommand {
    /// Where it is.
    pub(crate) binary: PathBuf,
    /// The emulator's address.
    pub(crate) emulator: String,
    /// The stack's name.
    pub(crate) stack: &'static str,
    /// Where people reach it.
    pub(crate) base: String,
}

impl Admin for AdminCommand {
    fn owner_token<'a>(&'a self, location: Option<&'a str>) -> Made<'a> {
        Box::pin(async move {
            let failed = |reason: String| Error::Demo {
                step: "the link for the first owner",
                reason,
            };
            let mut command = Command::new(&self.binary);
            command
                .args(["setup-link", "--stack", self.stack, "--url", &self.base])
                .args(location.map(|it| ["--location", it]).into_iter().flatten())
                .env("AWS_ENDPOINT_URL", &self.emulator)
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test")
                .stdin(Stdio::null())
                .kill_on_drop(true);
            let output = command.output().await;
            let output = output.map_err(|error| failed(error.to_string()))?;
            if output.status.code() == Some(HAS_OWNER) {
                return Ok(None);
            }
            if !output.status.success() {
                return Err(failed(last_line(&String::from_utf8_lossy(&output.stderr))));
            }
            let link = last_line(&String::from_utf8_lossy(&output.stdout));
            let token = link.split_once('#').map(|(_, token)| token.to_owned());
            token
                .map(Some)
                .ok_or_else(|| failed("the command printed no link".into()))
        })
    }
}

/// A browser's session.
pub(super) struct SignedIn {
    cookie: String,
    csrf_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    csrf_token: Option<String>,
}

impl Demo<'_> {
    /// The owner of an earlier start, if they can still sign in.
    pub(super) async fn known_owner(&self, file: &Path) -> Result<Option<Owner>, Error> {
        let Ok(text) = std::fs::read(file) else {
            return Ok(None);
        };
        let known: Option<Credentials> = serde_json::from_slice(&text).ok();
        let Some(owner) = known.and_then(|known| known.owner) else {
            return Ok(None);
        };
        Ok(self.sign_in(&owner).await?.map(|_| owner))
    }

    /// An owner by the deployer's link, signed in. `None` if there is one already.
    pub(super) async fn make_owner(
        &self,
        location: Option<&str>,
    ) -> Result<Option<(Owner, SignedIn)>, Error> {
        let Some(token) = self.admin.owner_token(location).await? else {
            return Ok(None);
        };
        let password = keys::hexadecimal().map_err(|()| Error::Demo {
            step: "the owner's password",
            reason: "the system gives no random bytes".into(),
        })?;
        let owner = Owner {
            login: LOGIN.into(),
            password,
        };
        let body = json!({
            "token": token, "login": owner.login, "name": "Owner", "password": owner.password,
        });
        let answer = self.post("/api/setup", &body).await?;
        let signed_in = signed_in("setting the owner up", answer).await?;
        Ok(signed_in.map(|signed_in| (owner, signed_in)))
    }

    /// Signs the owner in; `None` if they are not known any more.
    pub(super) async fn sign_in(&self, owner: &Owner) -> Result<Option<SignedIn>, Error> {
        let body = json!({ "login": owner.login, "password": owner.password });
        let answer = self.post("/api/sign-in", &body).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        signed_in("signing the owner in", answer).await
    }

    /// What an installation has to carry to be for the owner's workspace; `None` if that has a
    /// location already.
    pub(super) async fn install_state(&self, who: &SignedIn) -> Result<Option<String>, Error> {
        let step = "the link that installs the app";
        let answer = self
            .client
            .request(Method::POST, format!("{}/api/install-link", self.base))
            .header("cookie", &who.cookie)
            .header("x-csrf-token", &who.csrf_token)
            .send()
            .await?;
        if answer.status() == StatusCode::CONFLICT {
            return Ok(None);
        }
        let link: Value = decode(step, answer).await?;
        let url = link["url"].as_str().unwrap_or_default();
        let state = url.split_once("state=").map(|(_, state)| state.to_owned());
        state.map(Some).ok_or_else(|| Error::Demo {
            step,
            reason: "it has no state".into(),
        })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Response, Error> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        Ok(request.send().await?)
    }
}

async fn signed_in(step: &'static str, answer: Response) -> Result<Option<SignedIn>, Error> {
    let status = answer.status();
    if !status.is_success() {
        let body = excerpt(answer).await;
        return Err(Refused { step, status, body }.into_error());
    }
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookie = cookies
        .filter_map(|cookie| cookie.to_str().ok())
        .filter_map(|cookie| cookie.split(';').next())
        .find(|cookie| cookie.starts_with("g-session="))
        .map(str::to_owned);
    let tokens: Tokens = decode(step, answer).await?;
    Ok(cookie
        .zip(tokens.csrf_token)
        .map(|(cookie, csrf_token)| SignedIn { cookie, csrf_token }))
}
