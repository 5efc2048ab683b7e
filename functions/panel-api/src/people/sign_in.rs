//! `/api/sign-in`: a name and a password, and a code where the person has a second step.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use greenhub::account::auth::{self, Counted};
use greenhub::account::browser;
use greenhub::account::code_sender::{CodeSender, NotSent};
use greenhub::account::keyring::Keys;
use greenhub::account::sign_in::{
    AGAIN_MS, Asked, CHALLENGE_COOKIE, CHALLENGE_MS, SignIn, SignInError, Step,
};
use greenhub::clock::rfc3339;
use greenhub::http::problems::tables;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::not_in;
use crate::Api;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Password {
    /// What they sign in with.
    login: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Where they wanted to go; a path of ours, or it is not gone to.
    next: Option<String>,
}

/// A code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Code {
    /// Six digits, or a recovery code.
    code: String,
    /// Where they wanted to go; a path of ours, or it is not gone to.
    next: Option<String>,
}

/// How far signing in has come.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum SigningIn {
    /// The session's cookie is set.
    SignedIn {
        /// Where to go: always a path of ours.
        next: String,
        /// For the header `X-CSRF-Token`.
        #[serde(rename = "csrfToken")]
        csrf_token: String,
        /// A second step has to be set up before anything else.
        #[serde(rename = "onlyEnrols")]
        only_enrols: bool,
    },
    /// The challenge's cookie is set, and a code is asked for.
    CodeNeeded {
        /// A code of the app will do.
        totp: bool,
        /// A code by Telegram will do; `POST /api/sign-in/send-code` sends one.
        telegram: bool,
        /// One was sent by Telegram.
        sent: bool,
        /// Why none was sent: `bot_may_not_write`, `no_bot`, `unavailable`
        #[serde(rename = "notSent")]
        not_sent: Option<&'static str>,
        /// A recovery code will do.
        recovery: bool,
        /// How often a code may still be wrong.
        #[serde(rename = "triesLeft")]
        tries_left: u32,
        /// When another code can be sent, seconds from the last one.
        #[serde(rename = "sendAgainAfter")]
        send_again_after: i64,
        /// RFC 3339.
        #[serde(rename = "expiresAt")]
        expires_at: String,
    },
    /// Nothing was begun, or it is over.
    SignedOut,
}

impl From<Asked> for SigningIn {
    fn from(asked: Asked) -> Self {
        SigningIn::CodeNeeded {
            totp: asked.totp,
            telegram: asked.telegram,
            sent: asked.sent,
            not_sent: asked.not_sent.map(|why| match why {
                NotSent::MayNotWrite => "bot_may_not_write",
                NotSent::NoBot => "no_bot",
                NotSent::Unavailable => "unavailable",
            }),
            recovery: asked.recovery,
            tries_left: asked.tries_left,
            send_again_after: AGAIN_MS / 1000,
            expires_at: rfc3339(asked.until_ms),
        }
    }
}

/// How far signing in has come, for a page that was loaded again.
#[utoipa::path(
    get, path = "/api/sign-in", tag = "sign-in", security(()),
    responses((status = 200, body = SigningIn))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
) -> Result<Json<SigningIn>, Problem> {
    let Some(cookie) = auth::cookie(&parts, CHALLENGE_COOKIE) else {
        return Ok(Json(SigningIn::SignedOut));
    };
    let keys = api.keys().await?;
    let codes = api.codes(&keys);
    match api.sign_in(&keys, codes.as_ref()).asked(&cookie).await {
        Ok(asked) => Ok(Json(asked.into())),
        Err(SignInError::Over) => Ok(Json(SigningIn::SignedOut)),
        Err(error) => Err(not_in(error, None)),
    }
}

/// The first step. Ten wrong passwords in a quarter of an hour, of one account or from one address,
/// and it is refused for the rest of it.
#[utoipa::path(
    post, path = "/api/sign-in", tag = "sign-in", security(()),
    request_body = Password,
    responses(
        (status = 200, body = SigningIn),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`wrong_password`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`shut_out`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`bot_may_not_write` (member `botUrl`), `no_bot`: the code could not be sent, and there is no other way"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`too_many_tries`"),
    )
)]
pub(crate) async fn begin<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
    Body(told): Body<Password>,
) -> Result<(HeaderMap, Json<SigningIn>), Problem> {
    let keys = api.keys().await?;
    let codes = api.codes(&keys);
    let browser = api.browser(&parts);
    let step = api.sign_in(&keys, codes.as_ref());
    let step = step
        .by_password(&told.login, &told.password, &browser)
        .await;
    api.answer(step, told.next.as_deref()).await
}

/// The second step: a code of the app, one that was sent, or a recovery code.
#[utoipa::path(
    post, path = "/api/sign-in/code", tag = "sign-in", security(()),
    request_body = Code,
    responses(
        (status = 200, body = SigningIn),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`wrong_code` (member `triesLeft`), `challenge_over`"),
    )
)]
pub(crate) async fn code<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
    Body(told): Body<Code>,
) -> Result<(HeaderMap, Json<SigningIn>), Problem> {
    let cookie = auth::cookie(&parts, CHALLENGE_COOKIE);
    let cookie = cookie.ok_or_else(|| not_in(SignInError::Over, None))?;
    let keys = api.keys().await?;
    let codes = api.codes(&keys);
    let browser = api.browser(&parts);
    let step = api
        .sign_in(&keys, codes.as_ref())
        .by_code(&cookie, &told.code, &browser)
        .await;
    api.answer(step, told.next.as_deref()).await
}

