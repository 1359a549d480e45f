//! Desks, by the protocol of the agent that holds them.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use stoa_agent::client::{Bytestream, ClientError, Desk};
use stoa_agent::protocol::Code;
use stoa_agent::protocol::desk::{
    self as wire, BranchPushed, ChangeFiles, DeskEvent, EntryKind, MakeCommit, MakePack, MergeBranch,
    OpenDesk, SearchFiles, StageFiles,
};
use stoa_agent::protocol::piece::{Piece, Size};
use stoa_app::Fault;
use stoa_app::ports::{
    Against, Author, ChangedFile, DeskBytes, DeskOf, DeskPack, DeskProblem, Desks, FileChange, FileContent,
    FileEntry, FileKind, FileListing, FileMatch, FileMatches, FileSearch, NewDesk, OpenedDesk, OwnCommit,
    SaveIf, Shown, Staging, TerminalEnds, TerminalSize, Typed, WorkingCopy,
};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{TerminalId, Timestamp};
use tokio::sync::mpsc;

use super::AgentMachines;

/// Pieces typed that wait for the terminal.
const WAITING: usize = 16;

type Answer<'a, T> = BoxFuture<'a, Result<T, DeskProblem>>;

fn problem(error: ClientError) -> DeskProblem {
    let ClientError::Refused(problem) = error else { return DeskProblem::Fault(super::fault(error)) };
    match problem.code {
        Code::NoDesk => DeskProblem::Closed,
        Code::UnknownCommit => DeskProblem::UnknownCommit,
        Code::Missing => DeskProblem::Missing,
        Code::Changed => DeskProblem::Changed,
        Code::TooLarge => DeskProblem::TooLarge,
        Code::Invalid => DeskProblem::Unfit(problem.detail),
        // An instance that was never begun to be deployed isn't known there.
        Code::UnknownInstance => DeskProblem::InTheWay(
            "The instance isn't on its server yet. Wait until its first deployment has begun.".to_owned(),
        ),
        Code::Conflict | Code::Busy => DeskProblem::InTheWay(problem.detail),
        Code::NoSandbox => DeskProblem::NoSandbox(problem.detail),
        Code::DiskFull => DeskProblem::DiskFull,
        _ => DeskProblem::Fault(Fault::new(ClientError::Refused(problem))),
    }
}

fn author(author: Author) -> wire::Author {
    wire::Author { name: author.name, email: author.email }
}

fn against(against: Against) -> wire::Against {
    match against {
        Against::Branch => wire::Against::Branch,
        Against::Head => wire::Against::Head,
        Against::Staged => wire::Against::Staged,
    }
}

fn bytes(stream: Bytestream) -> DeskBytes {
    stream.map_err(super::fault).boxed()
}

fn size(size: TerminalSize) -> Size {
    Size { columns: size.columns, rows: size.rows }
}

fn working_copy(view: wire::StatusView) -> WorkingCopy {
    let changes = view.changes.into_iter().map(|change| ChangedFile {
        path: change.path,
        from: change.from,
        staged: change.staged,
        unstaged: change.unstaged,
        is_conflict: change.is_conflict,
    });
    let commits = view.commits.into_iter();
    WorkingCopy {
        branch: view.branch,
        head: view.head,
        commit: view.commit,
        base: view.base,
        ahead: view.ahead,
        behind: view.behind,
        is_merging: view.is_merging,
        changes: changes.collect(),
        is_cut: view.is_cut,
        commits: commits.map(|commit| OwnCommit { id: commit.id, subject: commit.subject }).collect(),
    }
}

impl AgentMachines {
    fn desk(&self, of: DeskOf) -> Desk<'_> {
        self.client.desk(of.instance, of.account)
    }
}

impl Desks for AgentMachines {
    fn hold(&self, desk: DeskOf) -> Answer<'_, BoxStream<'static, ()>> {
        Box::pin(async move {
            let mut events = self.desk(desk).hold().await.map_err(problem)?.boxed();
            match events.next().await {
                Some(Ok(DeskEvent::Held)) => {}
                Some(Err(error)) => return Err(problem(error)),
                Some(Ok(DeskEvent::Ended(_))) | None => return Err(DeskProblem::Closed),
            }
            // Whatever comes behind it is its end.
            Ok(futures_util::stream::once(async move { drop(events.next().await) }).boxed())
        })
    }

