//! Projects and their repositories: hosted here, or mirrors of remote ones.

pub mod heads;
pub mod merge;
mod places;

use std::collections::{BTreeSet, HashSet};

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::permission::project as may;
use stoa_domain::slug::Slug;
use stoa_domain::{Action, Conflict, FieldProblem, Permission, Permit, ProjectId, Refusal, WorkspaceId};
use stoa_storage::page::Page;
use stoa_storage::project::{NewProject, ProjectChange};

pub use places::MergePlaces;
pub use stoa_storage::head::OnBranch;
pub use stoa_storage::project::ProjectRecord;

use crate::abilities::{self, Abilities, Caller};
use crate::account::check_name;
use crate::ports::{Branch, Commit, Difference};
use crate::remote::WishedRemote;
use crate::{App, Failure};

/// The branch that a new repository's HEAD names.
pub(crate) const FIRST_BRANCH: &str = "main";

#[derive(Debug, Clone)]
pub struct SeenProject {
    pub project: ProjectRecord,
    /// What `git clone` takes: the remote's own where it is a remote one.
    pub clone_url: String,
    pub abilities: Abilities,
}

#[derive(Clone)]
pub struct CreateProject {
    pub name: String,
    /// Of a hosted repository; a remote one has its own.
    pub default_branch: Option<String>,
    pub remote: Option<WishedRemote>,
}

#[derive(Debug, Clone, Default)]
pub struct ChangeProject {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub default_branch: Option<String>,
    pub expected_revision: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct SeenBranch {
    pub name: BranchName,
    /// `None` where the branch is gone: it is the default one, or something still deploys it.
    pub commit: Option<Commit>,
    pub is_default: bool,
    /// How many commits it has that the default branch hasn't, and the other way round. `None` where either is gone.
    pub ahead: Option<u64>,
    pub behind: Option<u64>,
    /// Those that deploy it and that the caller sees.
    pub instances: Vec<OnBranch>,
    pub abilities: Abilities,
}

fn branch_name(field: &str, text: &str, problems: &mut Vec<FieldProblem>) -> Option<BranchName> {
    let branch = BranchName::parse(text);
    if branch.is_none() {
        problems.push(FieldProblem::new(field, "invalid", "This isn't a name that a branch can have."));
    }
    branch
}

impl App {
    /// Makes a project with a repository of its own, empty, or with the mirror of a remote one, which is fetched at once.
    ///
    /// # Errors
    /// `Invalid`, or a fault.
    pub async fn create_project(
        &self,
        permit: Permit<may::Create>,
        wish: CreateProject,
    ) -> Result<SeenProject, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let text = wish.default_branch.as_deref().unwrap_or(FIRST_BRANCH);
        let branch = branch_name("default_branch", text, &mut problems);
        if wish.remote.is_some() && wish.default_branch.is_some() {
            let sentence = "A remote repository has a default branch of its own, which Stoa takes over.";
            problems.push(FieldProblem::new("default_branch", "unexpected", sentence));
        }
        let caller = Caller::of(&permit);
        let id = ProjectId::new(self.new_uuid());
        let remote = match &wish.remote {
            Some(remote) => self.new_remote(caller.workspace, id, remote, &mut problems).await?,
            None => None,
        };
        let (Some(name), Some(branch), true) = (name, branch, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        // The repository first: a crash in between leaves an empty folder that nobody knows of and that the next start
        // sweeps, never a project without a repository.
        self.outside().repositories.create(id, branch.clone()).await?;
        let new = NewProject { id, name: name.into_string(), default_branch: branch, remote };
        match self.store().create_project(permit, new).await {
            Ok(project) => Ok(seen(&caller, project, &self.repositories_url(caller.workspace).await?)),
            Err(failure) => {
                if let Err(fault) = self.outside().repositories.delete(id).await {
                    tracing::warn!(?fault, project = %id, "the repository of a project that wasn't made stays until the next start");
                }
                Err(failure.into())
            }
        }
    }

