use serde_json::json;

use crate::ghl::test_server::{
    Reply, Server, hanging_up, http_client, json as reply_json, nobody, text,
};

use super::*;

fn app(base: Url) -> OAuth {
    OAuth::new(
        http_client(),
        base,
        "66f0aa-k1k2k3k4".into(),
        SecretString::from("app-secret"),
        "https://app.example/oauth/callback".into(),
    )
    .with_timeout(Duration::from_secs(20))
}

fn answer() -> Value {
    json!({
        "access_token": "a", "token_type": "Bearer", "expires_in": 86399, "refresh_token": "r",
        "scope": "contacts.readonly", "userType": "Location", "companyId": "C1",
        "locationId": "L1", "userId": "U1", "isBulkInstallation": false,
    })
}

#[tokio::test]
async fn a_code_becomes_tokens_with_one_form() {
    // AC 1
    let server = Server::start(reply_json(200, answer())).await;
    let tokens = app(server.base.clone()).exchange("X").await.unwrap();
    assert_eq!(tokens.access.expose_secret(), "a");
    assert_eq!(tokens.refresh.expose_secret(), "r");
    assert_eq!(tokens.expires_in_s, 86_399);
    assert_eq!(tokens.location, Some(LocationId::new("L1")));
    assert_eq!(tokens.company, Some(CompanyId::new("C1")));
    assert!(!tokens.is_agency());
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].method.as_str(), calls[0].path.as_str()),
        ("POST", "/oauth/token")
    );
    assert_eq!(
        calls[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(calls[0].header("version"), None);
    assert_eq!(calls[0].header("authorization"), None);
    let form = [
        ("client_id", "66f0aa-k1k2k3k4"),
        ("client_secret", "app-secret"),
        ("grant_type", "authorization_code"),
        ("code", "X"),
        ("user_type", "Location"),
        ("redirect_uri", "https://app.example/oauth/callback"),
    ];
    assert_eq!(
        calls[0].form(),
        form.map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
}

#[tokio::test]
async fn a_refresh_asks_for_the_same_class_of_token() {
    // AC 14
    for (user_type, word) in [
        (UserType::Location, "Location"),
        (UserType::Company, "Company"),
    ] {
        let server = Server::start(reply_json(200, answer())).await;
        let old = SecretString::from("old/+=");
        let tokens = app(server.base.clone())
            .refresh(&old, user_type)
            .await
            .unwrap();
        assert_eq!(tokens.refresh.expose_secret(), "r");
        let form = server.calls()[0].form();
        let value = |key: &str| form.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!(value("grant_type"), Some("refresh_token"));
        assert_eq!(value("refresh_token"), Some("old/+="));
        assert_eq!(value("user_type"), Some(word));
        assert_eq!(value("code"), None);
    }
}

#[tokio::test]
async fn every_way_to_fail_has_its_variant_and_is_tried_once() {
    // AC 5, AC 16, AC 17
    async fn check(reply: Reply, expect: GhlError) {
        let server = Server::start(reply.clone()).await;
        let old = SecretString::from("old");
        let error = app(server.base.clone())
            .refresh(&old, UserType::Location)
            .await
            .unwrap_err();
        assert_eq!(error, expect, "{reply:?}");
        assert_eq!(
            server.calls().len(),
            1,
            "a refresh token works once: {reply:?}"
        );
    }
    let message = |text: &str| json!({"statusCode": 400, "message": text});
    check(
        reply_json(400, message("Invalid grant: refresh token is invalid")),
        GhlError::InvalidGrant,
    )
    .await;
    check(
        reply_json(400, json!({"error": "invalid_grant"})),
        GhlError::InvalidGrant,
    )
    .await;
    check(
        reply_json(400, message("Location is not active")),
        GhlError::LocationInactive,
    )
    .await;
    check(
        reply_json(
            401,
            json!({"error": "UnAuthorized!", "error_description": "Authorization code not found"}),
        ),
        GhlError::BadCode,
    )
    .await;
    check(
        reply_json(429, json!({})),
        GhlError::RateLimited {
            retry_after: None,
            daily: false,
        },
    )
    .await;
    check(
        text(502, "<html>"),
        GhlError::Unavailable {
            status: 502,
            said: Default::default(),
        },
    )
    .await;
    check(text(200, "<html>"), GhlError::Unreadable { status: 200 }).await;
    check(text(200, ""), GhlError::Unreadable { status: 200 }).await;
    check(
        reply_json(200, json!({"access_token": "a"})),
        GhlError::Unreadable { status: 200 },
    )
    .await;
    check(Reply::Half { status: 200 }, GhlError::Ambiguous).await;
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for_and_not_asked_for_again() {
    let server = Server::start(Reply::Silence).await;
    let impatient = app(server.base.clone()).with_timeout(Duration::from_millis(300));
    let old = SecretString::from("old");
    let error = impatient
        .refresh(&old, UserType::Location)
        .await
        .unwrap_err();
    assert_eq!(error, GhlError::Ambiguous);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_refresh_that_never_left_is_told_from_a_lost_one() {
    let check = async |base: Url, expect: GhlError| {
        assert_eq!(app(base).exchange("X").await.unwrap_err(), expect);
    };
    check(nobody(), GhlError::NotSent).await;
    check(hanging_up(), GhlError::Ambiguous).await;
}

#[test]
fn the_answer_says_whose_token_it_is() {
    // AC 6
    let check = |changes: Value, expect: Option<(UserType, bool, Option<&str>)>| {
        let mut answer = answer();
        for (key, value) in changes.as_object().unwrap() {
            answer[key] = value.clone();
        }
        let tokens = token_set(&answer);
        let seen = tokens.as_ref().map(|tokens| {
            (
                tokens.user_type,
                tokens.is_agency(),
                tokens.location.as_ref().map(LocationId::as_str),
            )
        });
        assert_eq!(seen, expect, "{changes}");
    };
    check(json!({}), Some((UserType::Location, false, Some("L1"))));
    check(
        json!({"locationId": null}),
        Some((UserType::Location, false, None)),
    );
    check(
        json!({"userType": "Company", "locationId": null, "isBulkInstallation": true}),
        Some((UserType::Company, true, None)),
    );
    check(
        json!({"isBulkInstallation": true}),
        Some((UserType::Location, false, Some("L1"))),
    );
    check(
        json!({"isBulkInstallation": true, "locationId": null}),
        Some((UserType::Location, true, None)),
    );
    check(
        json!({"userType": null}),
        Some((UserType::Location, false, Some("L1"))),
    );
    check(
        json!({"userType": null, "locationId": ""}),
        Some((UserType::Location, false, None)),
    );
    check(
        json!({"locationId": "a/b"}),
        Some((UserType::Location, false, None)),
    );
    check(
        json!({"expires_in": "86399"}),
        Some((UserType::Location, false, Some("L1"))),
    );
    check(json!({"userType": "Robot"}), None);
    check(json!({"expires_in": -1}), None);
    check(json!({"refresh_token": ""}), None);
    check(json!({"access_token": null}), None);
}

#[test]
fn tokens_do_not_print() {
    // AC 13
    let shown = format!(
        "{:?}",
        token_set(&json!({
            "access_token": "sesame", "refresh_token": "sesame", "expires_in": 1,
        }))
    );
    assert!(
        shown.contains("expires_in_s: 1") && !shown.contains("sesame"),
        "{shown}"
    );
    let shown = format!("{:?}", app(nobody()));
    assert!(!shown.contains("app-secret"), "{shown}");
}

#[test]
fn people_are_sent_to_the_picker_with_both_ids() {
    let consent = Url::parse(CONSENT).unwrap();
    let redirect = Url::parse("https://app.example/oauth/callback").unwrap();
    let scopes = ["a.readonly", "b/c.write"];
    let url = authorize_url(&consent, "66f0aa-k1k2k3k4", &redirect, &scopes);
    assert_eq!(
        url.as_str(),
        "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code\
        &client_id=66f0aa-k1k2k3k4&redirect_uri=https%3A%2F%2Fapp.example%2Foauth%2Fcallback\
        &scope=a.readonly+b%2Fc.write&version_id=66f0aa"
    );
}
