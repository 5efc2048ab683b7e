use std::time::Duration;

use serde_json::json;

use crate::ghl::oauth::UserType;
use crate::ghl::test_server::{Server, http_client, json as reply_json};

use super::*;

fn api(server: &Server) -> Ghl {
    Ghl::new(http_client(), server.base.clone()).with_timeout(Duration::from_secs(20))
}

fn company() -> CompanyId {
    CompanyId::new("C1")
}

#[tokio::test]
async fn an_agencys_locations_are_asked_for_page_by_page() {
    // AC 7, AC 8
    let answer = json!({
        "locations": [
            { "_id": "L1", "name": "One", "address": "Street 1", "isInstalled": true },
            { "_id": "L2", "name": "", "address": null },
            { "_id": "L3", "name": "Three", "isInstalled": false },
            { "_id": "not/an/id", "name": "Four", "isInstalled": true },
        ],
        "count": 4,
    });
    let server = Server::start(reply_json(200, answer)).await;
    let token = SecretString::from("t");
    let page = api(&server)
        .installed_locations(&token, &company(), "app1", Which::From(200))
        .await
        .unwrap()
        .value;
    let location = |id: &str, name: Option<&str>, address: Option<&str>| InstalledLocation {
        location: LocationId::new(id),
        name: name.map(str::to_owned),
        address: address.map(str::to_owned),
    };
    let expect = [
        location("L1", Some("One"), Some("Street 1")),
        location("L2", None, None),
    ];
    assert_eq!(page.locations, expect);
    assert_eq!((page.n_entries, page.is_last), (4, true));

    let one = LocationId::new("L9");
    api(&server)
        .installed_locations(&token, &company(), "app1", Which::One(&one))
        .await
        .unwrap();

    let calls = server.calls();
    assert_eq!(calls[0].path, "/oauth/installedLocations");
    assert_eq!(calls[0].header("version"), Some("2021-07-28"));
    assert_eq!(calls[0].header("authorization"), Some("Bearer t"));
    let query = |n: usize, last: (&str, &str)| {
        let common = [
            ("companyId", "C1"),
            ("appId", "app1"),
            ("isInstalled", "true"),
            ("limit", "100"),
        ];
        let expect = common.into_iter().chain([last]);
        let expect: Vec<_> = expect.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        assert_eq!(calls[n].query, expect);
    };
    query(0, ("skip", "200"));
    query(1, ("locationId", "L9"));
}

#[test]
fn a_page_says_whether_it_is_the_last() {
    // AC 8
    let check = |n: usize, count: Value, skip: usize, expect: bool| {
        let entries: Vec<_> = (0..n).map(|n| json!({ "_id": format!("L{n}") })).collect();
        let page = installed_page(&json!({ "locations": entries, "count": count }), skip).unwrap();
        assert_eq!(page.is_last, expect, "{n} from {skip} of {count}");
    };
    check(0, json!(0), 0, true);
    check(2, json!(2), 0, true);
    check(2, Value::Null, 0, true);
    check(100, json!(250), 0, false);
    check(100, json!(250), 100, false);
    check(50, json!(250), 200, true);
    check(50, json!("250"), 200, true);
    // The limit was not kept to.
    check(20, json!(250), 0, false);
    check(20, Value::Null, 0, true);
    // The count is of the page, or of all locations, with the app or without.
    check(100, json!(100), 0, false);
    check(50, json!(50), 200, true);
    check(30, json!(1231), 200, false);
    check(0, json!(1231), 230, true);
    assert!(installed_page(&json!({ "items": [] }), 0).is_none());
}

#[tokio::test]
async fn a_sub_accounts_tokens_are_made_of_an_agencys() {
    // AC 7
    let answer = json!({
        "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 86_400,
        "scope": "x", "userType": "Location", "companyId": "C1", "locationId": "L1",
    });
    let changed = |name: &str, value: Value| {
        let mut answer = answer.clone();
        answer[name] = value;
        answer
    };
    let location = LocationId::new("L1");
    let check = async |status: u16, answer: Value, expect: Result<(), GhlError>| {
        let server = Server::start(reply_json(status, answer.clone())).await;
        let token = SecretString::from("t");
        let made = api(&server)
            .location_token(&token, &company(), &location)
            .await;
        let calls = server.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(
            (calls[0].method.as_str(), calls[0].path.as_str()),
            ("POST", "/oauth/locationToken")
        );
        assert_eq!(calls[0].header("version"), Some("2021-07-28"));
        let form = [("companyId", "C1"), ("locationId", "L1")];
        let form = form.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(calls[0].form(), form);
        let tokens = made.map(|answer| answer.value);
        if let Ok(tokens) = &tokens {
            assert_eq!(tokens.location, Some(LocationId::new("L1")));
            assert_eq!(tokens.company, Some(company()));
            assert_eq!(tokens.user_type, UserType::Location);
        }
        assert_eq!(tokens.map(|_| ()), expect, "{answer}");
    };
    check(200, answer.clone(), Ok(())).await;
    check(201, answer.clone(), Ok(())).await;
    check(201, changed("locationId", Value::Null), Ok(())).await;
    let unreadable = Err(GhlError::Unreadable { status: 200 });
    check(201, changed("locationId", json!("L2")), unreadable.clone()).await;
    check(201, changed("userType", json!("Company")), unreadable).await;
    let paused = json!({ "statusCode": 400, "message": "Location is not active" });
    check(400, paused, Err(GhlError::LocationInactive)).await;
}

#[tokio::test]
async fn the_locations_sms_providers_are_read_in_the_newest_version() {
    let entry = |id: &str, default: serde_json::Value| json!({ "conversationProvider": { "_id": id, "name": "X", "type": "SMS", "default": default } });
    let check = async |answer: serde_json::Value, expect: Option<&[(&str, Option<bool>)]>| {
        let server = Server::start(reply_json(200, answer.clone())).await;
        let token = SecretString::from("t");
        let told = api(&server)
            .sms_providers(&token, &LocationId::new("L1"))
            .await;
        let told = told.ok().map(|answer| answer.value);
        let told: Option<Vec<_>> = told.as_ref().map(|all| {
            all.iter()
                .map(|it| (it.id.as_str(), it.is_default))
                .collect()
        });
        assert_eq!(told.as_deref(), expect, "{answer}");
        let call = &server.calls()[0];
        assert_eq!(call.path, "/locations/L1/conversationChannels/SMS");
        assert_eq!(call.header("version"), Some("v3"));
    };
    let both = [entry("a", json!(true)), entry("b", json!(null))];
    check(
        json!({ "conversationChannel": { "SMS": both } }),
        Some(&[("a", Some(true)), ("b", None)]),
    )
    .await;
    // What was chosen says more than what an entry says of itself.
    check(
        json!({ "conversationChannel": { "SMS": both, "defaults": { "SMS": "b" } } }),
        Some(&[("a", Some(false)), ("b", Some(true))]),
    )
    .await;
    check(json!({ "conversationChannel": {} }), Some(&[])).await;
    check(
        json!({ "conversationChannel": { "SMS": [entry("", json!(true)), 1, null] } }),
        Some(&[]),
    )
    .await;
    check(json!({}), None).await;
    check(json!("x"), None).await;
}
