//! Installations in a whole agency: what the callback does of them, and what it shows.

use axum::http::{StatusCode, header};
use greenhub::store::agency::MemberState;
use greenhub::store::db::Table;
use greenhub::store::directory::{InstallRow, InstallState};
use reqwest::Method;
use serde_json::{Value, json};

use super::support::{COMPANY, L1, L2, token_answer, world, world_at};

const CALLBACK: &str = "/oauth/callback";

#[tokio::test]
async fn an_agencys_locations_get_tokens_of_their_own() {
    // AC 7
    let world = world().await;
    let page = world.install(&format!("company_id={COMPANY}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    for shown in ["Acme Plumbing", "Beta Dental", L1, L2] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    assert!(page.html.contains("connected to all your sub-accounts"));
    assert_eq!(page.figure("Connected"), Some("2"));
    assert_eq!(page.figure("Failed"), Some("0"));
    assert_eq!(page.figure("Success rate"), Some("100 %"));
    assert!(!page.html.contains("Show how far"), "{}", page.html);

    let listed = world.calls("ghl", "/oauth/installedLocations").await;
    assert_eq!(listed.len(), 1);
    let asked = |call: &Value, name: &str| call["query"][name].as_str().unwrap().to_owned();
    assert_eq!(asked(&listed[0], "companyId"), COMPANY);
    assert_eq!(asked(&listed[0], "appId"), "5a9db0a000000000000000a1");
    assert_eq!(asked(&listed[0], "isInstalled"), "true");
    assert_eq!(asked(&listed[0], "limit"), "100");
    assert_eq!(listed[0]["headers"]["version"], "2021-07-28");
    let made = world.calls("ghl", "/oauth/locationToken").await;
    let mut forms: Vec<_> = made.iter().map(|call| call["body"].to_string()).collect();
    forms.sort();
    assert_eq!(forms.len(), 2);
    for (form, location) in forms.iter().zip([L1, L2]) {
        assert!(form.contains(location) && form.contains(COMPANY), "{form}");
    }
    assert_eq!(made[0]["headers"]["version"], "2021-07-28");

    for location in [L1, L2] {
        let install = world.installation(location).await.unwrap();
        assert_eq!(install.state, InstallState::Active);
        assert_eq!(install.company.as_ref().unwrap().as_str(), COMPANY);
        assert!(world.works(location).await, "{location}");
        let name = world.workspace(location).await.name;
        assert!(page.html.contains(&name), "{name}");
    }
    // The agency's own tokens are kept, sealed, and used again by the sweeper.
    let company = world.company().await.unwrap();
    assert_eq!(company.state, InstallState::Active);
    assert_eq!(company.listing, None);
    let members = world.members().await;
    assert!(members.iter().all(|member| member.due_at.is_none()));
    let dump = format!("{:?}", world.db.rows(Table::Directory));
    let mut tokens = world.company_tokens().await;
    for location in [L1, L2] {
        tokens.extend(world.tokens(location).await);
    }
    assert_eq!(tokens.len(), 6);
    for token in tokens {
        assert!(!dump.contains(&token), "a token in clear");
        assert!(!page.html.contains(&token), "a token on the page");
    }
}

#[tokio::test]
async fn hundreds_of_locations_are_installed_page_by_page() {
    // AC 8
    let world = world().await;
    for n in 0..248 {
        let (id, name) = (format!("Lo{n:03}sandboxBulk00001"), format!("Branch {n}"));
        world.location(&id, &name).await;
    }
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let path = format!("{CALLBACK}?code={code}");
    let began_ms = world.clock.now_ms();
    let page = world.open(&path).await;
    let took_ms = world.clock.now_ms() - began_ms;
    let listed = world.calls("ghl", "/oauth/installedLocations").await;
    let skips: Vec<_> = listed.iter().map(|call| &call["query"]["skip"]).collect();
    assert_eq!(skips, ["0", "100", "200"]);
    // The function's time and the gateway's are both 30 s.
    assert!((10_000..25_000).contains(&took_ms), "{took_ms}");
    let number = |label: &str| page.figure(label).unwrap().parse::<usize>().unwrap();
    let (n_done, n_waiting) = (number("Connected"), number("Waiting"));
    assert_eq!(n_done + n_waiting, 250);
    assert_eq!(number("Failed"), 0);
    println!("{n_done} of 250 in {took_ms} ms");
    assert!(n_done > 100 && n_waiting > 0, "{n_done}");
    assert!(page.html.contains("Show how far"), "{}", page.html);
    assert!(page.html.contains("goes on in the background"));

    let mut n_runs = 0;
    while world
        .members()
        .await
        .iter()
        .any(|it| it.state != MemberState::Done)
    {
        n_runs += 1;
        assert!(n_runs < 4, "{n_runs} runs");
        world.sweep().await;
    }
    println!("the rest in {n_runs} runs of the sweeper");
    // The same address in the same browser tells how it is now.
    let after = world.open_with(&path, "en", &page.cookie()).await;
    assert_eq!(after.figure("Connected"), Some("250"));
    assert_eq!(after.figure("Waiting"), None);
    assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 250);
    let refused = world.control(Method::GET, "stats", Value::Null).await;
    assert_eq!(refused["ghl"], json!({}), "429s");
    for n in [0, 99, 100, 199, 200, 247] {
        let id = format!("Lo{n:03}sandboxBulk00001");
        assert!(world.works(&id).await, "{id}");
    }
}

#[tokio::test]
async fn a_location_that_fails_is_reported_and_tried_again() {
    // AC 9, AC 10
    let world = world().await;
    let hostile = "<img src=x onerror=1>";
    world.location("Lo3sandboxHostile001", hostile).await;
    world
        .location("Lo4sandboxFourth0001", "Fourth & last")
        .await;
    world
        .fault(json!({
            "provider": "ghl", "path_contains": "/oauth/locationToken", "times": 1,
            "status": 422, "body": { "statusCode": 422, "message": ["<b>no</b> plan"] },
        }))
        .await;
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let path = format!("{CALLBACK}?code={code}");
    let page = world.open(&path).await;
    assert_eq!(page.figure("Connected"), Some("3"));
    assert_eq!(page.figure("Failed"), Some("1"));
    assert_eq!(page.figure("Success rate"), Some("75 %"));
    let html = &page.html;
    assert!(html.contains("3 of 4 sub-accounts"), "{html}");
    assert!(html.contains("GoHighLevel refused: &#60;b"), "{html}");
    assert!(html.contains("&#60;b&#62;no&#60;/b&#62; plan"), "{html}");
    assert!(html.contains("&#60;img src=x onerror=1&#62;"), "{html}");
    assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
    assert!(html.contains("tried again in the background"), "{html}");

    let report = world.sweep().await;
    assert_eq!(report.members, 1);
    let after = world.open_with(&path, "en", &page.cookie()).await;
    assert_eq!(after.figure("Success rate"), Some("100 %"));
    assert!(!after.html.contains("tried again"), "{}", after.html);
    assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 5);
    // Nothing is left to be done.
    world.sweep().await;
    assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 5);
}

