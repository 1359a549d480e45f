//! What a push from a desk is made of: where it goes, and its pack. It is carried out where git pushes are.

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::permission::ide as may;
use stoa_domain::{Conflict, MemberId, Permit, ProjectId, Refusal, WorkspaceId};
use stoa_storage::head::OnBranch;

use crate::ports::{DeskOf, DeskPack, DeskProblem};
use crate::{App, Failure};

/// Where a push from a desk goes.
#[derive(Debug, Clone)]
pub struct PushTarget {
    pub project: ProjectId,
    pub branch: BranchName,
    /// Where the branch stands now.
    pub head: Option<CommitId>,
}

impl App {
    /// The instances on a branch that a member sees.
    ///
    /// # Errors
    /// A fault.
    pub async fn seen_on_branch(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branch: &BranchName,
        sees_everything: bool,
        member: MemberId,
    ) -> Result<Vec<OnBranch>, Failure> {
        let mut seen = self.store().list_on_branches(workspace, project, sees_everything, member).await?;
        seen.retain(|on| on.branch == branch.as_str());
        Ok(seen)
    }

    /// Where it goes, and what it brings.
    ///
    /// # Errors
    /// `BranchAhead` where the branch has more, `InDesk` where there is nothing to push, `OtherBranch`, `DeskClosed`, or
    /// a fault.
    pub async fn begin_desk_push(
        &self,
        permit: &Permit<may::Push>,
    ) -> Result<(PushTarget, DeskPack), Failure> {
        let instance = permit.target().instance;
        let (all, member) = (permit.sees_everything(), permit.member());
        let record = self.store().load_instance(permit.workspace(), instance, all, member).await?;
        let branch = BranchName::parse(&record.branch).ok_or(Refusal::Conflict(Conflict::NoSuchBranch))?;
        let project = record.project.id;
        let desk = DeskOf { instance, account: permit.account() };
        let desks = self.machine_of(instance).await?.desks;
        let copy = desks.status(desk).await?;
        if copy.branch != record.branch {
            return Err(Refusal::Conflict(Conflict::OtherBranch).into());
        }
        let head = self.outside().repositories.head(project, branch.clone()).await?;
        let pack = match desks.pack(desk, branch.clone(), head.clone()).await {
            Err(DeskProblem::Changed) => return Err(Refusal::Conflict(Conflict::BranchAhead).into()),
            other => other?,
        };
        Ok((PushTarget { project, branch, head }, pack))
    }

    /// Tells the desk that its push has been taken. Where it can't be told, its next merge does.
    pub async fn end_desk_push(&self, permit: &Permit<may::Push>, commit: CommitId) {
        let desk = DeskOf { instance: permit.target().instance, account: permit.account() };
        let told = match self.machine_of(desk.instance).await {
            Ok(reached) => reached.desks.pushed(desk, commit).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = told {
            tracing::warn!(?failure, instance = %desk.instance, "a desk doesn't know of its own push");
        }
    }
}
