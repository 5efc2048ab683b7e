//! What a location says about itself, and which of an agency's locations have the app.

use http::Method;
use secrecy::SecretString;
use serde_json::Value;

use crate::domain::ids::{CompanyId, LocationId};

use super::client::{Answer, Api, Ghl};
use super::error::GhlError;
use super::wire::{id, text};

/// How many locations are asked for at once; without a number it would be 20 (GHL contract, agency to
/// location token).
pub const PAGE: usize = 100;

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

/// An SMS provider of a sub-account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsProvider {
    /// Its id; the app's own one if it is the app's.
    pub id: String,
    /// Whether it is the one that sends what names no provider, if that is told.
    pub is_default: Option<bool>,
}

/// A sub-account that has the app, as its agency sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledLocation {
    /// The sub-account.
    pub location: LocationId,
    /// The business.
    pub name: Option<String>,
    /// Where it is, in one line.
    pub address: Option<String>,
}

/// Some of an agency's sub-accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPage {
    /// Those that have the app.
    pub locations: Vec<InstalledLocation>,
    /// How many entries the page had: so many further on begins the next one.
    pub n_entries: usize,
    /// There is nothing after this page.
    pub is_last: bool,
}

/// Which of an agency's sub-accounts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// [`PAGE`] of them, from this place on.
    From(usize),
    /// This one alone.
    One(&'a LocationId),
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

    /// The location's SMS providers, other apps' and GoHighLevel's own included.
    pub async fn sms_providers(
        &self,
        token: &SecretString,
        location: &LocationId,
    ) -> Result<Answer<Vec<SmsProvider>>, GhlError> {
        let path = [location.as_str(), "conversationChannels", "SMS"];
        self.call(Api::Channels, Method::GET, &path, token, |request| request)
            .await?
            .try_map(|value| {
                sms_providers(&value.unwrap_or_default())
                    .ok_or(GhlError::Unreadable { status: 200 })
            })
    }

    /// The sub-accounts of an agency that have the app `app_id`.
    pub async fn installed_locations(
        &self,
        agency_token: &SecretString,
        company: &CompanyId,
        app_id: &str,
        which: Which<'_>,
    ) -> Result<Answer<InstalledPage>, GhlError> {
        let mut query = vec![
            ("companyId", company.to_string()),
            ("appId", app_id.to_owned()),
            ("isInstalled", "true".to_owned()),
            ("limit", PAGE.to_string()),
        ];
        let skip = match which {
            Which::From(skip) => {
                query.push(("skip", skip.to_string()));
                skip
            }
            Which::One(location) => {
                query.push(("locationId", location.to_string()));
                0
            }
        };
        let path = ["installedLocations"];
        self.call(Api::OAuth, Method::GET, &path, agency_token, |request| {
            request.query(&query)
        })
        .await?
        .try_map(|value| {
            installed_page(&value.unwrap_or_default(), skip)
                .ok_or(GhlError::Unreadable { status: 200 })
        })
    }
}

fn sms_providers(answer: &Value) -> Option<Vec<SmsProvider>> {
    let channel = answer.get("conversationChannel")?.as_object()?;
    let chosen = channel.get("defaults").and_then(|it| id(it, "SMS"));
    let entries = channel.get("SMS").and_then(Value::as_array);
    let providers = entries.into_iter().flatten().filter_map(|entry| {
        let provider = entry.get("conversationProvider").unwrap_or(entry);
        let id = id(provider, "_id")?;
        let is_chosen = chosen.as_ref().map(|chosen| *chosen == id);
        let is_default = provider.get("default").and_then(Value::as_bool);
        Some(SmsProvider {
            id,
            is_default: is_chosen.or(is_default),
        })
    });
    Some(providers.collect())
}

fn installed_page(answer: &Value, skip: usize) -> Option<InstalledPage> {
    let entries = answer.get("locations")?.as_array()?;
    let locations = entries
        .iter()
        // Left out means yes: only installed ones were asked for.
        .filter(|entry| entry.get("isInstalled") != Some(&Value::Bool(false)))
        .filter_map(|entry| {
            Some(InstalledLocation {
                location: LocationId::new(id(entry, "_id")?),
                name: text(entry, "name"),
                address: text(entry, "address"),
            })
        })
        .collect();
    let n_entries = entries.len();
    let count = text(answer, "count").and_then(|count| count.parse::<usize>().ok());
    // A short page is no end where the total says that there is more: the limit is a wish. A full
    // page is none either, whatever the total says: it is documented as that of all locations.
    let is_more = n_entries >= PAGE || count.is_some_and(|count| count > skip + n_entries);
    Some(InstalledPage {
        locations,
        n_entries,
        is_last: n_entries == 0 || !is_more,
    })
}

#[cfg(test)]
#[path = "locations_tests.rs"]
mod tests;
