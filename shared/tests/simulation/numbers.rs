//! The number that everything goes through.

use greenhub::domain::ids::IdInstance;
use greenhub::domain::status::InstanceState;
use greenhub::store::directory::NumberRow;

use crate::world::{START_MS, World};

pub fn number() -> NumberRow {
    NumberRow {
        rev: 0,
        workspace: World::home().workspace,
        number: World::home().number,
        id_instance: IdInstance(1_101_000_001),
        name: "Shop".into(),
        created_ms: START_MS,
        location: World::home().location,
        state: InstanceState::Authorized,
        state_since_ms: START_MS,
        wid: None,
        api_url: "https://1101.api.greenapi.com".into(),
        media_url: None,
        token_sealed: String::new(),
        hook_key_sealed: String::new(),
        hook_token_sha256: String::new(),
        hook_token_sealed: String::new(),
        webhook_before: None,
        webhook_token_before_sealed: None,
        configured: true,
        delay_ms: 500,
        prefs: Default::default(),
        pause: None,
        checked_ms: 0,
        changes: Vec::new(),
        alarmed: false,
        reconciled_ms: 0,
        due_at: None,
        due_shard: None,
    }
}
