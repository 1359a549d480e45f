//! Merging a branch into another: looked at first, decided on the project and on every instance that deploys the target,
//! and never over a commit that came in between.

use std::sync::Arc;

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{Changes, Merged, Merging, Moved, Signing};
use stoa_domain::permission::MergeTarget;
use stoa_domain::permission::project as may;
use stoa_domain::{
    AccountStanding, Conflict, DeploymentId, FieldProblem, InstanceId, JobId, Permission, Permit, ProjectId,
    Refusal, Resource, ResourceKind, SystemPermit, WorkspaceId,
};
use stoa_storage::deployment::QueuedDeployment;
use stoa_storage::head::Head;
use stoa_storage::instance::InstanceRecord;
use stoa_storage::merge::{Begun, BegunMerge};

use super::branch_name;
use crate::authority::PathWords;
use crate::ports::{RemotePush, Review};
use crate::remote::Arrived;
use crate::{App, Failure, Fault};

/// Letters of a merge commit's message.
const LONGEST_MESSAGE: usize = 10_000;
/// Where instances are made and deleted meanwhile, it is decided anew this often.
const TRIES: usize = 4;
/// Seconds after which a merge that was begun can't be going on any more.
const LEFT: i64 = 3600;
/// Where the branch is moved again meanwhile, it is looked at again this often.
const LOOKS: usize = 8;

/// What is to be merged into what.
#[derive(Debug, Clone, Default)]
pub struct MergeBranches {
    pub source: String,
    pub target: String,
    pub message: Option<String>,
    /// Where the two stood when they were looked at: if they moved since, nothing is merged.
    pub source_commit: Option<String>,
    pub target_commit: Option<String>,
}

/// A merge before it is done.
#[derive(Debug, Clone)]
pub struct MergePreview {
    pub source: (BranchName, CommitId),
    pub target: (BranchName, CommitId),
    pub review: Review,
    /// What will be deployed by it: the caller is allowed all that deploy the target, or there would be no preview. One
    /// that waits for its backup's data, or is being deleted, isn't among them.
    pub deploys: Vec<InstanceRecord>,
    /// What the commit says where nothing else is wanted.
    pub message: String,
}

/// A deployment that follows from a merge.
#[derive(Debug, Clone)]
pub struct MergeDeployment {
    pub id: DeploymentId,
    pub number: i64,
    pub job: JobId,
    pub instance: InstanceRecord,
}

#[derive(Debug, Clone)]
pub struct MergeDone {
    /// `false` where the target had all of it already.
    pub is_merged: bool,
    /// Where the target stands.
    pub commit: CommitId,
    pub deployments: Vec<MergeDeployment>,
}

/// The two branches, once their names are ones.
#[derive(Debug, Clone)]
pub struct Names {
    pub source: BranchName,
    pub target: BranchName,
}

/// And where they stand.
pub(crate) struct Ends {
    pub source: CommitId,
    pub target: CommitId,
}

impl Names {
    /// # Errors
    /// `Invalid` for what no branch can be called, and for one and the same.
    pub fn parse(source: &str, target: &str) -> Result<Self, Refusal> {
        let mut problems = Vec::new();
        let source = branch_name("source", source, &mut problems);
        let target = branch_name("target", target, &mut problems);
        match (source, target) {
            (Some(source), Some(target)) if source == target => Err(Refusal::invalid(
                "source",
                "same",
                "A branch can't be merged into itself. Choose another source.",
            )),
            (Some(source), Some(target)) => Ok(Self { source, target }),
            _ => Err(Refusal::Invalid(problems)),
        }
    }
}

fn message(wanted: Option<String>, names: &Names) -> Result<String, Refusal> {
    let wanted = wanted.unwrap_or_default();
    let text = wanted.trim();
    if text.is_empty() {
        return Ok(format!("Merge {} into {}", names.source, names.target));
    }
    let is_plain = text.chars().all(|c| {
        matches!(c, '\n' | '\t' | '\r') || !(c.is_control() || stoa_domain::branch::is_invisible(c))
    });
    if !is_plain || text.chars().count() > LONGEST_MESSAGE {
        let sentence = format!("A message has {LONGEST_MESSAGE} letters at most, and no control characters.");
        return Err(Refusal::invalid("message", "invalid", sentence));
    }
    Ok(text.replace("\r\n", "\n"))
}

