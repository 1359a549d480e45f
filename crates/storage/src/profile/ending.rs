//! Grants that end. They stop counting by themselves, because every statement asks for the time; here what is over is
//! taken away, and told.

use stoa_domain::{Action, MemberId, Resource, ResourceKind, SystemPermit, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::detail::{Detail, list};
use crate::failure::{Failure, StorageFault};
use crate::member::{find_member_in, tell_access};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    ENDED = "SELECT DISTINCT workspace_id, member_id FROM (
            SELECT workspace_id, member_id FROM member_actions WHERE until_at <= $1
            UNION ALL SELECT workspace_id, member_id FROM member_projects WHERE until_at <= $1
            UNION ALL SELECT workspace_id, member_id FROM member_instances WHERE until_at <= $1
            UNION ALL SELECT workspace_id, member_id FROM member_servers WHERE until_at <= $1) over
        LIMIT 200";
    NEXT = "SELECT MIN(next_at) FROM (
            SELECT MIN(until_at) AS next_at FROM member_actions WHERE until_at > $1
            UNION ALL SELECT MIN(until_at) FROM member_projects WHERE until_at > $1
            UNION ALL SELECT MIN(until_at) FROM member_instances WHERE until_at > $1
            UNION ALL SELECT MIN(until_at) FROM member_servers WHERE until_at > $1) ends";
    END_ACTIONS =
        "DELETE FROM member_actions WHERE workspace_id = $1 AND member_id = $2 AND until_at <= $3 RETURNING action";
    END_PROJECTS =
        "DELETE FROM member_projects WHERE workspace_id = $1 AND member_id = $2 AND until_at <= $3 RETURNING project_id";
    END_INSTANCES =
        "DELETE FROM member_instances WHERE workspace_id = $1 AND member_id = $2 AND until_at <= $3 RETURNING instance_id";
    END_SERVERS =
        "DELETE FROM member_servers WHERE workspace_id = $1 AND member_id = $2 AND until_at <= $3 RETURNING server_id";
    RAISE = "UPDATE members SET access_revision = access_revision + 1 WHERE workspace_id = $1 AND id = $2";
}

impl Store {
    /// Members who had a grant that is over by now, 200 at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_ended_grants(&self) -> Result<Vec<(WorkspaceId, MemberId)>, StorageFault> {
        let rows = self.fetch_all(ENDED, values![self.now()]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// When the next grant ends.
    ///
    /// # Errors
    /// A fault.
    pub async fn next_end_of_a_grant(&self) -> Result<Option<Timestamp>, StorageFault> {
        match self.fetch_optional(NEXT, values![self.now()]).await? {
            Some(row) => row.get(0),
            None => Ok(None),
        }
    }

    /// Takes away what is over of a member's grants, and tells the member's pages and the others'. Doing it twice, or on
    /// two replicas at once, is doing it once.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_grants(&self, workspace: WorkspaceId, member: MemberId) -> Result<(), Failure> {
        let resource = Resource { kind: ResourceKind::Member, id: member.uuid() };
        let permit = SystemPermit::new(workspace, "member.grant_ended", Some(resource), None);
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let of = || values![workspace, member];
                let now = tx.now();
                let with_time = || values![workspace, member, now];
                let mut actions = Vec::new();
                for row in tx.fetch_all(END_ACTIONS, with_time()).await? {
                    let key: String = row.get(0)?;
                    actions.push(Action::from_key(&key).ok_or(StorageFault::Unknown(key))?.key().to_owned());
                }
                let mut lists: [Vec<String>; 3] = Default::default();
                for (ids, end) in lists.iter_mut().zip([END_PROJECTS, END_INSTANCES, END_SERVERS]) {
                    for row in tx.fetch_all(end, with_time()).await? {
                        ids.push(row.get::<Uuid>(0)?.to_string());
                    }
                }
                let found = find_member_in(tx, workspace, member).await?;
                let is_nothing = actions.is_empty() && lists.iter().all(Vec::is_empty);
                let (Some(found), false) = (found, is_nothing) else {
                    tx.audit_nothing();
                    return Ok(());
                };
                tx.execute(RAISE, of()).await?;
                tell_access(tx, workspace, member, found.account).await?;
                tx.audit_name(found.name);
                let mut detail = Detail::default().json("actions", &list(&actions));
                for (name, ids) in ["projects", "instances", "servers"].into_iter().zip(&lists) {
                    detail = detail.json(name, &list(ids));
                }
                tx.audit_detail(detail.finish());
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
