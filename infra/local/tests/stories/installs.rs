//! The app in a whole agency, its end in one location, and its return.

use reqwest::header;
use serde_json::{Value, json};

use super::world::{Outcome, World, ensure};

const COMPANY: &str = "Co9sandboxAgency0001";
const N_LOCATIONS: usize = 30;

// AC 7, 8, 11
pub async fn an_agency_gets_the_app_in_all_its_locations(world: &World) -> Outcome {
    let accounts = world.control("GET", "accounts", Value::Null).await?;
    let n_before = accounts["ghl"]["locations"].as_array().map_or(0, Vec::len);
    for n in 0..N_LOCATIONS {
        let body =
            json!({ "locationId": format!("Lo{n:03}storyBranch"), "name": format!("Branch {n}") });
        world.control("POST", "ghl/locations", body).await?;
    }
    let back = consent(world, &accounts, &format!("company_id={COMPANY}")).await?;
    let (page, cookie) = open(world, &back, "").await?;
    ensure!(
        page.contains("Branch 0"),
        "the page does not list them: {page}"
    );
    let cookie = cookie.ok_or("the page cannot be opened again")?;
    // The same address in the same browser, until all of them work.
    let expect = format!("<dd>{}</dd>", n_before + N_LOCATIONS);
    world
        .eventually("an agency with all its locations", || async {
            let (page, _) = open(world, &back, &cookie).await?;
            let is_whole = page.contains(&expect) && page.contains("100 %");
            Ok(is_whole.then_some(()))
        })
        .await?;

    // One more, without anybody's doing.
    let later = "Lo9storyLater";
    let body = json!({ "locationId": later, "name": "Later", "installs": true });
    world.control("POST", "ghl/locations", body).await?;
    signs_in_after_sweeps(world, later).await
}

// AC 12
pub async fn a_location_removes_the_app_and_takes_it_back(world: &World) -> Outcome {
    let accounts = world.control("GET", "accounts", Value::Null).await?;
    let location = &world.demo.location;
    let body = json!({ "type": "UNINSTALL", "locationId": location });
    let told = world.control("POST", "ghl/event", body).await?;
    ensure!(told["status"] == 200, "the removal was answered {told}");
    ensure!(!signs_in(world, location).await?, "it still has the app");
    sweep_until(world, "the number's own settings", async || {
        Ok(webhook(world).await?.is_empty())
    })
    .await?;

    let back = consent(world, &accounts, &format!("location_id={location}")).await?;
    let (page, _) = open(world, &back, "").await?;
    ensure!(page.contains("is connected"), "not installed: {page}");
    ensure!(signs_in(world, location).await?, "it does not have the app");
    sweep_until(world, "the number's webhook", async || {
        Ok(webhook(world).await? == world.demo.green_webhook_url)
    })
    .await?;
    world
        .customer_writes("79001239901", "Back", "back again")
        .await?;
    world.contact("+79001239901").await?;
    Ok(())
}

/// Where the demo's number sends its notifications.
async fn webhook(world: &World) -> Result<String, String> {
    let accounts = world.control("GET", "accounts", Value::Null).await?;
    let instances = accounts["greenApi"]["instances"].as_array();
    let ours = instances.into_iter().flatten();
    let demo = world.demo.instance.parse::<u64>().ok();
    let mut ours = ours.filter(|it| it["idInstance"].as_u64() == demo);
    let ours = ours.next().ok_or("the demo's number is gone")?;
    Ok(ours["webhookUrl"].as_str().unwrap_or_default().to_owned())
}

/// Has the sweeper run until something shows.
async fn sweep_until(
    world: &World,
    what: &str,
    look: impl AsyncFn() -> Result<bool, String>,
) -> Outcome {
    world
        .eventually(what, || async {
            let swept = world.stack.invoke("Sweeper", &json!({})).await;
            swept.map_err(|error| error.to_string())?;
            Ok(look().await?.then_some(()))
        })
        .await
}

async fn signs_in_after_sweeps(world: &World, location: &str) -> Outcome {
    sweep_until(world, "a location that got the app later", async || {
        signs_in(world, location).await
    })
    .await
}

/// Whether a person of the location gets a session, and with a working installation.
async fn signs_in(world: &World, location: &str) -> Result<bool, String> {
    let path = format!("ghl/{location}/sso?user=u1&role=admin");
    let context = world.control("GET", &path, Value::Null).await?;
    let body = json!({ "encryptedData": context["payload"] });
    let url = format!("{}/api/session/ghl", world.stack.base_url);
    let answer = world.client.post(url).json(&body).send().await;
    let session: Value = answer
        .map_err(|error| error.to_string())?
        .json()
        .await
        .map_err(|error| error.to_string())?;
    Ok(session["install"]["state"] == "active")
}

/// Where the consent page sends the browser.
async fn consent(world: &World, accounts: &Value, pick: &str) -> Result<String, String> {
    let client = accounts["ghl"]["clientId"].as_str().unwrap_or_default();
    let redirect = format!("{}/oauth/callback", world.stack.base_url);
    let url = format!(
        "{}/oauth/chooselocation?{pick}&client_id={client}&redirect_uri={redirect}",
        world.stack.sandbox.url()
    );
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let answer = browser.map_err(|error| error.to_string())?.get(url).send();
    let answer = answer.await.map_err(|error| error.to_string())?;
    let back = answer.headers().get(header::LOCATION);
    let back = back.and_then(|back| back.to_str().ok());
    Ok(back.ok_or("no consent")?.to_owned())
}

/// The page, and the cookie that came with it.
async fn open(world: &World, url: &str, cookie: &str) -> Result<(String, Option<String>), String> {
    let request = world.client.get(url).header(header::COOKIE, cookie);
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let set = answer.headers().get(header::SET_COOKIE);
    let set = set.and_then(|set| Some(set.to_str().ok()?.split(';').next()?.to_owned()));
    let page = answer.text().await.map_err(|error| error.to_string())?;
    ensure!(status == 200, "{status}: {page}");
    Ok((page, set))
}
