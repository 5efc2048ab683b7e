use serde_json::json;

use crate::domain::ids::{ContactId, LocationId};
use crate::domain::message::{CrmStatus, Direction};
use crate::ghl::contacts::{Contact, Upserted};
use crate::ghl::error::Said;
use crate::ghl::locations::Location;
use crate::ghl::map::status_update;
use crate::ghl::messages::{ExportPage, ExportQuery, ExportedMessage, InboundPost, Posted};
use crate::ghl::test_server::{Call, Reply, Server, hanging_up, http_client, nobody, text};

use super::*;

const TOKEN: &str = "secret-access-token";

fn token() -> SecretString {
    SecretString::from(TOKEN)
}

fn client(base: Url) -> Ghl {
    // Longer than a busy machine needs for anything here.
    Ghl::new(http_client(), base).with_timeout(Duration::from_secs(20))
}

fn post() -> InboundPost {
    InboundPost {
        type_name: "SMS",
        contact_id: ContactId::new("P1"),
        conversation_provider_id: "prov1".into(),
        message: "hi".into(),
        attachments: vec![],
        alt_id: Some("3EB0".into()),
        direction: Direction::In,
        date: None,
    }
}

async fn post_to(base: Url) -> Result<Answer<Posted>, GhlError> {
    client(base).post_inbound(&token(), &post()).await
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    let server = Server::start(Reply::Silence).await;
    let impatient = client(server.base.clone()).with_timeout(Duration::from_millis(300));
    let result = impatient.post_inbound(&token(), &post()).await;
    assert_eq!(result.map(|answer| answer.value), Err(GhlError::Ambiguous));
    assert_eq!(server.calls().len(), 1);
}

fn said(message: &str, trace_id: Option<&str>) -> Said {
    Said {
        message: message.into(),
        trace_id: trace_id.map(str::to_owned),
    }
}

