//! What was measured, as a markdown table.

use std::fmt::Write as _;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What it ought to be; empty where nothing was promised.
    pub(crate) goal: String,
    /// What it is.
    pub(crate) measured: String,
    /// Whether the goal is met; `None` without one.
    pub(crate) is_met: Option<bool>,
}

impl Row {
    /// A measure with a goal.
    pub(crate) fn goal(
        what: impl Into<String>,
        goal: impl Into<String>,
        measured: impl Into<String>,
        is_met: bool,
    ) -> Self {
        Row {
            what: what.into(),
            goal: goal.into(),
            measured: measured.into(),
            is_met: Some(is_met),
        }
    }

    /// A measure that is told for its own sake.
    pub(crate) fn plain(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Row {
            what: what.into(),
            goal: String::new(),
            measured: measured.into(),
            is_met: None,
        }
    }
}

/// The rows as a table.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| what | measured | goal | met |\n| --- | --- | --- | --- |\n");
    for row in rows {
        let met = match row.is_met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let cells = [&row.what, &row.measured, &row.goal].map(|cell| cell.replace('|', "\\|"));
        let [what, measured, goal] = cells;
        // Writing into a string cannot fail.
        let _ = writeln!(text, "| {what} | {measured} | {goal} | {met} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_stands_out() {
        let rows = [
            Row::goal("a|b", "at most 1", "2", false),
            Row::goal("c", "1", "1", true),
            Row::plain("d", "3"),
        ];
        let table = markdown(&rows);
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| a\\|b | 2 | at most 1 | **no** |",
                "| c | 1 | 1 | yes |",
                "| d | 3 |  |  |",
            ]
        );
    }
}
