//! Hosted repositories: bare ones in one folder, by the projects' ids.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use stoa_agent::git::{FoundCommit, FoundDifference, FoundReview, GitError, Repository};
use stoa_app::ports::{Branch, Commit, Difference, Repositories, Review};
use stoa_app::{Fault, GitKilled};
use stoa_domain::ProjectId;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{ChangedFiles, Changes, Merged, Merging, Moved, Signing};

/// What is younger may still be being made.
const SETTLED: Duration = Duration::from_secs(3600);

/// Where there are replicas, another may be at work on what is younger.
const LEFT: Duration = Duration::from_secs(24 * 3600);

/// The folder of hosted repositories.
pub struct GitRepositories {
    folder: PathBuf,
    /// Between two commits, whose names are made of all that stands behind them: what was counted once stays right.
    distances: Mutex<HashMap<(CommitId, CommitId), (u64, u64)>>,
    /// Nobody else makes repositories since then: what was made before isn't being made any more.
    alone_since: Option<SystemTime>,
}

/// More are dropped at once: they are counted again at their next use.
const MOST_DISTANCES: usize = 50_000;

/// Commits and files of a merge, and files of a commit, that are told one by one.
const MOST_COMMITS: usize = 50;
const MOST_FILES: usize = 300;

/// It would take longer, or tell of more, than is waited for: told so, and no fault.
fn is_too_large(error: &GitError) -> bool {
    matches!(error, GitError::OutOfTime | GitError::TooMuch)
}

/// Of what only reads, and of a merge, which is done wholly or not: whoever asked may ask again.
fn fault(error: GitError) -> Fault {
    match error {
        GitError::Killed(_) => Fault::new(GitKilled(error.to_string())),
        other => Fault::new(other),
    }
}

fn commit(found: FoundCommit) -> Commit {
    let FoundCommit { id, subject, author_name, author_email, at } = found;
    Commit { id, subject, author_name, author_email, at }
}

impl GitRepositories {
    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// Where it can't be made.
    pub fn new(folder: PathBuf) -> std::io::Result<Self> {
        stoa_agent::folders::make_private(&folder)?;
        Ok(Self { folder: std::fs::canonicalize(folder)?, distances: Mutex::default(), alone_since: None })
    }

    fn distances(&self) -> MutexGuard<'_, HashMap<(CommitId, CommitId), (u64, u64)>> {
        // The map is whole after every statement, so a panic elsewhere doesn't spoil it.
        self.distances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the one process on the folder, from its start on.
    #[must_use]
    pub fn alone(self) -> Self {
        // The folders' own times are compared with it.
        #[allow(clippy::disallowed_methods)]
        let now = SystemTime::now();
        Self { alone_since: Some(now), ..self }
    }

    /// Where a project's repository lies.
    #[must_use]
    pub fn place(&self, project: ProjectId) -> PathBuf {
        self.folder.join(format!("{project}.git"))
    }

    /// Removes what git left where it was cut off: all that is of before the start of the one process, else what has
    /// lain for a day.
    ///
    /// # Errors
    /// Where something can't be read or removed.
    pub fn tidy(&self) -> std::io::Result<()> {
        // The files' own times are compared with it.
        #[allow(clippy::disallowed_methods)]
        let before = self.alone_since.unwrap_or_else(|| SystemTime::now() - LEFT);
        stoa_agent::git::tidy_unmade(&self.folder, before)?;
        for entry in std::fs::read_dir(&self.folder)? {
            Repository::at(entry?.path()).tidy(before)?;
        }
        Ok(())
    }

    /// Frees the branches that a git held when it was killed.
    ///
    /// # Errors
    /// Where something can't be read or removed.
    pub fn free_locks(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            Repository::at(entry?.path()).free_locks()?;
        }
        Ok(())
    }

    /// Packs what many pushes have left, one repository after the other, where it has become much.
    ///
    /// # Errors
    /// Where the folder can't be read. A repository that can't be packed stays as it is, and keeps no other from it.
    pub async fn repack(&self) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let repository = Repository::at(entry?.path());
            if let Err(error) = repository.repack_where_due().await {
                tracing::warn!(%error, repository = %repository.folder().display(), "it can't be packed");
            }
        }
        Ok(())
    }

    fn of(&self, project: ProjectId) -> Repository {
        Repository::at(self.place(project))
    }
}

