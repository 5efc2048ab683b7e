//! The page in the CRM with everything behind it: a browser, the deployed stack, the sandbox.

use greenhub_local::{Options, Stack, prerequisites, site};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
async fn numbers_are_managed_on_the_page_in_the_crm() {
    if !prerequisites::has_chromium() {
        assert!(std::env::var_os("CI").is_none(), "there is no Chromium");
        println!("skipped: there is no Chromium");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Codes live as long as a person needs for them.
    let options = Options {
        time_scale: 1.0,
        ..Options::for_tests(dir.path())
    };
    let stack = Stack::start(options).await.unwrap();
    let site = site::build(dir.path()).await.unwrap();
    let done = Command::new("npm")
        .args(["run", "test:stack"])
        .current_dir(&site.sources)
        .env("SANDBOX_URL", stack.sandbox.url())
        .output()
        .await
        .unwrap();
    println!("{}", String::from_utf8_lossy(&done.stdout));
    stack.stop().await;
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
