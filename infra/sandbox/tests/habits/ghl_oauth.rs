//! OAuth of GHL.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{COMPANY, L1, L2, World, answer, world};

#[tokio::test]
async fn a_code_works_once() {
    let w = world(0.01).await;
    let code = w.consent(&format!("location_id={L1}")).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    let (status, body) = w.token(&fields).await;
    assert_eq!(status, 200);
    assert_eq!(body["userType"], "Location");
    assert_eq!(body["locationId"], L1);
    assert_eq!(body["companyId"], COMPANY);
    assert_eq!(body["expires_in"], 86_399);
    let gone =
        json!({ "error": "UnAuthorized!", "error_description": "Authorization code not found" });
    assert_eq!(w.token(&fields).await, (401, gone.clone()));
    let nonsense = [
        ("grant_type", "authorization_code"),
        ("code", "nonsense"),
        ("client_secret", "x"),
    ];
    assert_eq!(
        w.token(&nonsense).await,
        (401, gone),
        "the code is looked at first"
    );
}

#[tokio::test]
async fn token_requests_are_checked() {
    let w = world(0.01).await;
    type Case = (&'static [(&'static str, &'static str)], u16, &'static str);
    let cases: [Case; 4] = [
        (
            &[("grant_type", "refresh_token"), ("userType", "Location")],
            422,
            "property userType should not exist",
        ),
        (
            &[("grant_type", "password")],
            422,
            "grant_type must be one of",
        ),
        (
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", "x"),
                ("client_secret", "wrong"),
            ],
            401,
            "Invalid client",
        ),
        (
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            400,
            "Invalid grant: refresh token is invalid",
        ),
    ];
    for (fields, status, text) in cases {
        let (got, body) = w.token(fields).await;
        assert_eq!(got, status, "{fields:?} {body}");
        assert!(body.to_string().contains(text), "{body}");
    }
}

async fn refresh(w: &World, token: &Value) -> (u16, Value) {
    w.token(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
    ])
    .await
}

/// Single use, without a grace window; the access tokens of before still work.
#[tokio::test]
async fn refresh_tokens_rotate() {
    let w = world(0.01).await;
    let first = w.install(L1).await;
    let (status, second) = refresh(&w, &first["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (status, body) = refresh(&w, &first["refresh_token"]).await;
    assert_eq!(
        (status, &body["message"]),
        (400, &json!("Invalid grant: refresh token is invalid"))
    );
    assert_eq!(refresh(&w, &second["refresh_token"]).await.0, 200);
    let old = first["access_token"].as_str().unwrap();
    assert_eq!(w.ghl_get(old, &format!("/locations/{L1}")).await.0, 200);
}

/// A suspended location refuses without using the token up.
#[tokio::test]
async fn a_suspended_location_keeps_its_token() {
    let w = world(0.01).await;
    let token = w.install(L1).await;
    let path = format!("/ghl/{L1}/active");
    w.control(Method::PUT, &path, Some(json!({ "active": false })))
        .await;
    let (status, body) = refresh(&w, &token["refresh_token"]).await;
    assert_eq!(
        (status, &body["message"]),
        (400, &json!("Location is not active"))
    );
    w.control(Method::PUT, &path, Some(json!({ "active": true })))
        .await;
    assert_eq!(refresh(&w, &token["refresh_token"]).await.0, 200);
}

#[tokio::test]
async fn expired_tokens_are_refused_until_refreshed() {
    let w = world(0.01).await;
    let token = w.install(L1).await;
    let access = token["access_token"].as_str().unwrap();
    w.control(Method::POST, &format!("/ghl/{L1}/expire-tokens"), None)
        .await;
    let (status, body) = w.ghl_get(access, &format!("/locations/{L1}")).await;
    assert_eq!((status, &body["message"]), (401, &json!("Invalid JWT")));
    let fresh = refresh(&w, &token["refresh_token"]).await.1;
    let access = fresh["access_token"].as_str().unwrap();
    assert_eq!(w.ghl_get(access, &format!("/locations/{L1}")).await.0, 200);
}

/// An agency's consent gives a company token, which mints one per location.
#[tokio::test]
async fn company_tokens_mint_location_tokens() {
    let w = world(0.01).await;
    let code = w.consent("company_id=any").await;
    let company = w
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("user_type", "Location"),
        ])
        .await
        .1;
    assert_eq!(company["userType"], "Company");
    assert_eq!(company["isBulkInstallation"], true);
    assert!(company.get("locationId").is_none());
    let access = company["access_token"].as_str().unwrap();
    let app = greenhub_sandbox::SandboxConfig::default().ghl.app_id;
    let path = format!(
        "/oauth/installedLocations?companyId={COMPANY}&appId={app}&isInstalled=true&limit=1&skip=1"
    );
    let (status, list) = w.ghl_get(access, &path).await;
    assert_eq!(status, 200, "{list}");
    assert_eq!(list["count"], 2);
    assert_eq!(list["locations"][0]["_id"], L2);
    let mint = |location: &str| {
        let form = [
            ("companyId", COMPANY.to_owned()),
            ("locationId", location.to_owned()),
        ];
        answer(
            w.ghl(access, Method::POST, "/oauth/locationToken")
                .form(&form),
        )
    };
    let (status, minted) = mint(L2).await;
    assert_eq!(status, 201);
    assert_eq!(
        (&minted["userType"], &minted["locationId"]),
        (&json!("Location"), &json!(L2))
    );
    assert_eq!(mint("NoSuchLocation000000").await.0, 403);
    let minted = minted["access_token"].as_str().unwrap();
    assert_eq!(w.ghl_get(minted, &format!("/locations/{L2}")).await.0, 200);
    assert_eq!(
        w.ghl_get(minted, &format!("/locations/{L1}")).await.0,
        403,
        "another location"
    );
    let (status, body) = w.ghl_get(access, &format!("/locations/{L1}")).await;
    assert_eq!(status, 401, "a company token is of the wrong class: {body}");
}

