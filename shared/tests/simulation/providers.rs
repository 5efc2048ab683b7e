//! Providers with the real ones' habits, and with their bad ones.

use std::sync::Arc;
use std::time::Duration;

use greenhub::clock::Millis;
use greenhub::domain::content::Content;
use greenhub::domain::copy::FileCopy;
use greenhub::domain::delivery::Destination;
use greenhub::domain::event::IdKind;
use greenhub::domain::ids::ContactId;
use greenhub::domain::message::{CrmStatus, Direction, Message};
use greenhub::domain::status::Status;
use greenhub::ghl::map::alt_id;
use greenhub::limiter::policy::DrainPace;
use greenhub::pipeline::crm_status::{Teller, Told};
use greenhub::pipeline::echo::{self, CLOCK_SKEW_MS};
use greenhub::pipeline::files::{Copied, Keeper, hands_over};
use greenhub::pipeline::line::{self, Place};
use greenhub::pipeline::provider::{Looked, Prepared, Provider, Sent};
use greenhub::pipeline::settle::slot_id;
use greenhub::store::chats::{ChatRow, IdRow};
use greenhub::store::db::DbError;
use greenhub::store::{keys, row};

use crate::chaos::Process;
use crate::workflows;
use crate::world::{SimHub, World};

/// What a phone got.
#[derive(Clone, Debug)]
pub struct OnPhone {
    pub id: String,
    pub person: usize,
    pub text: String,
    pub at_ms: Millis,
    pub is_ours: bool,
    /// The gateway's journal never shows it.
    pub is_missing_in_journal: bool,
}

/// What the CRM got.
#[derive(Clone, Debug)]
pub struct InCrm {
    pub id: String,
    pub alt_id: String,
    pub direction: Direction,
    /// The links of the files that came with it.
    pub files: Vec<String>,
    /// It says that a file cannot be had.
    pub tells_of_missing: bool,
}

/// GREEN-API as one process sees it.
pub struct Whatsapp {
    pub world: Arc<World>,
    pub process: Arc<Process>,
    pub hub: SimHub,
}

/// The CRM as one process sees it.
pub struct Crm {
    pub world: Arc<World>,
    pub process: Arc<Process>,
    pub hub: SimHub,
}

/// Makes copies as one process sees it.
pub struct Copies {
    pub world: Arc<World>,
    pub process: Arc<Process>,
}

/// What stands for a part on the phone and in the journal.
pub fn text_of(content: &Content, part: usize) -> String {
    match content {
        Content::Text { text } => text.clone(),
        Content::Files { caption, .. } if part == 0 => caption.clone(),
        Content::Files { caption, .. } => format!("{caption}, file {part}"),
        other => format!("{other:?}"),
    }
}

/// A part as its echo shows it.
fn echo_of(content: &Content, part: usize) -> Content {
    match content {
        Content::Files { files, caption } => Content::Files {
            files: files.get(part).cloned().into_iter().collect(),
            caption: if part == 0 {
                caption.clone()
            } else {
                String::new()
            },
        },
        other => other.clone(),
    }
}

impl Provider for Whatsapp {
    type Ready = ();

    const DESTINATION: Destination = Destination::Whatsapp;
    const LONGEST_CALL_MS: Millis = 30_000;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = None;

    fn patience_ms(&self) -> Millis {
        3_600_000
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        message: &Message,
        part: usize,
    ) -> Result<Prepared<()>, DbError> {
        let world = &self.world;
        // A worker that is stopped for longer than its lease.
        if world.dice.mishap(10) {
            world
                .clock
                .sleep(Duration::from_secs(world.dice.below(90)))
                .await;
        }
        self.process.maybe_die(5).await;
        let slot = slot_id(&message.chat, message.seq, part);
        let pace = DrainPace::new(500);
        Ok(match line::take(&self.hub, chat, &slot, pace).await? {
            Place::At(at_ms) => Prepared::Ready { with: (), at_ms },
            Place::InLine {
                place,
                watch_ms,
                is_overdue,
            } => {
                let number = &message.number;
                if is_overdue && !echo::is_any_sending(&self.hub.db, number).await? {
                    let now = world.clock.now_ms();
                    line::recount(&self.hub, number, 0, now).await?;
                }
                Prepared::InLine { place, watch_ms }
            }
        })
    }

