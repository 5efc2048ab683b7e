//! The other functions' routes. Nothing here is called: these are descriptions.

/// A notification of GREEN-API, for one number.
#[utoipa::path(
    post, path = "/webhooks/green-api/{key}", tag = "webhooks", security(()),
    params(
        ("key" = String, Path, description = "The secret part of the number's address"),
        ("Authorization" = String, Header, description = "`Bearer` and the number's webhook token"),
    ),
    request_body(content = Object, description = "A notification as GREEN-API sends it"),
    responses(
        (status = 200, description = "Taken, now or before"),
        (status = 401, description = "Not this number's address and token"),
        (status = 500, description = "Not taken; GREEN-API sends it again"),
    )
)]
pub fn green_api_webhook() {}

/// The same at the address of numbers that were set up for the product before this one.
#[utoipa::path(
    post, path = "/webhooks/green-api", tag = "webhooks", security(()),
    params(("Authorization" = String, Header, description = "`Bearer` and the number's webhook token")),
    request_body(content = Object, description = "A notification as GREEN-API sends it"),
    responses(
        (status = 200, description = "Taken, now or before"),
        (status = 401, description = "Not the token of the number that the body names"),
        (status = 500, description = "Not taken; GREEN-API sends it again"),
    )
)]
pub fn old_green_api_webhook() {}

/// An update of Telegram's.
#[utoipa::path(
    post, path = "/webhooks/telegram", tag = "webhooks", security(()),
    params(("X-Telegram-Bot-Api-Secret-Token" = String, Header, description = "The secret that Telegram was given")),
    request_body(content = Object, description = "An update as Telegram sends it"),
    responses(
        (status = 200, description = "Taken, now or before, or not for us"),
        (status = 401, description = "Not Telegram's"),
        (status = 500, description = "Not taken; Telegram sends it again"),
    )
)]
pub fn telegram_webhook() {}

/// A message to deliver, or an event of the app; GoHighLevel signs both.
#[utoipa::path(
    post, path = "/webhooks/ghl", tag = "webhooks", security(()),
    params(("X-GHL-Signature" = String, Header, description = "Ed25519 over the body, in base64")),
    request_body(content = Object, description = "A body as GoHighLevel sends it"),
    responses(
        (status = 200, description = "Taken, now or before, or not for us"),
        (status = 401, description = "Not signed by GoHighLevel"),
        (status = 429, description = "Not taken; GoHighLevel sends it again"),
    )
)]
pub fn ghl_webhook() {}

/// A message for the app as the location's default SMS provider; GoHighLevel signs it.
#[utoipa::path(
    post, path = "/webhooks/ghl/sms", tag = "webhooks", security(()),
    params(("X-GHL-Signature" = String, Header, description = "Ed25519 over the body, in base64")),
    request_body(content = Object, description = "A body as GoHighLevel sends it"),
    responses(
        (status = 200, description = "Taken, now or before, or not for us"),
        (status = 401, description = "Not signed by GoHighLevel"),
        (status = 429, description = "Not taken; GoHighLevel sends it again"),
    )
)]
pub fn ghl_sms_webhook() {}

/// What a workflow wants to have sent: a text, a file, or buttons (`docs/workflow-actions.md`).
#[utoipa::path(
    post, path = "/webhooks/workflow-action", tag = "webhooks", security(()),
    params(
        ("Authorization" = String, Header, description = "The location's workflow secret, as it stands or after `Bearer`; a field `secret` of `data` does as well"),
        ("locationid" = String, Header, description = "The location that runs the workflow"),
        ("contactphone" = String, Header, description = "The contact's phone as GoHighLevel has it"),
    ),
    request_body(content = Object, description = "`data`, `extras` and `meta` as GoHighLevel sends them"),
    responses(
        (status = 200, body = Object, description = "Taken, now or before: `success`, `messageId`, `contactId`, `warning`"),
        (status = 400, body = Object, description = "Something is missing or wrong, and nothing was sent: `success`, `error`"),
        (status = 401, body = Object, description = "Not the location's secret"),
        (status = 413, body = Object, description = "The body has more than 256 kB"),
        (status = 429, body = Object, description = "Not taken; to be sent again"),
    )
)]
pub fn workflow_action() {}

/// Ends an installation of the app; GoHighLevel sends people's browsers here. After an agency's
/// installation the cookie `installation` lets the same browser see how far it is, without a code.
#[utoipa::path(
    get, path = "/oauth/callback", tag = "installation", security(()),
    params(
        ("code" = Option<String>, Query, description = "The installation's code"),
        ("state" = Option<String>, Query, description = "What `POST /api/install-link` put into the address, if that began it"),
    ),
    responses(
        (status = 200, content_type = "text/html", description = "Installed; for an agency the report about its sub-accounts"),
        (status = 400, content_type = "text/html", description = "No code, or GoHighLevel refuses it"),
        (status = 429, content_type = "application/problem+json", description = "`too_many_requests`"),
        (status = 500, content_type = "text/html", description = "Our tables or secrets do not answer"),
        (status = 502, content_type = "text/html", description = "GoHighLevel does not answer"),
    )
)]
pub fn oauth_callback() {}

/// Leads to a file. Whoever has its address has the file.
#[utoipa::path(
    get, path = "/f/{token}/{name}", tag = "files", security(()),
    params(
        ("token" = String, Path, description = "What finds the file; nobody can guess it"),
        ("name" = String, Path, description = "For people, and for programs that go by the ending"),
    ),
    responses(
        (status = 302, description = "To the file, at an address that works for an hour"),
        (status = 404, content_type = "text/html", description = "No such file, or one that could not be fetched, with a way to ask for it again"),
        (status = 500, content_type = "text/html", description = "Our table or bucket does not answer"),
        (status = 503, content_type = "text/html", description = "It is being fetched"),
    )
)]
pub fn file() {}

/// What kind of file it is, without the file.
#[utoipa::path(
    head, path = "/f/{token}/{name}", tag = "files", security(()),
    params(
        ("token" = String, Path, description = "What finds the file"),
        ("name" = String, Path, description = "Decides nothing"),
    ),
    responses(
        (status = 200, description = "It is there; its type and name are in the headers"),
        (status = 404, description = "It is not"),
        (status = 500, description = "Our table does not answer"),
    )
)]
pub fn about_file() {}

/// Asks WhatsApp once more for a file that could not be fetched; in vain within a minute.
#[utoipa::path(
    post, path = "/f/{token}/{name}", tag = "files", security(()),
    params(
        ("token" = String, Path, description = "What finds the file"),
        ("name" = String, Path, description = "Decides nothing"),
    ),
    responses(
        (status = 303, description = "Back to the page, which tells how it stands"),
        (status = 404, content_type = "text/html", description = "No such file"),
        (status = 500, content_type = "text/html", description = "Our table does not answer"),
    )
)]
pub fn fetch_file_again() {}
