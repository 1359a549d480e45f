//! What is merged or pushed here goes to the remote first, where it moves the branch from the commit that was looked at, or
//! not at all; the mirror follows. So what came in at the remote in between is never lost.

use std::path::PathBuf;
use std::sync::Arc;

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{Conflict, ProjectId, Refusal, WorkspaceId};
use tokio::sync::OwnedMutexGuard;

use super::refusal;
use crate::ports::{Pushed, RemoteAccess, RemoteError, RemotePush};
use crate::{App, Failure};

/// A remote repository to which something is pushed: its mirror's branches are moved by nobody else meanwhile.
pub struct HeldRemote {
    workspace: WorkspaceId,
    project: ProjectId,
    access: RemoteAccess,
    _guard: OwnedMutexGuard<()>,
}

/// What became of a push of which it may not be known whether it arrived.
pub(crate) enum Arrived {
    Yes,
    No(Failure),
    /// The connection ended before the answer came.
    Perhaps(Failure),
}

impl App {
    /// Whether a project's repository is elsewhere.
    ///
    /// # Errors
    /// A fault.
    pub async fn has_remote(&self, workspace: WorkspaceId, project: ProjectId) -> Result<bool, Failure> {
        Ok(self.store().find_remote(workspace, project).await?.is_some())
    }

    /// `None` where Stoa hosts the repository.
    ///
    /// # Errors
    /// A fault.
    pub async fn hold_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<Arc<HeldRemote>>, Failure> {
        if !self.has_remote(workspace, project).await? {
            return Ok(None);
        }
        let guard = self.remote_guards().hold(project).await;
        let Some(access) = self.open_remote(workspace, project).await? else { return Ok(None) };
        Ok(Some(Arc::new(HeldRemote { workspace, project, access, _guard: guard })))
    }

    /// Moves a branch there. `aside`: where its commits are, where the mirror hasn't got them yet.
    ///
    /// # Errors
    /// `BranchAhead` where it stands elsewhere there, `RemoteTakesNothing`, `Remote`, or a fault.
    pub async fn push_to_remote(
        &self,
        held: &HeldRemote,
        branch: BranchName,
        from: Option<CommitId>,
        to: CommitId,
        aside: Option<PathBuf>,
    ) -> Result<(), Failure> {
        let push = RemotePush { branch, from, to, aside };
        match self.arrives(held, push, Conflict::BranchAhead).await {
            Arrived::Yes => Ok(()),
            Arrived::No(failure) | Arrived::Perhaps(failure) => Err(failure),
        }
    }

    pub(crate) async fn arrives(&self, held: &HeldRemote, push: RemotePush, moved: Conflict) -> Arrived {
        let pushed = self.outside().remotes.push(held.project, held.access.clone(), push).await;
        let arrived = match pushed {
            Ok(Pushed::Done) => return Arrived::Yes,
            Ok(Pushed::Otherwise) => Arrived::No(Refusal::Conflict(moved).into()),
            Ok(Pushed::Refused(said)) => return Arrived::No(Refusal::RemoteTakesNothing { said }.into()),
            Err(RemoteError::Failed(failure)) => {
                use stoa_domain::remote::RemoteProblem as Problem;
                let is_certain = !matches!(failure.problem, Problem::Away | Problem::TimedOut);
                let refused = refusal(*failure).into();
                if is_certain { Arrived::No(refused) } else { Arrived::Perhaps(refused) }
            }
            Err(RemoteError::Fault(fault)) => Arrived::Perhaps(fault.into()),
        };
        // What the mirror says isn't what is there: it is looked at right away.
        if let Err(failure) = self.store().wish_fetch_by_itself(held.workspace, held.project).await {
            tracing::warn!(?failure, project = %held.project, "a remote repository isn't fetched before its time");
        }
        arrived
    }
}
