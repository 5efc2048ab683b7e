//! What a person reads: no token, and of a phone what it can be recognised by.

use std::fmt::Write as _;

use greenhub::account::common_token::Allowed;
use greenhub::telemetry::mask_phone;

use crate::bring::{Brought, LocationOutcome, NumberOutcome};
use crate::plan::{Location, Number, Plan};

/// From so many digits on they may be somebody's phone.
const PHONE_DIGITS: usize = 7;

/// What was done, or would be.
pub fn text(plan: &Plan, brought: &[Brought], is_dry: bool) -> String {
    let mut lines = Lines::default();
    for (location, brought) in plan.locations.iter().zip(brought) {
        lines.location(location, brought, is_dry);
    }
    if !plan.skipped.is_empty() {
        lines.say("");
        lines.say("rows that nothing can be made of:");
        for skipped in &plan.skipped {
            lines.say(&format!("  {}: {}", skipped.row, skipped.why.text()));
        }
    }
    lines.say("");
    lines.counts(plan, brought, is_dry);
    lines.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn say(&mut self, line: &str) {
        // A text takes everything.
        let _ = writeln!(self.0, "{line}");
    }

    fn location(&mut self, location: &Location, brought: &Brought, is_dry: bool) {
        let (id, outcome) = (&location.id, brought.outcome.text(is_dry));
        self.say(&format!("location {id}: {outcome}"));
        for (number, (_, outcome)) in location.numbers.iter().zip(&brought.numbers) {
            let (described, outcome) = (described(number), outcome.text(is_dry));
            self.say(&format!("  {described}: {outcome}"));
            if outcome.starts_with("SKIPPED") {
                continue;
            }
            for note in &number.notes {
                self.say(&format!("    note: {}", note.text()));
            }
        }
        match brought.common_token {
            Some(Allowed::HasOwn) => {
                self.say(
                    "  workflows: it has a secret of its own, which is the only one that opens",
                );
            }
            Some(Allowed::Before) => self.say("  workflows: the token was kept before"),
            Some(Allowed::Now) | None => {}
        }
    }

    fn counts(&mut self, plan: &Plan, brought: &[Brought], is_dry: bool) {
        let of = |is: fn(&Brought) -> bool| brought.iter().filter(|it| is(it)).count();
        let numbers = || brought.iter().flat_map(|it| &it.numbers);
        let n_of = |outcome| numbers().filter(|(_, it)| *it == outcome).count();
        let n_rows = |row: &str| {
            let skipped = plan.skipped.iter();
            skipped.filter(|it| it.row.starts_with(row)).count()
        };
        self.say(&format!(
            "locations: {} new, {} with newer tokens, {} here already, {} skipped",
            of(|it| matches!(it.outcome, LocationOutcome::New { .. })),
            of(|it| it.outcome == LocationOutcome::Newer),
            of(|it| it.outcome == LocationOutcome::Here),
            of(|it| it.outcome.is_skipped()) + n_rows("location"),
        ));
        self.say(&format!(
            "numbers:   {} new, {} here already, {} skipped",
            n_of(NumberOutcome::New),
            n_of(NumberOutcome::Here),
            numbers().filter(|(_, it)| it.is_skipped()).count() + n_rows("instance"),
        ));
        let n_opened = of(|it| it.common_token == Some(Allowed::Now));
        if n_opened > 0 {
            self.say(&format!(
                "workflows: the token goes on for 90 days in {n_opened} locations"
            ));
        }
        if is_dry {
            self.say("nothing was written");
        }
    }
}

/// A number by its id, its name, its state and its phone.
fn described(number: &Number) -> String {
    let id = number.new.id_instance;
    let name = masked(&number.new.name, &id.to_string());
    let phone = number.wid.as_deref().map(mask_phone).unwrap_or_default();
    let state = number.state.as_str();
    format!("number {id} \"{name}\" {state} {phone}")
        .trim_end()
        .to_owned()
}

/// A name in which what could be a phone cannot be read; `id` is none.
fn masked(name: &str, id: &str) -> String {
    let is_of_phone = |sign: char| sign.is_ascii_digit() || " -()+.".contains(sign);
    let mut out = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let end = rest.find(|sign| !is_of_phone(sign)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= PHONE_DIGITS && digits != id {
            let blank = if run.starts_with(' ') { " " } else { "" };
            let _ = write!(out, "{blank}{}", mask_phone(&digits));
        } else {
            out.push_str(run);
        }
        let next = after.find(is_of_phone).unwrap_or(after.len());
        let (words, after) = after.split_at(next);
        out.extend(words.chars().filter(|sign| !sign.is_control()));
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_in_a_name_is_masked_and_the_id_is_not() {
        let check = |name: &str, expect: &str| assert_eq!(masked(name, "1101000001"), expect);
        check("Sales", "Sales");
        check("WhatsApp 1101000001", "WhatsApp 1101000001");
        check("Sales +7 (900) 123-45-67", "Sales 7900***4567");
        check("79001234567", "7900***4567");
        check("24/7 shop 12", "24/7 shop 12");
        check("Магазин 2", "Магазин 2");
        check("", "");
    }
}
