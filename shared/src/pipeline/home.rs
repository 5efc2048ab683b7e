//! Whose a message is, and which destinations that one has.

use super::Hub;
use crate::domain::auto_reply::AutoReply;
use crate::domain::ids::{LocationId, NumberId, WorkspaceId};
use crate::domain::telegram::Posts;
use crate::queue::Queue;
use crate::store::chats::ChatRow;
use crate::store::db::{Db, DbError};
use crate::store::directory::NumberRow;
use crate::store::{keys, row};

/// The tenant, the number and the CRM that a message belongs to.
#[derive(Clone, Debug)]
pub struct Home {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number.
    pub number: NumberId,
    /// The CRM that it is linked to.
    pub location: Option<LocationId>,
    /// What the number answers by itself, where it does.
    pub auto_reply: Option<AutoReply>,
    /// What is posted of its messages in Telegram, if anything is.
    pub telegram: Option<Posts>,
}

impl From<&NumberRow> for Home {
    fn from(number: &NumberRow) -> Self {
        Home {
            workspace: number.workspace.clone(),
            number: number.number.clone(),
            location: number.location.clone(),
            auto_reply: number.prefs.auto_reply.clone().filter(|it| it.on),
            telegram: posts(number),
        }
    }
}

fn posts(number: &NumberRow) -> Option<Posts> {
    number
        .prefs
        .telegram
        .as_ref()
        .map(|link| link.posts.clone())
}

impl Home {
    /// Where a chat's messages belong.
    pub(super) async fn of_chat<D: Db, Q: Queue>(
        hub: &Hub<D, Q>,
        chat: &ChatRow,
    ) -> Result<Self, DbError> {
        let key = keys::number(&chat.workspace, &chat.number);
        let number = row::load::<NumberRow>(&hub.db, &key).await?;
        Ok(Home {
            workspace: chat.workspace.clone(),
            number: chat.number.clone(),
            auto_reply: None,
            telegram: number.as_ref().and_then(posts),
            location: number.and_then(|number| number.location),
        })
    }
}
