//! The address book of a location.
//!
//! The business's own work is left alone: an upsert never sends tags, which would replace all that
//! are there, and never a name, which would overwrite what somebody typed (GHL contract, contacts).

use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::domain::ids::{ContactId, LocationId};

use super::client::{Answer, Api, Ghl};
use super::error::GhlError;
use super::id::is_id;
use super::wire::{id, text, texts};

/// Where a contact that we made says that it is from.
const SOURCE: &str = "GREEN-API";

/// A person in the address book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The person.
    pub id: ContactId,
    /// Somebody or something gave the person a name; a phone is none.
    pub has_name: bool,
    /// As the CRM has it.
    pub phone: Option<String>,
    /// May be empty.
    pub tags: Vec<String>,
}

/// A person who was found, or added because nobody was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// The person.
    pub contact: Contact,
    /// Whether the person was added by this call.
    pub is_new: bool,
}

impl Ghl {
    /// Finds the person with `phone` (E.164 with `+`) or adds them. `country` (ISO, two letters) is
    /// only for new ones. Not a look-up: whoever is not there, is made.
    pub async fn upsert_contact(
        &self,
        token: &SecretString,
        location: &LocationId,
        phone: &str,
        country: Option<&str>,
    ) -> Result<Answer<Upserted>, GhlError> {
        let mut body = json!({
            "locationId": location.as_str(),
            "phone": phone,
            "source": SOURCE,
        });
        if let Some(country) = country {
            body["country"] = json!(country);
        }
        self.call(Api::Contacts, Method::POST, &["upsert"], token, |request| {
            request.json(&body)
        })
        .await?
        .try_map(|value| {
            let value = value.unwrap_or_default();
            let contact = contact(&value["contact"]).ok_or(UNREADABLE)?;
            Ok(Upserted {
                contact,
                is_new: value["new"].as_bool().unwrap_or(false),
            })
        })
    }

    /// Gives a person a name. For those that have none: it overwrites.
    pub async fn set_contact_name(
        &self,
        token: &SecretString,
        contact: &ContactId,
        name: &str,
    ) -> Result<Answer<()>, GhlError> {
        self.update_contact(token, contact, &json!({ "name": name }))
            .await
    }

    /// Gives a person another phone (E.164 with `+`).
    pub async fn update_contact_phone(
        &self,
        token: &SecretString,
        contact: &ContactId,
        phone: &str,
    ) -> Result<Answer<()>, GhlError> {
        self.update_contact(token, contact, &json!({ "phone": phone }))
            .await
    }

    async fn update_contact(
        &self,
        token: &SecretString,
        contact: &ContactId,
        body: &Value,
    ) -> Result<Answer<()>, GhlError> {
        let path = [contact.as_str()];
        let answer = self.call(Api::Contacts, Method::PUT, &path, token, |request| {
            request.json(body)
        });
        Ok(answer.await?.map(|_| ()))
    }

    /// Adds tags to those that are there.
    pub async fn add_tags(
        &self,
        token: &SecretString,
        contact: &ContactId,
        tags: &[&str],
    ) -> Result<Answer<()>, GhlError> {
        let body = json!({ "tags": tags });
        let path = [contact.as_str(), "tags"];
        let answer = self.call(Api::Contacts, Method::POST, &path, token, |request| {
            request.json(&body)
        });
        Ok(answer.await?.map(|_| ()))
    }

    /// Reads a person; [`GhlError::Gone`] if they were deleted.
    pub async fn get_contact(
        &self,
        token: &SecretString,
        contact_id: &ContactId,
    ) -> Result<Answer<Contact>, GhlError> {
        let path = [contact_id.as_str()];
        self.call(Api::Contacts, Method::GET, &path, token, |request| request)
            .await?
            .try_map(|value| contact(&value.unwrap_or_default()["contact"]).ok_or(UNREADABLE))
    }

    /// Looks for the person with `phone` (E.164 with `+`) without adding anybody.
    pub async fn search_duplicate(
        &self,
        token: &SecretString,
        location: &LocationId,
        phone: &str,
    ) -> Result<Answer<Option<Contact>>, GhlError> {
        let query = [("locationId", location.as_str()), ("number", phone)];
        let path = ["search", "duplicate"];
        self.call(Api::Contacts, Method::GET, &path, token, |request| {
            request.query(&query)
        })
        .await?
        .try_map(|value| match &value.unwrap_or_default()["contact"] {
            Value::Null => Ok(None),
            found => contact(found).map(Some).ok_or(UNREADABLE),
        })
    }
}

/// A success without the person's id.
const UNREADABLE: GhlError = GhlError::Unreadable { status: 200 };

fn contact(value: &Value) -> Option<Contact> {
    let phone = text(value, "phone");
    let names = [
        "name",
        "contactName",
        "firstName",
        "lastName",
        "fullNameLowerCase",
    ];
    let mut names = names.iter().filter_map(|key| text(value, key));
    Some(Contact {
        id: ContactId::new(id(value, "id").filter(|id| is_id(id))?),
        has_name: names.any(|name| is_name(&name, phone.as_deref())),
        phone,
        tags: texts(value, "tags"),
    })
}

/// Whether it is more than the phone again, which GoHighLevel shows for people without a name.
fn is_name(name: &str, phone: Option<&str>) -> bool {
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let has_letters = name.chars().any(char::is_alphabetic);
    let is_phone = phone.is_some_and(|phone| digits(phone) == digits(name));
    !name.trim().is_empty() && (has_letters || !is_phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_no_name() {
        // AC 47
        let check = |value: Value, expect: bool| {
            let mut value = value;
            value["id"] = json!("P1");
            assert_eq!(
                contact(&value).map(|contact| contact.has_name),
                Some(expect),
                "{value}"
            );
        };
        check(json!({}), false);
        check(json!({"name": "", "firstName": null}), false);
        check(json!({"name": " "}), false);
        check(
            json!({"name": "Anna (edited)", "phone": "+79001234567"}),
            true,
        );
        check(json!({"firstName": "Anna"}), true);
        check(json!({"lastName": "1"}), true);
        check(
            json!({"name": "+7 900 123-45-67", "phone": "+79001234567"}),
            false,
        );
        check(json!({"name": "😀", "phone": "+79001234567"}), true);
    }
}
