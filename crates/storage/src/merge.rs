//! Merges under way: what is decided and written down before a branch moves, and what is written down after it.
//!
//! A branch lies in a repository and its records lie here, so that no transaction holds both. The last decision is made in
//! one that leaves a row; then the branch moves; then the row goes in the transaction that has the audit event, the new
//! head and the deployments. Whatever is killed in between, the row says whose merge it was.

use stoa_domain::branch::CommitId;
use stoa_domain::deployment::DeploymentCause;
use stoa_domain::permission::project::Merge;
use stoa_domain::{
    AccountId, Actor, Credential, InstanceId, Permit, ProjectId, Refusal, Resource, ResourceKind, StartedBy,
    SystemPermit, Timestamp, Via, WorkspaceId,
};

use crate::deployment::QueuedDeployment;
use crate::failure::{Failure, StorageFault};
use crate::head::{Head, MovedBy, commit, deployed_by_in, move_in};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    PROJECT = "SELECT id FROM projects WHERE workspace_id = $1 AND id = $2";
    BEGIN = "INSERT INTO merges (id, workspace_id, project_id, source, target, commit_id, account_id, actor_name, via, address,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    LIST = "SELECT id, source, target, commit_id, account_id, actor_name, via, address, created_at FROM merges
        WHERE workspace_id = $1 AND project_id = $2 ORDER BY created_at, id";
    END = "DELETE FROM merges WHERE workspace_id = $1 AND project_id = $2 AND target = $3 AND commit_id = $4 RETURNING id";
    ABANDON = "DELETE FROM merges WHERE workspace_id = $1 AND id = $2 RETURNING id";
}

/// A merge whose branch is about to move, or has moved.
#[derive(Debug, Clone)]
pub struct BegunMerge {
    pub id: uuid::Uuid,
    pub project: ProjectId,
    pub source: String,
    pub target: String,
    /// The merge commit.
    pub commit: CommitId,
    /// Who merged.
    pub actor: Actor,
    pub created_at: Timestamp,
}

/// Whether a merge may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    Yes,
    /// Other instances deploy the target than it was decided for: it has to be decided anew.
    Otherwise,
}

fn read(row: &Row, project: ProjectId) -> Result<BegunMerge, StorageFault> {
    let via: String = row.get(6)?;
    let ways = [Via::Page, Via::Api, Via::Git, Via::Command, Via::Agent, Via::System];
    let via = ways.into_iter().find(|way| way.key() == via).ok_or(StorageFault::Unknown(via))?;
    Ok(BegunMerge {
        id: row.get(0)?,
        project,
        source: row.get(1)?,
        target: row.get(2)?,
        commit: commit(row.get(3)?)?,
        actor: Actor {
            account: row.get::<AccountId>(4)?,
            name: row.get(5)?,
            via,
            credential: Credential::Job,
            address: row.get(7)?,
        },
        created_at: row.get(8)?,
    })
}

fn system(workspace: WorkspaceId, project: ProjectId, actor: Option<Actor>) -> SystemPermit {
    let resource = Resource { kind: ResourceKind::Project, id: project.uuid() };
    SystemPermit::new(workspace, "project.merge", Some(resource), actor)
}

impl Store {
    /// The last decision before a branch moves: in the transaction that leaves the row, and with it that no other
    /// instance deploys the target than those it was decided for.
    ///
    /// # Errors
    /// What the decision refuses now, `NotFound`, or a fault.
    pub async fn begin_merge(&self, permit: Permit<Merge>, merge: BegunMerge) -> Result<Begun, Failure> {
        let (workspace, target) = (permit.workspace(), permit.target().clone());
        let work: Work<Begun> = Box::new(move |tx| {
            let (merge, target) = (merge.clone(), target.clone());
            Box::pin(async move {
                // What it comes to is told when it is done.
                tx.audit_nothing();
                let project = target.project;
                if tx.fetch_optional(PROJECT, values![workspace, project]).await?.is_none() {
                    return Err(Refusal::NotFound.into());
                }
                let deploy = deployed_by_in(tx, workspace, project, &merge.target).await?;
                if deploy.iter().any(|instance| !target.instances.contains(instance)) {
                    return Ok(Begun::Otherwise);
                }
                let BegunMerge { id, source, target, commit, actor, .. } = merge;
                let (via, now) = (actor.via.key(), tx.now());
                let values = values![
                    id,
                    workspace,
                    project,
                    source,
                    target,
                    commit.as_str(),
                    actor.account,
                    actor.name,
                    via,
                    actor.address,
                    now
                ];
                tx.execute(BEGIN, values).await?;
                Ok(Begun::Yes)
            })
        });
        self.write(permit, work).await
    }

    /// What follows from a merge whose branch has moved: the audit event in the name of who merged, the head, and a
    /// deployment of every instance on the branch. Nothing where another has written it down already.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_merge(
        &self,
        workspace: WorkspaceId,
        merge: BegunMerge,
        head: Head,
    ) -> Result<Vec<(InstanceId, QueuedDeployment)>, Failure> {
        let permit = system(workspace, merge.project, Some(merge.actor.clone()));
        let work: Work<Vec<(InstanceId, QueuedDeployment)>> = Box::new(move |tx| {
            let (merge, head) = (merge.clone(), head.clone());
            Box::pin(async move {
                // With it every row of the same commit: whoever merges the same twice in one second, before a crash and
                // after it, makes one commit, and it came to the branch once.
                let of_it = values![workspace, merge.project, merge.target.as_str(), merge.commit.as_str()];
                if tx.fetch_all(END, of_it).await?.is_empty() {
                    tx.audit_nothing();
                    return Ok(Vec::new());
                }
                let by = MovedBy {
                    cause: DeploymentCause::Merge,
                    account: Some(merge.actor.account),
                    permission: StartedBy::MERGE,
                };
                let moved = move_in(tx, workspace, merge.project, &[head], &by).await?;
                tx.audit_name(moved.project);
                tx.audit_second(format!("{} into {}", merge.source, merge.target));
                tx.audit_detail(format!("{{\"commit\":\"{}\"}}", merge.commit));
                Ok(moved.deployed)
            })
        });
        self.write(permit, work).await
    }

    /// Forgets a merge whose branch hasn't moved.
    ///
    /// # Errors
    /// A fault.
    pub async fn abandon_merge(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        merge: uuid::Uuid,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(ABANDON, values![workspace, merge]).await?;
                Ok(())
            })
        });
        self.write(system(workspace, project, None), work).await
    }

    /// Merges of a project that aren't over, or that a crash has left.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_begun_merges(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Vec<BegunMerge>, StorageFault> {
        let rows = self.fetch_all(LIST, values![workspace, project]).await?;
        rows.iter().map(|row| read(row, project)).collect()
    }
}
