//! People: how they come in, and what they may do.

mod me;

use std::sync::Arc;

use greenhub::queue::Queue;
use greenhub::store::db::Db;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(me::show))
        .routes(routes!(me::sign_out))
}
