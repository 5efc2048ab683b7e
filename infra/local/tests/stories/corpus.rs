//! Every published body of GREEN-API's, posted to the deployed function.

use std::path::Path;

use serde_json::{Value, json};

use super::world::{Outcome, Place, World, ensure};

// AC 52, 53, 54, 55, 56, 57, 58, 59, 60, 61
pub async fn every_published_body_is_taken_and_shown_or_not_on_purpose(
    world: &World<impl Place>,
) -> Outcome {
    let Some(corpus) = corpus() else {
        println!("skipped: CORPUS is not set");
        return Ok(());
    };
    let mut n = 0;
    for folder in ["webhooks", "synthetic"] {
        let dir = Path::new(&corpus).join("green-api").join(folder);
        let mut files: Vec<_> = std::fs::read_dir(&dir)
            .map_err(|error| format!("{}: {error}", dir.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
            let mut body: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            // The number is ours; which one the body was published for does not matter. Bodies
            // share ids, which in one number would make them repetitions of each other.
            let root = if body.get("body").is_some() {
                &mut body["body"]
            } else {
                &mut body
            };
            let number: u64 = world.demo.instance.parse().unwrap_or_default();
            root["instanceData"]["idInstance"] = json!(number);
            if root.get("idMessage").is_some() {
                root["idMessage"] = json!(format!("CORPUS{n:04}"));
            }
            n += 1;
            let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
            let status = world.notify(body).await?;
            ensure!(status == 200, "{} was answered {status}", file.display());
        }
    }
    ensure!(n > 100, "only {n} bodies in the corpus");
    let path = format!("ghl/{}/conversations", world.demo.location);
    let all = world.control("GET", &path, Value::Null).await?;
    for message in all
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| one["messages"].as_array().cloned().unwrap_or_default())
    {
        let text = message["message"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        ensure!(!text.contains("unsupported"), "{text}");
    }
    println!("{n} bodies taken");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub fn corpus() -> Option<String> {
    // Cargo runs tests in the folder of their package; the variable is said at the top.
    let path = std::env::var("CORPUS").ok()?;
    let path = Path::new(&path);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Some(root.join(path).to_string_lossy().into_owned())
}
