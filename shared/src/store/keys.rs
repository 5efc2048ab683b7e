//! Every key string of the three tables. Nothing else builds one.
//!
//! Whatever belongs to a workspace has the workspace (or an id of ours that is looked up through
//! it) in its partition key, so that an id from outside can only ever find the caller's own rows.

mod import;
mod operation;

pub use self::import::{import, import_lease, imported_chat, imported_chats, imports};
pub use self::operation::{alert, alerts, pace, refresh_lease, state, states};
use crate::domain::chat_id::Alias;
use crate::domain::delivery::Lane;
use crate::domain::event::IdKind;
use crate::domain::ids::{
    ChatId, CompanyId, ContactId, IdInstance, LocationId, NumberId, WorkspaceId,
};
use crate::domain::place;
use crate::store::db::{Item, Key, Range, Table};

mod team;

pub use team::*;

mod people;
mod realtime;
mod telegram;

pub use people::*;
pub use realtime::*;
pub use telegram::*;

/// In how many shards the due indexes are split, so that no partition of them is hot.
pub const DUE_SHARDS: u8 = 16;

fn key(table: Table, pk: String, sk: String) -> Key {
    Key { table, pk, sk }
}

// --- directory -----------------------------------------------------------------------------------

/// A workspace's own row.
pub fn workspace(workspace: &WorkspaceId) -> Key {
    key(Table::Directory, format!("WS#{workspace}"), "WS".into())
}

/// A number of a workspace.
pub fn number(workspace: &WorkspaceId, number: &NumberId) -> Key {
    key(
        Table::Directory,
        format!("WS#{workspace}"),
        format!("NUM#{number}"),
    )
}

/// All numbers of a workspace: partition and range of sort keys.
pub fn numbers(workspace: &WorkspaceId) -> (String, Range) {
    (format!("WS#{workspace}"), starting_with("NUM#"))
}

/// What is left of a number that was removed.
pub fn gone_number(workspace: &WorkspaceId, number: &NumberId) -> Key {
    key(
        Table::Directory,
        format!("WS#{workspace}"),
        format!("GONE#{number}"),
    )
}

/// Which number a webhook address belongs to. The key is kept as a hash, so that nobody who reads
/// the table can write to us.
pub fn hook(key_sha256: &str) -> Key {
    key(
        Table::Directory,
        format!("HOOK#{key_sha256}"),
        "HOOK".into(),
    )
}

/// Whose an instance is: there is one row for each, so that nobody can add it twice.
pub fn instance_owner(instance: IdInstance) -> Key {
    key(
        Table::Directory,
        format!("GREEN#{instance}"),
        "OWNER".into(),
    )
}

/// The installation in a GoHighLevel location.
pub fn install(location: &LocationId) -> Key {
    key(
        Table::Directory,
        format!("LOC#{location}"),
        "INSTALL".into(),
    )
}

/// What proves that a workflow's action is the location's.
pub fn workflow_secret(location: &LocationId) -> Key {
    key(
        Table::Directory,
        format!("LOC#{location}"),
        "WORKFLOW".into(),
    )
}

/// What proved workflows' actions to be a location's before it had a secret of its own.
pub fn common_token(location: &LocationId) -> Key {
    key(Table::Directory, format!("LOC#{location}"), "COMMON".into())
}

/// The installation in a GoHighLevel agency.
pub fn company(company: &CompanyId) -> Key {
    key(
        Table::Directory,
        format!("COMPANY#{company}"),
        "INSTALL".into(),
    )
}

/// The list of agencies that have installed the app.
pub fn listed_company(company: &CompanyId) -> Key {
    key(
        Table::Directory,
        COMPANIES.into(),
        format!("{COMPANY_IN_LIST}{company}"),
    )
}

/// The agencies of the list after `after`: partition and range of sort keys.
pub fn listed_companies(after: Option<&CompanyId>) -> (String, Range) {
    let range = Range::Text {
        // The blank is the first sign after all ids that begin with this one.
        from: after.map_or(COMPANY_IN_LIST.into(), |it| {
            format!("{COMPANY_IN_LIST}{it} ")
        }),
        to: format!("{COMPANY_IN_LIST}~"),
    };
    (COMPANIES.into(), range)
}

const COMPANIES: &str = "COMPANIES";
const COMPANY_IN_LIST: &str = "C#";

/// A sub-account of an agency.
pub fn member(company: &CompanyId, location: &LocationId) -> Key {
    key(
        Table::Directory,
        format!("COMPANY#{company}"),
        format!("LOC#{location}"),
    )
}

