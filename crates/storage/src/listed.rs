//! What a deletion means to the members who had the thing in their lists.

use stoa_domain::{AccountId, MemberId, ResourceKind, WorkspaceId};
use uuid::Uuid;

use crate::event::EventType;
use crate::failure::StorageFault;
use crate::row::Row;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    RAISE = "UPDATE members SET access_revision = access_revision + 1 WHERE workspace_id = $1 AND id = $2";
}

impl Tx<'_> {
    /// A resource that is deleted leaves every list. `listing` are the members (id, account) who had it: each is
    /// told by itself, because by then it isn't in the list by which events are filtered.
    pub(crate) async fn leaves_lists(
        &mut self,
        workspace: WorkspaceId,
        kind: ResourceKind,
        id: Uuid,
        listing: &[Row],
    ) -> Result<(), StorageFault> {
        for row in listing {
            let (member, account): (MemberId, AccountId) = (row.get(0)?, row.get(1)?);
            self.execute(RAISE, values![workspace, member]).await?;
            self.touched.members.push((workspace, account));
            self.tell_member(workspace, EventType::Deleted, kind, id, Some(member)).await?;
        }
        Ok(())
    }
}
