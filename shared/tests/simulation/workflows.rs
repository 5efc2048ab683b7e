//! Workflows that send, repeat themselves, and whose messages the CRM delivers back to us.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use greenhub::domain::chat_id::Alias;
use greenhub::domain::delivery::Destination;
use greenhub::domain::ids::{ContactId, LocationId};
use greenhub::domain::message::{Direction, Message, Origin};
use greenhub::domain::sms::Shape;
use greenhub::ghl::action::Action;
use greenhub::ghl::wire::ProviderDelivery;
use greenhub::pipeline::action;
use greenhub::pipeline::inbox::{self, Taken, Tenant};
use greenhub::store::chats::{ChatRow, ContactChatRow, CrmContact};
use greenhub::store::db::{Cond, Db, DbError, Op, Write};
use greenhub::store::directory::{InstallRow, InstallState};
use greenhub::store::{keys, row};
use serde_json::json;

use crate::chaos::Process;
use crate::world::{SimHub, World, lid_alias, phone_alias};

const PROVIDER: &str = "provider";

impl World {
    /// One action: the platform runs it again until it is answered 200, and now and then after.
    pub async fn workflow(self: Arc<Self>, n: u64, person: usize) {
        // Somebody whom WhatsApp named by a linked id may be two contacts.
        let by_lid = contact(&lid_alias(person));
        let contact = match self.contacts.lock().unwrap().contains(&by_lid) {
            true if self.dice.chance(500) => by_lid,
            _ => contact(&phone_alias(person)),
        };
        let body = json!({
            "data": { "instanceId": "1101000001", "message": format!("workflow {n}") },
            "extras": { "locationId": "loc", "contactId": contact },
            "meta": { "key": "send", "version": "1.0" },
        });
        let action = Action::read(body.to_string().as_bytes()).unwrap();
        while !self.run_action(n, &contact, &action).await {
            self.clock.sleep(Duration::from_secs(10)).await;
        }
        if self.dice.mishap(250) {
            self.run_action(n, &contact, &action).await;
        }
    }

    async fn run_action(&self, n: u64, contact: &ContactId, action: &Action) -> bool {
        let process = Process::new(&self.dice);
        let hub = self.hub(&process);
        let (install, phone) = (install(), phone(contact));
        let taken = process
            .run(action::take(&hub, &install, action, &phone))
            .await;
        let Some(Ok(taken)) = taken else {
            return false;
        };
        self.acted.lock().unwrap().push((n, taken.message_id));
        true
    }

    /// The CRM delivers what we put into it as if an agent had written it, until it is answered 200.
    pub async fn echo_of_post(self: Arc<Self>, id: String, contact: ContactId, text: String) {
        let delivery = ProviderDelivery {
            location: install().location,
            message_id: id,
            type_name: "SMS".into(),
            phone: Some(phone(&contact)),
            contact: Some(contact),
            message: text.trim().into(),
            attachments: Vec::new(),
            user_id: None,
            conversation_id: None,
            provider_id: Some(PROVIDER.into()),
            custom_user_id: None,
            reply_to_alt_id: None,
            at_ms: None,
        };
        loop {
            self.clock
                .sleep(Duration::from_millis(self.dice.below(2_000)))
                .await;
            let process = Process::new(&self.dice);
            let hub = self.hub(&process);
            let tags = |_| async { None };
            let taken = process.run(async {
                let tenant = Tenant::of(&hub.db, install()).await?;
                let shape = Some(Shape::ExtraChannel);
                inbox::delivery(&hub, &tenant, false, shape, &delivery, tags).await
            });
            let taken = Box::pin(taken).await;
            if matches!(taken, Some(Ok(Taken::Accepted(_)))) {
                return;
            }
            self.clock.sleep(Duration::from_secs(10)).await;
        }
    }
}

/// Promises 1 and 3 for what workflows send (AC 79, 92).
pub fn check(world: &World, messages: &[Message]) -> Result<(), String> {
    let crm = world.crm.lock().unwrap();
    let mut answered = BTreeMap::new();
    for (n, id) in world.acted.lock().unwrap().iter() {
        if answered
            .insert(*n, id.clone())
            .is_some_and(|before| before != *id)
        {
            return Err(format!("action {n} was taken as two messages"));
        }
        let posts: Vec<_> = crm.iter().filter(|post| post.alt_id == *id).collect();
        let is_shown = posts.len() == 1 && posts[0].direction == Direction::Out;
        if !is_shown {
            return Err(format!("action {n} is {} times in the CRM", posts.len()));
        }
    }
    let of_workflows = messages
        .iter()
        .filter(|message| message.origin == Origin::Workflow);
    for message in of_workflows {
        let both = [Destination::Whatsapp, Destination::Crm];
        if !both.iter().all(|it| message.deliveries.contains_key(it)) || message.crm.is_none() {
            return Err(format!("{} went one way only", message.reference()));
        }
    }
    let echoes = messages.iter().filter(|message| {
        let id = message.crm.as_ref().map(|crm| &crm.message_id);
        message.origin == Origin::Ghl && crm.iter().any(|post| Some(&post.id) == id)
    });
    match echoes.count() {
        0 => Ok(()),
        n => Err(format!(
            "{n} echoes of our own posts were taken for agents' messages"
        )),
    }
}

/// A contact in the CRM, made by the digits that somebody was first known by.
pub fn contact(alias: &Alias) -> ContactId {
    ContactId::new(format!("contact{}", alias.digits()))
}

fn phone(contact: &ContactId) -> String {
    contact.as_str().replace("contact", "+")
}

/// The chat's contact: made and kept before the first post, as the product does.
pub async fn contact_of(hub: &SimHub, chat: &ChatRow) -> Result<ContactId, DbError> {
    let key = keys::chat(&chat.chat);
    let now = row::load::<ChatRow>(&hub.db, &key).await?;
    if let Some(crm) = now.and_then(|chat| chat.crm) {
        return Ok(crm.contact);
    }
    let (location, contact) = (install().location, contact(&chat.address));
    let back = ContactChatRow {
        rev: 1,
        number: chat.number.clone(),
        chat: chat.chat.clone(),
    };
    let write = Write {
        key: keys::contact_chat(&location, &contact, &chat.number),
        op: Op::Put(row::item(&back)?),
        only_if: Cond::Always,
    };
    hub.db.write(vec![write]).await?;
    row::change::<ChatRow>(&hub.db, &key, |chat| {
        chat.crm = Some(CrmContact {
            location: location.clone(),
            contact: contact.clone(),
            dressed: true,
            phone_to_tell: false,
        });
        true
    })
    .await?;
    Ok(contact)
}

fn install() -> InstallRow {
    let home = World::home();
    InstallRow {
        rev: 0,
        location: home.location.unwrap_or_else(|| LocationId::new("loc")),
        workspace: home.workspace,
        company: None,
        state: InstallState::Active,
        access_sealed: String::new(),
        refresh_sealed: String::new(),
        expires_ms: 0,
        refreshed_ms: 0,
        scope: String::new(),
        installed_ms: 0,
        problem: None,
        sms: None,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    }
}
