//! Repositories in memory: branches with commits in a line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::Fault;
use stoa_app::ports::{Branch, Commit, Difference, Repositories, Review};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{ChangedFiles, Changes, Merged, Merging, Moved, Signing};
use stoa_domain::{ProjectId, Timestamp};
use tokio::sync::oneshot;

#[derive(Default)]
struct Held {
    branches: BTreeMap<BranchName, Vec<Commit>>,
}

/// Each by its path.
type Files = &'static [(&'static str, &'static [u8])];

#[derive(Default)]
pub struct FakeRepositories {
    held: Mutex<BTreeMap<ProjectId, Held>>,
    fails: Mutex<Option<std::io::ErrorKind>>,
    /// Merge commits, which are on no branch yet.
    made: Mutex<BTreeMap<u128, Commit>>,
    /// What those began with that no push was the first of.
    begun: Mutex<BTreeMap<ProjectId, Files>>,
    /// Where the next of these waits: it says that it is there, and for what it waits.
    pause: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
    /// What every difference reads like.
    patch: Mutex<String>,
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

    /// The paths that a repository began with.
    #[must_use]
    pub fn begun(&self, project: ProjectId) -> Vec<&'static str> {
        self.begun
            .lock()
            .unwrap()
            .get(&project)
            .map_or(Vec::new(), |files| files.iter().map(|(path, _)| *path).collect())
    }

    /// The next repository that begins with files waits: until what is told first has come, and what is given back was said.
    pub fn pause_begin(&self) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((reached, is_reached), (go, may_go)) = (oneshot::channel(), oneshot::channel());
        *self.pause.lock().unwrap() = Some((reached, may_go));
        (is_reached, go)
    }

    /// Those that there are.
    #[must_use]
    pub fn projects(&self) -> Vec<ProjectId> {
        self.held.lock().unwrap().keys().copied().collect()
    }

    /// What a model is shown of whatever is merged.
    pub fn say_patch(&self, text: &str) {
        text.clone_into(&mut self.patch.lock().unwrap());
    }

    /// Takes a branch away.
    pub fn remove_branch(&self, project: ProjectId, branch: &str) {
        let branch = BranchName::parse(branch).unwrap();
        self.held.lock().unwrap().entry(project).or_default().branches.remove(&branch);
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

    fn begin(
        &self,
        project: ProjectId,
        default_branch: BranchName,
        files: &'static [(&'static str, &'static [u8])],
        signing: Signing,
    ) -> BoxFuture<'_, Result<CommitId, Fault>> {
        Box::pin(async move {
            self.create(project, default_branch.clone()).await?;
            self.begun.lock().unwrap().insert(project, files);
            let pause = self.pause.lock().unwrap().take();
            if let Some((reached, may_go)) = pause {
                reached.send(()).unwrap();
                may_go.await.unwrap();
            }
            Ok(self.commit(project, default_branch.as_str(), signing.message.trim()))
        })
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

    fn review(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
    ) -> BoxFuture<'_, Result<Review, Fault>> {
        let commits: Vec<Commit> = self.with(project, |held| {
            let of = |tip: &CommitId| {
                held.branches.values().find(|commits| commits.iter().any(|one| one.id == *tip))
            };
            let known = of(&target).cloned().unwrap_or_default();
            let all = of(&source).cloned().unwrap_or_default();
            all.into_iter().rev().filter(|commit| !known.iter().any(|one| one.id == commit.id)).collect()
        });
        let merging = if commits.is_empty() { Merging::UpToDate } else { Merging::Clean };
        let commit_count = commits.len() as u64;
        let review = Review { merging, commits, commit_count, files: ChangedFiles::default() };
        Box::pin(async { Ok(review) })
    }

    fn merge(
        &self,
        project: ProjectId,
        source: CommitId,
        target: CommitId,
        signing: Signing,
    ) -> BoxFuture<'_, Result<Merged, Fault>> {
        Box::pin(async move {
            if self.review(project, source.clone(), target.clone()).await?.merging == Merging::UpToDate {
                return Ok(Merged::Not(Merging::UpToDate));
            }
            let mark = source.as_str().bytes().chain(target.as_str().bytes());
            let mark = mark.fold(11_u128, |mark, byte| mark.wrapping_mul(31).wrapping_add(u128::from(byte)));
            let id = CommitId::parse(&format!("{mark:040x}")).unwrap();
            let commit = Commit {
                id: id.clone(),
                subject: signing.message,
                author_name: signing.author_name,
                author_email: signing.author_email,
                at: signing.at,
            };
            self.made.lock().unwrap().insert(mark, commit);
            Ok(Merged::Commit(id))
        })
    }

    fn move_branch(
        &self,
        project: ProjectId,
        branch: BranchName,
        from: CommitId,
        to: CommitId,
    ) -> BoxFuture<'_, Result<Moved, Fault>> {
        let made = self.made.lock().unwrap().values().find(|commit| commit.id == to).cloned();
        let mut held = self.held.lock().unwrap();
        let commits = held.entry(project).or_default().branches.entry(branch).or_default();
        let moved = match made {
            Some(made) if commits.last().is_some_and(|commit| commit.id == from) => {
                commits.push(made);
                Moved::There
            }
            _ => Moved::Elsewhere,
        };
        Box::pin(async move { Ok(moved) })
    }

    fn difference(
        &self,
        project: ProjectId,
        id: CommitId,
    ) -> BoxFuture<'_, Result<Option<Difference>, Fault>> {
        let found = self.with(project, |held| {
            let commit = held.branches.values().flatten().find(|commit| commit.id == id)?;
            Some(Difference {
                commit: commit.clone(),
                message: commit.subject.clone(),
                committer_name: commit.author_name.clone(),
                parents: Vec::new(),
                all: ChangedFiles::default(),
                files: Vec::new(),
            })
        });
        Box::pin(async move { Ok(found) })
    }

    fn changes(
        &self,
        _: ProjectId,
        _: CommitId,
        _: CommitId,
    ) -> BoxFuture<'_, Result<Option<Changes>, Fault>> {
        Box::pin(async { Ok(Some(Changes::default())) })
    }

    fn patch(
        &self,
        _: ProjectId,
        _: CommitId,
        _: CommitId,
        _: usize,
    ) -> BoxFuture<'_, Result<String, Fault>> {
        let patch = self.patch.lock().unwrap().clone();
        Box::pin(async { Ok(patch) })
    }

    fn folder(&self, project: ProjectId) -> PathBuf {
        PathBuf::from(project.to_string())
    }
}
