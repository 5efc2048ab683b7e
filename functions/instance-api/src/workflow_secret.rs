//! `/api/workflow-secret`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use greenhub::account::session::{Authenticated, Caller};
use greenhub::account::workflow_secret::{self, WorkflowSecretError};
use greenhub::clock::rfc3339;
use greenhub::http::Problem;
use greenhub::store::db::Db;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, tables};

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
    get, path = "/api/workflow-secret", tag = "workflows", security(("bearer" = [])),
    responses(
        (status = 200, body = WorkflowSecret),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`secret_lost`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn show<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
) -> Result<Json<WorkflowSecret>, Problem> {
    admin(&caller)?;
    let keys = api.keys().await?;
    match workflow_secret::get(&api.numbers.db, &keys.data_keys, &caller.location).await {
        Ok(Some(secret)) => Ok(Json(secret.into())),
        Ok(None) => Ok(Json(WorkflowSecret {
            secret: None,
            created_at: None,
        })),
        Err(WorkflowSecretError::Sealed(error)) => {
            tracing::error!(location = %caller.location, %error, "a workflow secret is lost");
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
    post, path = "/api/workflow-secret", tag = "workflows", security(("bearer" = [])),
    responses(
        (status = 201, body = WorkflowSecret),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`sign_in_needed`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`admin_needed`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`try_again`"),
    )
)]
pub(crate) async fn renew<D: Db>(
    State(api): State<Arc<Api<D>>>,
    Authenticated(caller): Authenticated,
) -> Result<(StatusCode, Json<WorkflowSecret>), Problem> {
    admin(&caller)?;
    let keys = api.keys().await?;
    let (db, clock) = (&api.numbers.db, &api.numbers.clock);
    let made = workflow_secret::renew(db, clock, &keys.data_keys, &caller.location).await;
    let made = made.map_err(|error| tables(&error))?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.is_admin {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "admin_needed",
        "Only an admin of the sub-account may see what its workflows prove themselves by",
    ))
}