    async fn send(&self, (): (), _: &ChatRow, message: &Message, part: usize) -> Sent {
        let world = &self.world;
        self.process.maybe_die(20).await;
        if world.dice.mishap(10) {
            // Stopped after the claim for longer than the lease.
            world
                .clock
                .sleep(Duration::from_secs(30 + world.dice.below(60)))
                .await;
        }
        if world.dice.mishap(30) {
            let slot = slot_id(&message.chat, message.seq, part);
            let _ = line::free(&self.hub, &message.number, &slot).await;
            return Sent::Again {
                at_ms: None,
                reason: "429".into(),
            };
        }
        if world.dice.mishap(15) {
            return Sent::Unknown {
                reason: "timeout before it was taken".into(),
            };
        }
        world
            .clock
            .sleep(Duration::from_millis(50 + world.dice.below(400)))
            .await;
        let text = text_of(&message.content, part);
        let id = world.take_for_phone(&message.chat, text, echo_of(&message.content, part));
        self.process.maybe_die(20).await;
        if world.dice.mishap(20) {
            return Sent::Unknown {
                reason: "timeout after it was taken".into(),
            };
        }
        // The echo may overtake the answer by far.
        world
            .clock
            .sleep(Duration::from_millis(world.dice.below(1500)))
            .await;
        Sent::Done { remote_id: id }
    }

    async fn look(
        &self,
        _: &ChatRow,
        message: &Message,
        part: usize,
        since_ms: Millis,
    ) -> Result<Looked, DbError> {
        let world = &self.world;
        self.process.maybe_die(5).await;
        if world.dice.mishap(50) {
            return Ok(Looked::NotNow);
        }
        let text = text_of(&message.content, part);
        let journal = world.phones.lock().unwrap().clone();
        for entry in journal.iter().filter(|entry| {
            !entry.is_missing_in_journal
                && entry.text == text
                && entry.at_ms >= since_ms - CLOCK_SKEW_MS
                && Some(entry.person) == world.person_of(&message.chat)
        }) {
            let key = keys::whatsapp_id(&message.number, IdKind::Message, &entry.id);
            let id = row::load::<IdRow>(&self.hub.db, &key).await?;
            if id.is_none_or(|id| id.claimed.is_none()) {
                return Ok(Looked::Found {
                    remote_id: entry.id.clone(),
                    status: None,
                });
            }
        }
        Ok(Looked::NotFound)
    }
}

impl Provider for Crm {
    /// The contact that it is shown to.
    type Ready = ContactId;

    const DESTINATION: Destination = Destination::Crm;
    const LONGEST_CALL_MS: Millis = 20_000;
    const ABSENCE_PROVES_AFTER_MS: Option<Millis> = Some(60_000);

    fn patience_ms(&self) -> Millis {
        24 * 3_600_000
    }

    async fn prepare(
        &self,
        chat: &ChatRow,
        _: &Message,
        _: usize,
    ) -> Result<Prepared<ContactId>, DbError> {
        self.process.maybe_die(5).await;
        let with = workflows::contact_of(&self.hub, chat).await?;
        self.world.contacts.lock().unwrap().insert(with.clone());
        Ok(Prepared::Ready { with, at_ms: 0 })
    }

    async fn send(&self, contact: ContactId, _: &ChatRow, message: &Message, part: usize) -> Sent {
        let world = &self.world;
        self.process.maybe_die(20).await;
        if world.is_crm_down() || world.dice.mishap(20) {
            return Sent::LookThenAgain {
                reason: "503".into(),
            };
        }
        if world.dice.mishap(10) {
            world
                .clock
                .sleep(Duration::from_secs(world.dice.below(20)))
                .await;
        }
        world
            .clock
            .sleep(Duration::from_millis(50 + world.dice.below(300)))
            .await;
        let id = world.take_for_crm(message, part, contact);
        self.process.maybe_die(20).await;
        if world.dice.mishap(20) {
            return Sent::Unknown {
                reason: "timeout after it was taken".into(),
            };
        }
        Sent::Done { remote_id: id }
    }

