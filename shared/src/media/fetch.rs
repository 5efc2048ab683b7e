//! Fetching a file from an address that somebody else chose.
//!
//! Only https, and only addresses of the Internet: names are resolved here, what is not public is
//! left out, and the connection goes to the very addresses that were looked at. Each redirect is
//! an address like the first. What is read is counted, whatever length was announced.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use super::public::is_public;
use super::store::Source;
use crate::http;

/// The largest file that the gateway passes on either way (GREEN-API contract, sending).
pub const MAX_BYTES: u64 = 100 << 20;

/// The whole of one file, redirects included.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// Nothing comes any more.
const SILENCE: Duration = Duration::from_secs(20);

const MAX_REDIRECTS: usize = 5;

/// Why a file was not fetched. The address is never told: whoever has it has the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address, or one that it led to, is not to be fetched from here.
    #[error("the address may not be fetched from")]
    Refused,
    /// There is no such file there.
    #[error("the address answered {0}")]
    Gone(u16),
    /// What is there explains to people why there is no file.
    #[error("the address leads to a page")]
    Page,
    /// It has more than [`MAX_BYTES`].
    #[error("the file has more than 100 MB")]
    TooLarge,
    /// Later it may be.
    #[error("the file could not be fetched: {0}")]
    Unreachable(&'static str),
}

impl FetchError {
    /// Whether the same address will not give it later either.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            FetchError::Refused | FetchError::Gone(_) | FetchError::Page
        )
    }
}

/// Who fetches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    public: Client,
    local: Client,
    allowed_local: Vec<String>,
}

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    answer: reqwest::Response,
    left: u64,
    /// How long it is said to be.
    pub length: Option<u64>,
    /// What it is said to be; empty if nothing is.
    pub mime: String,
}

impl Fetcher {
    /// `allowed_local` are origins (`http://localhost:3100`) that the local run may name in spite
    /// of everything.
    ///
    /// # Errors
    /// The TLS library found nothing to trust.
    pub fn new(allowed_local: Vec<String>) -> Result<Self, reqwest::Error> {
        let client = || http::builder(TIMEOUT).read_timeout(SILENCE);
        Ok(Fetcher {
            public: client().https_only(true).dns_resolver(PublicOnly).build()?,
            local: client().build()?,
            allowed_local,
        })
    }

    /// Begins to fetch a file.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn get(&self, address: &str) -> Result<Download, FetchError> {
        let mut url = Url::parse(address).map_err(|_| FetchError::Refused)?;
        for _ in 0..=MAX_REDIRECTS {
            let client = self.client(&url).ok_or(FetchError::Refused)?;
            let answer = client
                .get(url.clone())
                .send()
                .await
                .map_err(|e| failed(&e))?;
            if !answer.status().is_redirection() {
                return begun(answer);
            }
            let location = answer.headers().get(LOCATION);
            url = location
                .and_then(|location| url.join(location.to_str().ok()?).ok())
                .ok_or(FetchError::Unreachable("a redirect to nowhere"))?;
        }
        Err(FetchError::Refused)
    }

    /// The same from an address that we have just signed ourselves: our bucket is wherever it is, and
    /// leads nowhere else.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn get_own(&self, address: &str) -> Result<Download, FetchError> {
        let answer = self.local.get(address).send().await;
        begun(answer.map_err(|error| failed(&error))?)
    }

    /// The client for an address, if it may be fetched from.
    fn client(&self, url: &Url) -> Option<&Client> {
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let origin = url.origin().ascii_serialization();
        if self.allowed_local.contains(&origin) {
            return Some(&self.local);
        }
        let is_public = match url.host()? {
            Host::Domain(_) => true,
            Host::Ipv4(address) => is_public(address.into()),
            Host::Ipv6(address) => is_public(address.into()),
        };
        (url.scheme() == "https" && is_public).then_some(&self.public)
    }
}

/// A file on its way in an answer of somebody who is trusted.
///
/// # Errors
/// [`FetchError`].
pub(super) fn begun(answer: reqwest::Response) -> Result<Download, FetchError> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            return Err(FetchError::Unreachable("the server is busy"));
        }
        status if status.is_client_error() => return Err(FetchError::Gone(status.as_u16())),
        _ => return Err(FetchError::Unreachable("the server failed")),
    }
    let length = answer.content_length();
    // The length that was announced saves the reading, but is no more than a promise.
    if length.is_some_and(|length| length > MAX_BYTES) {
        return Err(FetchError::TooLarge);
    }
    let mime = answer.headers().get(CONTENT_TYPE);
    let mime = mime.and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    Ok(Download {
        left: MAX_BYTES,
        length,
        mime: mime.to_owned(),
        answer,
    })
}

impl Source for Download {
    async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let Some(chunk) = self.answer.chunk().await.map_err(|e| failed(&e))? else {
            return Ok(None);
        };
        self.left = (self.left.checked_sub(chunk.len() as u64)).ok_or(FetchError::TooLarge)?;
        Ok(Some(chunk))
    }
}

fn failed(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return FetchError::Refused;
        }
        cause = inner.source();
    }
    FetchError::Unreachable(if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection was cut"
    })
}

/// A name that leads to none of the Internet's addresses.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
struct NotPublic;

/// Resolves names to public addresses.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