async fn company_token(w: &World, pick: &str) -> Value {
    let code = w.consent(pick).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    w.token(&fields).await.1
}

/// Pages of 20 unless asked otherwise, and a query without anything that is not documented (GHL
/// contract, agency to location token).
#[tokio::test]
async fn installed_locations_come_in_pages() {
    let w = world(0.01).await;
    for n in 0..128 {
        let body = json!({ "locationId": format!("Lo{n:03}"), "name": format!("Branch {n}") });
        w.control(Method::POST, "/ghl/locations", Some(body)).await;
    }
    let token = company_token(&w, "company_id=any").await;
    let access = token["access_token"].as_str().unwrap();
    let app = greenhub_sandbox::SandboxConfig::default().ghl.app_id;
    let page = async |more: &str| {
        let path = format!("/oauth/installedLocations?companyId={COMPANY}&appId={app}{more}");
        w.ghl_get(access, &path).await
    };
    let check = async |more: &str, expect: usize| {
        let (status, list) = page(more).await;
        assert_eq!(status, 200, "{more}: {list}");
        assert_eq!(
            list["locations"].as_array().unwrap().len(),
            expect,
            "{more}"
        );
        assert_eq!(list["count"], 130);
    };
    check("", 20).await;
    check("&limit=100&isInstalled=true", 100).await;
    check("&limit=100&skip=100", 30).await;
    check("&limit=100&skip=200", 0).await;
    let (_, one) = page("&locationId=Lo007").await;
    assert_eq!(one["locations"][0]["name"], "Branch 7");
    for refused in ["&pageSize=100", "&skip=x", "&limit=-1"] {
        assert_eq!(page(refused).await.0, 422, "{refused}");
    }
    let (status, _) = w
        .ghl_get(access, "/oauth/installedLocations?companyId=Co1&appId=x")
        .await;
    assert_eq!(status, 403);
}

/// An agency picks sub-accounts; others have no app, and no token (GHL contract, which token comes
/// back).
#[tokio::test]
async fn an_agency_may_pick_some_of_its_locations() {
    let w = world(0.01).await;
    let token = company_token(&w, &format!("company_id=any&locations={L2}")).await;
    assert_eq!(token["approvedLocations"], json!([L2]));
    assert_eq!(token["approveAllLocations"], false);
    let access = token["access_token"].as_str().unwrap();
    for (location, status) in [(L1, 403), (L2, 201)] {
        let form = [("companyId", COMPANY), ("locationId", location)];
        let asked = w.ghl(access, Method::POST, "/oauth/locationToken");
        assert_eq!(answer(asked.form(&form)).await.0, status, "{location}");
    }
    // It is renewed as what it is.
    let old = token["refresh_token"].as_str().unwrap();
    let fields = |class| {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", old),
            ("user_type", class),
        ]
    };
    assert_eq!(w.token(&fields("Location")).await.0, 401);
    let (status, fresh) = w.token(&fields("Company")).await;
    assert_eq!((status, &fresh["userType"]), (200, &json!("Company")));
}

/// A future sub-account gets the app without a redirect, and the webhook lacks user and agency.
#[tokio::test]
async fn a_later_location_is_told_by_a_webhook_alone() {
    let w = world(0.01).await;
    company_token(&w, "company_id=any").await;
    w.app.wait("INSTALL", 1).await;
    let body = json!({ "locationId": "Lo3later", "name": "Later", "installs": true });
    w.control(Method::POST, "/ghl/locations", Some(body)).await;
    let told = &w.app.wait("INSTALL", 2).await[1];
    assert_eq!(told["locationId"], "Lo3later");
    assert!(told.get("companyId").is_none() && told.get("userId").is_none());
    // An agency's end takes the app from all of them.
    let body = json!({ "type": "UNINSTALL", "companyId": COMPANY });
    w.control(Method::POST, "/ghl/event", Some(body)).await;
    let told = &w.app.wait("UNINSTALL", 1).await[0];
    assert!(told.get("locationId").is_none() && told["timestamp"].is_string());
    let accounts = w.control(Method::GET, "/accounts", None).await.1;
    let locations = accounts["ghl"]["locations"].as_array().unwrap();
    assert!(locations.iter().all(|it| it["installed"] == false));
}

