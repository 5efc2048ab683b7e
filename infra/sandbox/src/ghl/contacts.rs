//! Contacts (GHL contract, contacts).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, News},
    clock,
    ghl::{
        Answer, Caller, Refused, Who, body, created,
        model::{Contact, Ghl},
        ok, schema, text,
    },
    ids,
};

const READ: &str = "contacts.readonly";
const WRITE: &str = "contacts.write";

fn not_found(id: &str) -> Refused {
    Refused::bad(&format!("Contact with id {id} not found"))
}

/// E.164. A number without `+` is a national one if it is as long as one of the location's
/// country, else it only lacks the sign.
fn phone(text: &str, country: &str) -> Result<String, Refused> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 5 {
        return Err(Refused::bad("Invalid phone number"));
    }
    let national = country == "US" && digits.len() == 10 && !text.trim_start().starts_with('+');
    Ok(if national {
        format!("+1{digits}")
    } else {
        format!("+{digits}")
    })
}

/// Writes the fields of a body into a contact. `tags` replaces all tags, `name` what the business
/// typed.
fn apply(
    contact: &mut Contact,
    mut body: Map<String, Value>,
    country: &str,
) -> Result<(), Refused> {
    let mut take = |name: &str| {
        body.remove(name)
            .map(|v| v.as_str().unwrap_or_default().to_owned())
    };
    if let Some(name) = take("name") {
        let (first, last) = name.trim().split_once(' ').unwrap_or((name.trim(), ""));
        contact.first_name = first.into();
        contact.last_name = last.trim().into();
    }
    if let Some(name) = take("firstName") {
        contact.first_name = name;
    }
    if let Some(name) = take("lastName") {
        contact.last_name = name;
    }
    if let Some(email) = take("email") {
        contact.email = email.to_lowercase();
    }
    if let Some(given) = take("phone") {
        contact.phone = if given.is_empty() {
            given
        } else {
            phone(&given, country)?
        };
    }
    if let Some(tags) = body.remove("tags") {
        contact.tags = tags_of(&tags).collect();
    }
    body.remove("createNewIfDuplicateAllowed");
    body.remove("locationId");
    contact.more.extend(body);
    contact.updated_ms = clock::now_ms();
    Ok(())
}

/// GHL keeps tags in lower case.
fn tags_of(tags: &Value) -> impl Iterator<Item = String> {
    tags.as_array()
        .into_iter()
        .flatten()
        .filter_map(|t| t.as_str().map(str::to_lowercase))
}

/// `POST /contacts/upsert`: found by phone, else by email.
pub(crate) async fn upsert(State(app): State<Arc<App>>, who: Who, bytes: Bytes) -> Answer {
    let body = body(schema::UPSERT, &bytes)?;
    let location = text(&body, "locationId").unwrap_or_default().to_owned();
    who.in_location(WRITE, &location)?;
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let country = country(ghl, &location);
    let wanted = match text(&body, "phone") {
        Some(given) => Some(phone(given, &country)?),
        None => None,
    };
    let email = text(&body, "email").map(str::to_lowercase);
    if wanted.is_none() && email.is_none() && text(&body, "name").is_none() {
        return Err(Refused::bad("A contact needs a phone, an email or a name"));
    }
    let of_location = |c: &&Contact| c.location == location;
    let known = ghl
        .contacts
        .values()
        .filter(of_location)
        .find(|c| match (&wanted, &email) {
            (Some(phone), _) => c.phone == *phone,
            (None, Some(email)) => c.email == *email,
            (None, None) => false,
        });
    let (new, mut contact) = match known {
        Some(contact) => (false, contact.clone()),
        None => (true, empty(&location)),
    };
    apply(&mut contact, body, &country)?;
    let out = contact.json();
    ghl.contacts.insert(contact.id.clone(), contact);
    ok(json!({ "new": new, "contact": out, "traceId": ids::uuid() }))
}