#[tokio::test]
async fn a_paused_location_waits_for_hours_and_is_no_refusal() {
    // AC 9
    let world = world().await;
    let active = format!("ghl/{L2}/active");
    world
        .control(Method::PUT, &active, json!({ "active": false }))
        .await;
    let page = world.install(&format!("company_id={COMPANY}")).await;
    assert_eq!(page.figure("Success rate"), Some("50 %"));
    assert!(page.html.contains("paused in GoHighLevel"), "{}", page.html);
    let member = world.members().await.pop().unwrap();
    let wait_ms = member.due_at.unwrap() - world.clock.now_ms();
    assert!((3_500_000..3_600_001).contains(&wait_ms), "{wait_ms}");
    world
        .control(Method::PUT, &active, json!({ "active": true }))
        .await;
    world.pass(3_600_000);
    assert_eq!(world.sweep().await.members, 1);
    assert!(world.works(L2).await);
}

#[tokio::test]
async fn a_list_that_is_not_told_is_asked_for_later() {
    let check = async |fault: Value, words: &str| {
        let world = world().await;
        world.fault(fault).await;
        let page = world.install(&format!("company_id={COMPANY}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(
            page.html.contains("installed for your agency"),
            "{}",
            page.html
        );
        assert!(
            page.html.contains("not told all sub-accounts yet"),
            "{}",
            page.html
        );
        assert!(page.html.contains(words), "{words}: {}", page.html);
        assert!(!page.html.contains("<i>"), "{}", page.html);
        world.sweep().await;
        let again = world.open_with(CALLBACK, "en", &page.cookie()).await;
        assert_eq!(again.figure("Connected"), Some("2"), "{}", again.html);
        assert!(!again.html.contains("not told"), "{}", again.html);
    };
    let fault = |more: Value| {
        let mut fault = json!({
            "provider": "ghl", "path_contains": "/oauth/installedLocations", "times": 1,
        });
        fault
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fault
    };
    check(fault(json!({ "status": 503, "body": {} })), "in trouble").await;
    check(fault(json!({ "drop": true })), "answer was lost").await;
    check(fault(json!({ "status": 429, "body": {} })), "slow down").await;
    let scope = json!({ "status": 401, "body": { "message": "not authorized for <i>this scope" } });
    check(fault(scope), "authorized for &#60;i&#62;this scope").await;
}

#[tokio::test]
async fn a_second_installation_gives_all_of_them_new_tokens() {
    let world = world().await;
    let agency = format!("company_id={COMPANY}");
    world.install(&agency).await;
    let before = world.installation(L1).await.unwrap();
    world.pass(3_600_000);
    // One needs them, one has the app no more, and one is new.
    let key = greenhub::store::keys::install(&before.location);
    greenhub::store::row::change::<InstallRow>(&world.db, &key, |install| {
        install.state = InstallState::NeedsReauthorization;
        true
    })
    .await
    .unwrap();
    world.location("Lo3sandboxThird00001", "Third").await;
    let page = world.install(&agency).await;
    assert_eq!(page.figure("Connected"), Some("3"), "{}", page.html);
    let after = world.installation(L1).await.unwrap();
    assert_eq!(after.state, InstallState::Active);
    assert_eq!(after.workspace, before.workspace);
    assert_ne!(after.access_sealed, before.access_sealed);
    assert_eq!(world.calls("ghl", "/oauth/locationToken").await.len(), 5);
}

#[tokio::test]
async fn a_report_is_shown_to_the_browser_that_installed() {
    let world = world().await;
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let path = format!("{CALLBACK}?code={code}");
    let page = world.open(&path).await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    for part in [
        "; Path=/oauth;",
        "; HttpOnly;",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = page.cookie();
    let n_exchanges = || async { world.calls("ghl", "/oauth/token").await.len() };
    assert_eq!(n_exchanges().await, 1);
    let check = async |path: &str, cookie: &str, expect: StatusCode, words: &str| {
        let page = world.open_with(path, "en", cookie).await;
        assert_eq!(page.status, expect, "{path}: {}", page.html);
        assert!(page.html.contains(words), "{path}: {}", page.html);
    };
    let (yes, no) = (StatusCode::OK, StatusCode::BAD_REQUEST);
    check(&path, &cookie, yes, "Acme Plumbing").await;
    check(CALLBACK, &cookie, yes, "Acme Plumbing").await;
    assert_eq!(n_exchanges().await, 1);
    // A refusal, a stranger, and another installation are what they are.
    let refusal = format!("{CALLBACK}?error=access_denied");
    check(&refusal, &cookie, no, "nothing to complete").await;
    check(CALLBACK, "", no, "nothing to complete").await;
    check(CALLBACK, "installation=x", no, "nothing to complete").await;
    check(&path, "installation=x", no, "invalid_code").await;
    let other = format!("{CALLBACK}?code=another");
    check(&other, &cookie, no, "invalid_code").await;
    // It ends.
    world.pass(86_400_000);
    check(CALLBACK, &cookie, no, "nothing to complete").await;
}

#[tokio::test]
async fn a_report_is_in_the_persons_language() {
    let world = world().await;
    let code = world.consent(&format!("company_id={COMPANY}")).await;
    let path = format!("{CALLBACK}?code={code}");
    let page = world.open_with(&path, "ru", "").await;
    assert!(page.html.contains("<html lang=\"ru\">"), "{}", page.html);
    assert_eq!(page.figure("Подключено"), Some("2"), "{}", page.html);
    assert_eq!(page.figure("Доля успешных"), Some("100 %"));
    // What agents read in the CRM is in that language, too.
    let workspace = world.workspace(L2).await;
    assert_eq!(workspace.lang, greenhub::domain::text::Lang::Ru);
}

#[tokio::test]
async fn a_single_location_of_a_bulk_installation_is_one() {
    let sandbox = greenhub_sandbox::start(Default::default()).await.unwrap();
    let base = format!("http://{}", sandbox.addr);
    let world = world_at(sandbox, &base);
    let told = json!({ "userType": "Location", "isBulkInstallation": true, "locationId": L1 });
    world.fault(token_answer(told)).await;
    let page = world.open(&format!("{CALLBACK}?code=c0de")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("connected to your sub-account"));
    assert!(world.company().await.is_none());
}