/// What keeps two branches from being merged, besides what they hold.
pub(crate) fn refusal(merging: &Merging) -> Option<Refusal> {
    match merging {
        Merging::Unrelated => Some(Refusal::Conflict(Conflict::Unrelated)),
        Merging::TooLarge => Some(Refusal::Conflict(Conflict::TooLargeToMerge)),
        Merging::UpToDate | Merging::Conflicts(_) | Merging::Clean => None,
    }
}

impl App {
    /// Decides on the project and on every instance that deploys the target, which the body has named: the gate could
    /// only decide on the project.
    ///
    /// # Errors
    /// As the decision refuses, `TargetNotAllowed` among it, or a fault.
    pub(crate) async fn permit_target<P>(
        &self,
        account: &AccountStanding,
        path: &PathWords,
        target: &BranchName,
    ) -> Result<Permit<P>, Failure>
    where
        P: Permission<Target = MergeTarget>,
    {
        self.authorize::<P>(account, &path.clone().with_target(target)).await
    }

    /// Shows what a merge would do, and does nothing of it.
    ///
    /// # Errors
    /// `Invalid` for names that no branch has, `TargetNotAllowed`, `Conflict` for branches that can't be merged at all, or
    /// a fault.
    pub async fn preview_merge(
        &self,
        account: &AccountStanding,
        path: &PathWords,
        wish: MergeBranches,
    ) -> Result<MergePreview, Failure> {
        let names = Names::parse(&wish.source, &wish.target)?;
        let message = message(wish.message, &names)?;
        let permit = self.permit_target::<may::Merge>(account, path, &names.target).await?;
        let project = permit.target().project;
        let ends = self.ends(project, &names).await?;
        let _place = self.merge_place(account.actor.account).await?;
        let review =
            self.outside().repositories.review(project, ends.source.clone(), ends.target.clone()).await?;
        if let Some(refusal) = refusal(&review.merging) {
            return Err(refusal.into());
        }
        let mut deploys = Vec::new();
        for instance in permit.target().instances.clone() {
            deploys.extend(self.named(&permit, instance).await?);
        }
        deploys.retain(|on| !on.state.lacks_its_data && !on.state.is_being_deleted);
        let Names { source, target } = names;
        let (source, target) = ((source, ends.source), (target, ends.target));
        Ok(MergePreview { source, target, review, deploys, message })
    }

    /// What a branch changed since it parted from another, line by line: what a preview counts.
    ///
    /// # Errors
    /// `Invalid` for names that no branch has, `Conflict` for branches that have nothing in common, or a fault.
    pub async fn view_difference(
        &self,
        permit: Permit<may::View>,
        source: &str,
        target: &str,
    ) -> Result<Changes, Failure> {
        let names = Names::parse(source, target)?;
        let Ends { source, target } = self.ends(*permit.target(), &names).await?;
        let _place = self.merge_place(permit.actor().account).await?;
        let found = self.outside().repositories.changes(*permit.target(), source, target).await?;
        Ok(found.ok_or(Refusal::Conflict(Conflict::Unrelated))?)
    }

