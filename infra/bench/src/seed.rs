//! A tenant with one number, and what others post about it.

use greenhub::crypto::{DataKeys, sha256_hex};
use greenhub::domain::ids::{IdInstance, LocationId, NumberId, WorkspaceId};
use greenhub::domain::routing::Routing;
use greenhub::domain::sms::Providers;
use greenhub::domain::status::InstanceState;
use greenhub::domain::text::Lang;
use greenhub::secrets::AppSecret;
use greenhub::store::db::{DbError, Write};
use greenhub::store::directory::{
    HookRow, InstallRow, InstallState, NumberPrefs, NumberRow, OwnerRow, WorkspaceRow,
};
use greenhub::store::{keys, row};
use serde_json::{Value, json};

/// The conversation provider of the app.
pub(crate) const PROVIDER: &str = "64f000000000000000000001";

/// The app's providers: an extra channel alone.
pub(crate) fn providers() -> Providers {
    Providers {
        extra: PROVIDER.into(),
        default: None,
    }
}

/// The marketplace app.
pub(crate) const APP: &str = "64f000000000000000000002";

/// What is sealed is sealed with this.
const DATA_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A text of the usual length.
const TEXT: &str = "Is the blue one still there? I could come by this afternoon, around four.";

/// The app's secrets.
pub(crate) fn secret() -> AppSecret {
    AppSecret {
        ghl_client_secret: "client-secret".into(),
        ghl_shared_secret: "shared-secret".into(),
        telegram_bot_token: None,
        telegram_webhook_secret: None,
        data_key_texts: [(1, DATA_KEY.into())].into(),
    }
}

/// The same as Secrets Manager keeps it.
pub(crate) fn secret_json() -> Value {
    json!({
        "ghl_client_secret": "client-secret",
        "ghl_shared_secret": "shared-secret",
        "data_key_1": DATA_KEY,
    })
}

/// A tenant; ids are as long as real ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenant(pub(crate) u64);

impl Tenant {
    fn workspace(self) -> WorkspaceId {
        WorkspaceId::new(format!("{:032x}", 0xa000 + self.0))
    }

    fn location(self) -> LocationId {
        LocationId::new(format!("L{:0>19}", self.0))
    }

    fn number(self) -> NumberId {
        NumberId::new(format!("{:032x}", 0xb000 + self.0))
    }

    fn instance(self) -> IdInstance {
        IdInstance(1_101_000_000 + self.0)
    }

    /// The part of the webhook's address that nobody can guess.
    pub(crate) fn hook_key(self) -> String {
        format!("{:043}", self.0)
    }

    /// The webhook's bearer token.
    pub(crate) fn hook_token(self) -> String {
        format!("{:043}", 7 * self.0)
    }

    fn phone(self) -> String {
        format!("7900{:07}", self.0)
    }