    fn open(&self, desk: DeskOf, wanted: NewDesk) -> Answer<'_, OpenedDesk> {
        Box::pin(async move {
            let wanted = OpenDesk {
                branch: wanted.branch.to_string(),
                commit: wanted.commit.to_string(),
                author: author(wanted.author),
            };
            let opened = self.desk(desk).open(&wanted).await.map_err(problem)?;
            Ok(OpenedDesk { branch: opened.branch, is_new: opened.is_new, is_begun: opened.is_begun })
        })
    }

    fn end(&self, desk: DeskOf, discard: bool) -> Answer<'_, ()> {
        Box::pin(async move { self.desk(desk).end(discard).await.map_err(problem) })
    }

    fn list(
        &self,
        desk: DeskOf,
        path: String,
        after: Option<String>,
        limit: Option<usize>,
    ) -> Answer<'_, FileListing> {
        Box::pin(async move {
            let listing = self.desk(desk).files(&path, after.as_deref(), limit).await.map_err(problem)?;
            let kind = |kind| match kind {
                EntryKind::Folder => FileKind::Folder,
                EntryKind::File => FileKind::File,
                EntryKind::Link => FileKind::Link,
                EntryKind::Special => FileKind::Special,
            };
            let entries = listing.entries.into_iter().map(|entry| FileEntry {
                name: entry.name,
                kind: kind(entry.kind),
                size: entry.size,
                changed_at: Timestamp::from_micros(entry.changed_at),
                tag: entry.tag,
                leads_to: entry.leads_to,
            });
            let entries = entries.collect();
            Ok(FileListing { entries, next: listing.next, unreadable: listing.unreadable })
        })
    }

    fn read(&self, desk: DeskOf, path: String) -> Answer<'_, FileContent> {
        Box::pin(async move {
            let file = self.desk(desk).read_file(&path).await.map_err(problem)?;
            Ok(FileContent { tag: file.tag, size: file.size, bytes: bytes(file.bytes) })
        })
    }

    fn save(&self, desk: DeskOf, path: String, save_if: SaveIf, bytes: DeskBytes) -> Answer<'_, String> {
        Box::pin(async move {
            let (tag, is_new) = match &save_if {
                SaveIf::Anyhow => (None, false),
                SaveIf::Tag(tag) => (Some(tag.as_str()), false),
                SaveIf::New => (None, true),
            };
            let bytes = bytes.map_err(|fault| std::io::Error::other(fault.chain()));
            let saved = self.desk(desk).write_file(&path, tag, is_new, bytes).await.map_err(problem)?;
            Ok(saved.tag)
        })
    }

    fn change(&self, desk: DeskOf, change: FileChange) -> Answer<'_, ()> {
        Box::pin(async move {
            let desk = self.desk(desk);
            let changed = match change {
                FileChange::MakeFolder(path) => desk.change_files(&ChangeFiles::MakeFolder { path }).await,
                FileChange::Rename { from, to } => desk.change_files(&ChangeFiles::Rename { from, to }).await,
                FileChange::Remove { path, tag } => desk.remove_file(&path, tag.as_deref()).await,
            };
            changed.map_err(problem)
        })
    }

    fn search(&self, desk: DeskOf, search: FileSearch) -> Answer<'_, FileMatches> {
        Box::pin(async move {
            let wanted = SearchFiles {
                text: search.text,
                is_expression: search.is_expression,
                heeds_case: search.heeds_case,
                whole_words: search.whole_words,
                limit: search.limit,
            };
            let found = self.desk(desk).search(&wanted).await.map_err(problem)?;
            let matches = found.matches.into_iter().map(|one| FileMatch {
                path: one.path,
                line: one.line,
                column: one.column,
                text: one.text,
            });
            Ok(FileMatches { matches: matches.collect(), is_cut: found.is_cut })
        })
    }

    fn status(&self, desk: DeskOf) -> Answer<'_, WorkingCopy> {
        Box::pin(async move { Ok(working_copy(self.desk(desk).status().await.map_err(problem)?)) })
    }

    fn diff(&self, desk: DeskOf, with: Against, path: Option<String>) -> Answer<'_, (String, bool)> {
        Box::pin(async move {
            let diff = self.desk(desk).diff(against(with), path.as_deref()).await.map_err(problem)?;
            Ok((diff.text, diff.is_cut))
        })
    }

    fn original(&self, desk: DeskOf, with: Against, path: String) -> Answer<'_, Bytes> {
        Box::pin(async move { self.desk(desk).original(against(with), &path).await.map_err(problem) })
    }

    fn stage(&self, desk: DeskOf, staging: Staging, paths: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async move {
            let staging = match staging {
                Staging::Stage => wire::Staging::Stage,
                Staging::Unstage => wire::Staging::Unstage,
                Staging::Discard => wire::Staging::Discard,
            };
            self.desk(desk).stage(&StageFiles { staging, paths }).await.map_err(problem)
        })
    }

    fn commit(&self, desk: DeskOf, message: String, all: bool, by: Author) -> Answer<'_, CommitId> {
        Box::pin(async move {
            let wanted = MakeCommit { message, all, author: author(by) };
            let made = self.desk(desk).commit(&wanted).await.map_err(problem)?;
            CommitId::parse(&made.commit)
                .ok_or_else(|| DeskProblem::Fault(Fault::new("an agent told a commit that isn't one")))
        })
    }

    fn merge(&self, desk: DeskOf, commit: CommitId, by: Author) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let wanted = MergeBranch { commit: commit.to_string(), author: author(by) };
            Ok(self.desk(desk).merge(&wanted).await.map_err(problem)?.conflicts)
        })
    }

    fn pushed(&self, desk: DeskOf, commit: CommitId) -> Answer<'_, ()> {
        Box::pin(async move {
            let wanted = BranchPushed { commit: commit.to_string() };
            self.desk(desk).pushed(&wanted).await.map_err(problem)
        })
    }

    fn pack(&self, desk: DeskOf, branch: BranchName, have: Option<CommitId>) -> Answer<'_, DeskPack> {
        Box::pin(async move {
            let have = have.map(|commit| commit.to_string());
            let wanted = MakePack { branch: branch.to_string(), have };
            let pack = self.desk(desk).pack(&wanted).await.map_err(problem)?;
            Ok(DeskPack { commit: pack.commit, bytes: bytes(pack.bytes) })
        })
    }

    fn terminals(&self, desk: DeskOf) -> Answer<'_, Vec<TerminalId>> {
        Box::pin(async move {
            let open = self.desk(desk).terminals().await.map_err(problem)?;
            Ok(open.into_iter().map(TerminalId::new).collect())
        })
    }

    fn terminal(
        &self,
        desk: DeskOf,
        terminal: TerminalId,
        is_new: bool,
        wanted: TerminalSize,
    ) -> Answer<'_, TerminalEnds> {
        Box::pin(async move {
            let opened = self.desk(desk).terminal(terminal.uuid(), is_new, size(wanted)).await;
            let opened = opened.map_err(problem)?;
            let (typed, mut receiver) = mpsc::channel::<Typed>(WAITING);
            let into = opened.typed;
            tokio::spawn(async move {
                while let Some(typed) = receiver.recv().await {
                    let piece = match typed {
                        Typed::Bytes(bytes) => Piece::Bytes(bytes),
                        Typed::Resize(wanted) => Piece::Resize(size(wanted)),
                        Typed::End => Piece::End,
                    };
                    if into.send(piece).await.is_err() {
                        return;
                    }
                }
            });
            let shown = opened.shown.try_filter_map(|piece| async move {
                Ok(match piece {
                    Piece::Bytes(bytes) => Some(Shown::Bytes(bytes)),
                    Piece::Ended(status) => Some(Shown::Ended(status)),
                    _ => None,
                })
            });
            Ok(TerminalEnds { typed, shown: shown.map_err(super::fault).boxed() })
        })
    }
}
