//! Repositories in memory: branches with commits in a line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::Fault;
use stoa_app::ports::{Branch, Commit, Repositories};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{ProjectId, Timestamp};

#[derive(Default)]
struct Held {
    branches: BTreeMap<BranchName, Vec<Commit>>,
}

#[derive(Default)]
pub struct FakeRepositories {
    held: Mutex<BTreeMap<ProjectId, Held>>,
    fails: Mutex<Option<std::io::ErrorKind>>,
}

impl FakeRepositories {
    /// Adds a commit to a branch, and tells its id.
    pub fn commit(&self, project: ProjectId, branch: &str, subject: &str) -> CommitId {
        let mut held = self.held.lock().unwrap();
        let commits =
            held.entry(project).or_default().branches.entry(BranchName::parse(branch).unwrap()).or_default();
        let number = u128::try_from(commits.len()).unwrap() + 1;
        let mark =
            branch.bytes().fold(7_u128, |mark, byte| mark.wrapping_mul(31).wrapping_add(u128::from(byte)));
        let id = CommitId::parse(&format!("{:040x}", (mark << 32) + number)).unwrap();
        commits.push(Commit {
            id: id.clone(),
            subject: subject.to_owned(),
            author_name: "Anna".to_owned(),
            author_email: "anna@example.com".to_owned(),
            at: Timestamp::from_micros(1_795_521_600_000_000),
        });
        id
    }

    /// The next repository can't be made, for this reason.
    pub fn fail_next(&self, kind: std::io::ErrorKind) {
        *self.fails.lock().unwrap() = Some(kind);
    }

    fn with<T>(&self, project: ProjectId, look: impl FnOnce(&Held) -> T) -> T {
        look(self.held.lock().unwrap().entry(project).or_default())
    }
}

impl Repositories for FakeRepositories {
    fn create(&self, project: ProjectId, _: BranchName) -> BoxFuture<'_, Result<(), Fault>> {
        if let Some(kind) = self.fails.lock().unwrap().take() {
            return Box::pin(async move { Err(Fault::new(std::io::Error::from(kind))) });
        }
        self.held.lock().unwrap().entry(project).or_default();
        Box::pin(async { Ok(()) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ProjectId>, Fault>> {
        Box::pin(async { Ok(self.held.lock().unwrap().keys().copied().collect()) })
    }

    fn delete(&self, project: ProjectId) -> BoxFuture<'_, Result<(), Fault>> {
        self.held.lock().unwrap().remove(&project);
        Box::pin(async { Ok(()) })
    }

    fn set_default_branch(&self, _: ProjectId, _: BranchName) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn branches(&self, project: ProjectId) -> BoxFuture<'_, Result<Vec<Branch>, Fault>> {
        let branches = self.with(project, |held| {
            let newest = |(name, commits): (&BranchName, &Vec<Commit>)| {
                commits.last().map(|commit| Branch { name: name.clone(), commit: commit.clone() })
            };
            held.branches.iter().filter_map(newest).collect()
        });
        Box::pin(async { Ok(branches) })
    }

    fn commits(
        &self,
        project: ProjectId,
        branch: BranchName,
        skip: usize,
        limit: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<Commit>>, Fault>> {
        let commits = self.with(project, |held| {
            held.branches
                .get(&branch)
                .map(|commits| commits.iter().rev().skip(skip).take(limit).cloned().collect())
        });
        Box::pin(async { Ok(commits) })
    }

    fn head(&self, project: ProjectId, branch: BranchName) -> BoxFuture<'_, Result<Option<CommitId>, Fault>> {
        let head =
            self.with(project, |held| held.branches.get(&branch)?.last().map(|commit| commit.id.clone()));
        Box::pin(async { Ok(head) })
    }

    fn ahead_behind(
        &self,
        project: ProjectId,
        tip: CommitId,
        base: CommitId,
    ) -> BoxFuture<'_, Result<(u64, u64), Fault>> {
        let count = |tip: &CommitId| {
            self.with(project, |held| {
                let of_tip = held.branches.values().find(|commits| commits.iter().any(|one| one.id == *tip));
                of_tip.map_or(0, |commits| u64::try_from(commits.len()).unwrap())
            })
        };
        let answer = (count(&tip), count(&base));
        Box::pin(async move { Ok(answer) })
    }

    fn is_ancestor(
        &self,
        project: ProjectId,
        ancestor: CommitId,
        descendant: CommitId,
    ) -> BoxFuture<'_, Result<bool, Fault>> {
        let yes = self.with(project, |held| {
            held.branches.values().any(|commits| {
                let place = |id: &CommitId| commits.iter().position(|commit| commit.id == *id);
                matches!((place(&ancestor), place(&descendant)), (Some(first), Some(last)) if first <= last)
            })
        });
        Box::pin(async move { Ok(yes) })
    }

    fn file(
        &self,
        _: ProjectId,
        _: CommitId,
        _: String,
        _: usize,
    ) -> BoxFuture<'_, Result<Option<Vec<u8>>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    fn folder(&self, project: ProjectId) -> PathBuf {
        PathBuf::from(project.to_string())
    }
}
