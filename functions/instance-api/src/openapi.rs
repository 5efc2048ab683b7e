//! What this function's routes say of themselves. The whole document is served by `panel-api`.

use greenhub::http::openapi::completed;
use greenhub::queue::Queue;
use greenhub::store::db::Db;

use crate::described;

/// This function's part of the document.
pub fn describe<D: Db, Q: Queue>() -> utoipa::openapi::OpenApi {
    completed(described::<D, Q>().into_openapi())
}