    /// Its workspace, number and installation. `providers` is where both providers are.
    pub(crate) fn rows(
        self,
        data_keys: &DataKeys,
        providers: &str,
        now_ms: i64,
    ) -> Result<Vec<Write>, DbError> {
        let (workspace, number, location) = (self.workspace(), self.number(), self.location());
        let mut workspace_row = WorkspaceRow {
            rev: 0,
            workspace: workspace.clone(),
            name: "Acme Plumbing".into(),
            lang: Lang::En,
            country: Some("US".into()),
            location: Some(location.clone()),
            routing: Routing::default(),
            created_ms: 1,
        };
        let context = NumberRow::seal_context(&workspace, &number, NumberRow::TOKEN);
        let token = "a".repeat(50);
        let mut number_row = NumberRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
            id_instance: self.instance(),
            name: "Sales".into(),
            created_ms: 1,
            location: Some(location.clone()),
            state: InstanceState::Authorized,
            state_since_ms: 1,
            wid: Some("79001110001@c.us".into()),
            api_url: providers.into(),
            media_url: None,
            token_sealed: data_keys.seal(&token, &context),
            hook_key_sealed: data_keys.seal(&self.hook_key(), "hook_key"),
            hook_token_sha256: sha256_hex(self.hook_token()),
            hook_token_sealed: data_keys.seal(&self.hook_token(), "hook_token"),
            webhook_before: None,
            webhook_token_before_sealed: None,
            configured: true,
            delay_ms: 500,
            prefs: NumberPrefs::default(),
            pause: None,
            checked_ms: 0,
            changes: Vec::new(),
            alarmed: false,
            reconciled_ms: 0,
            due_at: None,
            due_shard: None,
        };
        let mut hook = HookRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
        };
        let mut owner = OwnerRow {
            rev: 0,
            workspace: workspace.clone(),
            number: number.clone(),
        };
        let sealed = |field| {
            let context = InstallRow::seal_context(&location, field);
            // GoHighLevel's tokens are JWTs.
            data_keys.seal(&"t".repeat(900), &context)
        };
        let mut install = InstallRow {
            rev: 0,
            location: location.clone(),
            workspace: workspace.clone(),
            company: None,
            state: InstallState::Active,
            access_sealed: sealed(InstallRow::ACCESS),
            refresh_sealed: sealed(InstallRow::REFRESH),
            expires_ms: now_ms + 365 * 86_400_000,
            refreshed_ms: now_ms,
            scope: "conversations/message.write contacts.write".into(),
            installed_ms: 1,
            problem: None,
            sms: None,
            reconciled_ms: 0,
            due_at: None,
            due_shard: None,
        };
        Ok(vec![
            row::save(keys::workspace(&workspace), &mut workspace_row)?,
            row::save(keys::number(&workspace, &number), &mut number_row)?,
            row::save(keys::hook(&sha256_hex(self.hook_key())), &mut hook)?,
            row::save(keys::instance_owner(self.instance()), &mut owner)?,
            row::save(keys::install(&location), &mut install)?,
        ])
    }

    // --- GREEN-API ------------------------------------------------------------------------------

    /// A customer writes; `id` is the message's.
    pub(crate) fn incoming(self, id: &str) -> Value {
        let chat = format!("{}@c.us", self.phone());
        self.notification(
            "incomingMessageReceived",
            json!({
                "idMessage": id,
                "senderData": {
                    "chatId": chat, "sender": chat, "chatName": "Vera", "senderName": "Vera",
                    "senderContactName": "",
                },
                "messageData": {
                    "typeMessage": "textMessage",
                    "textMessageData": { "textMessage": TEXT },
                },
            }),
        )
    }

    /// The echo of what we sent.
    pub(crate) fn echo(self, id: &str) -> Value {
        let chat = format!("{}@c.us", self.phone());
        self.notification(
            "outgoingAPIMessageReceived",
            json!({
                "idMessage": id,
                "senderData": { "chatId": chat, "sender": "79001110001@c.us", "chatName": "Vera" },
                "messageData": {
                    "typeMessage": "extendedTextMessage",
                    "extendedTextMessageData": { "text": TEXT },
                },
            }),
        )
    }

    /// What became of a message that we sent.
    pub(crate) fn receipt(self, id: &str, status: &str) -> Value {
        let chat = format!("{}@c.us", self.phone());
        self.notification(
            "outgoingMessageStatus",
            json!({ "chatId": chat, "idMessage": id, "status": status, "sendByApi": true }),
        )
    }

    fn notification(self, kind: &str, more: Value) -> Value {
        let mut body = json!({
            "typeWebhook": kind,
            "instanceData": {
                "idInstance": self.instance().0,
                "wid": "79001110001@c.us",
                "typeInstance": "whatsapp",
            },
            "timestamp": 1_793_611_799,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }

    // --- GoHighLevel ----------------------------------------------------------------------------

    /// An agent writes to the customer; `id` is the message's.
    pub(crate) fn delivery(self, id: &str) -> Value {
        let phone = self.phone();
        json!({
            "contactId": format!("C{phone:0>19}"),
            "locationId": self.location().as_str(),
            "messageId": id,
            "type": "SMS",
            "phone": format!("+{phone}"),
            // Two equal ones would be compared with each other.
            "message": format!("{TEXT} {id}"),
            "attachments": [],
            "userId": "U000000000000000001",
            "conversationProviderId": PROVIDER,
        })
    }
}
