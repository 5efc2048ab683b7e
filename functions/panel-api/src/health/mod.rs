//! `/api/health…`: how each flow of messages stands, and the messages that wait for a person.

mod flows;
mod stuck;

use std::sync::Arc;

use greenhub::queue::Queue;
use greenhub::store::db::Db;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

pub(crate) fn routes<D: Db, Q: Queue>() -> OpenApiRouter<Arc<Api<D, Q>>> {
    OpenApiRouter::new()
        .routes(routes!(flows::show))
        .routes(routes!(flows::quarantine))
        .routes(routes!(stuck::list))
        .routes(routes!(stuck::retry))
        .routes(routes!(stuck::discard))
}