/// All known sub-accounts of an agency: partition and range of sort keys.
pub fn members(company: &CompanyId) -> (String, Range) {
    (format!("COMPANY#{company}"), starting_with("LOC#"))
}

/// Whether anything is sent.
pub fn senders() -> Key {
    key(Table::Directory, "SYSTEM".into(), "SENDERS".into())
}

/// A sub-account that has the app and whose agency nobody has told.
pub fn orphan(location: &LocationId) -> Key {
    key(Table::Directory, format!("LOC#{location}"), "ORPHAN".into())
}

/// What a row of the directory's due index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueRow {
    /// A number.
    Number(WorkspaceId, NumberId),
    /// The installation in a location.
    Install(LocationId),
    /// The installation in an agency.
    Company(CompanyId),
    /// A sub-account of an agency.
    Member(CompanyId, LocationId),
    /// A sub-account whose agency nobody has told.
    Orphan(LocationId),
    /// A number that was removed.
    GoneNumber(WorkspaceId, NumberId),
    /// The import of a number's old conversations.
    Import(WorkspaceId, NumberId),
}

/// What a row of the directory's due index is, by its key.
pub fn due_row(pk: &str, sk: &str) -> Option<DueRow> {
    if let Some(workspace) = pk.strip_prefix("WS#").map(WorkspaceId::new) {
        if let Some(number) = import::number_of_sk(sk) {
            return Some(DueRow::Import(workspace, number));
        }
        return match (sk.strip_prefix("NUM#"), sk.strip_prefix("GONE#")) {
            (Some(number), _) => Some(DueRow::Number(workspace, NumberId::new(number))),
            (_, Some(number)) => Some(DueRow::GoneNumber(workspace, NumberId::new(number))),
            _ => None,
        };
    }
    if let Some(company) = pk.strip_prefix("COMPANY#").map(CompanyId::new) {
        return match sk.strip_prefix("LOC#") {
            Some(location) => Some(DueRow::Member(company, LocationId::new(location))),
            None => (sk == "INSTALL").then_some(DueRow::Company(company)),
        };
    }
    let location = pk.strip_prefix("LOC#").map(LocationId::new)?;
    match sk {
        "INSTALL" => Some(DueRow::Install(location)),
        "ORPHAN" => Some(DueRow::Orphan(location)),
        _ => None,
    }
}

// --- chats ---------------------------------------------------------------------------------------

/// A conversation.
pub fn chat(chat: &ChatId) -> Key {
    key(Table::Chats, format!("CHAT#{chat}"), "CHAT".into())
}

/// Which conversation one of WhatsApp's ids stands for.
pub fn alias(number: &NumberId, alias: &Alias) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#ALIAS#{alias}"),
        "ALIAS".into(),
    )
}

/// A message by its place. Live ones sort by sequence (`L`); imported ones (`I`), whose place says
/// when they were written ([`crate::domain::place`]), sort below them.
pub fn message(chat: &ChatId, seq: u64) -> Key {
    key(Table::Chats, format!("CHAT#{chat}"), message_sk(seq))
}

/// The live messages from `seq` on: partition and range of sort keys.
pub fn messages_from(chat: &ChatId, seq: u64) -> (String, Range) {
    let range = Range::Text {
        from: message_sk(seq),
        to: "M#L#~".into(),
    };
    (format!("CHAT#{chat}"), range)
}

/// Whether a sort key is a message's.
pub fn is_message_sk(sk: &str) -> bool {
    sk.starts_with("M#")
}

/// All messages of a conversation, imported ones too, the earliest first: partition and range of
/// sort keys.
pub fn all_messages(chat: &ChatId) -> (String, Range) {
    (format!("CHAT#{chat}"), starting_with("M#"))
}

fn message_sk(seq: u64) -> String {
    let kind = if place::is_imported(seq) { 'I' } else { 'L' };
    format!("M#{kind}#{seq:016}")
}

/// What a WhatsApp id stands for: the meeting point of messages, echoes and receipts.
pub fn whatsapp_id(number: &NumberId, kind: IdKind, remote_id: &str) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#ID#{}#{remote_id}", kind.as_str()),
        "ID".into(),
    )
}

/// What a request of somebody in an interface of ours was taken as: the same one again is known.
pub fn own_request(number: &NumberId, request: &str) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#REQUEST#{request}"),
        "ID".into(),
    )
}