fn empty(location: &str) -> Contact {
    Contact {
        id: ids::ghl_id(),
        location: location.into(),
        phone: String::new(),
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        tags: std::collections::BTreeSet::new(),
        more: Map::new(),
        added_ms: clock::now_ms(),
        updated_ms: clock::now_ms(),
    }
}

fn country(ghl: &Ghl, location: &str) -> String {
    ghl.locations
        .get(location)
        .map(|l| l.country.clone())
        .unwrap_or_default()
}

/// The contact, if the caller's location has it.
fn own<'a>(
    ghl: &'a mut Ghl,
    who: &Caller,
    scope: &str,
    id: &str,
) -> Result<&'a mut Contact, Refused> {
    let location = who.location(scope)?;
    let contact = ghl.contacts.get_mut(id).ok_or_else(|| not_found(id))?;
    if contact.location == location {
        Ok(contact)
    } else {
        Err(Refused::other_tenant())
    }
}

pub(crate) async fn read(State(app): State<Arc<App>>, who: Who, Path(id): Path<String>) -> Answer {
    let mut state = app.lock();
    let contact = own(&mut state.kept.ghl, &who, READ, &id)?.json();
    ok(json!({ "contact": contact, "traceId": ids::uuid() }))
}

pub(crate) async fn update(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let body = body(schema::UPDATE, &bytes)?;
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    let country = country(ghl, who.location(WRITE)?);
    let contact = own(ghl, &who, WRITE, &id)?;
    let mut changed = contact.clone();
    apply(&mut changed, body, &country)?;
    *contact = changed;
    // The official document spells it so.
    ok(json!({ "succeded": true, "contact": contact.json() }))
}

/// The conversation goes with the contact.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
) -> Answer {
    let mut state = app.change(News::Ghl);
    let ghl = &mut state.kept.ghl;
    own(ghl, &who, WRITE, &id)?;
    ghl.contacts.remove(&id);
    ghl.conversations.retain(|c| c.contact != id);
    ghl.messages.retain(|m| m.contact != id);
    ok(json!({ "succeded": true }))
}

pub(crate) async fn add_tags(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let body = body(schema::TAGS, &bytes)?;
    let mut state = app.change(News::Ghl);
    let contact = own(&mut state.kept.ghl, &who, WRITE, &id)?;
    contact.tags.extend(tags_of(&body["tags"]));
    created(json!({ "tags": contact.tags }))
}

pub(crate) async fn remove_tags(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let body = body(schema::TAGS, &bytes)?;
    let mut state = app.change(News::Ghl);
    let contact = own(&mut state.kept.ghl, &who, WRITE, &id)?;
    for tag in tags_of(&body["tags"]) {
        contact.tags.remove(&tag);
    }
    ok(json!({ "tags": contact.tags }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Duplicate {
    #[serde(rename = "locationId")]
    location: String,
    number: Option<String>,
    email: Option<String>,
}

/// `GET /contacts/search/duplicate`: an email is stronger than a number.
pub(crate) async fn duplicate(
    State(app): State<Arc<App>>,
    who: Who,
    Query(asked): Query<Duplicate>,
) -> Answer {
    who.in_location(READ, &asked.location)?;
    let state = app.lock();
    let ghl = &state.kept.ghl;
    let number = match &asked.number {
        // An unescaped `+` arrives as a space, and is not found.
        Some(n) if n.starts_with(' ') => Some(String::new()),
        Some(n) => Some(phone(n, &country(ghl, &asked.location))?),
        None => None,
    };
    let of_location = |c: &&Contact| c.location == asked.location;
    let contact =
        ghl.contacts
            .values()
            .filter(of_location)
            .find(|c| match (&asked.email, &number) {
                (Some(email), _) => c.email == email.to_lowercase(),
                (None, Some(number)) => !number.is_empty() && c.phone == *number,
                (None, None) => false,
            });
    ok(json!({ "contact": contact.map(Contact::json), "traceId": ids::uuid() }))
}
