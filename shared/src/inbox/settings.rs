//! What a workspace has set for its conversations: labels, prepared answers, words that opt out.

use std::collections::BTreeSet;

use super::cursor::is_id;
use crate::store::team::InboxRow;

/// How many labels there can be.
pub const LABELS: usize = 100;

/// How many prepared answers.
pub const CANNED: usize = 100;

/// How many words that opt out.
pub const WORDS: usize = 50;

/// The longest name of a label, shortcut or word, in characters.
const NAME_CHARS: usize = 40;

/// The longest prepared answer, in characters: all of them have to fit into a row.
const TEXT_CHARS: usize = 1_000;

/// What can be written in a prepared answer and is filled in by whoever sends it.
pub const VARIABLES: [&str; 4] = ["name", "phone", "agent", "number"];

/// Why settings cannot be so.
///
/// # Errors
/// What is wrong, for people.
pub fn check(row: &InboxRow) -> Result<(), String> {
    let longer = |text: &str, most: usize| text.chars().nth(most).is_some();
    let is_name = |name: &str| !name.trim().is_empty() && !longer(name, NAME_CHARS);
    let too_many = row.labels.len() > LABELS
        || row.canned.len() > CANNED
        || row
            .opt_out
            .as_ref()
            .is_some_and(|words| words.len() > WORDS);
    if too_many {
        return Err(format!(
            "there can be {LABELS} labels, {CANNED} prepared answers and {WORDS} words"
        ));
    }
    let labels: BTreeSet<&str> = row.labels.iter().map(|label| label.id.as_str()).collect();
    let canned: BTreeSet<&str> = row.canned.iter().map(|canned| canned.id.as_str()).collect();
    if labels.len() != row.labels.len() || canned.len() != row.canned.len() {
        return Err("two of them have the same id".to_owned());
    }
    for label in &row.labels {
        if !is_id(&label.id) || !is_name(&label.name) || !is_colour(&label.colour) {
            return Err("a label has a name of 1 to 40 characters and a colour #rrggbb".to_owned());
        }
    }
    for canned in &row.canned {
        let is_one = is_id(&canned.id)
            && is_name(&canned.shortcut)
            && !canned.text.trim().is_empty()
            && !longer(&canned.text, TEXT_CHARS);
        if !is_one {
            let why = "a prepared answer has a shortcut and a text of 1 to 1,000 characters";
            return Err(why.to_owned());
        }
        if let Some(unknown) = unknown_variable(&canned.text) {
            return Err(format!("there is no variable {{{{{unknown}}}}}"));
        }
    }
    let mut words = row.opt_out.iter().flatten();
    if words.any(|word| !is_name(word)) {
        return Err("a word has 1 to 40 characters".to_owned());
    }
    Ok(())
}

fn is_colour(colour: &str) -> bool {
    colour
        .strip_prefix('#')
        .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The first variable of a text that there is none of.
fn unknown_variable(text: &str) -> Option<&str> {
    let mut names = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("}}")?.0.trim()));
    names.find(|name| !VARIABLES.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::team::{Canned, Label};

    #[test]
    fn settings_are_what_the_team_can_use() {
        let check = |row: InboxRow, expect: bool| {
            assert_eq!(super::check(&row).is_ok(), expect, "{row:?}");
        };
        let label = |id: &str, name: &str, colour: &str| Label {
            id: id.to_owned(),
            name: name.to_owned(),
            colour: colour.to_owned(),
        };
        let labels = |labels: Vec<Label>| InboxRow {
            labels,
            ..InboxRow::default()
        };
        check(labels(vec![label("a", "VIP", "#00ff7F")]), true);
        check(labels(vec![label("=pinned", "VIP", "#00ff7f")]), false);
        check(labels(vec![label("a", " ", "#00ff7f")]), false);
        check(labels(vec![label("a", "VIP", "green")]), false);
        check(labels(vec![label("a", "VIP", "#00ff7f"); 2]), false);
        let canned = |text: &str| InboxRow {
            canned: vec![Canned {
                id: "a".to_owned(),
                shortcut: "hi".to_owned(),
                text: text.to_owned(),
            }],
            ..InboxRow::default()
        };
        check(canned("Hello {{ name }}, {{agent}} here"), true);
        check(canned("Hello {{nmae}}"), false);
        check(canned("Hello {{name"), true);
        check(canned(""), false);
        check(canned(&"x".repeat(1_001)), false);
        let words = |words: &[&str]| InboxRow {
            opt_out: Some(words.iter().map(|word| (*word).to_owned()).collect()),
            ..InboxRow::default()
        };
        check(words(&[]), true);
        check(words(&["basta"]), true);
        check(words(&[""]), false);
    }
}
