//! The site's own tests, and that the template serves it as the local run does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail the test, and say why they skip"
)]

use std::{collections::BTreeSet, fs, path::Path};

use greenhub_local::{Error, prerequisites, site};
use serde_json::Value as Json;
use serde_yaml_ng::Value;
use tokio::process::Command;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// A missing tool is a failure where everything has to be tried, and elsewhere a skip.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

async fn built() -> Option<site::Built> {
    match prerequisites::node().await {
        Ok(()) => {}
        Err(missing) if !is_ci() => {
            println!("skipped: {missing}");
            return None;
        }
        Err(missing) => panic!("{missing}"),
    }
    let logs = tempfile::tempdir().unwrap();
    match site::build(logs.path()).await {
        Ok(built) => Some(built),
        Err(Error::Command { what, .. }) => {
            let words = fs::read_to_string(logs.path().join("site.log")).unwrap_or_default();
            panic!("{what}:\n{words}");
        }
        Err(error) => panic!("{error}"),
    }
}

async fn npm(site: &site::Built, script: &str) {
    let done = Command::new("npm")
        .args(["run", script])
        .current_dir(&site.sources)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    println!("{said}");
    assert!(
        done.status.success(),
        "npm run {script}:\n{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[tokio::test]
async fn the_sites_types_and_units_are_sound() {
    if let Some(site) = built().await {
        npm(&site, "check").await;
        npm(&site, "test").await;
    }
}

#[tokio::test]
async fn the_pages_work_in_a_browser() {
    if let Some(site) = built().await {
        if !prerequisites::has_chromium() {
            assert!(!is_ci(), "there is no Chromium");
            println!("skipped: there is no Chromium");
            return;
        }
        npm(&site, "test:browser").await;
    }
}

// --- The template ---------------------------------------------------------------------------------

fn template() -> Value {
    serde_yaml_ng::from_str(&read("template.yaml")).unwrap()
}

fn headers() -> Json {
    serde_json::from_str(&read("web/headers.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The headers of a policy of the template that are in `web/headers.json` too.
fn headers_of(template: &Value, policy: &str) -> [String; 3] {
    let config = &template["Resources"][policy]["Properties"]["ResponseHeadersPolicyConfig"];
    let headers = &config["SecurityHeadersConfig"];
    for name in headers.as_mapping().unwrap().keys() {
        assert_eq!(headers[name]["Override"], true, "{policy}, {name:?}");
    }
    let nosniff = headers["ContentTypeOptions"]
        .is_mapping()
        .then_some("nosniff");
    let csp = &headers["ContentSecurityPolicy"]["ContentSecurityPolicy"];
    // `!Sub [text, names]`
    let csp = match csp {
        Value::Tagged(sub) => text(&sub.value[0]),
        plain => text(plain),
    };
    [
        nosniff.unwrap_or_default().to_owned(),
        text(&headers["ReferrerPolicy"]["ReferrerPolicy"]).to_owned(),
        csp.to_owned(),
    ]
}

#[test]
fn cloudfront_says_what_the_local_origin_says() {
    let (template, headers) = (template(), headers());
    let word = |path: &str| headers.pointer(path).unwrap().as_str().unwrap().to_owned();
    let everywhere = [
        word("/everywhere/x-content-type-options"),
        word("/everywhere/referrer-policy"),
    ];
    assert_eq!(
        headers["everywhere"].as_object().unwrap().len(),
        everywhere.len()
    );
    let parents: Vec<_> = headers["parents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    // Behind GoHighLevel's own hosts come those of the parameter.
    let parents = format!("{} ${{Agencies}}", parents.join(" "));
    let check = |policy: &str, csp: String| {
        let expect = [everywhere[0].clone(), everywhere[1].clone(), csp];
        assert_eq!(headers_of(&template, policy), expect, "{policy}");
    };
    check(
        "AppHeaders",
        word("/policy/app").replace("{parents}", &parents),
    );
    check("SiteHeaders", word("/policy/other"));
}

#[test]
fn no_policy_lets_in_what_is_written_into_a_page() {
    for policy in headers()["policy"].as_object().unwrap().values() {
        let policy = policy.as_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for never in ["unsafe", "http:", " *"] {
            assert!(!policy.contains(never), "{policy} has {never}");
        }
    }
}

#[test]
fn the_distribution_leads_where_the_local_origin_does() {
    let template = template();
    let config = &template["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let behaviours = config["CacheBehaviors"].as_sequence().unwrap();
    let to = |origin: &str| -> BTreeSet<String> {
        behaviours
            .iter()
            .filter(|behaviour| behaviour["TargetOriginId"] == origin)
            .map(|behaviour| text(&behaviour["PathPattern"]).to_owned())
            .collect()
    };
    // The constant of the local origin, in the template's way of writing.
    let source = read("infra/local/src/origin.rs");
    let list = source.split("const TO_THE_API: [&str; ").nth(1).unwrap();
    let list = list.split('[').nth(1).unwrap().split(']').next().unwrap();
    let local: BTreeSet<String> = list
        .split(',')
        .map(|entry| format!("{}/*", entry.trim().trim_matches('"')))
        .collect();
    assert_eq!(to("api"), local);
    assert_eq!(to("site"), BTreeSet::from(["/app/*".to_owned()]));
    assert_eq!(to("sockets"), BTreeSet::from(["/ws".to_owned()]));
    for behaviour in behaviours {
        let is_site = behaviour["TargetOriginId"] == "site";
        // What an API answers is nobody else's, and it is told everything but the host.
        let caching = text(&behaviour["CachePolicyId"]);
        assert_eq!(caching != "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", is_site);
        assert_eq!(behaviour["OriginRequestPolicyId"].is_string(), !is_site);
        let is_api = behaviour["TargetOriginId"] == "api";
        assert_eq!(behaviour["AllowedMethods"].is_sequence(), is_api);
    }
    // The API of the sockets takes no path but its stage's name.
    let stage = &template["Resources"]["SocketStage"]["Properties"];
    assert_eq!(stage["StageName"], "ws");
}