    /// # Errors
    /// A fault.
    pub async fn list_projects(
        &self,
        permit: Permit<may::List>,
        page: &Page,
    ) -> Result<Vec<SeenProject>, Failure> {
        let caller = Caller::of(&permit);
        let projects = self.store().list_projects(&permit, page).await?;
        let base = self.repositories_url(caller.workspace).await?;
        Ok(projects.into_iter().map(|project| seen(&caller, project, &base)).collect())
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_project(&self, permit: Permit<may::View>) -> Result<SeenProject, Failure> {
        self.seen_project(&Caller::of(&permit), *permit.target()).await
    }

    /// # Errors
    /// `Invalid`, `SlugTaken`, `PreconditionFailed`, or a fault.
    pub async fn change_project(
        &self,
        permit: Permit<may::Change>,
        wish: ChangeProject,
    ) -> Result<SeenProject, Failure> {
        let mut problems = Vec::new();
        let name = wish.name.as_ref().and_then(|name| check_name("name", name, &mut problems));
        let slug = wish.slug.as_ref().and_then(|slug| match Slug::of_resource(slug) {
            Ok(slug) => Some(slug),
            Err(_) => {
                let sentence = "A slug has 2 to 40 of a-z, 0-9 and -, begins and ends with a letter or digit, and has no double hyphen.";
                problems.push(FieldProblem::new("slug", "invalid", sentence));
                None
            }
        });
        let default_branch = wish
            .default_branch
            .as_ref()
            .and_then(|branch| branch_name("default_branch", branch, &mut problems));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let (caller, project) = (Caller::of(&permit), *permit.target());
        let change = ProjectChange {
            name: name.map(stoa_domain::name::Name::into_string),
            slug,
            default_branch: default_branch.clone(),
            expected: wish.expected_revision,
        };
        self.store().change_project(permit, change).await?;
        if let Some(branch) = default_branch {
            // The row is the truth; the repository's HEAD only tells a clone what to check out, and is set again at start.
            self.outside().repositories.set_default_branch(project, branch).await?;
        }
        self.seen_project(&caller, project).await
    }

    /// Removes a project that has no instance, then its repository. What a crash leaves of it is swept at start.
    ///
    /// # Errors
    /// `Conflict` while it has an instance, `PreconditionFailed`, or a fault.
    pub async fn delete_project(
        &self,
        permit: Permit<may::Delete>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        let project = *permit.target();
        self.store().delete_project(permit, expected).await?;
        if let Err(fault) = self.outside().repositories.delete(project).await {
            tracing::warn!(?fault, %project, "the repository of a deleted project stays until the next start");
        }
        Ok(())
    }

    /// The branches, the default one first, then the one with the newest commit; from `skip` on, `limit` at most.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn list_branches(
        &self,
        permit: Permit<may::View>,
        search: Option<&str>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<SeenBranch>, Failure> {
        let (caller, id) = (Caller::of(&permit), *permit.target());
        let project =
            self.store().load_project(caller.workspace, id, caller.sees_everything, caller.member).await?;
        let on_branches = self
            .store()
            .list_on_branches(caller.workspace, id, caller.sees_everything, caller.member)
            .await?;
        let repositories = &self.outside().repositories;
        let branches = repositories.branches(id).await?;
        let is_default = |name: &BranchName| name.as_str() == project.default_branch;
        let base =
            branches.iter().find(|branch| is_default(&branch.name)).map(|branch| branch.commit.id.clone());
        // What was deleted and is still deployed, or is what a clone checks out, doesn't vanish without a word.
        let named = on_branches.iter().map(|on| on.branch.as_str());
        let named = named.chain(project.has_commits.then_some(project.default_branch.as_str()));
        let gone: BTreeSet<BranchName> = named
            .filter(|name| !branches.iter().any(|branch| branch.name.as_str() == *name))
            .filter_map(BranchName::parse)
            .collect();
        let there = branches.into_iter().map(|Branch { name, commit }| (name, Some(commit)));
        let mut branches: Vec<_> = there.chain(gone.into_iter().map(|name| (name, None))).collect();
        if let Some(search) = search.map(str::to_lowercase) {
            branches.retain(|(name, _)| name.as_str().to_lowercase().contains(&search));
        }
        branches.sort_by(|one, other| {
            let key = |(name, commit): &(BranchName, Option<Commit>)| {
                (!is_default(name), std::cmp::Reverse(commit.as_ref().map(|commit| commit.at)))
            };
            key(one).cmp(&key(other)).then_with(|| one.0.cmp(&other.0))
        });
        let not_allowed = if caller.sees_everything || !caller.has(Action::MergeBranches) {
            HashSet::new()
        } else {
            self.store().list_targets_not_allowed(caller.workspace, id, caller.member).await?
        };
        let mut seen = Vec::new();
        // Counted for those that are shown alone: each may cost a walk through the history.
        for (name, commit) in branches.into_iter().skip(skip).take(limit) {
            let is_default = is_default(&name);
            let (ahead, behind) = match (&base, &commit) {
                (Some(base), Some(commit)) if !is_default => {
                    let (ahead, behind) =
                        repositories.ahead_behind(id, commit.id.clone(), base.clone()).await?;
                    (Some(ahead), Some(behind))
                }
                (Some(_), Some(_)) => (Some(0), Some(0)),
                _ => (None, None),
            };
            let instances = on_branches.iter().filter(|on| on.branch == name.as_str()).cloned().collect();
            let is_allowed = !not_allowed.contains(name.as_str());
            let abilities = abilities::of_branch(&caller, is_allowed, commit.is_none());
            seen.push(SeenBranch { name, commit, is_default, ahead, behind, instances, abilities });
        }
        Ok(seen)
    }

    /// Commits of a branch (the default one where none is named), newest first.
    ///
    /// # Errors
    /// `NotFound` where there is no such branch, [`Conflict::DefaultBranchGone`] where none is named and the default one is
    /// gone, or a fault.
    pub async fn list_commits(
        &self,
        permit: Permit<may::View>,
        branch: Option<&str>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Commit>, Failure> {
        let (caller, id) = (Caller::of(&permit), *permit.target());
        let (named, has_commits) = match branch {
            Some(branch) => (branch.to_owned(), true),
            None => {
                let (all, member) = (caller.sees_everything, caller.member);
                let project = self.store().load_project(caller.workspace, id, all, member).await?;
                (project.default_branch, project.has_commits)
            }
        };
        let name = BranchName::parse(&named).ok_or(Refusal::NotFound)?;
        let commits = self.outside().repositories.commits(id, name, skip, limit).await?;
        match (commits, branch) {
            (Some(commits), _) => Ok(commits),
            // Nothing was pushed yet.
            (None, None) if !has_commits => Ok(Vec::new()),
            (None, None) => Err(Refusal::Conflict(Conflict::DefaultBranchGone).into()),
            (None, Some(_)) => Err(Refusal::NotFound.into()),
        }
    }

    /// A commit that a branch or a tag has, and what it changes.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_commit(&self, permit: Permit<may::View>, commit: &str) -> Result<Difference, Failure> {
        let commit = CommitId::parse(commit).ok_or(Refusal::NotFound)?;
        let _place = self.merge_place(permit.actor().account).await?;
        let found = self.outside().repositories.difference(*permit.target(), commit).await?;
        Ok(found.ok_or(Refusal::NotFound)?)
    }

    /// As it is now: what a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_project_for_change<P>(&self, permit: &Permit<P>) -> Result<SeenProject, Failure>
    where
        P: Permission<Target = ProjectId>,
    {
        self.seen_project(&Caller::of(permit), *permit.target()).await
    }

    /// Below which the workspace's hosted repositories are, for git.
    async fn repositories_url(&self, workspace: WorkspaceId) -> Result<String, Failure> {
        let workspace = self.store().load_workspace(workspace).await?;
        Ok(format!("{}/git/{}", self.settings().public_url, workspace.slug))
    }

    async fn seen_project(&self, caller: &Caller, project: ProjectId) -> Result<SeenProject, Failure> {
        let (sees_everything, member) = (caller.sees_everything, caller.member);
        let project = self.store().load_project(caller.workspace, project, sees_everything, member).await?;
        Ok(seen(caller, project, &self.repositories_url(caller.workspace).await?))
    }
}

fn seen(caller: &Caller, project: ProjectRecord, repositories_url: &str) -> SeenProject {
    let abilities = abilities::of_project(caller, project.instances);
    let clone_url = match &project.remote {
        Some(remote) => remote.url.clone(),
        None => format!("{repositories_url}/{}.git", project.slug),
    };
    SeenProject { project, clone_url, abilities }
}
