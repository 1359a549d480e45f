//! Events: what the open pages are told. They name a thing, never what it says.

use stoa_domain::{EventId, MemberId, ResourceKind, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::failure::StorageFault;
use crate::store::Store;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO events (id, workspace_id, type, resource_kind, resource_id, member_id, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// What is visible to one member now: things in its lists, what every member sees, and what is its alone.
    AFTER = "SELECT e.id, e.type, e.resource_kind, e.resource_id, e.member_id, e.at FROM events e
        WHERE e.workspace_id = $1 AND e.id > $2 AND (e.member_id IS NULL OR e.member_id = $3)
          AND ($4 OR e.member_id = $3 OR e.resource_kind IN ('workspace', 'member')
            OR (e.resource_kind = 'project' AND EXISTS (SELECT 1 FROM member_projects x WHERE x.member_id = $3
                AND x.project_id = e.resource_id AND (x.until_at IS NULL OR x.until_at > $5)))
            OR (e.resource_kind = 'instance' AND EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $3
                AND x.instance_id = e.resource_id AND (x.until_at IS NULL OR x.until_at > $5)))
            OR (e.resource_kind = 'server' AND EXISTS (SELECT 1 FROM member_servers x WHERE x.member_id = $3
                AND x.server_id = e.resource_id AND (x.until_at IS NULL OR x.until_at > $5)))
            OR (e.resource_kind = 'job' AND EXISTS (SELECT 1 FROM jobs j JOIN member_instances x
                ON x.instance_id = j.instance_id WHERE j.id = e.resource_id AND x.member_id = $3
                AND (x.until_at IS NULL OR x.until_at > $5))))
        ORDER BY e.id LIMIT 500";
    SWEEP = "DELETE FROM events WHERE at < $1";
}

/// The kinds of event there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    Created,
    Changed,
    Deleted,
    Status,
    Job,
    AccessChanged,
    MembershipEnded,
    Refused,
}

impl EventType {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Status => "status",
            Self::Job => "job",
            Self::AccessChanged => "access_changed",
            Self::MembershipEnded => "membership_ended",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone)]
pub struct EventRecord {
    pub id: EventId,
    pub kind: String,
    pub resource_kind: String,
    pub resource: Uuid,
    pub member: Option<MemberId>,
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Tells every page of the workspace that may see the thing.
    ///
    /// # Errors
    /// A fault.
    pub async fn tell(
        &mut self,
        workspace: WorkspaceId,
        kind: EventType,
        resource_kind: ResourceKind,
        resource: Uuid,
    ) -> Result<(), StorageFault> {
        self.tell_member(workspace, kind, resource_kind, resource, None).await
    }

    /// Tells one member's pages alone, where `member` names one.
    ///
    /// # Errors
    /// A fault.
    pub async fn tell_member(
        &mut self,
        workspace: WorkspaceId,
        kind: EventType,
        resource_kind: ResourceKind,
        resource: Uuid,
        member: Option<MemberId>,
    ) -> Result<(), StorageFault> {
        let (id, now) = (EventId::new(self.new_id()), self.now());
        let values = values![id, workspace, kind.key(), resource_kind.key(), resource, member, now];
        self.insert_later(INSERT, values).await?;
        if !self.touched.events.contains(&workspace) {
            self.touched.events.push(workspace);
        }
        Ok(())
    }
}

impl Store {
    /// Events after `after` that `member` may see now; all of them where it sees everything.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_events(
        &self,
        workspace: WorkspaceId,
        after: EventId,
        member: MemberId,
        sees_everything: bool,
    ) -> Result<Vec<EventRecord>, StorageFault> {
        let rows =
            self.fetch_all(AFTER, values![workspace, after, member, sees_everything, self.now()]).await?;
        rows.iter()
            .map(|row| {
                Ok(EventRecord {
                    id: row.get(0)?,
                    kind: row.get(1)?,
                    resource_kind: row.get(2)?,
                    resource: row.get(3)?,
                    member: row.get(4)?,
                    at: row.get(5)?,
                })
            })
            .collect()
    }

    /// Removes what is older than `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_events(&self, before: Timestamp) -> Result<(), crate::Failure> {
        self.sweep("event.sweep", SWEEP, values![before]).await
    }
}
