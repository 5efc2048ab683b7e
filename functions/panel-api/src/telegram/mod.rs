//! Telegram: which channels there are, and which numbers post in them.

mod channels;
mod numbers;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::auth::Admin;
use greenhub::account::code_sender::{CodeSender, NoBot};
use greenhub::account::keyring::Keys;
use greenhub::clock::rfc3339;
use greenhub::http::Problem;
use greenhub::http::problems::{conflict, not_found, tables};
use greenhub::pipeline::telegram::channels::ChannelError;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::telegram::client::Telegram;
use greenhub::telegram::codes::Codes;
use secrecy::SecretString;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

/// How the bot is reached; its token is among the app's secrets.
#[derive(Clone, Debug, Default)]
pub struct Bots {
    /// Where Telegram is, and by which client; none without Telegram.
    pub at: Option<(reqwest::Client, Url)>,
}

impl Bots {
    fn bot(&self, token: Option<SecretString>) -> Option<Telegram> {
        let (http, base) = self.at.clone()?;
        Telegram::new(http, base, token?).ok()
    }
}

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(channels::list))
        .routes(routes!(channels::claim))
        .routes(routes!(channels::release))
        .routes(routes!(numbers::show, numbers::link, numbers::unlink))
        .routes(routes!(numbers::test))
}

/// How Telegram stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TelegramStatus {
    /// The app has a bot.
    configured: bool,
    /// The bot's name in links; only while Telegram answers.
    bot: Option<String>,
    /// Telegram tells us what happens.
    listening: bool,
    /// How many updates wait at Telegram.
    pending: u64,
    /// What went wrong last with telling us, in Telegram's words.
    last_error: Option<String>,
    /// When that was, RFC 3339.
    last_error_at: Option<String>,
}

/// Whether there is a bot, and whether Telegram reaches us.
#[utoipa::path(
    get, path = "/api/telegram", tag = "telegram",
    security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses((status = 200, body = TelegramStatus))
)]
async fn status<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    _: Admin,
) -> Result<Json<TelegramStatus>, Problem> {
    let mut status = TelegramStatus {
        configured: false,
        bot: None,
        listening: false,
        pending: 0,
        last_error: None,
        last_error_at: None,
    };
    let Some(bot) = api.bot().await? else {
        return Ok(Json(status));
    };
    status.configured = true;
    match bot.me().await {
        Ok(me) => status.bot = Some(me.username),
        Err(error) => status.last_error = Some(error.to_string()),
    }
    if let Ok(info) = bot.webhook_info().await {
        status.listening = !info.url.is_empty();
        status.pending = info.pending_update_count;
        status.last_error = info.last_error_message.or(status.last_error);
        status.last_error_at = info
            .last_error_date
            .map(|at_s| rfc3339(at_s.saturating_mul(1000)));
    }
    Ok(Json(status))
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// The bot; `None` if the app has none.
    pub(crate) async fn bot(&self) -> Result<Option<Telegram>, Problem> {
        let keys = self.keys().await?;
        Ok(self.telegram.bot(keys.telegram_bot_token.clone()))
    }

    /// What sends codes for signing in.
    pub(crate) fn codes(&self, keys: &Keys) -> Arc<dyn CodeSender> {
        if let Some(codes) = &self.codes {
            return Arc::clone(codes);
        }
        match self.telegram.bot(keys.telegram_bot_token.clone()) {
            Some(bot) => Arc::new(Codes::new(bot, &self.public_base_url)),
            None => Arc::new(NoBot),
        }
    }

    async fn needed_bot(&self) -> Result<Telegram, Problem> {
        let bot = self.bot().await?;
        bot.ok_or_else(|| conflict("no_bot", "The app has no Telegram bot"))
    }
}

fn refused(error: ChannelError) -> Problem {
    match error {
        ChannelError::Unknown => not_found(),
        ChannelError::BadCode => Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_code",
            "The code is wrong, used or too old",
        ),
        ChannelError::Taken => conflict("channel_taken", "The channel is in use"),
        ChannelError::Inactive => {
            conflict("channel_inactive", "The bot may not post in the channel")
        }
        ChannelError::Db(error) => tables(&error),
    }
}
