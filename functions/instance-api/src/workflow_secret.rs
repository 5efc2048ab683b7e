//! `/api/workflow-secret`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::audit::{About, Action};
use greenhub::account::auth::Admin;
use greenhub::account::session::Caller;
use greenhub::account::workflow_secret::{self, WorkflowSecretError};
use greenhub::clock::rfc3339;
use greenhub::domain::ids::LocationId;
use greenhub::http::Problem;
use greenhub::queue::Queue;
use greenhub::store::db::Db;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::problems::{conflict, tables};

/// What the workflow actions of a sub-account show to prove that they are its own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkflowSecret {
    /// `null` if none was made yet.
    #[schema(format = Password)]
    secret: Option<String>,
    /// RFC 3339.
    created_at: Option<String>,
}

impl From<workflow_secret::WorkflowSecret> for WorkflowSecret {
    fn from(made: workflow_secret::WorkflowSecret) -> Self {
        WorkflowSecret {
            secret: Some(made.secret.expose_secret().to_owned()),
            created_at: Some(rfc3339(made.created_ms)),
        }
    }
}

/// The sub-account's secret for workflow actions.
#[utoipa::path(
    get, path = "/api/workflow-secret", tag = "workflows", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 200, body = WorkflowSecret),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`secret_lost`, `not_installed`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn show<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
) -> Result<Json<WorkflowSecret>, Problem> {
    let location = location(&api, &caller).await?;
    let keys = api.keys().await?;
    match workflow_secret::get(&api.numbers.db, &keys.data_keys, &location).await {
        Ok(Some(secret)) => Ok(Json(secret.into())),
        Ok(None) => Ok(Json(WorkflowSecret {
            secret: None,
            created_at: None,
        })),
        Err(WorkflowSecretError::Sealed(error)) => {
            tracing::error!(%location, %error, "a workflow secret is lost");
            Err(Problem::new(
                StatusCode::CONFLICT,
                "secret_lost",
                "The secret cannot be shown any more",
            )
            .with_detail("Make a new one, and put it where the old one is."))
        }
        Err(WorkflowSecretError::Db(error)) => Err(tables(&error)),
    }
}

/// Makes a new secret; the one before stops working at once.
#[utoipa::path(
    post, path = "/api/workflow-secret", tag = "workflows", security(("bearer" = ["admin"]), ("cookie" = ["admin"])),
    responses(
        (status = 201, body = WorkflowSecret),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`not_installed`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn renew<D: Db, Q: Queue>(
    State(api): State<Arc<Api<D, Q>>>,
    Admin(caller): Admin,
) -> Result<(StatusCode, Json<WorkflowSecret>), Problem> {
    let location = location(&api, &caller).await?;
    let keys = api.keys().await?;
    let (db, clock) = (&api.numbers.db, &api.numbers.clock);
    let made = workflow_secret::renew(db, clock, &keys.data_keys, &location).await;
    let made = made.map_err(|error| tables(&error))?;
    let action = Action::WorkflowSecretRenewed;
    api.note(&caller, action, About::default()).await;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Workflows run in a sub-account: a workspace without one has none.
async fn location<D: Db, Q: Queue>(
    api: &Api<D, Q>,
    caller: &Caller,
) -> Result<LocationId, Problem> {
    let location = api.location(caller).await?;
    location.ok_or_else(|| conflict("not_installed", "The app is installed in no sub-account"))
}