    /// Merges, and deploys what deploys the target.
    ///
    /// # Errors
    /// As [`App::preview_merge`]; `MergeConflict` where the branches don't go together, and `Conflict` where one of them
    /// moved meanwhile: then nothing is changed.
    pub async fn merge(
        &self,
        account: &AccountStanding,
        path: &PathWords,
        wish: MergeBranches,
    ) -> Result<MergeDone, Failure> {
        let names = Names::parse(&wish.source, &wish.target)?;
        let message = message(wish.message.clone(), &names)?;
        for _ in 0..TRIES {
            let permit = self.permit_target::<may::Merge>(account, path, &names.target).await?;
            let project = permit.target().project;
            let ends = self.ends(project, &names).await?;
            let moved = |seen: &Option<String>, now: &CommitId| {
                seen.as_ref().is_some_and(|seen| seen.as_str() != now.as_str())
            };
            if moved(&wish.source_commit, &ends.source) || moved(&wish.target_commit, &ends.target) {
                return Err(Refusal::Conflict(Conflict::BranchMoved).into());
            }
            let signing = self.signing(permit.actor(), message.clone()).await?;
            let place = self.merge_place(account.actor.account).await?;
            let (source, target) = (ends.source.clone(), ends.target.clone());
            let made = self.outside().repositories.merge(project, source, target, signing).await?;
            drop(place);
            let commit = match made {
                Merged::Commit(commit) => commit,
                Merged::Not(Merging::Conflicts(conflicts)) => {
                    return Err(Refusal::MergeConflict(conflicts).into());
                }
                Merged::Not(merging) => match refusal(&merging) {
                    Some(refusal) => return Err(refusal.into()),
                    None => {
                        let commit = ends.target;
                        return Ok(MergeDone { is_merged: false, commit, deployments: Vec::new() });
                    }
                },
            };
            let merge = BegunMerge {
                id: self.new_uuid(),
                project,
                source: names.source.to_string(),
                target: names.target.to_string(),
                commit: commit.clone(),
                actor: permit.actor().clone(),
                created_at: self.store().now(),
            };
            let seen = (permit.sees_everything(), permit.member(), permit.target().instances.clone());
            let workspace = permit.workspace();
            // To its end, whether or not its caller waits: what was moved has to be followed.
            let (app, target, from) = (self.clone(), names.target.clone(), ends.target);
            let going = async move { app.move_and_follow(permit, merge, target, from).await };
            let Some(queued) = tokio::spawn(going).await.map_err(Fault::new)?? else { continue };
            let mut deployments = Vec::new();
            for (instance, QueuedDeployment { deployment, job }) in queued {
                let (sees_everything, member, allowed) = &seen;
                if !sees_everything && !allowed.contains(&instance) {
                    continue;
                }
                let record =
                    self.store().load_instance(workspace, instance, *sees_everything, *member).await?;
                let number = self.store().load_deployment(workspace, instance, deployment).await?.number;
                deployments.push(MergeDeployment { id: deployment, number, job, instance: record });
            }
            return Ok(MergeDone { is_merged: true, commit, deployments });
        }
        Err(Refusal::Conflict(Conflict::BranchMoved).into())
    }

    /// Where the two branches stand.
    pub(crate) async fn ends(&self, project: ProjectId, names: &Names) -> Result<Ends, Failure> {
        let repositories = &self.outside().repositories;
        let source = repositories.head(project, names.source.clone()).await?;
        let target = repositories.head(project, names.target.clone()).await?;
        let mut problems = Vec::new();
        for (field, found) in [("source", &source), ("target", &target)] {
            if found.is_none() {
                problems.push(FieldProblem::new(field, "unknown", "The project has no such branch."));
            }
        }
        match (source, target) {
            (Some(source), Some(target)) => Ok(Ends { source, target }),
            _ => Err(Refusal::Invalid(problems).into()),
        }
    }

