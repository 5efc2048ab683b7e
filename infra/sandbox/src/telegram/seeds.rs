//! The bot, and where it can be added, of a fresh sandbox.

use super::model::{Chat, Kind, Telegram};

/// The bot's token: good in sandboxes only.
pub(crate) const BOT_TOKEN: &str = "4200000042:AAsandboxBotTokenOfNobodyElse00000000";
pub(super) const BOT_ID: i64 = 4_200_000_042;
pub(super) const BOT_NAME: &str = "sandbox_hub_bot";

impl Default for Telegram {
    fn default() -> Self {
        let chat = |id, kind, title: &str| (id, Chat::new(id, kind, title));
        Self {
            chats: [
                chat(-1_001_000_000_001, Kind::Channel, "Acme Support"),
                chat(-1_001_000_000_002, Kind::Forum, "Acme Inbox"),
                chat(-1_001_000_000_003, Kind::Channel, "Beta Front Desk"),
            ]
            .into(),
            webhook: Default::default(),
            next_update: 700_000_001,
            files: Default::default(),
        }
    }
}
