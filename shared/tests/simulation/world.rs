//! Customers, agents, a gateway that delivers notifications, and a pool of workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenhub::clock::{Clock, Millis};
use greenhub::domain::chat_id::Alias;
use greenhub::domain::content::{Content, File, FileKind};
use greenhub::domain::delivery::Lane;
use greenhub::domain::event::{Author, IdKind, NewMessage};
use greenhub::domain::ids::{ChatId, ContactId, LocationId, NumberId, WorkspaceId};
use greenhub::domain::message::{CrmStatus, Direction, Message, Origin};
use greenhub::domain::sms::Shape;
use greenhub::domain::status::{Receipt, Status};
use greenhub::ghl::map::alt_id;
use greenhub::pipeline::accept::{self, CrmSend, Home};
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::twins::Delivered;
use greenhub::pipeline::{Hub, Settings, crm_status, files, lane, receipt, sweep};
use greenhub::queue::WakeUp;
use greenhub::queue::memory::MemoryQueue;
use greenhub::store::chats::ChatRow;
use greenhub::store::db::{Db, Table};
use greenhub::store::memory::MemoryDb;
use greenhub::store::{keys, row};

use crate::chaos::{Dice, Process};
use crate::numbers::number;
use crate::providers::{Copies, Crm, InCrm, OnPhone, RECEIPTS, Whatsapp, shown_files, text_of};
use crate::workflows::contact;

pub type SimHub = Hub<MemoryDb, MemoryQueue>;

const PEOPLE: usize = 3;
/// How long things happen, and come to rest: longer than what is unknown is looked for.
const BUSY_MS: u64 = 8 * 60 * 1000;
const REST_MS: u64 = 45 * 60 * 1000;
pub const START_MS: Millis = 1_700_000_000_000;

/// What the gateway or the CRM delivers.
#[derive(Clone, Debug)]
pub enum Note {
    Message(Box<NewMessage>),
    Receipt(Receipt),
}

pub struct World {
    pub dice: Arc<Dice>,
    pub clock: Clock,
    pub db: MemoryDb,
    pub queue: MemoryQueue,
    ids: IdSource,
    /// The gateway's notifications: delivered one at a time, the first again until it is taken.
    notes: Mutex<Vec<Note>>,
    pub phones: Mutex<Vec<OnPhone>>,
    pub crm: Mutex<Vec<InCrm>>,
    pub told: Mutex<Vec<(String, CrmStatus)>>,
    /// Messages of customers, of the phone and of other programs: id, person, whether it goes out.
    pub reported: Mutex<Vec<(String, usize, Direction)>>,
    /// Messages of agents that were answered 200: the CRM's id, the person, the text.
    pub asked: Mutex<Vec<(String, usize, String)>>,
    /// Actions of workflows that were answered 200: which one, and our name of its message.
    pub acted: Mutex<Vec<(u64, String)>>,
    /// The contacts that the CRM has shown something to.
    pub contacts: Mutex<BTreeSet<ContactId>>,
    /// Receipts that were answered 200.
    pub receipts: Mutex<BTreeMap<String, Vec<Status>>>,
    /// Copies that were made, the doubled ones as well.
    pub copies: Mutex<Vec<String>>,
    crm_down: Mutex<(Millis, Millis)>,
    people: Mutex<BTreeMap<ChatId, usize>>,
}

impl World {
    pub fn new(seed: u64) -> Arc<Self> {
        let clock = Clock::paused(START_MS);
        let dice = Dice::new(seed);
        let down_from = START_MS + dice.below(BUSY_MS) as Millis;
        Arc::new(World {
            db: MemoryDb::new(),
            queue: MemoryQueue::new(clock.clone()),
            ids: IdSource::counted(),
            notes: Mutex::default(),
            phones: Mutex::default(),
            crm: Mutex::default(),
            told: Mutex::default(),
            reported: Mutex::default(),
            asked: Mutex::default(),
            acted: Mutex::default(),
            contacts: Mutex::default(),
            receipts: Mutex::default(),
            copies: Mutex::default(),
            crm_down: Mutex::new((down_from, down_from + dice.below(240_000) as Millis)),
            people: Mutex::default(),
            dice,
            clock,
        })
    }

