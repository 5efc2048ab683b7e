//! What a location says about itself.

use http::Method;
use secrecy::SecretString;

use crate::domain::ids::LocationId;

use super::client::{Answer, Api, Ghl};
use super::error::GhlError;
use super::wire::text;

/// A sub-account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The business.
    pub name: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// ISO, two letters; the country of phones that are written without one.
    pub country: Option<String>,
}

impl Ghl {
    /// Reads the location.
    pub async fn get_location(
        &self,
        token: &SecretString,
        location: &LocationId,
    ) -> Result<Answer<Location>, GhlError> {
        let path = [location.as_str()];
        self.call(Api::Locations, Method::GET, &path, token, |request| request)
            .await?
            .try_map(|value| {
                let value = value.unwrap_or_default();
                let location = value
                    .get("location")
                    .ok_or(GhlError::Unreadable { status: 200 })?;
                Ok(Location {
                    name: text(location, "name"),
                    timezone: text(location, "timezone"),
                    country: text(location, "country").filter(|country| country.len() == 2),
                })
            })
    }
}
