//! Deploying what an owner chooses, and the history of deployments.

use stoa_domain::branch::CommitId;
use stoa_domain::permission::instance as may;
use stoa_domain::{Permit, Refusal, ReleaseId};
use stoa_storage::deployment::{DeploymentRecord, Wanted};

use crate::abilities::Caller;
use crate::instance::Accepted;
use crate::job::SeenJob;
use crate::{App, Failure};

/// What an owner asks to be deployed: the branch's newest commit where neither is named.
#[derive(Debug, Clone, Default)]
pub struct DeployInstance {
    pub commit: Option<String>,
    /// An earlier release to go back to.
    pub release: Option<String>,
}

impl App {
    /// # Errors
    /// `Invalid` for a commit that the branch doesn't have, `NotFound` for a release that isn't kept, `Conflict`,
    /// `NoSandbox`, or a fault.
    pub async fn deploy_instance(
        &self,
        permit: Permit<may::Deploy>,
        wish: DeployInstance,
    ) -> Result<Accepted, Failure> {
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        let wanted = match (wish.commit, wish.release) {
            (Some(_), Some(_)) => {
                return Err(
                    Refusal::invalid("release", "invalid", "Name a commit or a release, not both.").into()
                );
            }
            (Some(commit), None) => Wanted::Commit(self.known_commit(&caller, &permit, &commit).await?),
            (None, Some(release)) => {
                Wanted::Release(release.parse::<ReleaseId>().map_err(|_| Refusal::NotFound)?)
            }
            (None, None) => Wanted::Newest,
        };
        self.needs_machine(instance).await?;
        let queued = self.store().deploy(permit, wanted).await?;
        self.accepted(&caller, instance, queued.job).await
    }

    /// A commit is deployed from the branch that has it: nothing that was only ever pushed and taken back.
    async fn known_commit(
        &self,
        caller: &Caller,
        permit: &Permit<may::Deploy>,
        text: &str,
    ) -> Result<CommitId, Failure> {
        let unknown = || Refusal::invalid("commit", "unknown", "The instance's branch has no such commit.");
        let commit = CommitId::parse(text).ok_or_else(unknown)?;
        let (all, member) = (caller.sees_everything, caller.member);
        let instance = self.store().load_instance(caller.workspace, *permit.target(), all, member).await?;
        let project = instance.project.id;
        let head = self.store().find_head(caller.workspace, project, &instance.branch).await?;
        let head = head.ok_or_else(unknown)?;
        if self.outside().repositories.is_ancestor(project, commit.clone(), head).await? {
            Ok(commit)
        } else {
            Err(unknown().into())
        }
    }

    /// Newest first, those with a number below `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_deployments(
        &self,
        permit: Permit<may::ListDeployments>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<DeploymentRecord>, Failure> {
        let caller = Caller::of(&permit);
        let deployments = self.store().list_deployments(&permit, before, limit).await?;
        Ok(deployments.into_iter().map(|deployment| without_quote(&caller, deployment)).collect())
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_deployment(
        &self,
        permit: Permit<may::ViewDeployment>,
    ) -> Result<DeploymentRecord, Failure> {
        let target = permit.target();
        let found =
            self.store().load_deployment(permit.workspace(), target.instance, target.deployment).await?;
        Ok(without_quote(&Caller::of(&permit), found))
    }

    /// Cancels the job that carries a deployment out. What the instance ran before goes on.
    ///
    /// # Errors
    /// `Conflict` where it is over, or a fault.
    pub async fn cancel_deployment(&self, permit: Permit<may::CancelDeployment>) -> Result<SeenJob, Failure> {
        let (caller, job) = (Caller::of(&permit), permit.target().job);
        self.store().cancel_job(permit).await?;
        Ok(SeenJob::new(&caller, self.store().load_job(caller.workspace, job).await?))
    }
}

/// What may repeat a log is for whoever may read it.
fn without_quote(caller: &Caller, mut deployment: DeploymentRecord) -> DeploymentRecord {
    if !caller.has(stoa_domain::Action::ViewLogs) {
        deployment.reason_quote = None;
    }
    deployment
}