/// Sends a code by Telegram, and another one half a minute later at the earliest.
#[utoipa::path(
    post, path = "/api/sign-in/send-code", tag = "sign-in", security(()),
    responses(
        (status = 200, body = SigningIn),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`challenge_over`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`bot_may_not_write` (member `botUrl`), `no_bot`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`code_sent_already`"),
    )
)]
pub(crate) async fn send_code<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
) -> Result<Json<SigningIn>, Problem> {
    let cookie = auth::cookie(&parts, CHALLENGE_COOKIE);
    let cookie = cookie.ok_or_else(|| not_in(SignInError::Over, None))?;
    let keys = api.keys().await?;
    let codes = api.codes(&keys);
    match api.sign_in(&keys, codes.as_ref()).send_code(&cookie).await {
        Ok(asked) => Ok(Json(asked.into())),
        Err(error) => Err(api.refused(error).await),
    }
}

/// Gives up: the code is worth nothing, and the page can begin anew.
#[utoipa::path(
    delete, path = "/api/sign-in", tag = "sign-in", security(()),
    responses((status = 204))
)]
pub(crate) async fn give_up<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Counted,
    parts: Parts,
) -> Result<(StatusCode, HeaderMap), Problem> {
    if let Some(cookie) = auth::cookie(&parts, CHALLENGE_COOKIE) {
        let keys = api.keys().await?;
        let codes = api.codes(&keys);
        let given_up = api.sign_in(&keys, codes.as_ref()).give_up(&cookie).await;
        given_up.map_err(|error| tables(&error))?;
    }
    Ok((StatusCode::NO_CONTENT, set_cookies([challenge(None)])))
}

impl<D: Db, Q: Queue> Api<D, Q> {
    fn sign_in<'a>(&'a self, keys: &'a Keys, codes: &'a dyn CodeSender) -> SignIn<'a, D> {
        SignIn {
            db: &self.hub.db,
            clock: &self.hub.clock,
            data_keys: &keys.data_keys,
            codes,
        }
    }

    async fn refused(&self, error: SignInError) -> Problem {
        let bot = match error {
            SignInError::NotReached(NotSent::MayNotWrite) => {
                let keys = self.keys().await.ok();
                match keys.map(|keys| self.codes(&keys)) {
                    Some(codes) => codes.bot_name().await.ok(),
                    None => None,
                }
            }
            _ => None,
        };
        not_in(error, bot.as_deref())
    }

    async fn answer(
        &self,
        step: Result<Step, SignInError>,
        next: Option<&str>,
    ) -> Result<(HeaderMap, Json<SigningIn>), Problem> {
        match step {
            Ok(Step::In {
                cookie,
                person,
                only_enrols,
            }) => {
                let default = match () {
                    () if person.rights.may_manage_instances() => "/",
                    () if person.rights.may_manage_users() => "/people",
                    () => "/chats",
                };
                let cookies = [browser::set_cookie(&cookie), challenge(None)];
                let signed_in = SigningIn::SignedIn {
                    next: safe_next(next).unwrap_or(default.to_owned()),
                    csrf_token: browser::csrf_token(&cookie),
                    only_enrols,
                };
                Ok((set_cookies(cookies), Json(signed_in)))
            }
            Ok(Step::Code { cookie, asked }) => {
                let cookie = cookie.map(|cookie| challenge(Some(&cookie)));
                Ok((set_cookies(cookie), Json(asked.into())))
            }
            Err(error) => Err(self.refused(error).await),
        }
    }
}

/// The `Set-Cookie` of a challenge, or the one that ends it.
fn challenge(cookie: Option<&SecretString>) -> String {
    let (value, age_s) = match cookie {
        Some(cookie) => (cookie.expose_secret(), CHALLENGE_MS / 1000),
        None => ("", 0),
    };
    format!(
        "{CHALLENGE_COOKIE}={value}; Max-Age={age_s}; Path=/api/sign-in; HttpOnly; Secure; SameSite=Strict"
    )
}

pub(super) fn set_cookies(cookies: impl IntoIterator<Item = String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
    headers
}

/// Where somebody may be sent: a path of ours, as a browser understands it. Anything that could lead
/// to another host is dropped, whatever it is disguised as.
fn safe_next(next: Option<&str>) -> Option<String> {
    const HERE: &str = "https://here.invalid";
    let next = next?;
    let is_plain = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2000
        // Browsers read a backslash as a slash, and leave tabs and line ends out.
        && !next.chars().any(|c| c == '\\' || c.is_control());
    if !is_plain {
        return None;
    }
    let here = url::Url::parse(HERE).ok()?;
    let url = here.join(next).ok()?;
    if url.origin() != here.origin() {
        return None;
    }
    let path = url.as_str().strip_prefix(HERE)?;
    // `/.//host` is `//host` once it is put in order.
    (!path.starts_with("//")).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        // AC 101
        let check = |next: &str, expect: Option<&str>| {
            assert_eq!(safe_next(Some(next)).as_deref(), expect, "{next:?}");
        };
        check("/chats/abc?x=1#m2", Some("/chats/abc?x=1#m2"));
        check("/", Some("/"));
        check("/a b", Some("/a%20b"));
        check("/chats/../people", Some("/people"));
        for evil in [
            "https://evil.tld/x",
            "//evil.tld",
            "///evil.tld",
            "/\\evil.tld",
            "\\\\evil.tld",
            "/\t/evil.tld",
            "/\n/evil.tld",
            "/.//evil.tld",
            "/x/..//evil.tld",
            "javascript:alert(1)",
            "evil.tld",
            " //evil.tld",
            "@evil.tld",
            "",
        ] {
            check(evil, None);
        }
        assert_eq!(safe_next(None), None);
    }
}
