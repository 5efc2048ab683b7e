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

/// Ends an installation of the app; GoHighLevel sends people's browsers here.
#[utoipa::path(
    get, path = "/oauth/callback", tag = "installation", security(()),
    params(("code" = String, Query, description = "The installation's code")),
    responses(
        (status = 200, content_type = "text/html", description = "Installed"),
        (status = 400, content_type = "text/html", description = "No code, or GoHighLevel refuses it"),
        (status = 429, content_type = "application/problem+json", description = "`too_many_requests`"),
        (status = 500, content_type = "text/html", description = "Our tables or secrets do not answer"),
        (status = 502, content_type = "text/html", description = "GoHighLevel does not answer"),
    )
)]
pub fn oauth_callback() {}
