//! What people do with an import.

use greenhub::domain::chat_id::Alias;
use greenhub::domain::delivery::Destination;
use greenhub::domain::ids::{LocationId, NumberId, WorkspaceId};
use greenhub::history::ImportError;
use greenhub::queue::ImportWakeUp;
use greenhub::store::chats::messages_from;
use greenhub::store::history::{self, ChatPhase, ImportOptions, Phase};
use reqwest::Method;
use serde_json::json;

use crate::world::{ANNA, BORIS, GROUP, text, two_chats, world};

#[tokio::test]
async fn an_import_is_paused_goes_on_and_is_cancelled() {
    let world = world().await;
    world.seed(two_chats()).await;
    let (imports, ws, number) = (world.imports(), &world.workspace, &world.number);
    assert!(matches!(
        imports.pause(ws, number).await,
        Err(ImportError::NotFound)
    ));
    world.start(ImportOptions::default()).await.unwrap();
    assert_eq!(
        imports.pause(ws, number).await.unwrap().phase,
        Phase::Paused
    );
    assert!(matches!(
        imports.pause(ws, number).await,
        Err(ImportError::NotNow(_))
    ));
    assert!(world.turn().await);
    assert!(!world.turn().await, "who finds it paused goes away");
    assert_eq!(world.calls().await.len(), 0);
    assert!(matches!(
        world.start(ImportOptions::default()).await,
        Err(ImportError::InProgress)
    ));

    imports.resume(ws, number).await.unwrap();
    assert!(matches!(
        imports.resume(ws, number).await,
        Err(ImportError::NotNow(_))
    ));
    assert_eq!(world.to_its_end().await.counts.saved, 6);
    assert!(matches!(
        imports.cancel(ws, number).await,
        Err(ImportError::NotNow(_))
    ));

    world.start(ImportOptions::default()).await.unwrap();
    assert_eq!(
        imports.cancel(ws, number).await.unwrap().phase,
        Phase::Cancelled
    );
    let ended = world.to_its_end().await;
    assert_eq!(
        (ended.phase, ended.counts.chats_done),
        (Phase::Cancelled, 0)
    );
}

// A chat that the provider refuses fails with the reason, and it alone is tried again.
#[tokio::test]
async fn what_failed_is_tried_again_alone() {
    let world = world().await;
    world.seed(two_chats()).await;
    let fault = json!([{
        "provider": "green-api", "path_contains": "getChatHistory", "times": 1,
        "status": 400, "body": { "message": "Validation failed. Details: no such chat" },
    }]);
    world.control(Method::PUT, "faults", fault).await;
    world.start(ImportOptions::default()).await.unwrap();
    let import = world.to_its_end().await;
    assert_eq!(import.phase, Phase::Done);
    assert_eq!((import.counts.chats_failed, import.counts.saved), (1, 3));
    let report = history::all_chats(&world.hub.db, &world.number)
        .await
        .unwrap();
    let ChatPhase::Failed { why } = &report[0].phase else {
        panic!("{report:?}");
    };
    assert!(why.contains("no such chat"), "{why}");
    assert_eq!(report[1].phase, ChatPhase::Done);

    let again = ImportOptions {
        failed_only: true,
        ..ImportOptions::default()
    };
    world.start(again.clone()).await.unwrap();
    let import = world.to_its_end().await;
    let counts = import.counts;
    assert_eq!((counts.chats, counts.chats_failed, counts.saved), (1, 0, 3));
    assert_eq!(world.ids(ANNA).await, ["A1", "A2", "A3"]);
    assert!(matches!(
        world.start(again).await,
        Err(ImportError::NotNow(_))
    ));
}

// What is chosen: some chats, not before a time, with files, and into the CRM.
#[tokio::test]
async fn only_what_was_chosen_is_imported() {
    let world = world().await;
    let mut chats = two_chats();
    let image = json!({
        "type": "incoming", "idMessage": "A4", "timestamp": 1_700_000_004, "typeMessage": "imageMessage",
        "downloadUrl": "https://files.example/a.jpg", "fileName": "a.jpg", "mimeType": "image/jpeg",
    });
    chats[0]["messages"].as_array_mut().unwrap().push(image);
    world.seed(chats).await;
    world
        .change(|row| row.location = Some(LocationId::new("loc")))
        .await;
    let options = ImportOptions {
        since_ms: Some(1_700_000_002_000),
        chats: Some([Alias::parse(ANNA).unwrap()].into()),
        files: true,
        to_crm: true,
        failed_only: false,
    };
    world.start(options).await.unwrap();
    let import = world.to_its_end().await;
    assert_eq!((import.counts.chats, import.counts.saved), (1, 3));
    let messages = world.messages(ANNA).await;
    let chat = world.chat(ANNA).await;
    for message in &messages {
        assert!(message.deliveries.contains_key(&Destination::Crm));
        let behind: Vec<_> = chat.behind(greenhub::domain::delivery::Lane::Crm).collect();
        assert!(behind.contains(&message.seq));
    }
    let image = messages.last().unwrap();
    assert!(image.files()[0].is_waiting());
    assert!(chat.files.contains(&image.seq));
    assert!(
        messages_from(&world.hub.db, &chat.chat, 1, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

// A number that signs in with another phone keeps its chats and gets those of that phone.
#[tokio::test]
async fn another_phone_adds_its_chats() {
    let world = world().await;
    world.seed(two_chats()).await;
    world.start(ImportOptions::default()).await.unwrap();
    world.to_its_end().await;
    world.control(Method::POST, "reset", json!({})).await;
    world
        .change(|row| row.wid = Some("79009998877@c.us".into()))
        .await;
    let messages = [
        text("A2", 1_700_000_002, "hi"),
        text("X1", 1_600_000_000, "before"),
    ];
    world
        .seed(json!([
            { "chatId": ANNA, "name": "Anna", "messages": messages },
            { "chatId": GROUP, "name": "Family", "messages": [text("G1", 1_700_000_000, "hi")] },
        ]))
        .await;
    world.start(ImportOptions::default()).await.unwrap();
    let import = world.to_its_end().await;
    let counts = import.counts;
    assert_eq!((counts.chats, counts.saved, counts.skipped), (2, 2, 1));
    assert_eq!(world.ids(ANNA).await, ["X1", "A1", "A2", "A3"]);
    assert_eq!(world.ids(BORIS).await.len(), 3);
    assert_eq!(world.ids(GROUP).await, ["G1"]);
}

#[test]
fn a_wake_up_says_which_number() {
    let wake_up = ImportWakeUp::NumberV1 {
        workspace: WorkspaceId::new("w"),
        number: NumberId::new("n"),
    };
    let text = r#"{"type":"NumberV1","workspace":"w","number":"n"}"#;
    assert_eq!(serde_json::to_string(&wake_up).unwrap(), text);
}