    async fn named(
        &self,
        permit: &Permit<may::Merge>,
        instance: InstanceId,
    ) -> Result<Option<InstanceRecord>, Failure> {
        let (workspace, member) = (permit.workspace(), permit.member());
        let found = self.store().load_instance(workspace, instance, permit.sees_everything(), member).await;
        match found {
            Ok(record) => Ok(Some(record)),
            // Deleted since.
            Err(stoa_storage::Failure::Refused(Refusal::NotFound)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The member is the author; what made the commit is Stoa.
    pub(crate) async fn signing(
        &self,
        actor: &stoa_domain::Actor,
        message: String,
    ) -> Result<Signing, Failure> {
        let account = self.store().find_account(actor.account).await?.ok_or(Refusal::Unauthenticated)?;
        Ok(Signing {
            author_name: account.name,
            author_email: account.email,
            committer_name: "Stoa".to_owned(),
            committer_email: format!("stoa@{}", self.settings().host()),
            at: self.store().now(),
            message,
        })
    }

    /// The last decision, the move of the branch, and what follows from it. `None` where it has to be decided anew.
    async fn move_and_follow(
        &self,
        permit: Permit<may::Merge>,
        merge: BegunMerge,
        target: BranchName,
        from: CommitId,
    ) -> Result<Option<Vec<(InstanceId, QueuedDeployment)>>, Failure> {
        let workspace = permit.workspace();
        let remote = self.hold_remote(workspace, merge.project).await?;
        if self.store().begin_merge(permit, merge.clone()).await? == Begun::Otherwise {
            return Ok(None);
        }
        if let Some(remote) = &remote {
            let (branch, to) = (target.clone(), merge.commit.clone());
            let push = RemotePush { branch, from: Some(from.clone()), to, aside: None };
            match self.arrives(remote, push, Conflict::BranchMoved).await {
                Arrived::Yes => {}
                Arrived::No(failure) => {
                    self.store().abandon_merge(workspace, merge.project, merge.id).await?;
                    return Err(failure);
                }
                // The row stays: where the next fetch brings the commit, it was this merge.
                Arrived::Perhaps(failure) => return Err(failure),
            }
        }
        let repositories = &self.outside().repositories;
        let moved = repositories.move_branch(merge.project, target.clone(), from, merge.commit.clone()).await;
        match moved {
            // Where it is at the remote, it is done whatever the mirror says.
            Ok(moved) if moved == Moved::There || remote.is_some() => {
                Ok(Some(self.follow_merge(workspace, merge, &target).await?))
            }
            Ok(moved) => {
                self.store().abandon_merge(workspace, merge.project, merge.id).await?;
                let why = if moved == Moved::Held { Conflict::BranchHeld } else { Conflict::BranchMoved };
                Err(Refusal::Conflict(why).into())
            }
            Err(fault) => {
                // Whether it moved isn't known: the branch says.
                let settled = self.settle_merge(workspace, merge, true).await.map_err(|failure| {
                    tracing::error!(?failure, "whether a branch was moved by a merge isn't known yet");
                    // No refusal: it might say that nothing was changed.
                    Failure::Fault(Fault::new(format!("{fault:?}")))
                })?;
                match settled {
                    Some(deployed) => {
                        tracing::warn!(?fault, "a branch was moved all the same");
                        Ok(Some(deployed))
                    }
                    None => Err(fault.into()),
                }
            }
        }
    }

    /// Writes down what follows from a branch that has moved.
    async fn follow_merge(
        &self,
        workspace: WorkspaceId,
        merge: BegunMerge,
        target: &BranchName,
    ) -> Result<Vec<(InstanceId, QueuedDeployment)>, Failure> {
        let (project, repositories) = (merge.project, &self.outside().repositories);
        // Asked of the repository, as after a push: another may have moved it since.
        let mut before = repositories.head(project, target.clone()).await?;
        let head = |commit| Head { branch: target.clone(), commit };
        let deployed = self.store().end_merge(workspace, merge, head(before.clone())).await?;
        for _ in 0..LOOKS {
            let now = repositories.head(project, target.clone()).await?;
            if now == before {
                break;
            }
            let resource = Resource { kind: ResourceKind::Project, id: project.uuid() };
            let permit = SystemPermit::new(workspace, "project.compare_heads", Some(resource), None);
            self.store()
                .move_heads(Arc::new(permit), project, vec![head(now.clone())], None, Vec::new())
                .await?;
            before = now;
        }
        Ok(deployed)
    }

    /// Ends a merge of which it isn't known how far it got: where the branch has its commit, it was done, and what is
    /// deployed then is the answer.
    async fn settle_merge(
        &self,
        workspace: WorkspaceId,
        merge: BegunMerge,
        is_over: bool,
    ) -> Result<Option<Vec<(InstanceId, QueuedDeployment)>>, Failure> {
        let repositories = &self.outside().repositories;
        let Some(target) = BranchName::parse(&merge.target) else { return Ok(None) };
        let head = repositories.head(merge.project, target.clone()).await?;
        let is_done = match head {
            Some(head) => repositories.is_ancestor(merge.project, merge.commit.clone(), head).await?,
            None => false,
        };
        if is_done {
            return Ok(Some(self.follow_merge(workspace, merge, &target).await?));
        }
        if is_over {
            self.store().abandon_merge(workspace, merge.project, merge.id).await?;
        }
        Ok(None)
    }

    /// Ends what a crash has left of merges: to be called at start, before branches are compared.
    pub(super) async fn settle_merges(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<(), Failure> {
        for merge in self.store().list_begun_merges(workspace, project).await? {
            // Another replica may be about to move the branch of a young one.
            let is_over = merge.created_at.plus_seconds(LEFT) < self.store().now();
            self.settle_merge(workspace, merge, is_over).await?;
        }
        Ok(())
    }
}
