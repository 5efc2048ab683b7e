//! A form with a file, as Telegram takes uploads.
//!
//! By hand, because the HTTP client's own brings a table of a thousand file endings along, and what
//! a file is has been found out by its content long before.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::Value;

use crate::crypto;

/// A form's body and its content type.
pub(super) struct Form {
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// The fields of `fields` (numbers and objects as JSON, texts as they are) and one file.
pub(super) fn form(fields: &Value, field: &str, name: &str, mime: &str, bytes: &Bytes) -> Form {
    let boundary = format!("greenhub-{}", crypto::random_token(16));
    let mut body = BytesMut::with_capacity(bytes.len() + 4096);
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.put(head.as_bytes());
        body.put(text.as_bytes());
        body.put(&b"\r\n"[..]);
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{}\"\r\n\
         Content-Type: {}\r\n\r\n",
        quoted(name),
        one_line(mime),
    );
    body.put(head.as_bytes());
    body.put(bytes.as_ref());
    body.put(format!("\r\n--{boundary}--\r\n").as_bytes());
    Form {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        body: body.freeze(),
    }
}

/// As browsers write a name between quotes.
fn quoted(name: &str) -> String {
    one_line(name).replace('"', "%22")
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place() {
        let form = form(
            &json!({ "chat_id": -1001, "caption": "a\r\n--b" }),
            "document",
            "a\"\r\nX: y.pdf",
            "application/pdf\r\nX: z",
            &Bytes::from_static(b"PDF"),
        );
        let text = String::from_utf8(form.body.to_vec()).unwrap();
        let boundary = form.content_type.split("boundary=").nth(1).unwrap();
        let expect = "--B\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\na\r\n--b\r\n\
             --B\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n-1001\r\n\
             --B\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a%22X: y.pdf\"\r\n\
             Content-Type: application/pdfX: z\r\n\r\nPDF\r\n--B--\r\n";
        assert_eq!(text.replace(boundary, "B"), expect);
    }
}