#[tokio::test]
async fn headers_and_scopes_are_checked() {
    let w = world(0.01).await;
    let token = w.access().await;
    let path = format!("/locations/{L1}");
    let (status, body) = answer(w.request(Method::GET, &path).bearer_auth(&token)).await;
    assert_eq!(
        (status, &body["message"]),
        (401, &json!("version header was not found."))
    );
    let bad = w
        .request(Method::GET, &path)
        .bearer_auth(&token)
        .header("version", "bogus");
    assert_eq!(answer(bad).await.0, 400);
    assert_eq!(
        answer(
            w.request(Method::GET, &path)
                .header("version", "2021-07-28")
        )
        .await
        .0,
        401
    );
    let narrow = w
        .consent(&format!("location_id={L1}&scope=contacts.readonly"))
        .await;
    let narrow = w
        .token(&[("grant_type", "authorization_code"), ("code", &narrow)])
        .await
        .1;
    let (status, body) = w
        .ghl_get(narrow["access_token"].as_str().unwrap(), &path)
        .await;
    assert_eq!(
        (status, &body["message"]),
        (401, &json!("The token is not authorized for this scope."))
    );
}

/// The consent page lists what has no app yet, and a consent is followed by a signed `INSTALL`.
#[tokio::test]
async fn the_consent_page_lists_locations_and_installs() {
    let w = world(0.01).await;
    let client = greenhub_sandbox::SandboxConfig::default().ghl.client_id;
    let path = format!(
        "/oauth/chooselocation?client_id={client}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
    );
    let page = || async {
        w.request(Method::GET, &path)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert!(page().await.contains("Acme Plumbing"));
    w.install(L1).await;
    assert!(!page().await.contains("Acme Plumbing"));
    let install = &w.app.wait("INSTALL", 1).await[0];
    assert_eq!(install["locationId"], L1);
    assert_eq!(install["installType"], "Location");
    assert!(install["webhookId"].is_string() && install["timestamp"].is_string());
    let unknown = w.request(
        Method::GET,
        "/oauth/chooselocation?client_id=x&redirect_uri=https%3A%2F%2Fa.example",
    );
    assert_eq!(unknown.send().await.unwrap().status(), 400);
}

/// 100 requests in the interval; the headers tell, and the window slides.
#[tokio::test]
async fn above_the_rate_it_is_429() {
    // An interval of three seconds, for 110 calls on a busy machine.
    let w = world(0.3).await;
    let token = w.access().await;
    let path = format!("/locations/{L1}");
    let calls = (0..110).map(|_| w.ghl(&token, Method::GET, &path).send());
    let answers = futures::future::join_all(calls).await;
    let statuses: Vec<u16> = answers
        .iter()
        .map(|a| a.as_ref().unwrap().status().as_u16())
        .collect();
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 100);
    assert_eq!(statuses.iter().filter(|s| **s == 429).count(), 10);
    let headers = answers[0].as_ref().unwrap().headers();
    assert_eq!(headers["x-ratelimit-max"], "100");
    assert_eq!(headers["x-ratelimit-interval-milliseconds"], "3000");
    assert_eq!(headers["x-ratelimit-limit-daily"], "200000");
    crate::support::pause(3000).await;
    let after = w.ghl(&token, Method::GET, &path).send().await.unwrap();
    assert_eq!(after.status(), 200);
    assert_eq!(after.headers()["x-ratelimit-remaining"], "99");
    assert_eq!(after.headers()["x-ratelimit-daily-remaining"], "199899");
}

#[tokio::test]
async fn people_of_a_location() {
    let w = world(0.01).await;
    let token = w.access().await;
    let (_, users) = w.ghl_get(&token, &format!("/users/?locationId={L1}")).await;
    let names: Vec<&str> = users["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Alice Acme", "Bob Acme"]);
    assert_eq!(
        w.ghl_get(&token, "/users/Us2sandboxAcmeBob001").await.1["roles"]["role"],
        "user"
    );
    assert_eq!(
        w.ghl_get(&token, "/users/Us3sandboxBetaCarol1").await.0,
        400,
        "of another location"
    );
    let (_, location) = w.ghl_get(&token, &format!("/locations/{L1}")).await;
    assert_eq!(location["location"]["timezone"], "America/New_York");
}
