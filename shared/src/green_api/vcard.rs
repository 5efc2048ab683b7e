//! The name and the phones of a vCard.
//!
//! Not a vCard library: what arrives here is often no vCard (lines cut in the middle, `TEL` without
//! a value, a phone in the parameter `waid` only), which parsers refuse as a whole, and two
//! properties are all that is shown.

use crate::domain::content::ContactCard;

/// Reads a card. `display_name` is what the gateway names it and wins over the card's own name.
pub fn contact_card(display_name: &str, vcard: &str) -> ContactCard {
    let mut formatted = None;
    let mut structured = None;
    let mut phones = Vec::new();
    for line in unfolded(vcard) {
        let (head, value) = line.split_once(':').unwrap_or((&line, ""));
        let mut head = head.split(';');
        let name = head.next().unwrap_or_default();
        // Properties may be grouped: `item1.TEL`.
        let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
        match name.trim().to_ascii_uppercase().as_str() {
            "FN" => formatted = formatted.or_else(|| non_empty(unescape(value))),
            "N" => structured = structured.or_else(|| non_empty(full_name(value))),
            "TEL" => {
                let waid = head.find_map(|parameter| parameter.trim().strip_prefix("waid="));
                let phone = phone(value).or_else(|| waid.and_then(from_waid));
                phones.extend(phone.filter(|phone| !phones.contains(phone)));
            }
            _ => {}
        }
    }
    let mut phones = phones.into_iter();
    ContactCard {
        name: non_empty(display_name.to_owned())
            .or(formatted)
            .or(structured)
            .unwrap_or_default(),
        phone: phones.next(),
        more_phones: phones.collect(),
    }
}

/// The logical lines: one that begins with white space goes on with the one before.
fn unfolded(vcard: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in vcard.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// `Family;Given;Additional;Prefix;Suffix` as people write it.
fn full_name(value: &str) -> String {
    let parts: Vec<String> = value.split(';').map(unescape).collect();
    let part = |n: usize| parts.get(n).map(|part| part.trim()).unwrap_or_default();
    let ordered = [part(3), part(1), part(2), part(0), part(4)];
    ordered
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn unescape(value: &str) -> String {
    value
        .replace("\\n", " ")
        .replace("\\N", " ")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .replace("\\\\", "\\")
}

fn non_empty(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A value that looks like something to dial, service codes (`*100#`) included.
fn phone(value: &str) -> Option<String> {
    let value = value.trim();
    let value = value.strip_prefix("tel:").unwrap_or(value);
    let dialable = |c: char| c.is_ascii_digit() || "+()-./*#,; \u{a0}".contains(c);
    (value.contains(|c: char| c.is_ascii_digit()) && value.chars().all(dialable))
        .then(|| value.to_owned())
}

fn from_waid(waid: &str) -> Option<String> {
    let digits = waid.trim();
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_phones_of_cards() {
        let check = |display: &str, vcard: &str, expect: (&str, &[&str])| {
            let card = contact_card(display, vcard);
            let phones: Vec<&str> = card
                .phone
                .iter()
                .chain(&card.more_phones)
                .map(String::as_str)
                .collect();
            assert_eq!((card.name.as_str(), phones.as_slice()), expect, "{vcard}");
        };
        // AC 53
        check(
            "Bob",
            "BEGIN:VCARD\nTEL;type=CELL;waid=79005556677:+7 900 555-66-77\nEND:VCARD",
            ("Bob", &["+7 900 555-66-77"]),
        );
        check(
            "Bob",
            "BEGIN:VCARD\r\nTEL:+1 (2) 3\r\nEND:VCARD",
            ("Bob", &["+1 (2) 3"]),
        );
        check(
            "",
            "N:Lee;Ann;;Dr.;\nitem1.TEL;waid=70001112233:/cut.X-ABLabel:New",
            ("Dr. Ann Lee", &["+70001112233"]),
        );
        check(
            "",
            "FN:Shop\\, Main\nTEL;waid=70001112233",
            ("Shop, Main", &["+70001112233"]),
        );
        check(
            " ",
            "FN:A very lo\n ng name\nTEL:1\nTEL;type=WORK:2\nTEL:1",
            ("A very long name", &["1", "2"]),
        );
        check("", "TEL:*9035550000#", ("", &["*9035550000#"]));
        check(
            "",
            "tel;value=uri:tel:+1-201-555-0123",
            ("", &["+1-201-555-0123"]),
        );
        check("", "", ("", &[]));
        check("", "no card at all", ("", &[]));
    }
}