    async fn look(
        &self,
        _: &ChatRow,
        message: &Message,
        part: usize,
        _: Millis,
    ) -> Result<Looked, DbError> {
        let alt_id = alt_id(message, part);
        if self.world.dice.mishap(50) {
            return Ok(Looked::NotNow);
        }
        let crm = self.world.crm.lock().unwrap();
        let found = crm
            .iter()
            .find(|post| Some(&post.alt_id) == alt_id.as_ref());
        Ok(found.map_or(Looked::NotFound, |post| Looked::Found {
            remote_id: post.id.clone(),
            status: None,
        }))
    }
}

impl Teller for Crm {
    const LONGEST_CALL_MS: Millis = 20_000;

    async fn tell(
        &self,
        _: &ChatRow,
        _: &Message,
        crm_id: &str,
        status: CrmStatus,
    ) -> Result<Told, DbError> {
        let world = &self.world;
        self.process.maybe_die(10).await;
        if world.is_crm_down() || world.dice.mishap(50) {
            return Ok(Told::NotYet {
                reason: "403".into(),
            });
        }
        world
            .clock
            .sleep(Duration::from_millis(world.dice.below(300)))
            .await;
        let told = (crm_id.to_owned(), status);
        world.told.lock().unwrap().push(told);
        self.process.maybe_die(10).await;
        Ok(Told::Yes)
    }
}

impl Keeper for Copies {
    const LONGEST_CALL_MS: Millis = 60_000;

    async fn copy(
        &self,
        _: &ChatRow,
        message: &Message,
        file: usize,
        object: &str,
    ) -> Result<Copied, DbError> {
        let world = &self.world;
        let file = &message.files()[file];
        self.process.maybe_die(15).await;
        world
            .clock
            .sleep(Duration::from_millis(50 + world.dice.below(900)))
            .await;
        // A large file, or a slow server.
        if world.dice.mishap(100) {
            world
                .clock
                .sleep(Duration::from_secs(world.dice.below(50)))
                .await;
        }
        if is_dead(file.url.as_deref()) {
            return Ok(Copied::Dead {
                reason: "404".into(),
            });
        }
        if world.dice.mishap(250) {
            return Ok(Copied::Failed {
                reason: "503".into(),
            });
        }
        if world.dice.mishap(20) {
            return Ok(Copied::NotNow {
                until_ms: world.clock.now_ms() + 7_000,
            });
        }
        let name = format!("{}.png", file.name.trim_end_matches(".png"));
        let mime = "image/png".to_owned();
        world.copies.lock().unwrap().push(object.to_owned());
        self.process.maybe_die(15).await;
        Ok(if hands_over(message) {
            Copied::Handed {
                url: format!("https://gateway.example/{object}"),
                name,
                mime,
            }
        } else {
            Copied::Kept {
                name,
                mime,
                n_bytes: 1,
            }
        })
    }
}

/// An address that leads nowhere.
pub fn is_dead(url: Option<&str>) -> bool {
    url.is_some_and(|url| url.ends_with("/dead"))
}

/// The links of the files that go with a part, and whether it says that one cannot be had.
pub fn shown_files(message: &Message, part: usize) -> (Vec<String>, bool) {
    let files = message.files();
    let Some(delivery) = message.deliveries.get(&Destination::Crm) else {
        return Default::default();
    };
    let carried = delivery.files_of(part, files.len());
    let carried = || carried.iter().map(|index| &files[*index]);
    let links = carried().filter_map(|file| match &file.copy {
        Some(FileCopy::Kept { link, .. }) => Some(link.clone()),
        _ => None,
    });
    (
        links.collect(),
        carried().any(|file| file.missing.is_some()),
    )
}

/// How far a status may still be told after another one.
pub fn status_rank(status: CrmStatus) -> u8 {
    match status {
        CrmStatus::Pending => 0,
        CrmStatus::Failed => 1,
        CrmStatus::Delivered => 2,
        CrmStatus::Read => 3,
    }
}

/// The ends that a receipt can have.
pub const RECEIPTS: [Status; 3] = [Status::Sent, Status::Delivered, Status::Read];

/// The id under which the CRM hands the same message to the other provider.
pub fn twin_of(id: &str) -> String {
    format!("{id}T")
}
