//! `/api/workspace`: what holds for all numbers of a workspace.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use greenhub::account::audit::{About, Action};
use greenhub::account::auth::{Admin, Authenticated};
use greenhub::domain::ids::NumberId;
use greenhub::domain::rights::Rights;
use greenhub::domain::routing::{self, Routing, Rule};
use greenhub::domain::text::Lang;
use greenhub::http::{Body, Problem};
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use greenhub::store::directory::WorkspaceRow;
use greenhub::store::{keys, row};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::problems::{bad_input, not_found, tables};
use crate::{Api, seen};

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Workspace {
    /// Ours.
    id: String,
    /// What people call it.
    name: String,
    /// The language of the texts that are written into GoHighLevel.
    lang: Language,
    /// Of phones without a country code: ISO 3166, two letters.
    country: Option<String>,
    /// How the number of an answer is chosen.
    routing: RoutingView,
}

/// A language.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Language {
    /// English.
    En,
    /// Russian.
    Ru,
}

/// How the number of an answer is chosen.
#[derive(Serialize, ToSchema)]
#[schema(as = Routing)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoutingView {
    /// The first rule that leads to a number decides.
    order: Vec<RuleView>,
    /// Our id of the default number, if the caller sees it; the oldest one if there is none.
    default_instance: Option<String>,
}

/// A way to choose a number.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Rule)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleView {
    /// The number that the contact wrote to last.
    LastConversation,
    /// The number that the contact's tag names.
    Tag,
    /// The default number.
    Default,
}

/// A change of a workspace; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkspaceChange {
    /// The language of the texts that are written into GoHighLevel.
    lang: Option<Language>,
    /// How the number of an answer is chosen.
    routing: Option<RoutingChange>,
}

/// A change of the routing; what is missing stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RoutingChange {
    /// Each rule at most once, `default` at the end.
    order: Option<Vec<RuleView>>,
    /// Our id of a number of the workspace; null for the oldest one.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    default_instance: Option<Option<String>>,
}

/// Tells null from nothing.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// The caller's workspace.
#[utoipa::path(
    get, path = "/api/workspace", tag = "workspace", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Workspace))
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Workspace>, Problem> {
    let row = api.workspace(&caller.workspace).await?;
    Ok(Json(Workspace::of(row, &caller.rights)))
}

/// Changes the caller's workspace.
#[utoipa::path(
    patch, path = "/api/workspace", tag = "workspace", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    request_body = WorkspaceChange,
    responses(
        (status = 200, body = Workspace),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`bad_routing`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_found`: the default number is none of the workspace's"),
    )
)]
pub(crate) async fn change<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
    Body(asked): Body<WorkspaceChange>,
) -> Result<Json<Workspace>, Problem> {
    let (order, default) = match asked.routing {
        Some(RoutingChange {
            order,
            default_instance,
        }) => (order, default_instance),
        None => (None, None),
    };
    let order = order.map(|order| order.into_iter().map(Rule::from).collect::<Vec<_>>());
    if let Some(order) = &order {
        routing::check_order(order).map_err(|error| bad_input("bad_routing", error))?;
    }
    let default = default.map(|id| id.map(NumberId::new));
    if let Some(Some(number)) = &default {
        seen(&caller, number)?;
        let found = api.numbers.get(&caller.workspace, number).await;
        found
            .map_err(|error| tables(&error))?
            .ok_or_else(not_found)?;
    }
    let lang = asked.lang.map(Lang::from);
    let key = keys::workspace(&caller.workspace);
    let mut about = About::default();
    let changed = row::change::<WorkspaceRow>(&api.numbers.db, &key, |row| {
        let before = row.clone();
        row.lang = lang.unwrap_or(row.lang);
        if let Some(order) = &order {
            row.routing.order.clone_from(order);
        }
        if let Some(default) = &default {
            row.routing.default.clone_from(default);
        }
        about = changes(&before, row);
        *row != before
    });
    let changed = changed.await.map_err(|error| tables(&error))?;
    let changed = changed.ok_or_else(not_found)?;
    if !about.changes.is_empty() {
        api.note(&caller, Action::WorkspaceChanged, about).await;
    }
    Ok(Json(Workspace::of(changed, &caller.rights)))
}

fn changes(before: &WorkspaceRow, after: &WorkspaceRow) -> About {
    let lang = |lang: Lang| match lang {
        Lang::En => "en",
        Lang::Ru => "ru",
    };
    let default = |routing: &Routing| routing.default.as_ref().map(ToString::to_string);
    let order = |routing: &Routing| format!("{:?}", routing.order);
    let (was, is) = (&before.routing, &after.routing);
    About::default()
        .change("lang", lang(before.lang), lang(after.lang))
        .change("order", order(was), order(is))
        .change(
            "defaultInstance",
            default(was).unwrap_or_default(),
            default(is).unwrap_or_default(),
        )
}

impl Workspace {
    /// As somebody with these rights sees it.
    fn of(row: WorkspaceRow, rights: &Rights) -> Self {
        let Routing { order, default } = row.routing;
        let default = default.filter(|number| rights.may_see(number));
        Workspace {
            id: row.workspace.to_string(),
            name: row.name,
            lang: row.lang.into(),
            country: row.country,
            routing: RoutingView {
                order: order.into_iter().map(RuleView::from).collect(),
                default_instance: default.map(|number| number.to_string()),
            },
        }
    }
}

/// The same words on both sides.
macro_rules! mirrors {
    ($inner:ty, $outer:ty: $($name:ident),+) => {
        impl From<$inner> for $outer {
            fn from(inner: $inner) -> Self {
                match inner { $(<$inner>::$name => Self::$name),+ }
            }
        }

        impl From<$outer> for $inner {
            fn from(outer: $outer) -> Self {
                match outer { $(<$outer>::$name => Self::$name),+ }
            }
        }
    };
}

mirrors!(Rule, RuleView: LastConversation, Tag, Default);
mirrors!(Lang, Language: En, Ru);
