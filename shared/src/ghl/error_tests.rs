use serde_json::json;

use super::*;

fn kind(error: &GhlError) -> &'static str {
    match error {
        GhlError::NotSent => "NotSent",
        GhlError::Unauthorized(_) => "Unauthorized",
        GhlError::WrongProvider(_) => "WrongProvider",
        GhlError::Misconfigured(_) => "Misconfigured",
        GhlError::OtherTenant(_) => "OtherTenant",
        GhlError::NotYet(_) => "NotYet",
        GhlError::Gone(_) => "Gone",
        GhlError::RateLimited { .. } => "RateLimited",
        GhlError::Refused { .. } => "Refused",
        GhlError::Unavailable { .. } => "Unavailable",
        GhlError::Ambiguous => "Ambiguous",
        GhlError::NotStored => "NotStored",
        GhlError::Unreadable { .. } => "Unreadable",
        GhlError::InvalidGrant => "InvalidGrant",
        GhlError::LocationInactive => "LocationInactive",
        GhlError::BadCode => "BadCode",
    }
}

fn classified(endpoint: Endpoint, status: u16, body: &[u8]) -> GhlError {
    let status = StatusCode::from_u16(status).unwrap();
    classify(endpoint, status, None, &RateBudget::default(), body)
}

#[test]
fn the_text_decides_where_the_status_does_not() {
    let check = |status: u16, message: &str, expect: &str| {
        let body = json!({"statusCode": status, "message": message}).to_string();
        let error = classified(Endpoint::Api, status, body.as_bytes());
        assert_eq!(kind(&error), expect, "{status} {message:?}");
    };
    check(401, "Invalid JWT", "Unauthorized");
    check(
        401,
        "Invalid token: access token is expired",
        "Unauthorized",
    );
    check(401, "", "Unauthorized");
    check(
        401,
        "The token is not authorized for this scope.",
        "Misconfigured",
    );
    check(
        401,
        "This authClass type is not allowed to access this scope.",
        "Misconfigured",
    );
    check(401, "Token's user type mismatch!", "Misconfigured");
    check(401, "version header was not found.", "Misconfigured");
    check(
        401,
        "No conversation provider found for this message",
        "NotYet",
    );
    check(
        403,
        "No conversation provider found for this message",
        "NotYet",
    );
    check(
        403,
        "The token does not have access to this location.",
        "OtherTenant",
    );
    check(403, "", "Refused");
    check(
        400,
        "Invalid API version segment 'x' at position 0",
        "Misconfigured",
    );
    check(400, "Invalid conversationProviderId", "WrongProvider");
    check(500, "Invalid conversationProviderId", "WrongProvider");
    check(
        400,
        "You don't have access to the conversationProvider with id: x",
        "WrongProvider",
    );
    check(
        404,
        "Cannot PUT /conversations/messages/x/status",
        "Misconfigured",
    );
    check(404, "Contact not found", "Gone");
    check(404, "", "Gone");
    check(400, "Contact with id abc not found", "Gone");
    check(422, "Message does not exist", "Gone");
    check(422, "property additionalEmails should not exist", "Refused");
    check(400, "Location is not active", "LocationInactive");
    check(400, "", "Refused");
    check(413, "Failed to upload the files", "Refused");
    check(302, "", "Refused");
    check(500, "Conversation with id temp not found", "Unavailable");
    check(502, "", "Unavailable");
    check(408, "", "Unavailable");
}

#[test]
fn the_token_endpoint_has_its_own_words() {
    // AC 5, AC 17
    let check = |status: u16, body: Value, expect: &str| {
        let error = classified(Endpoint::Token, status, body.to_string().as_bytes());
        assert_eq!(kind(&error), expect, "{status} {body}");
    };
    check(
        400,
        json!({"message": "Invalid grant: refresh token is invalid"}),
        "InvalidGrant",
    );
    check(400, json!({"error": "invalid_grant"}), "InvalidGrant");
    check(
        400,
        json!({"message": "Location is not active"}),
        "LocationInactive",
    );
    check(
        401,
        json!({"error": "UnAuthorized!", "error_description": "Authorization code not found"}),
        "BadCode",
    );
    check(401, json!({"error": "invalid_client"}), "Misconfigured");
    check(
        422,
        json!({"message": ["property userType should not exist"]}),
        "Refused",
    );
    check(
        500,
        json!({"message": "Invalid grant: refresh token is invalid"}),
        "Unavailable",
    );
}

#[test]
fn a_reason_is_read_from_every_shape_it_comes_in() {
    let check = |body: Value, message: &str, trace_id: Option<&str>| {
        let GhlError::Refused { said, .. } =
            classified(Endpoint::Api, 422, body.to_string().as_bytes())
        else {
            panic!("{body} is a refusal");
        };
        assert_eq!(
            (said.message.as_str(), said.trace_id.as_deref()),
            (message, trace_id),
            "{body}"
        );
    };
    check(json!({"message": "no"}), "no", None);
    check(
        json!({"message": ["a", "b"], "error": "E", "traceId": "t-1"}),
        "a; b",
        Some("t-1"),
    );
    check(
        json!({"error": "E", "error_description": "why"}),
        "why",
        None,
    );
    check(
        json!({"error": {"code": 3, "message": "deep", "traceId": "t2"}}),
        "deep",
        Some("t2"),
    );
    check(json!({"status": 422, "msg": "short"}), "short", None);
    check(json!({"message": {"a": 1}}), "", None);
    check(json!([]), "", None);
    check(json!({"message": "no", "traceId": "a b"}), "no", None);
}

#[test]
fn what_must_not_be_shown_is_taken_out() {
    let check = |text: &str, expect: &str| assert_eq!(presentable(text), expect);
    check("Invalid phone +7 900 123-45-67!", "Invalid phone +…!");
    check("Invalid phone +79001234567", "Invalid phone +…");
    check(
        "8 (900) 123-45-67 is taken, 12 times",
        "… is taken, 12 times",
    );
    check("ana@example.com is taken", "… is taken");
    check(&format!("token {}", "e".repeat(65)), "token …");
    check("at most 300 of 100", "at most 300 of 100");
    check("a\nb\tc", "a b c");
    check(&"wörd ".repeat(100), &"wörd ".repeat(60));
}

#[test]
fn a_limit_tells_how_long_and_whether_it_is_the_days() {
    let check = |budget: RateBudget, retry_after: Option<u64>, expect: (Option<u64>, bool)| {
        let retry_after = retry_after.map(Duration::from_secs);
        let error = classify(
            Endpoint::Api,
            StatusCode::TOO_MANY_REQUESTS,
            retry_after,
            &budget,
            b"<html>",
        );
        let expect = GhlError::RateLimited {
            retry_after: expect.0.map(Duration::from_secs),
            daily: expect.1,
        };
        assert_eq!(error, expect);
    };
    let interval = Some(Duration::from_secs(10));
    let burst = RateBudget {
        interval,
        daily_remaining: Some(5),
        ..RateBudget::default()
    };
    let day = RateBudget {
        interval,
        daily_remaining: Some(0),
        ..RateBudget::default()
    };
    check(RateBudget::default(), None, (None, false));
    check(RateBudget::default(), Some(3), (Some(3), false));
    check(burst, None, (Some(10), false));
    check(burst, Some(3), (Some(3), false));
    check(day, None, (None, true));
    check(day, Some(60), (Some(60), true));
}