/// What a message id of GoHighLevel stands for.
pub fn ghl_id(location: &LocationId, message_id: &str) -> Key {
    key(
        Table::Chats,
        format!("LOC#{location}#ID#{message_id}"),
        "ID".into(),
    )
}

/// What a contact was written lately that reads like this: the app's two providers in a location
/// can be handed the same message under two ids.
pub fn twins(location: &LocationId, contact: &ContactId, content_sha256: &str) -> Key {
    key(
        Table::Chats,
        format!("{}#TWINS#{content_sha256}", contact_pk(location, contact)),
        "TWINS".into(),
    )
}

/// What a workflow's action was taken as, by what is the same for the same action sent again.
pub fn action(location: &LocationId, action_sha256: &str) -> Key {
    key(
        Table::Chats,
        format!("LOC#{location}#ACTION#{action_sha256}"),
        "ID".into(),
    )
}

/// A contact's conversation on one number.
pub fn contact_chat(location: &LocationId, contact: &ContactId, number: &NumberId) -> Key {
    key(
        Table::Chats,
        contact_pk(location, contact),
        format!("CHAT#{number}"),
    )
}

/// A contact's conversations on all numbers: partition and range of sort keys.
pub fn contact_chats(location: &LocationId, contact: &ContactId) -> (String, Range) {
    (contact_pk(location, contact), starting_with("CHAT#"))
}

fn contact_pk(location: &LocationId, contact: &ContactId) -> String {
    format!("LOC#{location}#CONTACT#{contact}")
}

/// A send of this number whose outcome is unknown.
pub fn unsure(number: &NumberId, chat: &ChatId, seq: u64) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#UNSURE"),
        format!("U#{chat}#{seq:016}"),
    )
}

/// All sends of this number whose outcome is unknown: partition and range of sort keys.
pub fn all_unsure(number: &NumberId) -> (String, Range) {
    (format!("NUM#{number}#UNSURE"), starting_with("U#"))
}

/// The send that a row of [`all_unsure`] is about.
pub fn unsure_of_sk(sk: &str) -> Option<(ChatId, u64)> {
    let (chat, seq) = sk.strip_prefix("U#")?.rsplit_once('#')?;
    Some((ChatId::new(chat), seq.parse().ok()?))
}

/// Where the address of a file of this number leads.
pub fn file_link(number: &NumberId, link: &str) -> Key {
    key(Table::Chats, file_links_pk(number), format!("F#{link}"))
}

/// The addresses of all files of this number: partition and range of sort keys.
pub fn file_links(number: &NumberId) -> (String, Range) {
    (file_links_pk(number), starting_with("F#"))
}

/// The address that a row of [`file_links`] is of.
pub fn link_of_sk(sk: &str) -> Option<&str> {
    sk.strip_prefix("F#")
}

fn file_links_pk(number: &NumberId) -> String {
    format!("NUM#{number}#FILES")
}

/// A body that could not be understood.
pub fn quarantine(number: &NumberId, at_ms: i64, sha256: &str) -> Key {
    key(
        Table::Chats,
        format!("NUM#{number}#QUARANTINE"),
        format!("{at_ms:016}#{sha256}"),
    )
}

/// All bodies of a number that could not be understood: partition and range of sort keys.
pub fn quarantined(number: &NumberId) -> (String, Range) {
    let all = Range::Text {
        from: "0".into(),
        to: "~".into(),
    };
    (format!("NUM#{number}#QUARANTINE"), all)
}

/// The key of a row that was read.
pub fn of_item(table: Table, item: &Item) -> Option<Key> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(key(table, text("pk")?, text("sk")?))
}

/// The partition of one shard of a due index.
pub fn due_shard(shard: u8) -> String {
    format!("{shard:02}")
}

/// The shard of the due index that an id's row is in.
pub fn due_shard_of(id: &str) -> String {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    due_shard((hash % u64::from(DUE_SHARDS)) as u8)
}

/// The chat that a row of the due index belongs to.
pub fn chat_of_pk(pk: &str) -> Option<ChatId> {
    pk.strip_prefix("CHAT#").map(ChatId::new)
}

// --- runtime -------------------------------------------------------------------------------------

/// Who works a lane off.
pub fn lane_lease(chat: &ChatId, lane: Lane) -> Key {
    key(
        Table::Runtime,
        format!("LEASE#{chat}#{}", lane.as_str()),
        "LEASE".into(),
    )
}

