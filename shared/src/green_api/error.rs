//! What can become of a call to GREEN-API (GREEN-API contract, errors).

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// One variant for each thing that a caller does differently. No text in it contains the token of
/// the number or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GreenApiError {
    /// The request never left: no connection, no TLS, no such host. Calling again is safe.
    #[error("GREEN-API could not be reached: {why}")]
    NotSent {
        /// What failed, without the address.
        why: String,
    },
    /// Too many calls (429). Nothing was taken; call again later.
    #[error("GREEN-API asks to call less often")]
    RateLimited,
    /// The plan is used up until the first of the month (466, 469). Nothing was taken.
    #[error("the GREEN-API plan is used up: {description}")]
    Quota {
        /// Which quota, and how much of it is used. The provider's own text lists other people's
        /// phones and is not repeated.
        description: String,
    },
    /// The token is wrong (401). Nothing will work until a person corrects it.
    #[error("GREEN-API does not accept the token of the number")]
    BadToken,
    /// Not allowed (403): a wrong id or host, or a method that is closed to this number.
    #[error("GREEN-API refuses the call: {message}")]
    Forbidden {
        /// The provider's words.
        message: String,
    },
    /// The number is just starting, up to five minutes (400). Nothing was taken; call again soon.
    #[error("the number is starting")]
    Starting,
    /// No phone is linked to the number (400). Nothing was taken.
    #[error("the number is not authorized")]
    NotAuthorized,
    /// The number is not paid for (400). Also said in the first minutes of a new one.
    #[error("the number is not paid for")]
    Expired,
    /// The number is gone (400).
    #[error("the number was deleted at GREEN-API")]
    Deleted,
    /// The file is larger than the provider passes on (500 with its own text). Nothing was taken.
    #[error("the file is larger than GREEN-API passes on (100 MB)")]
    FileTooLarge,
    /// Refused for good (any other 4xx): what was asked for is wrong.
    #[error("GREEN-API refuses the call ({status}): {message}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// The provider's words.
        message: String,
    },
    /// The request left and nobody knows whether it was taken: a timeout, a cut connection, 499, a
    /// 5xx, or an answer that cannot be read. A send must not be repeated blindly.
    #[error("nobody knows whether GREEN-API took the call: {why}")]
    Ambiguous {
        /// What happened.
        why: String,
    },
}

impl GreenApiError {
    /// The error that an answer other than 2xx means.
    pub(super) fn from_answer(status: u16, body: &[u8], token: &SecretString) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let message = words(json.as_ref(), body, token);
        let lower = message.to_lowercase();
        match status {
            401 => GreenApiError::BadToken,
            403 => GreenApiError::Forbidden { message },
            429 => GreenApiError::RateLimited,
            466 | 469 => GreenApiError::Quota {
                description: quota(json.as_ref()),
            },
            400 if lower.contains("starting or not authorized") => GreenApiError::NotAuthorized,
            400 if lower.contains("starting") => GreenApiError::Starting,
            400 if lower.contains("not authorized") => GreenApiError::NotAuthorized,
            400 if lower.contains("account is expired") => GreenApiError::Expired,
            400 if lower.contains("instance is deleted") => GreenApiError::Deleted,
            500 if lower.contains("exceeded max upload size") => GreenApiError::FileTooLarge,
            // The caller is said to have gone: the request had arrived.
            499 => GreenApiError::Ambiguous {
                why: "the provider answered 499".to_owned(),
            },
            400..=498 => GreenApiError::Refused { status, message },
            _ => GreenApiError::Ambiguous {
                why: format!("the provider answered {status}"),
            },
        }
    }
}

/// How much of an answer is repeated, in characters.
const WORDS_CHARS: usize = 200;

/// The provider's words: the field that holds them, else a short plain text, never a page.
fn words(json: Option<&Value>, body: &[u8], token: &SecretString) -> String {
    let text = match json {
        Some(Value::Object(object)) => {
            let fields = ["message", "reason", "description", "error"];
            let found = fields.iter().find_map(|field| match object.get(*field) {
                Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
                // Validation answers with a list of sentences.
                Some(Value::Array(list)) => {
                    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    (!texts.is_empty()).then(|| texts.join("; "))
                }
                _ => None,
            });
            found.unwrap_or_default()
        }
        Some(Value::String(text)) => text.clone(),
        Some(_) => String::new(),
        None => String::from_utf8_lossy(body).trim().to_owned(),
    };
    let text = if text.starts_with('<') {
        "an HTML page"
    } else {
        &text
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.is_empty() {
        return "no explanation".to_owned();
    }
    // First redacted, then shortened: half a token is too much.
    redacted(&text, token).chars().take(WORDS_CHARS).collect()
}

/// What a 2xx without its result means: a refusal if it says so, else nobody knows.
pub(super) fn explained(answer: &Map<String, Value>, token: &SecretString) -> GreenApiError {
    let says_no = answer.get("status") == Some(&Value::Bool(false));
    match answer.get("reason").and_then(Value::as_str) {
        Some(reason) if says_no => {
            let message = redacted(reason, token).chars().take(WORDS_CHARS).collect();
            GreenApiError::Refused {
                status: 200,
                message,
            }
        }
        _ => unreadable(),
    }
}

pub(super) fn unreadable() -> GreenApiError {
    GreenApiError::Ambiguous {
        why: "the answer could not be read".to_owned(),
    }
}

/// Which quota and how much of it. Where both shapes come, the method was allowed and the number of
/// correspondents is what ran out.
fn quota(json: Option<&Value>) -> String {
    let part = |name: &str| {
        json.and_then(|json| json.get(name))
            .and_then(Value::as_object)
    };
    let Some(status) = part("correspondentsStatus").or_else(|| part("invokeStatus")) else {
        return "monthly quota".to_owned();
    };
    let word = |name: &str| match status.get(name) {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if text.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            text.clone()
        }
        _ => "?".to_owned(),
    };
    format!(
        "{}, {} of {} used",
        word("method"),
        word("used"),
        word("total")
    )
}

