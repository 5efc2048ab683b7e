//! What people write in an interface of ours: to the phone, and into the conversation in the CRM.

use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::Content;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::message::{Direction, Origin};
use greenhub::pipeline::accept::{self, Home};
use serde_json::json;

use crate::world::{I1, World, text};

const ANN: &str = "79001234567@c.us";

async fn write(world: &World, request: &str, said: &str) {
    let number = world.number(I1).await;
    let new = NewMessage {
        kind: IdKind::Message,
        remote_id: request.to_owned(),
        direction: Direction::Out,
        origin: Origin::Panel,
        api_echo: false,
        chat: Alias::parse(ANN).unwrap(),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content: Content::Text {
            text: said.to_owned(),
        },
        quoted: None,
    };
    let taken = accept::own_message(&world.hub, &Home::from(&number), new).await;
    taken.unwrap();
}

#[tokio::test]
async fn a_text_is_sent_once_and_shown_once_with_its_status() {
    let world = World::new().await;
    write(&world, "r-1", "hi").await;
    write(&world, "r-1", "hi").await;
    assert_eq!(world.got(ANN, 1).await, ["hi"]);
    let (contact, messages) = world.shown("+79001234567", 1).await;
    let shown = &messages[0];
    assert_eq!(
        (&shown["direction"], &shown["message"]),
        (&json!("outbound"), &json!("hi"))
    );
    world.told(&text(shown, "messageId"), "read").await;
    world.settle().await;
    assert_eq!(world.phone(ANN).await.len(), 1);
    let conversation = world.conversations(&contact).await.pop().unwrap();
    assert_eq!(conversation["messages"].as_array().unwrap().len(), 1);
    assert_eq!(
        world
            .calls(&format!("waInstance{I1}/sendMessage"))
            .await
            .len(),
        1
    );
}
