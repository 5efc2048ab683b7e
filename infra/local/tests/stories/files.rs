//! Files both ways, through the emulated bucket.

use reqwest::StatusCode;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::world::{Outcome, World, ensure};

/// A picture of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==";

async fn picture(world: &World, phone: &str) -> Result<Value, String> {
    let file = json!({ "name": "pixel", "mime": "image/jpeg", "base64": PNG });
    let path = format!("green-api/{}/incoming", world.demo.instance);
    let body = json!({ "from": phone, "name": "Fay", "text": "a pixel", "file": file });
    world.control("POST", &path, body).await?;
    world.contact(&format!("+{phone}")).await
}

/// The contact's message with the picture.
async fn shown(world: &World, contact: &Value) -> Result<Value, String> {
    world
        .eventually("the picture in the conversation", || async {
            let messages = world.conversation(contact).await?;
            Ok(messages.into_iter().find(|m| m["message"] == "a pixel"))
        })
        .await
}

// AC 50, 51
pub async fn a_file_is_fetched_by_an_address_of_ours(world: &World) -> Outcome {
    let contact = picture(world, "79001234580").await?;
    let message = shown(world, &contact).await?;
    let address = message["attachments"][0].as_str().unwrap_or_default();
    let ours = format!("{}/f/", world.stack.base_url);
    ensure!(address.starts_with(&ours), "{message}");
    ensure!(address.ends_with("/pixel.png"), "{address}");

    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .map_err(|error| error.to_string())?;
    let ask = async |method: reqwest::Method, address: &str| {
        let answer = client.request(method, address).send().await;
        answer.map_err(|error| error.to_string())
    };
    let answer = ask(reqwest::Method::GET, address).await?;
    ensure!(answer.status() == StatusCode::FOUND, "{}", answer.status());
    ensure!(
        answer.headers()["cache-control"] == "no-store",
        "kept by others"
    );
    let bucket = answer.headers()["location"].to_str().unwrap_or_default();
    ensure!(bucket.contains("X-Amz-Signature="), "not signed: {bucket}");
    let file = ask(reqwest::Method::GET, bucket).await?;
    ensure!(file.status() == StatusCode::OK, "{}", file.status());
    ensure!(
        file.headers()["content-type"] == "image/png",
        "{:?}",
        file.headers()
    );
    let disposition = file.headers()["content-disposition"]
        .to_str()
        .unwrap_or_default();
    ensure!(
        disposition.starts_with("inline; filename=\"pixel.png\""),
        "{disposition}"
    );
    let n_bytes = file.bytes().await.map_err(|error| error.to_string())?.len();
    ensure!(n_bytes == 70, "{n_bytes} bytes");

    let about = ask(reqwest::Method::HEAD, address).await?;
    ensure!(about.status() == StatusCode::OK, "HEAD: {}", about.status());
    ensure!(
        about.headers()["content-type"] == "image/png",
        "{:?}",
        about.headers()
    );
    let wrong = address.replace(".", ".0");
    let wrong = ask(reqwest::Method::GET, &wrong).await?;
    ensure!(
        wrong.status() == StatusCode::NOT_FOUND,
        "{}",
        wrong.status()
    );
    Ok(())
}

// AC 75
pub async fn two_files_of_an_agent_reach_the_phone(world: &World) -> Outcome {
    let contact = picture(world, "79001234581").await?;
    shown(world, &contact).await?;
    let phone = world.phone("79001234581@c.us").await?;
    let link = phone[0]["file"]["url"].as_str().unwrap_or_default();
    let body = json!({
        "locationId": world.demo.location, "contactId": contact["contactId"],
        "message": "both", "attachments": [link, link],
    });
    world.control("POST", "ghl/reply", body).await?;
    let files = world
        .eventually("two files on the phone", || async {
            let phone = world.phone("79001234581@c.us").await?;
            let sent: Vec<_> = phone
                .into_iter()
                .filter(|m| m["direction"] == "outgoing")
                .collect();
            Ok((sent.len() == 2).then_some(sent))
        })
        .await?;
    for (n, caption) in ["both", ""].into_iter().enumerate() {
        ensure!(files[n]["text"] == caption, "{}", files[n]);
        ensure!(files[n]["file"]["name"] == "pixel.png", "{}", files[n]);
        let url = files[n]["file"]["url"].as_str().unwrap_or_default();
        ensure!(url != link, "not handed over: {url}");
    }
    Ok(())
}
