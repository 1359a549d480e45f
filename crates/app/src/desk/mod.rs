//! Desks: one member's IDE on one instance. What is in a working copy is its member's alone until it is pushed, so its
//! files are read and saved without a word in the audit log; that a desk was opened, a terminal, a commit, a push are
//! there.

pub mod port;
mod push;

use std::sync::Arc;

use futures_util::stream::BoxStream;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::permission::ide as may;
use stoa_domain::{Conflict, InstanceId, JobId, Permission, Permit, ProjectId, Refusal, TerminalId};
use stoa_storage::instance::{InstanceRecord, Named};

use crate::ports::{
    Against, Author, DeskBytes, DeskOf, DeskProblem, Desks, FileChange, FileContent, FileListing,
    FileMatches, FileSearch, NewDesk, OpenedDesk, Order, Reached, SaveIf, Staging, TerminalEnds,
    TerminalSize, WorkingCopy,
};
use crate::{App, Failure, Fault};

pub use push::PushTarget;

/// How a working copy stands, and what a push of it would do.
#[derive(Debug, Clone)]
pub struct SeenWorkingCopy {
    pub copy: WorkingCopy,
    /// Whether the branch has moved since it was last taken over.
    pub is_moved: bool,
    /// Instances that a push deploys, of those that the member sees.
    pub deploys: Vec<Named<InstanceId>>,
    /// Why a push isn't allowed.
    pub push_refusal: Option<Refusal>,
}

/// What of an instance a desk is made for.
struct Place {
    project: ProjectId,
    branch: BranchName,
    head: CommitId,
}

fn of<P: Permission<Target = InstanceId>>(permit: &Permit<P>) -> DeskOf {
    DeskOf { instance: *permit.target(), account: permit.account() }
}

impl App {
    async fn record<P: Permission<Target = InstanceId>>(
        &self,
        permit: &Permit<P>,
    ) -> Result<InstanceRecord, Failure> {
        let (all, member) = (permit.sees_everything(), permit.member());
        Ok(self.store().load_instance(permit.workspace(), *permit.target(), all, member).await?)
    }

    async fn place<P: Permission<Target = InstanceId>>(&self, permit: &Permit<P>) -> Result<Place, Failure> {
        let record = self.record(permit).await?;
        let no_branch = || Refusal::Conflict(Conflict::NoSuchBranch);
        let branch = BranchName::parse(&record.branch).ok_or_else(no_branch)?;
        let project = record.project.id;
        let head = self.outside().repositories.head(project, branch.clone()).await?;
        Ok(Place { project, branch, head: head.ok_or_else(no_branch)? })
    }

    /// The desks of the machine that an instance is on.
    async fn desks_of<P: Permission<Target = InstanceId>>(
        &self,
        permit: &Permit<P>,
    ) -> Result<Arc<dyn Desks>, Failure> {
        Ok(self.machine_of(*permit.target()).await?.desks)
    }

    async fn author<P: Permission>(&self, permit: &Permit<P>) -> Result<Author, Failure> {
        let author = self.store().load_author(permit.account()).await?;
        Ok(Author { name: author.name, email: author.email })
    }

    /// Brings a commit to the machine of a project's instance. It isn't a job: nothing is fenced by it.
    async fn bring_to_desk(
        &self,
        reached: &Reached,
        project: ProjectId,
        commit: &CommitId,
    ) -> Result<(), Failure> {
        let now = self.outside().clock.now();
        let order = Order { job: JobId::new(self.outside().ids.new_id(now)), fence: 0 };
        let repository = self.outside().repositories.folder(project);
        Ok(reached.machine.bring_commit(order, project, commit.clone(), repository).await?)
    }

