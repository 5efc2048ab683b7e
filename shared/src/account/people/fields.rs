//! What people type about people.

use serde::Serialize;

use crate::account::password::WeakPassword;

/// The longest name, characters.
pub const NAME_CHARS: usize = 100;

/// The longest name to sign in with, characters.
pub const LOGIN_CHARS: usize = 100;

/// A field that cannot be as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadField {
    /// Its name, as the API has it.
    pub field: &'static str,
    /// `blank`, `too_long`, `taken`, `too_short`, `is_name`, `common`, `wrong`, `bad_signs`
    pub code: &'static str,
    /// For people.
    pub text: String,
}

impl BadField {
    pub(crate) fn new(field: &'static str, code: &'static str, text: &str) -> Self {
        let text = text.to_owned();
        BadField { field, code, text }
    }

    pub(crate) fn taken(field: &'static str) -> Self {
        BadField::new(field, "taken", "somebody has this name already")
    }

    pub(crate) fn weak(field: &'static str, weak: WeakPassword) -> Self {
        let code = match weak {
            WeakPassword::Short => "too_short",
            WeakPassword::Long => "too_long",
            WeakPassword::Name => "is_name",
            WeakPassword::Common => "common",
        };
        BadField::new(field, code, &weak.to_string())
    }
}

pub(crate) fn read_name(typed: &str) -> Result<String, BadField> {
    read("name", NAME_CHARS, typed)
}

pub(crate) fn read_login(typed: &str) -> Result<String, BadField> {
    let login = read("login", LOGIN_CHARS, typed)?;
    if login.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let text = "a name to sign in with has no blanks";
        return Err(BadField::new("login", "bad_signs", text));
    }
    Ok(login)
}

fn read(field: &'static str, most: usize, typed: &str) -> Result<String, BadField> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(BadField::new(field, "blank", "this cannot be empty"));
    }
    if typed.chars().count() > most {
        let text = format!("this has at most {most} characters");
        return Err(BadField::new(field, "too_long", &text));
    }
    if typed.chars().any(char::is_control) {
        return Err(BadField::new(
            field,
            "bad_signs",
            "this is one line of text",
        ));
    }
    Ok(typed.to_owned())
}