#[tokio::test]
async fn every_way_to_fail_has_its_variant() {
    // AC 16, AC 46, AC 81
    async fn check(reply: Reply, expect: GhlError) {
        let server = Server::start(reply.clone()).await;
        let result = post_to(server.base.clone())
            .await
            .map(|answer| answer.value);
        assert_eq!(result, Err(expect), "{reply:?}");
        assert_eq!(server.calls().len(), 1, "nothing is retried: {reply:?}");
    }
    let json = |status: u16, message: &str| {
        let body = json!({"statusCode": status, "message": message, "traceId": "t1"});
        text(status, &body.to_string())
    };
    let with_trace = |message: &str| said(message, Some("t1"));

    check(
        json(401, "Invalid JWT"),
        GhlError::Unauthorized(with_trace("Invalid JWT")),
    )
    .await;
    let scope = "The token is not authorized for this scope.";
    check(json(401, scope), GhlError::Misconfigured(with_trace(scope))).await;
    let tenant = "The token does not have access to this location.";
    check(json(403, tenant), GhlError::OtherTenant(with_trace(tenant))).await;
    let early = "No conversation provider found for this message";
    check(json(403, early), GhlError::NotYet(with_trace(early))).await;
    check(
        json(400, "Contact not found"),
        GhlError::Gone(with_trace("Contact not found")),
    )
    .await;
    check(
        json(422, "attachments must be an array"),
        GhlError::Refused {
            status: 422,
            said: with_trace("attachments must be an array"),
        },
    )
    .await;
    check(
        text(503, "<html>upstream</html>"),
        GhlError::Unavailable {
            status: 503,
            said: said("", None),
        },
    )
    .await;
    check(
        text(302, ""),
        GhlError::Refused {
            status: 302,
            said: said("", None),
        },
    )
    .await;

    check(
        json(429, "slow"),
        GhlError::RateLimited {
            retry_after: None,
            daily: false,
        },
    )
    .await;
    check(
        Reply::Whole {
            status: 429,
            headers: &[
                ("X-RateLimit-Interval-Milliseconds", "10000"),
                ("X-RateLimit-Daily-Remaining", "17"),
            ],
            body: String::new(),
        },
        GhlError::RateLimited {
            retry_after: Some(Duration::from_secs(10)),
            daily: false,
        },
    )
    .await;
    check(
        Reply::Whole {
            status: 429,
            headers: &[("Retry-After", "3"), ("X-RateLimit-Daily-Remaining", "0")],
            body: String::new(),
        },
        GhlError::RateLimited {
            retry_after: Some(Duration::from_secs(3)),
            daily: true,
        },
    )
    .await;

    check(text(201, ""), GhlError::NotStored).await;
    check(text(200, "{}"), GhlError::NotStored).await;
    check(
        text(200, r#"{"success":true,"messageId":""}"#),
        GhlError::NotStored,
    )
    .await;
    check(
        text(200, r#"{"messageId":"M"#),
        GhlError::Unreadable { status: 200 },
    )
    .await;
    check(
        text(200, "<html>hello</html>"),
        GhlError::Unreadable { status: 200 },
    )
    .await;
    check(text(200, "[]"), GhlError::Unreadable { status: 200 }).await;
    check(
        text(200, &" ".repeat(MAX_ANSWER + 1)),
        GhlError::Unreadable { status: 200 },
    )
    .await;

    check(Reply::Half { status: 200 }, GhlError::Ambiguous).await;
    check(
        Reply::Half { status: 503 },
        GhlError::Unavailable {
            status: 503,
            said: said("", None),
        },
    )
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_told_from_one_that_never_was() {
    let check = async |base: Url, expect: GhlError| {
        assert_eq!(post_to(base).await.map(|answer| answer.value), Err(expect));
    };
    check(hanging_up(), GhlError::Ambiguous).await;
    check(nobody(), GhlError::NotSent).await;
    check(Url::parse("mailto:a@b.example").unwrap(), GhlError::NotSent).await;
}

#[test]
fn only_what_left_may_have_been_done() {
    let check = |error: GhlError, expect: bool| {
        assert_eq!(error.may_have_been_done(), expect, "{error:?}");
    };
    check(GhlError::Ambiguous, true);
    check(
        GhlError::Unavailable {
            status: 503,
            said: Said::default(),
        },
        true,
    );
    check(GhlError::Unreadable { status: 200 }, true);
    check(GhlError::NotSent, false);
    check(GhlError::NotStored, false);
    check(
        GhlError::RateLimited {
            retry_after: None,
            daily: false,
        },
        false,
    );
    check(
        GhlError::Refused {
            status: 422,
            said: Said::default(),
        },
        false,
    );
}

#[tokio::test]
async fn an_answer_brings_what_is_left_of_the_limits() {
    let server = Server::start(Reply::Whole {
        status: 201,
        headers: &[
            ("X-RateLimit-Limit-Daily", "200000"),
            ("X-RateLimit-Daily-Remaining", "199999"),
            ("X-RateLimit-Interval-Milliseconds", "10000"),
            ("X-RateLimit-Max", "100"),
            ("X-RateLimit-Remaining", "ninety"),
        ],
        body: r#"{"success":true,"conversationId":"V1","messageId":"M1","message":"ok"}"#.into(),
    })
    .await;
    let answer = post_to(server.base.clone()).await;
    let expect = Answer {
        value: Posted {
            message_id: "M1".into(),
            conversation_id: Some("V1".into()),
        },
        budget: RateBudget {
            max: Some(100),
            remaining: None,
            interval: Some(Duration::from_secs(10)),
            daily_limit: Some(200_000),
            daily_remaining: Some(199_999),
        },
    };
    assert_eq!(answer, Ok(expect));
}

#[tokio::test]
async fn no_error_shows_the_token() {
    // AC 13, 158
    let check = async |base: Url| {
        let error = post_to(base).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains(TOKEN) && !shown.contains("127.0.0.1"),
            "{shown}"
        );
    };
    check(nobody()).await;
    check(hanging_up()).await;
    let echo = json!({"message": format!("bad token {}", "e".repeat(80))});
    check(Server::start(text(401, &echo.to_string())).await.base).await;
}

/// Makes one call against a server that answers `reply`; gives its result and what arrived.
async fn one_call<T>(reply: Value, call: impl AsyncFnOnce(Ghl) -> T) -> (T, Call) {
    let server = Server::start(text(200, &reply.to_string())).await;
    let value = call(client(server.base.clone())).await;
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    let call = calls[0].clone();
    assert_eq!(
        call.header("authorization"),
        Some("Bearer secret-access-token")
    );
    assert_eq!(call.header("accept"), Some("application/json"));
    (value, call)
}

fn check_call(call: &Call, line: &str, version: &str, body: Value) {
    assert_eq!(format!("{} {}", call.method, call.path), line);
    assert_eq!(call.header("version"), Some(version), "{line}");
    assert_eq!(call.json(), body, "{line}");
}

fn anna() -> Contact {
    Contact {
        id: ContactId::new("P1"),
        has_name: true,
        phone: Some("+79001234567".into()),
        tags: vec!["vip".into()],
    }
}

fn anna_json() -> Value {
    json!({"id": "P1", "name": "Anna (edited)", "phone": "+79001234567", "tags": ["vip"], "dnd": false})
}

#[tokio::test]
async fn contacts_are_upserted_without_tags_and_name() {
    // AC 44, AC 47
    let location = LocationId::new("L1");
    for (country, is_new) in [(None, false), (Some("RU"), true)] {
        let reply = json!({"new": is_new, "contact": anna_json(), "traceId": "t"});
        let (value, call) = one_call(reply, async |ghl| {
            ghl.upsert_contact(&token(), &location, "+79001234567", country)
                .await
        })
        .await;
        assert_eq!(
            value.unwrap().value,
            Upserted {
                contact: anna(),
                is_new
            }
        );
        let mut body = json!({"locationId": "L1", "phone": "+79001234567", "source": "GREEN-API"});
        if let Some(country) = country {
            body["country"] = json!(country);
        }
        check_call(&call, "POST /contacts/upsert", "2021-07-28", body);
    }
    let (value, _) = one_call(json!({"new": true}), async |ghl| {
        ghl.upsert_contact(&token(), &location, "+79001234567", None)
            .await
    })
    .await;
    assert_eq!(value, Err(GhlError::Unreadable { status: 200 }));
}

#[tokio::test]
async fn contacts_are_read_and_changed() {
    // AC 47
    let (location, contact) = (LocationId::new("L1"), ContactId::new("P1"));
    let version = "2021-07-28";

    let (value, call) = one_call(json!({"contact": anna_json()}), async |ghl| {
        ghl.get_contact(&token(), &contact).await
    })
    .await;
    assert_eq!(value.unwrap().value, anna());
    check_call(&call, "GET /contacts/P1", version, Value::Null);

    let (value, call) = one_call(json!({"succeded": true}), async |ghl| {
        ghl.set_contact_name(&token(), &contact, "Anna").await
    })
    .await;
    assert!(value.is_ok());
    check_call(&call, "PUT /contacts/P1", version, json!({"name": "Anna"}));

    let (value, call) = one_call(json!({}), async |ghl| {
        ghl.update_contact_phone(&token(), &contact, "+79001234568")
            .await
    })
    .await;
    assert!(value.is_ok());
    check_call(
        &call,
        "PUT /contacts/P1",
        version,
        json!({"phone": "+79001234568"}),
    );

    let (value, call) = one_call(json!({"tags": ["vip", "a"]}), async |ghl| {
        ghl.add_tags(&token(), &contact, &["a"]).await
    })
    .await;
    assert!(value.is_ok());
    check_call(
        &call,
        "POST /contacts/P1/tags",
        version,
        json!({"tags": ["a"]}),
    );

    for (reply, expect) in [
        (json!({"contact": anna_json()}), Ok(Some(anna()))),
        (json!({"contact": null}), Ok(None)),
        (json!({}), Ok(None)),
        (
            json!({"contact": {"name": "x"}}),
            Err(GhlError::Unreadable { status: 200 }),
        ),
    ] {
        let (value, call) = one_call(reply, async |ghl| {
            ghl.search_duplicate(&token(), &location, "+79001234567")
                .await
        })
        .await;
        assert_eq!(value.map(|answer| answer.value), expect);
        check_call(
            &call,
            "GET /contacts/search/duplicate",
            version,
            Value::Null,
        );
        let query = [("locationId", "L1"), ("number", "+79001234567")];
        assert_eq!(call.query, query.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}

#[tokio::test]
async fn messages_and_statuses_are_told() {
    // AC 44, AC 81
    let reply = json!({"messageId": "M1"});
    let (value, call) =
        one_call(reply, async |ghl| ghl.post_inbound(&token(), &post()).await).await;
    assert_eq!(value.unwrap().value.message_id, "M1");
    let body = json!({
        "type": "SMS", "contactId": "P1", "conversationProviderId": "prov1", "message": "hi",
        "altId": "3EB0", "direction": "inbound",
    });
    check_call(
        &call,
        "POST /conversations/messages/inbound",
        "2021-04-15",
        body,
    );

    let failed = status_update(CrmStatus::Failed, Some("no account"));
    let (value, call) = one_call(json!({}), async |ghl| {
        ghl.put_status(&token(), "M1", &failed).await
    })
    .await;
    assert!(value.is_ok());
    let body = json!({
        "status": "failed",
        "error": {"code": "1", "type": "delivery_failed", "message": "no account"},
    });
    check_call(
        &call,
        "PUT /conversations/messages/M1/status",
        "2021-04-15",
        body,
    );

    // An id of another kind cannot leave its place in the path.
    let read = status_update(CrmStatus::Read, None);
    let (_, call) = one_call(json!({}), async |ghl| {
        ghl.put_status(&token(), "../x?y#z", &read).await
    })
    .await;
    assert_eq!(call.path, "/conversations/messages/..%2Fx%3Fy%23z/status");
}

#[tokio::test]
async fn messages_are_listed() {
    let export = |query: ExportQuery, reply: Value| async move {
        one_call(reply, async |ghl| {
            ghl.export_messages(&token(), &query).await
        })
        .await
    };
    let query = ExportQuery {
        location: LocationId::new("L1"),
        contact: None,
        start_ms: None,
        cursor: None,
    };
    let message = json!({
        "id": "M1", "altId": "3EB0", "direction": "inbound", "body": "hi", "status": "delivered",
        "contactId": "P1", "conversationId": "V1", "dateAdded": "2026-11-20T12:00:01.250Z",
        "conversationProviderId": "prov1", "messageType": "TYPE_CUSTOM_PROVIDER_SMS", "type": 22,
        "attachments": ["https://x.example/a.png"], "locationId": "L1", "contentType": "text/plain",
    });
    let expect = ExportPage {
        messages: vec![ExportedMessage {
            id: "M1".into(),
            alt_id: Some("3EB0".into()),
            direction: Some(Direction::In),
            body: "hi".into(),
            status: Some("delivered".into()),
            contact: Some(ContactId::new("P1")),
            conversation_id: Some("V1".into()),
            at_ms: Some(1_795_176_001_250),
            provider_id: Some("prov1".into()),
            message_type: Some("TYPE_CUSTOM_PROVIDER_SMS".into()),
            user_id: None,
            attachments: vec!["https://x.example/a.png".into()],
        }],
        next_cursor: Some("abc=".into()),
    };
    let page = json!({"messages": [message, {"body": "no id"}], "nextCursor": "abc=", "total": 2});
    let (value, call) = export(query.clone(), page.clone()).await;
    assert_eq!(value.unwrap().value, expect);
    check_call(
        &call,
        "GET /conversations/messages/export",
        "2021-04-15",
        Value::Null,
    );
    let pairs = [
        ("locationId", "L1"),
        ("limit", "100"),
        ("sortBy", "createdAt"),
        ("sortOrder", "asc"),
    ];
    assert_eq!(call.query, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));

    let narrow = ExportQuery {
        contact: Some(ContactId::new("P1")),
        start_ms: Some(1_795_176_001_250),
        cursor: Some("abc=".into()),
        ..query.clone()
    };
    let (value, call) = export(narrow, json!({"messages": page})).await;
    assert_eq!(value.unwrap().value, expect);
    let pairs = [
        ("contactId", "P1"),
        ("startDate", "2026-11-20T12:00:01.250Z"),
        ("cursor", "abc="),
    ];
    assert_eq!(
        call.query[4..],
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned()))
    );

    let last = json!({"messages": [], "nextCursor": null, "total": 0});
    let (value, _) = export(query.clone(), last).await;
    assert_eq!(
        value.unwrap().value,
        ExportPage {
            messages: vec![],
            next_cursor: None
        }
    );
    let (value, _) = export(query, json!({"error": "x"})).await;
    assert_eq!(value, Err(GhlError::Unreadable { status: 200 }));
}

#[tokio::test]
async fn a_location_tells_its_country() {
    let location = LocationId::new("L1");
    let get = async |ghl: Ghl| ghl.get_location(&token(), &location).await;
    let reply = json!({"location": {"id": "L1", "name": "Shop", "timezone": "Europe/Riga", "country": "LV"}});
    let (value, call) = one_call(reply, get).await;
    let expect = Location {
        name: Some("Shop".into()),
        timezone: Some("Europe/Riga".into()),
        country: Some("LV".into()),
    };
    assert_eq!(value.unwrap().value, expect);
    check_call(&call, "GET /locations/L1", "2021-07-28", Value::Null);
    let (value, _) = one_call(json!({}), get).await;
    assert_eq!(value, Err(GhlError::Unreadable { status: 200 }));
}
