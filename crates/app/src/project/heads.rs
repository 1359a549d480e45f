//! What follows when branches move: records of where they stand, and deployments of whatever deploys them.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_domain::branch::BranchName;
use stoa_domain::permission::project as may;
use stoa_domain::{
    InstanceId, Permission, Permit, ProjectId, Resource, ResourceKind, SystemPermit, WorkspaceId,
};
use stoa_storage::head::Head;
use stoa_storage::project::KeptProject;

use crate::ports::RefUpdate;
use crate::{App, Failure};

/// Where a branch is moved again while its last move is written down, it is looked at again this often.
const LOOKS: usize = 8;

/// Up to so many branches are asked for one by one, more by a list of them all.
const FEW: usize = 3;

impl App {
    /// Every instance that deploys a branch, whoever sees it: what the decision about a push asks.
    ///
    /// # Errors
    /// A fault.
    pub async fn deployed_by(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branch: &BranchName,
    ) -> Result<Vec<InstanceId>, Failure> {
        Ok(self.store().deployed_by(workspace, project, branch.as_str()).await?)
    }

    /// Called after git has moved the branches of a push: writes down where they stand now and deploys every instance
    /// on each. Should the process end before, `compare_heads` does it at the next start.
    ///
    /// # Errors
    /// A fault.
    pub async fn after_push(
        &self,
        permit: Permit<may::Push>,
        updates: &[RefUpdate],
    ) -> Result<Vec<InstanceId>, Failure> {
        let project = permit.target().project;
        self.after_push_to(permit, project, updates).await
    }

    /// The same, whichever way the push was decided.
    ///
    /// # Errors
    /// A fault.
    pub async fn after_push_to<P: Permission>(
        &self,
        permit: Permit<P>,
        project: ProjectId,
        updates: &[RefUpdate],
    ) -> Result<Vec<InstanceId>, Failure> {
        let (workspace, account) = (permit.workspace(), permit.actor().account);
        let branch_of =
            |update: &RefUpdate| update.reference.strip_prefix("refs/heads/").and_then(BranchName::parse);
        let branches: Vec<BranchName> = updates.iter().filter_map(branch_of).collect();
        let rewound: Vec<BranchName> =
            updates.iter().filter(|update| update.is_rewind).filter_map(branch_of).collect();
        self.follow_first_push(workspace, project, &branches).await?;
        let permit = Arc::new(permit);
        let mut deployed = Vec::new();
        // Asked of the repository instead of believed from the push: of two pushes at once, the one that is told of
        // last needn't be the one that moved the branch last.
        let mut before = self.look(project, &branches).await?;
        for _ in 0..LOOKS {
            deployed.extend(
                self.store()
                    .move_heads(permit.clone(), project, before.clone(), Some(account), rewound.clone())
                    .await?,
            );
            let now = self.look(project, &branches).await?;
            if now == before {
                break;
            }
            before = now;
        }
        deployed.sort_unstable();
        deployed.dedup();
        Ok(deployed)
    }

    async fn look(&self, project: ProjectId, branches: &[BranchName]) -> Result<Vec<Head>, Failure> {
        if branches.len() > FEW {
            let all = self.outside().repositories.branches(project).await?;
            let mut all: HashMap<_, _> = all.into_iter().map(|one| (one.name, one.commit.id)).collect();
            let head = |branch: &BranchName| Head { branch: branch.clone(), commit: all.remove(branch) };
            return Ok(branches.iter().map(head).collect());
        }
        let mut heads = Vec::with_capacity(branches.len());
        for branch in branches {
            let commit = self.outside().repositories.head(project, branch.clone()).await?;
            heads.push(Head { branch: branch.clone(), commit });
        }
        Ok(heads)
    }

    /// The first push may be of another branch than the one a new repository names: then that becomes the default,
    /// so that a clone has something to check out.
    async fn follow_first_push(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branches: &[BranchName],
    ) -> Result<(), Failure> {
        let Some(first) = branches.first() else { return Ok(()) };
        if !self.store().list_heads(workspace, project).await?.is_empty() {
            return Ok(());
        }
        let permit = system(workspace, project, "project.default_branch");
        if self.store().follow_first_branch(permit, project, first.clone(), branches.to_vec()).await? {
            self.outside().repositories.set_default_branch(project, first.clone()).await?;
        }
        Ok(())
    }

    /// Compares what is written down with every repository that is kept here, mirrors too, and does what a crash has left undone: deployments
    /// of branches that were pushed, HEADs, repositories of projects that are no more. To be called at start.
    ///
    /// # Errors
    /// A fault of the records. A repository that can't be read is reported and passed over.
    pub async fn compare_heads(&self) -> Result<(), Failure> {
        let mut after = ProjectId::new(uuid::Uuid::nil());
        loop {
            let projects = self.store().list_kept_projects(after).await?;
            let Some(last) = projects.last() else { break };
            after = last.id;
            for project in &projects {
                if let Err(failure) = self.compare_heads_of(project, "project.compare_heads").await {
                    tracing::warn!(?failure, project = %project.id, "a repository couldn't be compared");
                }
            }
        }
        self.sweep_repositories().await
    }

    async fn compare_heads_of(&self, project: &KeptProject, operation: &'static str) -> Result<(), Failure> {
        let repositories = &self.outside().repositories;
        let Some(default) = BranchName::parse(&project.default_branch) else { return Ok(()) };
        // Makes the repository again where it isn't there; else changes nothing.
        repositories.create(project.id, default.clone()).await?;
        repositories.set_default_branch(project.id, default).await?;
        // Before the comparison, which would find the commits and not whose merge they came of.
        self.settle_merges(project.workspace, project.id).await?;
        let branches = repositories.branches(project.id).await?;
        // A mirror that was lost is fetched again; its branches aren't gone for that.
        if project.is_remote && branches.is_empty() && operation == "project.compare_heads" {
            return Ok(());
        }
        let mut heads: Vec<Head> = branches
            .into_iter()
            .map(|branch| Head { branch: branch.name, commit: Some(branch.commit.id) })
            .collect();
        for (branch, _) in self.store().list_heads(project.workspace, project.id).await? {
            let is_gone = !heads.iter().any(|head| head.branch.as_str() == branch);
            if let (true, Some(branch)) = (is_gone, BranchName::parse(&branch)) {
                heads.push(Head { branch, commit: None });
            }
        }
        let permit = system(project.workspace, project.id, operation);
        self.store().move_heads(permit, project.id, heads, None, Vec::new()).await?;
        Ok(())
    }

    /// What follows from a fetch whose branches have been moved in the mirror: the default branch at the first, heads, and
    /// deployments, which are nobody's: whoever may push to the remote has decided there.
    pub(crate) async fn follow_fetch(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        default_branch: Option<BranchName>,
    ) -> Result<(), Failure> {
        if let Some(branch) = default_branch {
            let permit = system(workspace, project, "project.default_branch");
            self.store().follow_first_branch(permit, project, branch, Vec::new()).await?;
        }
        let Some(kept) = self.store().find_kept_project(workspace, project).await? else { return Ok(()) };
        self.compare_heads_of(&kept, "project.fetch_remote").await
    }

    async fn sweep_repositories(&self) -> Result<(), Failure> {
        for project in self.outside().repositories.list().await? {
            if !self.store().has_project(project).await? {
                self.outside().repositories.delete(project).await?;
            }
        }
        Ok(())
    }
}

fn system(workspace: WorkspaceId, project: ProjectId, operation: &'static str) -> SystemPermit {
    let resource = Resource { kind: ResourceKind::Project, id: project.uuid() };
    SystemPermit::new(workspace, operation, Some(resource), None)
}
