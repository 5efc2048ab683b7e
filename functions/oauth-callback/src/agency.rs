//! An agency's installation, as far as one request goes.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use axum::response::Response;
use greenhub::account::agency::{Agency, AgencyError, Reader, Report};
use greenhub::account::keyring::Keys;
use greenhub::clock::Millis;
use greenhub::crypto::sha256_hex;
use greenhub::domain::ids::CompanyId;
use greenhub::domain::text::Lang;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::oauth::TokenSet;
use greenhub::store::db::{Db, DbError};

use crate::page::Outcome;
use crate::{Asked, Callback, cookie, report};

/// How long after its beginning a request still begins something. The gateway waits for 30 s.
const WORK_MS: Millis = 17_000;

/// How long GoHighLevel may take for one call; what is broken off is asked for again later.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// What an agency's person brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consent<'a> {
    pub(crate) tokens: &'a TokenSet,
    pub(crate) code: &'a str,
    pub(crate) lang: Lang,
    pub(crate) started_ms: Millis,
}

impl<D: Db> Callback<D> {
    /// Keeps the agency's tokens, and gives its sub-accounts theirs while there is time.
    pub(crate) async fn install_agency(&self, keys: &Keys, consent: Consent<'_>) -> Response {
        let ghl = Ghl::new(self.http.clone(), self.app.api_base.clone()).with_timeout(CALL_TIMEOUT);
        let agency = Agency {
            db: &self.db,
            clock: &self.clock,
            ids: &self.ids,
            data_keys: &keys.data_keys,
            ghl: &ghl,
            app_id: &self.app.app_id,
        };
        let (tokens, lang) = (consent.tokens, consent.lang);
        let row = match agency.install(tokens, lang).await {
            Ok(row) => row,
            Err(AgencyError::NoCompany) => return Outcome::NoCompany.page(lang),
            Err(error @ AgencyError::Db(_)) => {
                tracing::error!(%error, "an agency's installation was not stored");
                return Outcome::OurFault.page(lang);
            }
        };
        let company = &row.company;
        let until_ms = consent.started_ms + WORK_MS;
        let worked = async {
            agency.list(company, &tokens.access, until_ms).await?;
            agency.provide_all(&row, &tokens.access, until_ms).await
        };
        if let Err(error) = worked.await {
            tracing::error!(%company, %error, "an agency's installation is left to the sweeper");
        }
        let mut page = self.report(company, lang).await;
        match Reader::admit(&self.db, &self.clock, company, consent.code).await {
            Ok(token) => {
                let is_https = self.public_base_url.scheme() == "https";
                if let Some(cookie) = cookie::set(&token, is_https) {
                    page.headers_mut().insert(header::SET_COOKIE, cookie);
                }
            }
            // The page is true as it is; it cannot be looked at again.
            Err(error) => tracing::warn!(%company, %error, "nobody can see the report again"),
        }
        page
    }

    async fn report(&self, company: &CompanyId, lang: Lang) -> Response {
        match Report::read(&self.db, company).await {
            Ok(report) => report::page(&report, lang),
            Err(error) => {
                tracing::error!(%company, %error, "a report cannot be read");
                // Everything is stored, and the sweeper goes on.
                report::page(&unread(), lang)
            }
        }
    }

    /// How things stand with the agency that this browser has installed the app for, if it asks for
    /// that: without a code, or with the code that it has brought already.
    pub(crate) async fn seen_before(
        &self,
        headers: &HeaderMap,
        asked: &Asked,
        lang: Lang,
    ) -> Option<Response> {
        if asked.is_refusal {
            return None;
        }
        let token = cookie::read(headers)?;
        let reader: Result<_, DbError> = Reader::of(&self.db, &self.clock, &token).await;
        let reader = reader
            .inspect_err(|error| tracing::warn!(%error, "a browser cannot be recognised"))
            .ok()??;
        let is_same = |code: &String| sha256_hex(code) == reader.code_sha256;
        if !asked.code.as_ref().is_none_or(is_same) {
            return None;
        }
        Some(self.report(&reader.company, lang).await)
    }
}

/// Nothing is known but that the work goes on.
fn unread() -> Report {
    Report {
        is_reading: true,
        ..Report::default()
    }
}
