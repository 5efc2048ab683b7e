//! The older adapter's addresses are addresses of the stack.

use std::collections::BTreeSet;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

#[test]
fn what_providers_and_browsers_call_is_still_there() {
    let lines = TEMPLATE.lines().map(str::trim);
    let routes: BTreeSet<_> = lines
        .filter_map(|line| line.strip_prefix("RouteKey: "))
        .collect();
    for older in [
        "POST /webhooks/green-api",
        "POST /webhooks/ghl",
        "POST /webhooks/workflow-action",
        "GET /oauth/callback",
    ] {
        assert!(routes.contains(older), "{older} is not among {routes:?}");
    }
}
