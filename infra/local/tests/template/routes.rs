//! The routes of both APIs, one by one: a function that a new route leads to has to let it.

use std::collections::BTreeSet;

use super::{Template, referred};

#[test]
fn the_routes_are_these_and_each_reaches_a_function_that_lets_it() {
    let template = Template::read();
    let routes: BTreeSet<_> = template
        .resources("AWS::ApiGatewayV2::Route")
        .iter()
        .map(|(_, route)| {
            let integration = template.resource(referred(&route["Target"]));
            (
                route["RouteKey"].as_str().unwrap(),
                referred(&integration["Properties"]["IntegrationUri"]),
            )
        })
        .collect();
    let expect = BTreeSet::from([
        ("POST /webhooks/green-api/{key}", "GreenApiWebhookFunction"),
        ("POST /webhooks/green-api", "GreenApiWebhookFunction"),
        ("POST /webhooks/ghl", "GhlWebhookFunction"),
        ("POST /webhooks/ghl/sms", "GhlWebhookFunction"),
        ("POST /webhooks/workflow-action", "GhlWebhookFunction"),
        ("POST /webhooks/telegram", "TelegramWebhookFunction"),
        ("GET /api/telegram", "PanelApiFunction"),
        ("GET /api/telegram/channels", "PanelApiFunction"),
        ("POST /api/telegram/channels/claim", "PanelApiFunction"),
        (
            "DELETE /api/telegram/channels/{channel}",
            "PanelApiFunction",
        ),
        ("GET /api/telegram/numbers/{instance}", "PanelApiFunction"),
        ("PUT /api/telegram/numbers/{instance}", "PanelApiFunction"),
        (
            "DELETE /api/telegram/numbers/{instance}",
            "PanelApiFunction",
        ),
        (
            "POST /api/telegram/numbers/{instance}/test",
            "PanelApiFunction",
        ),
        ("GET /oauth/callback", "OauthCallbackFunction"),
        ("POST /api/session/ghl", "InstanceApiFunction"),
        ("GET /api/instances", "InstanceApiFunction"),
        ("POST /api/instances", "InstanceApiFunction"),
        ("PATCH /api/instances/{instance}", "InstanceApiFunction"),
        ("DELETE /api/instances/{instance}", "InstanceApiFunction"),
        ("GET /api/workflow-secret", "InstanceApiFunction"),
        ("POST /api/workflow-secret", "InstanceApiFunction"),
        ("GET /api/openapi.json", "PanelApiFunction"),
        ("GET /api/me", "PanelApiFunction"),
        ("DELETE /api/me/session", "PanelApiFunction"),
        ("GET /api/chats", "PanelApiFunction"),
        ("POST /api/chats", "PanelApiFunction"),
        ("GET /api/chats/changes", "PanelApiFunction"),
        ("GET /api/chats/{chat}", "PanelApiFunction"),
        ("PATCH /api/chats/{chat}", "PanelApiFunction"),
        ("POST /api/chats/{chat}/merge", "PanelApiFunction"),
        ("POST /api/chats/{chat}/split", "PanelApiFunction"),
        ("GET /api/chats/{chat}/messages", "PanelApiFunction"),
        ("POST /api/chats/{chat}/messages", "PanelApiFunction"),
        ("GET /api/chats/{chat}/messages/changes", "PanelApiFunction"),
        ("GET /api/messages/{message}", "PanelApiFunction"),
        ("POST /api/messages/{message}/retry", "PanelApiFunction"),
        ("GET /api/chats/{chat}/notes", "PanelApiFunction"),
        ("POST /api/chats/{chat}/notes", "PanelApiFunction"),
        ("PATCH /api/chats/{chat}/notes/{note}", "PanelApiFunction"),
        ("DELETE /api/chats/{chat}/notes/{note}", "PanelApiFunction"),
        ("GET /api/chats/{chat}/draft", "PanelApiFunction"),
        ("PUT /api/chats/{chat}/draft", "PanelApiFunction"),
        ("POST /api/chats/{chat}/uploads", "PanelApiFunction"),
        ("POST /api/chats/{chat}/files", "PanelApiFunction"),
        ("GET /api/messages/{message}/files/{n}", "PanelApiFunction"),
        ("DELETE /api/chats/{chat}", "PanelApiFunction"),
        ("PATCH /api/messages/{message}", "PanelApiFunction"),
        ("DELETE /api/messages/{message}", "PanelApiFunction"),
        ("GET /api/inbox", "PanelApiFunction"),
        ("PUT /api/inbox", "PanelApiFunction"),
        ("GET /api/health", "PanelApiFunction"),
        ("GET /api/health/quarantine", "PanelApiFunction"),
        ("GET /api/health/stuck", "PanelApiFunction"),
        ("POST /api/health/stuck/retry", "PanelApiFunction"),
        ("POST /api/health/stuck/discard", "PanelApiFunction"),
        ("GET /api/instances/{instance}/import", "PanelApiFunction"),
        ("POST /api/instances/{instance}/import", "PanelApiFunction"),
        ("PATCH /api/instances/{instance}/import", "PanelApiFunction"),
        (
            "GET /api/instances/{instance}/import/chats",
            "PanelApiFunction",
        ),
        (
            "POST /api/instances/{instance}/refresh",
            "InstanceApiFunction",
        ),
        ("GET /api/alerts", "PanelApiFunction"),
        ("GET /api/instances/{instance}/states", "PanelApiFunction"),
        ("GET /api/audit", "PanelApiFunction"),
        ("POST /api/install-link", "PanelApiFunction"),
        ("PUT /api/me/password", "PanelApiFunction"),
        ("GET /api/me/second-step", "PanelApiFunction"),
        ("POST /api/me/second-step/totp", "PanelApiFunction"),
        ("PUT /api/me/second-step/totp/code", "PanelApiFunction"),
        ("DELETE /api/me/second-step/totp", "PanelApiFunction"),
        ("POST /api/me/second-step/telegram", "PanelApiFunction"),
        ("DELETE /api/me/second-step/telegram", "PanelApiFunction"),
        (
            "POST /api/me/second-step/recovery-codes",
            "PanelApiFunction",
        ),
        ("GET /api/people/{id}/sessions", "PanelApiFunction"),
        ("DELETE /api/people/{id}/sessions", "PanelApiFunction"),
        (
            "DELETE /api/people/{id}/sessions/{session}",
            "PanelApiFunction",
        ),
        ("POST /api/setup/look", "PanelApiFunction"),
        ("POST /api/setup", "PanelApiFunction"),
        ("POST /api/setup/owner-link", "PanelApiFunction"),
        ("GET /api/sign-in", "PanelApiFunction"),
        ("POST /api/sign-in", "PanelApiFunction"),
        ("POST /api/sign-in/code", "PanelApiFunction"),
        ("POST /api/sign-in/send-code", "PanelApiFunction"),
        ("DELETE /api/sign-in", "PanelApiFunction"),
        ("GET /api/people", "PanelApiFunction"),
        ("POST /api/people", "PanelApiFunction"),
        ("GET /api/people/{id}", "PanelApiFunction"),
        ("PATCH /api/people/{id}", "PanelApiFunction"),
        ("DELETE /api/people/{id}", "PanelApiFunction"),
        ("POST /api/people/{id}/setup-link", "PanelApiFunction"),
        ("DELETE /api/people/{id}/second-step", "PanelApiFunction"),
        ("GET /api/policy", "PanelApiFunction"),
        ("PUT /api/policy", "PanelApiFunction"),
        ("POST /api/socket-tickets", "PanelApiFunction"),
        ("GET /api/chats/{chat}/presence", "PanelApiFunction"),
        ("$connect", "RealtimeFunction"),
        ("$disconnect", "RealtimeFunction"),
        ("$default", "RealtimeFunction"),
        ("GET /f/{token}/{name}", "FileLinkFunction"),
        ("HEAD /f/{token}/{name}", "FileLinkFunction"),
        ("POST /f/{token}/{name}", "FileLinkFunction"),
        ("GET /api/page-config", "InstanceApiFunction"),
        ("GET /api/session", "InstanceApiFunction"),
        ("DELETE /api/session", "InstanceApiFunction"),
        ("GET /api/workspace", "InstanceApiFunction"),
        ("PATCH /api/workspace", "InstanceApiFunction"),
        ("GET /api/instances/{instance}", "InstanceApiFunction"),
        (
            "PUT /api/instances/{instance}/access",
            "InstanceApiFunction",
        ),
        ("GET /api/instances/{instance}/qr", "InstanceApiFunction"),
        (
            "POST /api/instances/{instance}/pairing-code",
            "InstanceApiFunction",
        ),
        (
            "POST /api/instances/{instance}/check",
            "InstanceApiFunction",
        ),
        (
            "POST /api/instances/{instance}/logout",
            "InstanceApiFunction",
        ),
        (
            "POST /api/instances/{instance}/reboot",
            "InstanceApiFunction",
        ),
        (
            "POST /api/instances/{instance}/test-message",
            "InstanceApiFunction",
        ),
        (
            "GET /api/instances/{instance}/test-message/{message}",
            "InstanceApiFunction",
        ),
    ]);
    assert_eq!(routes, expect);

    let allowed: BTreeSet<_> = template
        .resources("AWS::Lambda::Permission")
        .iter()
        .filter(|(_, permission)| permission["Principal"] == "apigateway.amazonaws.com")
        .map(|(_, permission)| referred(&permission["FunctionName"]))
        .collect();
    assert_eq!(
        allowed,
        routes.iter().map(|(_, function)| *function).collect()
    );

    // Either of these deploys into the emulator without any route.
    assert!(template.resources("AWS::Serverless::HttpApi").is_empty());
    for (name, api) in template.resources("AWS::ApiGatewayV2::Api") {
        assert!(api["Body"].is_null(), "{name} has a Body");
    }
}