/// Who refreshes a location's tokens.
pub fn token_lease(location: &LocationId) -> Key {
    key(
        Table::Runtime,
        format!("LEASE#TOKEN#{location}"),
        "LEASE".into(),
    )
}

/// Who refreshes an agency's tokens.
pub fn company_token_lease(company: &CompanyId) -> Key {
    key(
        Table::Runtime,
        format!("LEASE#TOKEN#COMPANY#{company}"),
        "LEASE".into(),
    )
}

/// Who sweeps.
pub fn sweeper_lease() -> Key {
    key(Table::Runtime, "LEASE#SWEEPER".into(), "LEASE".into())
}

/// The pace of one GREEN-API method of one number.
pub fn green_limit(number: &NumberId, method: &str) -> Key {
    key(
        Table::Runtime,
        format!("LIMIT#GREEN#{number}#{method}"),
        "LIMIT".into(),
    )
}

/// How fast a number's queue at the provider drains, and what of ours is in it.
pub fn drain(number: &NumberId) -> Key {
    key(
        Table::Runtime,
        format!("LIMIT#DRAIN#{number}"),
        "LIMIT".into(),
    )
}

/// A place in the line of those who wait for the provider's queue.
pub fn line(number: &NumberId, place: &str) -> Key {
    key(Table::Runtime, format!("LINE#{number}"), place.to_owned())
}

/// The place of a chat that comes now: behind all that came before.
pub fn place_in_line(now_ms: i64, chat: &ChatId) -> String {
    format!("P#{now_ms:016}#{chat}")
}

/// All who wait, the first first: partition and range of sort keys.
pub fn all_in_line(number: &NumberId) -> (String, Range) {
    (format!("LINE#{number}"), starting_with("P#"))
}

/// The pace of calls to GoHighLevel for one location.
pub fn ghl_limit(location: &LocationId) -> Key {
    key(
        Table::Runtime,
        format!("LIMIT#GHL#{location}"),
        "LIMIT".into(),
    )
}

/// The pace of calls to GoHighLevel for one agency.
pub fn ghl_company_limit(company: &CompanyId) -> Key {
    key(
        Table::Runtime,
        format!("LIMIT#GHL#COMPANY#{company}"),
        "LIMIT".into(),
    )
}

/// Whose browser may see how an agency's installation goes on, by the hash of its cookie.
pub fn install_report(cookie_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("REPORT#{cookie_sha256}"),
        "REPORT".into(),
    )
}

/// The code that links a phone to a number, as it was last seen.
pub fn qr(number: &NumberId) -> Key {
    key(Table::Runtime, format!("QR#{number}"), "QR".into())
}

/// Who asks for that code.
pub fn qr_lease(number: &NumberId) -> Key {
    key(Table::Runtime, format!("LEASE#QR#{number}"), "LEASE".into())
}

/// A webhook address whose number was removed, by the hash of its key.
pub fn gone_hook(key_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("GONE#HOOK#{key_sha256}"),
        "GONE".into(),
    )
}

/// An instance whose number was removed.
pub fn gone_instance(instance: IdInstance) -> Key {
    key(
        Table::Runtime,
        format!("GONE#GREEN#{instance}"),
        "GONE".into(),
    )
}

/// A signed-in GoHighLevel user's session, by the hash of its token.
pub fn session(token_sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("SESSION#{token_sha256}"),
        "SESSION".into(),
    )
}

/// A user context that has been exchanged once.
pub fn seen_context(sha256: &str) -> Key {
    key(
        Table::Runtime,
        format!("CONTEXT#{sha256}"),
        "CONTEXT".into(),
    )
}

/// How often somebody has asked for something lately: `kind` is what they are known by (`address`,
/// `session`), `what` the route.
pub fn request_count(kind: &str, who: &str, what: &str) -> Key {
    key(
        Table::Runtime,
        format!("COUNT#{kind}#{who}#{what}"),
        "COUNT".into(),
    )
}

// --- files ---------------------------------------------------------------------------------------

/// Where a file is in the bucket, by a random id of its own.
pub fn object(number: &NumberId, id: &str) -> String {
    format!("{}{id}", objects(number))
}

/// What the keys of all files of a number begin with.
pub fn objects(number: &NumberId) -> String {
    format!("files/{number}/")
}

fn starting_with(prefix: &str) -> Range {
    Range::Text {
        from: prefix.to_owned(),
        to: format!("{prefix}~"),
    }
}

#[cfg(test)]
mod tests;
