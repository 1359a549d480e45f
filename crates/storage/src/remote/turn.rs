//! Whose turn it is to be fetched: each remote repository is fetched by one process at a time, which holds it by a lease.

use stoa_domain::{ProjectId, Resource, ResourceKind, SystemPermit, Timestamp, WorkspaceId};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::values;

/// Seconds for which a turn is held; whoever has it renews it meanwhile.
const LEASE: i64 = 60;

/// Seconds between the beginnings of two fetches that were wished, however many wishes there are.
const PACE: i64 = 5;

crate::statements! {
    /// Of each workspace no more than can be fetched of it at once: one that has a thousand hides nobody else's.
    DUE = "SELECT workspace_id, project_id FROM (
            SELECT workspace_id, project_id, next_at,
                ROW_NUMBER() OVER (PARTITION BY workspace_id ORDER BY next_at, project_id) AS place
            FROM remotes WHERE next_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)) due
        WHERE place <= $2 ORDER BY next_at, project_id LIMIT $3";
    CLAIM = "UPDATE remotes SET lease_until = $3, tried_at = $4 WHERE workspace_id = $1 AND project_id = $2
            AND next_at <= $4 AND (lease_until IS NULL OR lease_until <= $4) RETURNING failures";
    RENEW = "UPDATE remotes SET lease_until = $3 WHERE workspace_id = $1 AND project_id = $2 AND lease_until = $4";
    /// A wish that came after it had begun isn't answered by it. Whoever has lost the turn writes nothing down.
    END = "UPDATE remotes SET lease_until = NULL, fetched_at = COALESCE($3, fetched_at), problem = $4, detail = $5,
            failing_since = CASE WHEN CAST($4 AS TEXT) IS NULL THEN NULL ELSE COALESCE(failing_since, $6) END,
            failures = CASE WHEN CAST($4 AS TEXT) IS NULL THEN 0 ELSE failures + 1 END,
            offered_key = $7, passed_over = COALESCE($8, passed_over),
            next_at = CASE WHEN wished_at > $9 THEN CAST($12 AS BIGINT) ELSE CAST($10 AS BIGINT) END
        WHERE workspace_id = $1 AND project_id = $2 AND lease_until = $11";
    FREE = "UPDATE remotes SET lease_until = NULL WHERE lease_until IS NOT NULL";
}

/// A turn that was taken.
#[derive(Debug, Clone)]
pub struct Turn {
    pub workspace: WorkspaceId,
    pub project: ProjectId,
    pub begun_at: Timestamp,
    /// The lease that it is held by: another's is another.
    pub until: Timestamp,
    /// How often it has failed since it last succeeded.
    pub failures: i64,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct TurnEnd {
    /// A problem's key, and git's words.
    pub problem: Option<(String, String)>,
    /// The fingerprint that a host showed instead of the pinned key's.
    pub offered_key: Option<String>,
    pub passed_over: Option<i64>,
    pub next_at: Timestamp,
}

pub(super) fn system(workspace: WorkspaceId, project: ProjectId) -> SystemPermit {
    let resource = Resource { kind: ResourceKind::Project, id: project.uuid() };
    SystemPermit::new(workspace, "project.fetch_remote", Some(resource), None)
}

impl Store {
    /// Those whose time has come and that nobody fetches, the longest due first, and so many of a workspace.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_due_remotes(
        &self,
        of_workspace: i64,
        most: i64,
    ) -> Result<Vec<(WorkspaceId, ProjectId)>, StorageFault> {
        let rows = self.fetch_all(DUE, values![self.now(), of_workspace, most]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Takes a turn; `None` where another has it by now.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<Turn>, Failure> {
        let work: Work<Option<Turn>> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let until = now.plus_seconds(LEASE);
                let values = values![workspace, project, until, now];
                let Some(row) = tx.fetch_optional(CLAIM, values).await? else { return Ok(None) };
                tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?;
                Ok(Some(Turn { workspace, project, begun_at: now, until, failures: row.get(0)? }))
            })
        });
        self.write(system(workspace, project), work).await
    }

    /// Holds it for longer. `None` where it isn't held by this lease any more.
    ///
    /// # Errors
    /// A fault.
    pub async fn renew_turn(&self, turn: &Turn) -> Result<Option<Turn>, Failure> {
        let turn = turn.clone();
        let (workspace, project) = (turn.workspace, turn.project);
        let work: Work<Option<Turn>> = Box::new(move |tx| {
            let turn = turn.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let until = tx.now().plus_seconds(LEASE);
                let renewed = tx.execute(RENEW, values![workspace, project, until, turn.until]).await?;
                Ok((renewed > 0).then_some(Turn { until, ..turn }))
            })
        });
        self.write(system(workspace, project), work).await
    }

    /// Writes down what came of it; nothing, where another has the turn by now.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_turn(&self, turn: &Turn, end: TurnEnd) -> Result<(), Failure> {
        let (workspace, project, begun_at, until) = (turn.workspace, turn.project, turn.begun_at, turn.until);
        let work: Work<()> = Box::new(move |tx| {
            let end = end.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let fetched_at = end.problem.is_none().then_some(now);
                let (problem, detail) = end.problem.unzip();
                let values = values![
                    workspace,
                    project,
                    fetched_at,
                    problem,
                    detail,
                    now,
                    end.offered_key,
                    end.passed_over,
                    begun_at,
                    end.next_at,
                    until,
                    now.max(begun_at.plus_seconds(PACE))
                ];
                if tx.execute(END, values).await? == 0 {
                    return Ok(());
                }
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?)
            })
        });
        self.write(system(workspace, project), work).await
    }

    /// Gives back the turns of a process that is gone: for the one process on the records, at its start.
    ///
    /// # Errors
    /// A fault.
    pub async fn free_turns(&self) -> Result<(), Failure> {
        self.sweep("remote.free_turns", FREE, values![]).await
    }
}