/// Takes out what must never be repeated: the token, wherever it stands, and addresses with one.
pub(super) fn redacted(text: &str, token: &SecretString) -> String {
    let token = token.expose_secret();
    let text = if token.is_empty() {
        text.to_owned()
    } else {
        text.replace(token, "[token]")
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("waInstance") {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        out.push_str("[number]");
        let path = |c: char| c.is_ascii_alphanumeric() || "/-_[]{}%.".contains(c);
        rest = found.trim_start_matches(path);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_errors() {
        let token = SecretString::from("s3cr3t");
        let check = |status: u16, body: &str, expect: GreenApiError| {
            let error = GreenApiError::from_answer(status, body.as_bytes(), &token);
            assert_eq!(error, expect, "{status} {body}");
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        };
        let refused = |status, message: &str| GreenApiError::Refused {
            status,
            message: message.to_owned(),
        };
        check(
            400,
            r#"{"message":"instance in starting process try later"}"#,
            GreenApiError::Starting,
        );
        check(
            400,
            r#"{"message":"instance is starting or not authorized"}"#,
            GreenApiError::NotAuthorized,
        );
        check(
            400,
            "instance account not authorized",
            GreenApiError::NotAuthorized,
        );
        check(
            400,
            "Instance account is expired. Renew your instance from personal area",
            GreenApiError::Expired,
        );
        check(400, r#""Instance is deleted""#, GreenApiError::Deleted);
        check(
            400,
            r#"{"status":false,"reason":"bad"}"#,
            refused(400, "bad"),
        );
        check(
            400,
            r#"{"message":["chatId is required","message is required"]}"#,
            refused(400, "chatId is required; message is required"),
        );
        check(
            404,
            r#"{"message":"Cannot GET https://h/waInstance1101/sendMessage/s3cr3t now"}"#,
            refused(404, "Cannot GET https://h/[number] now"),
        );
        check(404, "token s3cr3t", refused(404, "token [token]"));
        let long = format!("{} s3cr3t", "a".repeat(195));
        check(
            422,
            &long,
            refused(422, &format!("{} [tok", "a".repeat(195))),
        );
        check(
            413,
            "<html><body>too large</body></html>",
            refused(413, "an HTML page"),
        );
        check(422, "", refused(422, "no explanation"));
        check(401, "Unauthorized", GreenApiError::BadToken);
        check(
            403,
            "Forbidden",
            GreenApiError::Forbidden {
                message: "Forbidden".into(),
            },
        );
        check(429, "Too Many Requests", GreenApiError::RateLimited);
        check(
            466,
            r#"{"invokeStatus":{"method":"sendMessage","used":5,"total":5,"status":"QUOTE_ALLOWED"},"correspondentsStatus":{"method":"correspondents","used":"3","total":3,"status":"CORRESPONDENTS_QUOTE_EXCEEDED","description":"only these: 79001234567@c.us"}}"#,
            GreenApiError::Quota {
                description: "correspondents, 3 of 3 used".into(),
            },
        );
        check(
            466,
            "",
            GreenApiError::Quota {
                description: "monthly quota".into(),
            },
        );
        check(
            469,
            r#"{"invokeStatus":{"method":"checkWhatsapp","used":100,"total":100}}"#,
            GreenApiError::Quota {
                description: "checkWhatsapp, 100 of 100 used".into(),
            },
        );
        check(
            500,
            "File from url exceeded max upload size. Size: 120mb Limit: 100mb Url: https://x",
            GreenApiError::FileTooLarge,
        );
        for status in [499, 500, 502, 503] {
            check(
                status,
                "Bad Gateway",
                GreenApiError::Ambiguous {
                    why: format!("the provider answered {status}"),
                },
            );
        }
        check(
            302,
            "",
            GreenApiError::Ambiguous {
                why: "the provider answered 302".into(),
            },
        );
    }
}
