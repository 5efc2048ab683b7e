//! What a workflow of the CRM sends.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Outcome, World, ensure};

// AC 84, 87, 92
pub async fn a_workflow_sends_once_and_the_crm_shows_what_became_of_it(world: &World) -> Outcome {
    world.customer_writes("79001234573", "Gus", "hello").await?;
    let contact = world.contact("+79001234573").await?;
    let secret = new_secret(world).await?;
    let action = json!({
        "locationId": world.demo.location, "contactId": contact["contactId"],
        "workflowId": "W1", "data": {
            "instanceId": world.demo.instance, "body": "Will you come?",
            "button1Text": "Yes", "button2Text": "No",
        },
    });
    let stranger = run(world, &action, "wrong").await?;
    ensure!(stranger["status"] == 401, "a stranger got {stranger}");
    let first = run(world, &action, &secret).await?;
    ensure!(first["status"] == 200, "{first}");
    let again = run(world, &action, &secret).await?;
    ensure!(first == again, "{first}, and then {again}");

    let shown = world
        .eventually("the status read of the workflow's message", || async {
            let messages = world.conversation(&contact).await?;
            let id = &first["answer"]["messageId"];
            Ok(messages
                .into_iter()
                .find(|m| m["altId"] == *id && m["status"] == "read"))
        })
        .await?;
    let text = "Will you come?\n\nReply options:\n• Yes\n• No";
    ensure!(shown["message"] == text, "{shown}");
    ensure!(shown["direction"] == "outbound", "{shown}");
    let phone = world.phone("79001234573@c.us").await?;
    let n = phone
        .iter()
        .filter(|m| m["text"] == "Will you come?\n[Yes] [No]")
        .count();
    ensure!(n == 1, "the customer got it {n} times");
    Ok(())
}

async fn run(world: &World, action: &Value, secret: &str) -> Result<Value, String> {
    let mut action = action.clone();
    action["authorization"] = secret.into();
    world.control("POST", "ghl/workflow-action", action).await
}

/// An administrator opens the page and makes a secret.
async fn new_secret(world: &World) -> Result<String, String> {
    let base = &world.stack.base_url;
    let path = format!("ghl/{}/sso?role=admin", world.demo.location);
    let context = world.control("GET", &path, Value::Null).await?;
    let session = ask(
        world
            .client
            .request(Method::POST, format!("{base}/api/session/ghl"))
            .json(&json!({ "encryptedData": context["payload"] })),
        StatusCode::OK,
    )
    .await?;
    let token = session["token"].as_str().unwrap_or_default();
    let made = ask(
        world
            .client
            .request(Method::POST, format!("{base}/api/workflow-secret"))
            .bearer_auth(token),
        StatusCode::CREATED,
    )
    .await?;
    let secret = made["secret"].as_str();
    secret
        .map(str::to_owned)
        .ok_or(format!("no secret: {made}"))
}

async fn ask(request: reqwest::RequestBuilder, expect: StatusCode) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    ensure!(status == expect, "answered {status}: {text}");
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