    /// Holds a desk for as long as the stream is held. Whoever holds it asks again and again whether its member still
    /// may (`leases`).
    ///
    /// # Errors
    /// `NoSandbox`, or a fault.
    pub async fn hold_desk(&self, desk: DeskOf) -> Result<BoxStream<'static, ()>, Failure> {
        Ok(self.machine_of(desk.instance).await?.desks.hold(desk).await?)
    }

    /// Makes what isn't there of a desk that is held, and goes on with it whether or not anybody waits: what was begun
    /// stands in the audit log.
    ///
    /// # Errors
    /// `NoSuchBranch`, `NoSandbox`, `DiskFull`, or a fault.
    pub async fn open_desk(&self, permit: Permit<may::Open>) -> Result<OpenedDesk, Failure> {
        let app = self.clone();
        let opening = tokio::spawn(async move { app.open_desk_whole(permit).await });
        opening.await.map_err(Fault::new)?
    }

    async fn open_desk_whole(&self, permit: Permit<may::Open>) -> Result<OpenedDesk, Failure> {
        let (desk, place) = (of(&permit), self.place(&permit).await?);
        let author = self.author(&permit).await?;
        let wanted = NewDesk { branch: place.branch.clone(), commit: place.head.clone(), author };
        let reached = self.machine_of(desk.instance).await?;
        let opened = match reached.desks.open(desk, wanted.clone()).await {
            Err(DeskProblem::UnknownCommit) => {
                self.bring_to_desk(&reached, place.project, &place.head).await?;
                reached.desks.open(desk, wanted).await
            }
            other => other,
        };
        let opened = match opened {
            // Brought, and not taken: there is no room for it.
            Err(DeskProblem::UnknownCommit) => return Err(Refusal::DiskFull.into()),
            other => other?,
        };
        // Its terminals are others only where its processes are.
        if opened.is_begun || opened.is_new {
            self.store().open_desk(permit, &opened.branch, &place.head.to_string()).await?;
        }
        Ok(opened)
    }

    /// Ends a desk whole; with `discard` its working copy goes too.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_desk(&self, permit: Permit<may::End>, discard: bool) -> Result<(), Failure> {
        self.desks_of(&permit).await?.end(of(&permit), discard).await?;
        Ok(self.store().end_desk(permit, discard).await?)
    }

    /// # Errors
    /// `NotFound`, `UnfitPath`, `DeskClosed`, or a fault.
    pub async fn list_files(
        &self,
        permit: Permit<may::Read>,
        path: String,
        after: Option<String>,
        limit: Option<usize>,
    ) -> Result<FileListing, Failure> {
        Ok(self.desks_of(&permit).await?.list(of(&permit), path, after, limit).await?)
    }

    /// # Errors
    /// `NotFound`, `UnfitPath`, `FileTooLarge`, `DeskClosed`, or a fault.
    pub async fn read_file(&self, permit: Permit<may::Read>, path: String) -> Result<FileContent, Failure> {
        Ok(self.desks_of(&permit).await?.read(of(&permit), path).await?)
    }

    /// The file's new tag.
    ///
    /// # Errors
    /// `PreconditionFailed`, `InDesk`, `UnfitPath`, `FileTooLarge`, `DeskClosed`, or a fault.
    pub async fn save_file(
        &self,
        permit: Permit<may::Change>,
        path: String,
        save_if: SaveIf,
        bytes: DeskBytes,
    ) -> Result<String, Failure> {
        Ok(self.desks_of(&permit).await?.save(of(&permit), path, save_if, bytes).await?)
    }

    /// # Errors
    /// `NotFound`, `PreconditionFailed`, `InDesk`, `UnfitPath`, `DeskClosed`, or a fault.
    pub async fn change_files(&self, permit: Permit<may::Change>, change: FileChange) -> Result<(), Failure> {
        Ok(self.desks_of(&permit).await?.change(of(&permit), change).await?)
    }

    /// # Errors
    /// `InDesk`, `DeskClosed`, or a fault.
    pub async fn search_files(
        &self,
        permit: Permit<may::Read>,
        search: FileSearch,
    ) -> Result<FileMatches, Failure> {
        Ok(self.desks_of(&permit).await?.search(of(&permit), search).await?)
    }

    /// # Errors
    /// `DeskClosed`, or a fault.
    pub async fn working_copy(&self, permit: Permit<may::Read>) -> Result<SeenWorkingCopy, Failure> {
        let copy = self.desks_of(&permit).await?.status(of(&permit)).await?;
        let record = self.record(&permit).await?;
        let (workspace, project) = (permit.workspace(), record.project.id);
        let branch = BranchName::parse(&record.branch);
        let (mut head, mut on_branch) = (None, Vec::new());
        if let Some(branch) = branch {
            let (all, member) = (permit.sees_everything(), permit.member());
            on_branch = self.seen_on_branch(workspace, project, &branch, all, member).await?;
            head = self.outside().repositories.head(project, branch).await?;
        }
        let others = self.store().deploy_the_same(workspace, record.id).await?;
        let is_allowed = others.iter().all(|other| on_branch.iter().any(|seen| seen.id == *other));
        let push_refusal = if !is_allowed {
            Some(Refusal::TargetNotAllowed)
        } else if copy.branch != record.branch {
            Some(Refusal::Conflict(Conflict::OtherBranch))
        } else {
            None
        };
        let is_moved = head.is_some_and(|head| copy.base.as_deref() != Some(head.as_str()));
        let deploys = on_branch.into_iter().filter(|on| !on.lacks_data);
        let deploys = deploys.map(|on| Named { id: on.id, slug: on.slug, name: on.name }).collect();
        Ok(SeenWorkingCopy { copy, is_moved, deploys, push_refusal })
    }

    /// A difference in git's own form, and whether it is cut.
    ///
    /// # Errors
    /// `InDesk`, `DeskClosed`, or a fault.
    pub async fn desk_difference(
        &self,
        permit: Permit<may::Read>,
        against: Against,
        path: Option<String>,
    ) -> Result<(String, bool), Failure> {
        Ok(self.desks_of(&permit).await?.diff(of(&permit), against, path).await?)
    }

    /// A file as it was.
    ///
    /// # Errors
    /// `NotFound` where there was none, `FileTooLarge`, `DeskClosed`, or a fault.
    pub async fn original_file(
        &self,
        permit: Permit<may::Read>,
        against: Against,
        path: String,
    ) -> Result<bytes::Bytes, Failure> {
        Ok(self.desks_of(&permit).await?.original(of(&permit), against, path).await?)
    }

    /// # Errors
    /// `InDesk`, `DeskClosed`, or a fault.
    pub async fn stage_files(
        &self,
        permit: Permit<may::Change>,
        staging: Staging,
        paths: Vec<String>,
    ) -> Result<(), Failure> {
        Ok(self.desks_of(&permit).await?.stage(of(&permit), staging, paths).await?)
    }

    /// Commits as the member.
    ///
    /// # Errors
    /// `Invalid`, `InDesk`, `DeskClosed`, or a fault.
    pub async fn commit_in_desk(
        &self,
        permit: Permit<may::Commit>,
        message: String,
        all: bool,
    ) -> Result<CommitId, Failure> {
        if message.trim().is_empty() || message.contains('\0') {
            return Err(
                Refusal::invalid("message", "missing", "Say in a line what the commit changes.").into()
            );
        }
        let author = self.author(&permit).await?;
        let commit = self.desks_of(&permit).await?.commit(of(&permit), message, all, author).await?;
        self.store().record_commit(permit, commit.as_str()).await?;
        Ok(commit)
    }

    /// Merges into the working copy where the branch stands now. Paths that have to be settled by hand.
    ///
    /// # Errors
    /// `InDesk`, `DeskClosed`, `OtherBranch`, or a fault.
    pub async fn merge_in_desk(&self, permit: Permit<may::Merge>) -> Result<Vec<String>, Failure> {
        let (desk, place) = (of(&permit), self.place(&permit).await?);
        let reached = self.machine_of(desk.instance).await?;
        let copy = reached.desks.status(desk).await?;
        if copy.branch != place.branch.as_str() {
            return Err(Refusal::Conflict(Conflict::OtherBranch).into());
        }
        let author = self.author(&permit).await?;
        self.bring_to_desk(&reached, place.project, &place.head).await?;
        let merged = reached.desks.merge(desk, place.head.clone(), author).await;
        let conflicts = match merged {
            Err(DeskProblem::UnknownCommit) => return Err(Refusal::DiskFull.into()),
            other => other?,
        };
        self.store().merge_in_desk(permit, &place.head.to_string()).await?;
        Ok(conflicts)
    }

    /// One's own that are open.
    ///
    /// # Errors
    /// `DeskClosed`, or a fault.
    pub async fn list_terminals(&self, permit: Permit<may::Read>) -> Result<Vec<TerminalId>, Failure> {
        let mut open = self.desks_of(&permit).await?.terminals(of(&permit)).await?;
        open.sort_unstable();
        Ok(open)
    }

    /// A new terminal, or one that the account has opened before. Whoever sends its bytes on asks before each whether
    /// it may (`leases`).
    ///
    /// # Errors
    /// `NotFound` for one that is over or another account's, `InDesk` where there are too many, `DeskClosed`, or a
    /// fault.
    pub async fn use_terminal(
        &self,
        permit: Permit<may::OpenTerminal>,
        wanted: Option<TerminalId>,
        size: TerminalSize,
    ) -> Result<(TerminalId, TerminalEnds), Failure> {
        let (desk, workspace) = (of(&permit), permit.workspace());
        let desks = self.desks_of(&permit).await?;
        let Some(terminal) = wanted else {
            let terminal = self.store().open_terminal(permit).await?;
            return Ok((terminal, desks.terminal(desk, terminal, true, size).await?));
        };
        let is_own = self.store().is_terminal_of(workspace, desk.instance, desk.account, terminal).await?;
        if !is_own {
            return Err(Refusal::NotFound.into());
        }
        Ok((terminal, desks.terminal(desk, terminal, false, size).await?))
    }
}
