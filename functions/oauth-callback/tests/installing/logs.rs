//! What is logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use greenhub_sandbox::GhlApp;
use serde_json::json;

use super::support::{COMPANY, L1, L2, token_answer, world};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_has_a_token() {
    // AC 13
    use tracing_subscriber::layer::SubscriberExt;

    let lines = Lines::default();
    let writer = lines.clone();
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("greenhub", tracing::Level::TRACE)
        .with_target("oauth_callback", tracing::Level::TRACE)
        .with_target("sweeper", tracing::Level::TRACE)
        .with_target("greenhub_sandbox", tracing::level_filters::LevelFilter::OFF)
        .with_default(tracing::Level::WARN);
    let log = tracing_subscriber::registry()
        .with(ours)
        .with(tracing_subscriber::fmt::layer().with_writer(move || writer.clone()));
    // For the whole process: what is logged by the tests beside this one is looked at, too.
    tracing::subscriber::set_global_default(log).unwrap();

    let world = world().await;
    let code = world.consent(&format!("location_id={L1}")).await;
    let path = format!("/oauth/callback?code={code}");
    world.open(&path).await;
    let mut secrets = world.tokens(L1).await;
    secrets.extend([
        code.clone(),
        "access-7".to_owned(),
        "refresh-7".to_owned(),
        GhlApp::default().client_secret,
    ]);
    // The same code once more, and answers that cannot be used.
    world.open(&path).await;
    world
        .fault(token_answer(json!({ "userType": "Location" })))
        .await;
    world.open("/oauth/callback?code=c0de-for-logs").await;
    secrets.push("c0de-for-logs".to_owned());
    // An agency with one location that fails, a refresh that is refused, and the app's end.
    let fault = json!({
        "provider": "ghl", "path_contains": "/oauth/locationToken", "times": 1, "status": 503,
    });
    world.fault(fault).await;
    let page = world.install(&format!("company_id={COMPANY}")).await;
    secrets.push(page.cookie().split_once('=').unwrap().1.to_owned());
    world.sweep().await;
    for location in [L1, L2] {
        secrets.extend(world.tokens(location).await);
    }
    secrets.extend(world.company_tokens().await);
    world.pass(86_400_000);
    world
        .fault(json!({
            "provider": "ghl", "path_contains": "/oauth/token", "times": 3, "status": 400,
            "body": { "error": "invalid_grant" },
        }))
        .await;
    world.sweep().await;
    world
        .event(json!({ "type": "UNINSTALL", "companyId": COMPANY }), 0)
        .await;
    world.sweep().await;

    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains("the app was installed"), "{written}");
    for line in [
        "gave no tokens",
        "an agency installed the app",
        "a sub-account has no tokens yet",
        "the app has to be authorised again",
        "is_removal=true",
    ] {
        assert!(written.contains(line), "{line}: {written}");
    }
    for secret in secrets {
        assert!(!written.contains(&secret), "{written}");
    }
}
