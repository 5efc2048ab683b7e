//! Telegram's habits.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, answer, pause, until, world};

const CHANNEL: i64 = -1_001_000_000_001;
const FORUM: i64 = -1_001_000_000_002;

/// A call of the bot.
async fn bot(w: &World, method: &str, body: Value) -> (u16, Value) {
    let token = w.sandbox.telegram_bot_token();
    let path = format!("/bot{token}/{method}");
    answer(w.request(Method::POST, &path).json(&body)).await
}

async fn place(w: &World, chat: i64, status: &str) {
    let path = format!("/telegram/chats/{chat}/bot");
    let placed = w
        .control(Method::PUT, &path, Some(json!({ "status": status })))
        .await;
    assert_eq!(placed.0, 200);
}

async fn listen(w: &World) {
    let body = json!({ "url": format!("{}/tg", w.app_url), "secret_token": "s-1" });
    assert_eq!(bot(w, "setWebhook", body).await.0, 200);
}

fn updates(w: &World) -> Vec<Value> {
    w.app.all().into_iter().map(|hook| hook.json).collect()
}

#[tokio::test]
async fn updates_carry_the_secret_and_grow_by_one_and_come_again_until_they_are_taken() {
    let w = world(0.01).await;
    listen(&w).await;
    w.app.answer(&[500, 404]);
    place(&w, CHANNEL, "administrator").await;
    place(&w, FORUM, "member").await;
    until(|| w.app.all().len() >= 4).await;
    let hooks = w.app.all();
    assert!(
        hooks
            .iter()
            .all(|h| h.headers["x-telegram-bot-api-secret-token"] == "s-1")
    );
    let ids: Vec<i64> = updates(&w)
        .iter()
        .map(|u| u["update_id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [ids[0], ids[0], ids[0], ids[0] + 1]);
    let info = bot(&w, "getWebhookInfo", json!({})).await.1;
    assert!(
        info["result"]["last_error_message"]
            .as_str()
            .unwrap()
            .contains("404"),
        "{info}"
    );
    let polled = bot(&w, "getUpdates", json!({})).await;
    assert_eq!(polled.0, 409);
}

#[tokio::test]
async fn a_group_takes_twenty_a_minute() {
    let w = world(0.05).await;
    place(&w, CHANNEL, "administrator").await;
    let mut taken = 0;
    let refused = loop {
        let (status, body) = bot(
            &w,
            "sendMessage",
            json!({ "chat_id": CHANNEL, "text": "x" }),
        )
        .await;
        if status != 200 {
            break (status, body);
        }
        taken += 1;
        // Fewer than its burst within a second, which is 50 ms here.
        pause(20).await;
    };
    assert_eq!((taken, refused.0), (20, 429));
    let wait = refused.1["parameters"]["retry_after"].as_u64().unwrap();
    assert!((1..=3).contains(&wait), "{}", refused.1);
    // Until then every call is refused.
    let again = bot(
        &w,
        "sendMessage",
        json!({ "chat_id": CHANNEL, "text": "x" }),
    )
    .await;
    assert_eq!(again.0, 429);
    pause(wait * 1000 + 100).await;
    let later = bot(
        &w,
        "sendMessage",
        json!({ "chat_id": CHANNEL, "text": "x" }),
    )
    .await;
    assert_eq!(later.0, 200, "{}", later.1);
}

#[tokio::test]
async fn a_chat_takes_a_short_burst_only() {
    let w = world(1.0).await;
    place(&w, CHANNEL, "administrator").await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(
            bot(
                &w,
                "sendMessage",
                json!({ "chat_id": CHANNEL, "text": "x" }),
            )
            .await
            .0,
        );
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn lengths_are_counted_once_marks_are_read_and_in_utf_16() {
    let w = world(0.001).await;
    place(&w, CHANNEL, "administrator").await;
    let check = async |text: String, expect: u16| {
        let body = json!({ "chat_id": CHANNEL, "text": text, "parse_mode": "HTML" });
        let (status, answer) = bot(&w, "sendMessage", body).await;
        assert_eq!(status, expect, "{answer}");
        pause(100).await;
    };
    check(format!("<b>{}</b>", "&amp;".repeat(4096)), 200).await;
    check("&amp;".repeat(4097), 400).await;
    check("🎉".repeat(2048), 200).await;
    check("🎉".repeat(2049), 400).await;
    check(" \n".into(), 400).await;
    check("<b>".into(), 400).await;
}

#[tokio::test]
async fn accounts_chats_and_posts_survive_a_restart_and_a_reset_forgets_posts() {
    let data = crate::support::temp_file("telegram");
    let config = || greenhub_sandbox::SandboxConfig {
        data_file: Some(data.clone()),
        ..crate::support::config(0.01)
    };
    let w = crate::support::world_with(config()).await;
    place(&w, FORUM, "administrator").await;
    let topic = bot(
        &w,
        "createForumTopic",
        json!({ "chat_id": FORUM, "name": "Ann" }),
    )
    .await
    .1;
    let body = json!({ "chat_id": FORUM, "text": "hi", "message_thread_id": topic["result"]["message_thread_id"] });
    assert_eq!(bot(&w, "sendMessage", body).await.0, 200);
    w.sandbox.shutdown().await;
    let w = crate::support::world_with(config()).await;
    let path = format!("/telegram/chats/{FORUM}");
    let chat = w.control(Method::GET, &path, None).await.1;
    assert_eq!(
        (&chat["bot"], &chat["messages"][0]["text"]),
        (&json!("administrator"), &json!("hi"))
    );
    w.control(Method::POST, "/reset", None).await;
    let chat = w.control(Method::GET, &path, None).await.1;
    assert_eq!(chat["messages"], json!([]));
    assert_eq!(chat["topics"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn a_real_bot_library_takes_the_sandbox_for_telegram() {
    let w = world(1.0).await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bot");
    let python = environment(&here);
    let url = format!("http://{}", w.sandbox.addr);
    let talks = tokio::task::spawn_blocking(move || {
        let script = here.join("talks.py");
        Command::new(python)
            .arg(script)
            .env("SANDBOX_URL", url)
            .output()
    });
    let talked = talks.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&talked.stderr);
    assert!(talked.status.success(), "{said}");
}

/// An environment with the library, made once for each version of it; gives its Python.
fn environment(here: &Path) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bot-library");
    let wanted = std::fs::read(here.join("requirements.txt")).unwrap();
    let marker = dir.join("requirements.installed");
    let python = dir.join("bin/python");
    if std::fs::read(&marker).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    let run = |program: &Path, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output();
        let done = done.unwrap_or_else(|error| panic!("{program:?}: {error}"));
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let listed = here.join("requirements.txt").display().to_string();
    run(
        Path::new("python3"),
        &["-m", "venv", "--clear", &dir.display().to_string()],
    );
    let pip = [
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--quiet",
        "-r",
        &listed,
    ];
    run(&python, &pip);
    std::fs::write(marker, wanted).unwrap();
    python
}