    pub fn hub(&self, process: &Arc<Process>) -> SimHub {
        Hub {
            db: self.db.hooked(process.clone()),
            queue: self.queue.hooked(process.clone()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            settings: Settings::default(),
        }
    }

    pub fn home() -> Home {
        Home {
            workspace: WorkspaceId::new("ws"),
            number: NumberId::new("n1"),
            location: Some(LocationId::new("loc")),
            auto_reply: None,
            telegram: None,
        }
    }

    pub fn is_crm_down(&self) -> bool {
        let (from, to) = *self.crm_down.lock().unwrap();
        (from..to).contains(&self.clock.now_ms())
    }

    /// The person that a chat is of, by its address, which never changes.
    pub fn person_of(&self, chat: &ChatId) -> Option<usize> {
        if let Some(person) = self.people.lock().unwrap().get(chat) {
            return Some(*person);
        }
        let rows = self.db.rows(Table::Chats);
        let (_, item) = rows.into_iter().find(|(key, _)| *key == keys::chat(chat))?;
        let row: ChatRow = row::read(item).ok()?;
        let person = row.address.local().chars().last()?.to_digit(10)? as usize;
        self.people.lock().unwrap().insert(chat.clone(), person);
        Some(person)
    }

    /// Nothing is due, waiting or on its way.
    fn is_at_rest(&self) -> bool {
        let rows = self.db.rows(Table::Chats);
        self.notes.lock().unwrap().is_empty()
            && self.queue.waiting().is_empty()
            && !rows.iter().any(|(_, item)| item.contains_key("due_at"))
    }

    /// Lives through everything and comes to rest.
    pub async fn live(self: &Arc<Self>) {
        let mut number = number();
        let key = keys::number(&number.workspace, &number.number);
        self.db
            .write(vec![row::save(key, &mut number).unwrap()])
            .await
            .unwrap();
        let tasks = [
            tokio::spawn(self.clone().gateway()),
            tokio::spawn(self.clone().workers()),
            tokio::spawn(self.clone().sweeper()),
        ];
        let agents = tokio::spawn(self.clone().agents());
        self.clone().customers().await;
        agents.await.unwrap();
        self.clock.sleep(Duration::from_millis(BUSY_MS / 2)).await;
        self.dice
            .calm
            .store(true, std::sync::atomic::Ordering::Relaxed);
        for _ in 0..REST_MS / 60_000 {
            self.clock.sleep(Duration::from_secs(60)).await;
            if self.is_at_rest() {
                break;
            }
        }
        for task in tasks {
            task.abort();
        }
    }

    async fn customers(self: Arc<Self>) {
        let n_messages = 6 + self.dice.below(10);
        for n in 0..n_messages {
            let wait = self.dice.below(BUSY_MS / n_messages);
            self.clock.sleep(Duration::from_millis(wait)).await;
            let person = self.dice.below(PEOPLE as u64) as usize;
            let (direction, origin, api_echo) = match self.dice.below(10) {
                0 => (Direction::Out, Origin::Phone, false),
                1 => (Direction::Out, Origin::Whatsapp, true),
                _ => (Direction::In, Origin::Whatsapp, false),
            };
            let id = format!("R{n}");
            if api_echo {
                self.phones.lock().unwrap().push(OnPhone {
                    id: id.clone(),
                    person,
                    text: format!("stranger {n}"),
                    at_ms: self.clock.now_ms(),
                    is_ours: false,
                    is_missing_in_journal: false,
                });
            }
            self.reported
                .lock()
                .unwrap()
                .push((id.clone(), person, direction));
            let chat = self.alias(person);
            self.notes
                .lock()
                .unwrap()
                .push(Note::Message(Box::new(NewMessage {
                    kind: IdKind::Message,
                    remote_id: id,
                    direction,
                    origin,
                    api_echo,
                    chat,
                    chat_name: None,
                    phone: None,
                    author: Author::default(),
                    at_s: Some(self.clock.now_ms() / 1000),
                    content: match api_echo {
                        true => Content::Text {
                            text: format!("stranger {n}"),
                        },
                        false => self.says(format!("text {n}"), 1),
                    },
                    quoted: None,
                })));
        }
    }

    async fn agents(self: Arc<Self>) {
        let n_messages = 6 + self.dice.below(10);
        for n in 0..n_messages {
            let wait = self.dice.below(BUSY_MS / n_messages);
            self.clock.sleep(Duration::from_millis(wait)).await;
            let person = self.dice.below(PEOPLE as u64) as usize;
            if self.dice.chance(250) {
                tokio::spawn(self.clone().workflow(n, person));
            } else {
                tokio::spawn(self.clone().agent(n, person));
            }
            // Sometimes two at once.
            if self.dice.chance(300) {
                continue;
            }
            self.clock.sleep(Duration::from_millis(3)).await;
        }
    }

    /// A text, or files with the text as their caption.
    fn says(&self, text: String, most_files: u64) -> Content {
        if !self.dice.chance(350) {
            return Content::Text { text };
        }
        let n_files = 1 + self.dice.below(most_files);
        let files = (0..n_files).map(|file| File {
            kind: FileKind::Image,
            url: Some(match self.dice.chance(150) {
                true => "https://files.example/dead".to_owned(),
                false => format!("https://files.example/{text}"),
            }),
            name: format!("{text}-{file}"),
            mime: String::new(),
            missing: None,
            copy: None,
        });
        Content::Files {
            files: files.collect(),
            caption: text,
        }
    }

    /// One message of an agent: the CRM delivers it again until it is taken, and now and then after.
    async fn agent(self: Arc<Self>, n: u64, person: usize) {
        let message_id = format!("A{n}");
        // Agents repeat themselves.
        let (text, content) = if self.dice.chance(200) {
            let text = "ok".to_owned();
            (text.clone(), Content::Text { text })
        } else {
            let text = format!("answer {n}");
            (text.clone(), self.says(text, 2))
        };
        let send = CrmSend {
            message_id: message_id.clone(),
            contact: contact(&phone_alias(person)),
            message: NewMessage {
                kind: IdKind::Message,
                remote_id: message_id.clone(),
                direction: Direction::Out,
                origin: Origin::Ghl,
                api_echo: false,
                chat: phone_alias(person),
                chat_name: None,
                phone: None,
                author: Author::default(),
                at_s: None,
                content,
                quoted: None,
            },
            delivered: Delivered {
                shape: Shape::ExtraChannel,
                written_ms: Some(self.clock.now_ms()),
                content_sha256: text.clone(),
            },
            refused: None,
        };
        // Where the app is the default provider as well, the same comes a second time.
        if self.dice.chance(250) {
            let mut twin = send.clone();
            twin.message_id = crate::providers::twin_of(&message_id);
            twin.message.remote_id = twin.message_id.clone();
            twin.delivered.shape = Shape::DefaultProvider;
            tokio::spawn(Arc::clone(&self).hand_over(twin, person, text.clone()));
        }
        Box::pin(self.hand_over(send, person, text)).await;
    }

    /// Hands over what an agent wrote until it is taken, and now and then after.
    async fn hand_over(self: Arc<Self>, send: CrmSend, person: usize, text: String) {
        let message_id = send.message_id.clone();
        loop {
            let process = Process::new(&self.dice);
            let hub = self.hub(&process);
            let location = LocationId::new("loc");
            let taken = process
                .run(accept::crm_message(
                    &hub,
                    &World::home(),
                    &location,
                    send.clone(),
                ))
                .await;
            if matches!(taken, Some(Ok(_))) {
                break;
            }
            self.clock.sleep(Duration::from_secs(10)).await;
        }
        self.asked.lock().unwrap().push((message_id, person, text));
        if self.dice.mishap(150) {
            let process = Process::new(&self.dice);
            let hub = self.hub(&process);
            let location = LocationId::new("loc");
            let _ = process
                .run(accept::crm_message(&hub, &World::home(), &location, send))
                .await;
        }
    }

    /// WhatsApp writes a person now by phone, now by linked id.
    fn alias(&self, person: usize) -> Alias {
        if person == 2 && self.dice.chance(500) {
            lid_alias(person)
        } else {
            phone_alias(person)
        }
    }

    /// The gateway takes a message: it is on the phone, and echo and receipts follow.
    pub fn take_for_phone(self: &Arc<Self>, chat: &ChatId, text: String, echo: Content) -> String {
        let person = self.person_of(chat).unwrap_or_default();
        let mut phones = self.phones.lock().unwrap();
        let id = format!("W{}", phones.len());
        let now = self.clock.now_ms();
        phones.push(OnPhone {
            id: id.clone(),
            person,
            text,
            at_ms: now,
            is_ours: true,
            is_missing_in_journal: self.dice.chance(100),
        });
        drop(phones);
        tokio::spawn(self.clone().follow_up(id.clone(), person, echo, now));
        id
    }

    /// The CRM takes a message.
    pub fn take_for_crm(
        self: &Arc<Self>,
        message: &Message,
        part: usize,
        contact: ContactId,
    ) -> String {
        let (files, tells_of_missing) = shown_files(message, part);
        let mut crm = self.crm.lock().unwrap();
        let id = format!("g{}", crm.len());
        crm.push(InCrm {
            id: id.clone(),
            alt_id: alt_id(message, part).unwrap_or_default(),
            direction: message.direction,
            files,
            tells_of_missing,
        });
        drop(crm);
        if message.origin == Origin::Workflow && self.dice.chance(300) {
            let text = text_of(&message.content, part);
            tokio::spawn(self.clone().echo_of_post(id.clone(), contact, text));
        }
        id
    }

    async fn follow_up(
        self: Arc<Self>,
        id: String,
        person: usize,
        content: Content,
        sent_ms: Millis,
    ) {
        let mut notes = Vec::new();
        if !self.dice.chance(100) {
            notes.push(Note::Message(Box::new(NewMessage {
                kind: IdKind::Message,
                remote_id: id.clone(),
                direction: Direction::Out,
                origin: Origin::Whatsapp,
                api_echo: true,
                chat: self.alias(person),
                chat_name: None,
                phone: None,
                author: Author::default(),
                at_s: Some(sent_ms / 1000),
                content,
                quoted: None,
            })));
        }
        for status in RECEIPTS {
            if self.dice.chance(900) {
                notes.push(Note::Receipt(Receipt {
                    remote_id: id.clone(),
                    chat: None,
                    status,
                    word: format!("{status:?}"),
                    description: None,
                    at_s: sent_ms / 1000,
                }));
            }
        }
        for i in 1..notes.len() {
            if self.dice.chance(150) {
                notes.swap(i - 1, i);
            }
        }
        for note in notes {
            self.clock
                .sleep(Duration::from_millis(self.dice.below(1200)))
                .await;
            self.notes.lock().unwrap().push(note.clone());
            if self.dice.chance(50) {
                self.notes.lock().unwrap().push(note);
            }
        }
    }

    /// One notification after the other; what is not answered 200 comes again after a minute.
    async fn gateway(self: Arc<Self>) {
        loop {
            let head = self.notes.lock().unwrap().first().cloned();
            let Some(note) = head else {
                self.clock.sleep(Duration::from_millis(200)).await;
                continue;
            };
            if self.deliver(&note).await {
                self.notes.lock().unwrap().remove(0);
                if let Note::Receipt(receipt) = &note {
                    let mut receipts = self.receipts.lock().unwrap();
                    receipts
                        .entry(receipt.remote_id.clone())
                        .or_default()
                        .push(receipt.status);
                }
                // Two copies at the same moment.
                if self.dice.mishap(40) {
                    self.deliver(&note).await;
                }
            } else {
                self.clock.sleep(Duration::from_secs(60)).await;
            }
        }
    }

    async fn deliver(&self, note: &Note) -> bool {
        let process = Process::new(&self.dice);
        let hub = self.hub(&process);
        let home = World::home();
        match note.clone() {
            Note::Message(new) => {
                let taken = process
                    .run(accept::whatsapp_message(&hub, &home, *new))
                    .await;
                matches!(taken, Some(Ok(_)))
            }
            Note::Receipt(news) => {
                let taken = process.run(receipt::accept(&hub, &home.number, news)).await;
                matches!(taken, Some(Ok(_)))
            }
        }
    }

    async fn workers(self: Arc<Self>) {
        loop {
            let wake_ups = self.dice.with(|rng| self.queue.take_visible(rng));
            for wake_up in wake_ups {
                let n = if self.dice.mishap(60) { 2 } else { 1 };
                for _ in 0..n {
                    tokio::spawn(self.clone().worker(wake_up.clone()));
                }
            }
            let now = self.clock.now_ms();
            let next = self
                .queue
                .next_visible_ms()
                .unwrap_or(now + 200)
                .clamp(now + 5, now + 200);
            self.clock.sleep_until(next).await;
        }
    }

    async fn worker(self: Arc<Self>, wake_up: WakeUp) {
        // Queues lose nothing, but here they may: wake-ups are only hints.
        if self.dice.mishap(30) {
            return;
        }
        let WakeUp::LaneV1 { chat, lane, .. } = wake_up;
        let process = Process::new(&self.dice);
        let hub = self.hub(&process);
        let deadline = self.clock.now_ms() + 120_000;
        let crm = Crm {
            world: self.clone(),
            process: process.clone(),
            hub: self.hub(&process),
        };
        let whatsapp = Whatsapp {
            world: self.clone(),
            process: process.clone(),
            hub: self.hub(&process),
        };
        let copies = Copies {
            world: self.clone(),
            process: process.clone(),
        };
        let _ = process
            .run(Box::pin(async {
                match lane {
                    Lane::Whatsapp => lane::work_off(&hub, &whatsapp, &chat, deadline).await,
                    Lane::Crm => lane::work_off(&hub, &crm, &chat, deadline).await,
                    Lane::CrmStatus => crm_status::work_off(&hub, &crm, &chat, deadline).await,
                    Lane::Media => files::work_off(&hub, &copies, &chat, deadline).await,
                    Lane::Telegram => Ok(()),
                }
            }))
            .await;
    }

    async fn sweeper(self: Arc<Self>) {
        loop {
            self.clock.sleep(Duration::from_secs(60)).await;
            let process = Process::new(&self.dice);
            let hub = self.hub(&process);
            let _ = process.run(sweep::wake_due_lanes(&hub)).await;
        }
    }
}

pub fn phone_alias(person: usize) -> Alias {
    Alias::from_phone_digits(&format!("7900123450{person}"))
}

pub fn lid_alias(person: usize) -> Alias {
    Alias::parse(&format!("12065037930096{person}@lid")).unwrap()
}
