//! Phone numbers, and how a CRM's idea of a phone leads back to WhatsApp.

use std::fmt;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use super::chat_id::{Alias, AliasKind};

/// The most digits that E.164 allows.
const E164_DIGITS: usize = 15;

/// A phone number in E.164.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

impl Phone {
    /// With the plus: `+79001234567`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the plus.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// The phone in WhatsApp's own id of a person. It is taken as it is, since WhatsApp knows
    /// people by ids that numbering plans have left behind. `None` for every other kind of id.
    pub fn from_alias(alias: &Alias) -> Option<Self> {
        if alias.kind() != AliasKind::Phone {
            return None;
        }
        // A device of the person: `79001234567:8@s.whatsapp.net`.
        let local = alias.local();
        let digits = local.split_once(':').map_or(local, |(digits, _)| digits);
        Self::from_digits(digits)
    }

    /// Digits with a country code, as providers write phones into their own fields. Not looked up.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let fits = (1..=E164_DIGITS).contains(&digits.len());
        (fits && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Self(format!("+{digits}")))
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a phone as people write it: international, or national in `country` (two letters, ISO
/// 3166). `None` for what cannot be a phone.
///
/// A number that was written internationally keeps its digits: the libraries' tidier form of some
/// countries' numbers is not the one that WhatsApp knows.
pub fn parse(text: &str, country: Option<&str>) -> Option<Phone> {
    let text = text.trim();
    if !text.starts_with('+') {
        let region = country.and_then(|code| Region::try_from(code.to_uppercase().as_str()).ok());
        let national = region.and_then(|region| possible(text, Some(region)));
        return national.or_else(|| parse(&format!("+{text}"), None));
    }
    let as_written = !text.contains("(0)") && !text.contains(char::is_alphabetic);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let phone = match digits.strip_prefix("521") {
        // WhatsApp knows Mexicans with the 1 that their numbering plan has dropped.
        Some(rest) if rest.len() == 10 => possible(&format!("+52{rest}"), None)?,
        _ => possible(text, None)?,
    };
    Phone::from_digits(&digits)
        .filter(|_| as_written)
        .or(Some(phone))
}

fn possible(text: &str, region: Option<Region>) -> Option<Phone> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if number.extension.is_some() || length != Ok(NumberLengthType::IsPossible) {
        return None;
    }
    let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    e164.strip_prefix('+').and_then(Phone::from_digits)
}

/// Where a message to a CRM's contact goes, by the phone that the contact has there.
///
/// What can be a phone is a person. More digits than any phone has are a group, whose id stands
/// for its phone in the CRM. Anything else is nobody: ids of people without a phone come back
/// through our own table and never through here.
pub fn crm_phone_to_alias(phone: &str, country: Option<&str>) -> Option<Alias> {
    if let Some(phone) = parse(phone, country) {
        return Some(Alias::from_phone_digits(phone.digits()));
    }
    let id = phone.trim().trim_start_matches('+');
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    if digits.len() <= E164_DIGITS {
        return None;
    }
    // An old group's id: its maker's phone and the second of its making.
    let is_old_group = id.split_once('-').is_some_and(|(maker, second)| {
        [maker, second]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    });
    Alias::parse(&format!("{}@g.us", if is_old_group { id } else { &digits }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_as_people_write_them() {
        let check = |text: &str, country: Option<&str>, expect: Option<&str>| {
            assert_eq!(
                parse(text, country).as_ref().map(Phone::as_str),
                expect,
                "{text} {country:?}"
            );
        };
        check("+7 900 123-45-67", None, Some("+79001234567"));
        check("79001234567", None, Some("+79001234567"));
        check("8 900 123-45-67", Some("RU"), Some("+79001234567"));
        check("79001234567", Some("us"), Some("+79001234567"));
        check("(586) 460-3685", Some("US"), Some("+15864603685"));
        check("+1 (586) 460-3685", Some("RU"), Some("+15864603685"));
        check("+5215512345678", None, Some("+5215512345678"));
        check("586-460-3685", Some("??"), None);
        check("+44 (0)20 7946 0958", None, Some("+442079460958"));
        check("+1 800 FLOWERS", None, Some("+18003569377"));
        check("+120363418570879210", None, None);
        check("", None, None);
        check("+", None, None);
        check("hello", Some("US"), None);
    }

    #[test]
    fn a_crm_phone_leads_back_to_whatsapp() {
        let check = |phone: &str, country: Option<&str>, expect: Option<&str>| {
            let alias = crm_phone_to_alias(phone, country);
            assert_eq!(alias.as_ref().map(Alias::as_str), expect, "{phone}");
        };
        // AC 68, 74
        check("+79001234567", None, Some("79001234567@c.us"));
        check("+120363418570879210", None, Some("120363418570879210@g.us"));
        check("+1 (586) 460-3685", None, Some("15864603685@c.us"));
        check(
            "79001234567-1581234567",
            None,
            Some("79001234567-1581234567@g.us"),
        );
        check(
            "+79001234567-1581234567",
            Some("US"),
            Some("79001234567-1581234567@g.us"),
        );
        // A linked id is fifteen digits at most and no phone.
        check("+120650379300963", None, None);
        check("+155508384256028", Some("US"), None);
        check("", None, None);
        check("n/a", None, None);
    }

    #[test]
    fn whatsapps_own_ids_are_not_doubted() {
        let check = |id: &str, expect: Option<&str>| {
            let phone = Alias::parse(id).and_then(|alias| Phone::from_alias(&alias));
            assert_eq!(phone.as_ref().map(Phone::as_str), expect, "{id}");
        };
        check("79001234567@c.us", Some("+79001234567"));
        check("10000000000@c.us", Some("+10000000000"));
        check("79001234567:8@s.whatsapp.net", Some("+79001234567"));
        check("120650379300963@lid", None);
        check("120363043968066561@g.us", None);
        check("10000000", None);
        check("abc@c.us", None);
        check("@c.us", None);
    }
}
