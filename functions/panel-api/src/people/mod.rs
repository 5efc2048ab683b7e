//! People: how they come in, and what they may do.

mod audit;
mod install_link;
mod me;
mod problems;
mod second_step;
mod sessions;
mod setup;
mod sign_in;
mod team;
mod view;

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use greenhub::account::browser::Browser;
use greenhub::account::people::Team;
use greenhub::account::session::{Caller, Who};
use greenhub::http::Problem;
use greenhub::http::problems::{not_found, tables};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::people::PersonRow;
use greenhub::store::{keys, row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::show, sign_in::begin, sign_in::give_up))
        .routes(routes!(sign_in::code))
        .routes(routes!(sign_in::send_code))
        .routes(routes!(setup::look))
        .routes(routes!(setup::complete))
        .routes(routes!(setup::offer_owner))
        .routes(routes!(me::show))
        .routes(routes!(me::sign_out))
        .routes(routes!(me::set_password))
        .routes(routes!(second_step::show))
        .routes(routes!(second_step::offer_totp, second_step::remove_totp))
        .routes(routes!(second_step::prove_totp))
        .routes(routes!(
            second_step::offer_telegram,
            second_step::remove_telegram
        ))
        .routes(routes!(second_step::renew_recovery))
        .routes(routes!(team::list, team::create))
        .routes(routes!(team::show, team::change, team::remove))
        .routes(routes!(team::renew_link))
        .routes(routes!(team::reset_second_step))
        .routes(routes!(sessions::list, sessions::end_all))
        .routes(routes!(sessions::end))
        .routes(routes!(team::policy, team::change_policy))
        .routes(routes!(audit::list))
        .routes(routes!(install_link::offer))
}

impl<D: Db, Q: Queue> Api<D, Q> {
    /// The people of the caller's workspace, for the caller.
    pub(crate) fn team<'a>(&'a self, caller: &'a Caller) -> Team<'a, D> {
        Team {
            db: &self.hub.db,
            clock: &self.hub.clock,
            ids: &self.hub.ids,
            caller,
        }
    }

    /// The caller's own row.
    async fn own(&self, caller: &Caller) -> Result<PersonRow, Problem> {
        let key = keys::person(&caller.workspace, caller.person());
        let row = row::load::<PersonRow>(&self.hub.db, &key).await;
        row.map_err(|error| tables(&error))?.ok_or_else(not_found)
    }

    /// What is known of the browser that asks.
    fn browser(&self, parts: &Parts) -> Browser {
        let agent = parts.headers.get(header::USER_AGENT);
        Browser {
            address: self.addresses.of(parts),
            user_agent: agent
                .and_then(|agent| agent.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// The session that the caller asks in, if it is a browser's.
fn session_of(caller: &Caller) -> Option<&str> {
    match &caller.who {
        Who::Person { session, .. } => Some(session),
        Who::Ghl { .. } => None,
    }
}