impl Repositories for GitRepositories {
    fn create(&self, project: ProjectId, default_branch: BranchName) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(
            async move { self.of(project).create(&default_branch.to_string()).await.map_err(Fault::new) },
        )
    }

    fn begin(
        &self,
        project: ProjectId,
        default_branch: BranchName,
        files: &'static [(&'static str, &'static [u8])],
        signing: Signing,
    ) -> BoxFuture<'_, Result<CommitId, Fault>> {
        Box::pin(async move {
            let repository = self.of(project);
            repository.create(&default_branch.to_string()).await.map_err(Fault::new)?;
            repository.begin(&default_branch, files, &signing).await.map_err(Fault::new)
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ProjectId>, Fault>> {
        Box::pin(async move {
            let mut projects = Vec::new();
            for entry in std::fs::read_dir(&self.folder).map_err(Fault::new)? {
                let entry = entry.map_err(Fault::new)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let Some(project) = name.strip_suffix(".git").and_then(|id| id.parse().ok()) else {
                    continue;
                };
                let made = entry.metadata().and_then(|about| about.modified()).map_err(Fault::new)?;
                let is_of_before = self.alone_since.is_some_and(|since| made < since);
                if is_of_before || made.elapsed().unwrap_or_default() > SETTLED {
                    projects.push(project);
                }
            }
            Ok(projects)
        })
    }

    fn delete(&self, project: ProjectId) -> BoxFuture<'_, Result<(), Fault>> {
        let repository = self.of(project);
        Box::pin(async move {
            let removed = tokio::task::spawn_blocking(move || repository.remove()).await;
            removed.map_err(Fault::new)?.map_err(Fault::new)
        })
    }

    fn set_default_branch(&self, project: ProjectId, branch: BranchName) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(
            async move { self.of(project).set_default_branch(&branch.to_string()).await.map_err(Fault::new) },
        )
    }

    fn branches(&self, project: ProjectId) -> BoxFuture<'_, Result<Vec<Branch>, Fault>> {
        Box::pin(async move {
            let found = self.of(project).branches().await.map_err(fault)?;
            Ok(found.into_iter().map(|one| Branch { name: one.name, commit: commit(one.commit) }).collect())
        })
    }

    fn commits(
        &self,
        project: ProjectId,
        branch: BranchName,
        skip: usize,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Commit>>, Fault>> {
        Box::pin(async move {
            let found = self.of(project).commits(&branch, skip, limit).await.map_err(fault)?;
            Ok(found.map(|commits| commits.into_iter().map(commit).collect()))
        })
    }

    fn head(&self, project: ProjectId, branch: BranchName) -> BoxFuture<'_, Result<Option<CommitId>, Fault>> {
        Box::pin(async move { self.of(project).head(&branch).await.map_err(fault) })
    }

    fn ahead_behind(
        &self,
        project: ProjectId,
        tip: CommitId,
        base: CommitId,
    ) -> BoxFuture<'_, Result<(u64, u64), Fault>> {
        Box::pin(async move {
            let between = (tip, base);
            if let Some(known) = self.distances().get(&between) {
                return Ok(*known);
            }
            let counted = self.of(project).ahead_behind(&between.0, &between.1).await.map_err(fault)?;
            let mut distances = self.distances();
            if distances.len() >= MOST_DISTANCES {
                distances.clear();
            }
            distances.insert(between, counted);
            Ok(counted)
        })
    }

    fn is_ancestor(
        &self,
        project: ProjectId,
        ancestor: CommitId,
        descendant: CommitId,
    ) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async move { self.of(project).is_ancestor(&ancestor, &descendant).await.map_err(fault) })
    }

    fn file(
        &self,
        project: ProjectId,
        commit: CommitId,
        path: String,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, Fault>> {
        Box::pin(async move { self.of(project).file(&commit, &path, limit).await.map_err(fault) })
    }

    fn review(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
    ) -> BoxFuture<'_, Result<Review, Fault>> {
        Box::pin(async move {
            match self.of(project).review(&source, &target, MOST_COMMITS, MOST_FILES).await {
                Ok(FoundReview { merging, commits, commit_count, files }) => {
                    let commits = commits.into_iter().map(commit).collect();
                    Ok(Review { merging, commits, commit_count, files })
                }
                Err(error) if is_too_large(&error) => Ok(Review {
                    merging: Merging::TooLarge,
                    commits: Vec::new(),
                    commit_count: 0,
                    files: ChangedFiles::default(),
                }),
                Err(error) => Err(fault(error)),
            }
        })
    }

    fn merge(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
        signing: Signing,
    ) -> BoxFuture<'_, Result<Merged, Fault>> {
        Box::pin(async move {
            match self.of(project).merge(&source, &target, &signing).await {
                Err(error) if is_too_large(&error) => Ok(Merged::Not(Merging::TooLarge)),
                other => other.map_err(fault),
            }
        })
    }

    fn move_branch(
        &self,
        project: ProjectId,
        branch: BranchName,
        from: CommitId,
        to: CommitId,
    ) -> BoxFuture<'_, Result<Moved, Fault>> {
        Box::pin(async move { self.of(project).move_branch(&branch, &from, &to).await.map_err(fault) })
    }

    fn difference(
        &self,
        project: ProjectId,
        id: CommitId,
    ) -> BoxFuture<'_, Result<Option<Difference>, Fault>> {
        Box::pin(async move {
            let found = self.of(project).difference(&id, MOST_FILES).await.map_err(fault)?;
            Ok(found.map(|found| {
                let FoundDifference { commit: of, message, committer_name, parents, all, files } = found;
                Difference { commit: commit(of), message, committer_name, parents, all, files }
            }))
        })
    }

    fn changes(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
    ) -> BoxFuture<'_, Result<Option<Changes>, Fault>> {
        Box::pin(async move { self.of(project).changes(&source, &target, MOST_FILES).await.map_err(fault) })
    }

    fn patch(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
        limit: usize,
    ) -> BoxFuture<'_, Result<String, Fault>> {
        Box::pin(async move { self.of(project).patch(&source, &target, limit).await.map_err(fault) })
    }

    fn folder(&self, project: ProjectId) -> PathBuf {
        self.place(project)
    }
}
