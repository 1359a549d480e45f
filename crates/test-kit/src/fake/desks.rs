//! Desks in memory: files, a git that knows one commit, and terminals that say what is typed into them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use stoa_app::ports::{
    Against, Author, ChangedFile, DeskBytes, DeskOf, DeskPack, DeskProblem, Desks, FileChange, FileContent,
    FileEntry, FileKind, FileListing, FileMatch, FileMatches, FileSearch, NewDesk, OpenedDesk, SaveIf, Shown,
    Staging, TerminalEnds, TerminalSize, Typed, WorkingCopy,
};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::{TerminalId, Timestamp};
use tokio::sync::{mpsc, watch};

type Answer<'a, T> = BoxFuture<'a, Result<T, DeskProblem>>;

struct Held {
    files: BTreeMap<String, Bytes>,
    terminals: Vec<TerminalId>,
    author: Option<Author>,
    is_begun: bool,
}

#[derive(Default)]
pub struct FakeDesks {
    held: Mutex<HashMap<DeskOf, Held>>,
    holders: watch::Sender<usize>,
}

fn commit() -> CommitId {
    CommitId::parse(&"c".repeat(40)).unwrap()
}

/// Counts for as long as a desk is held.
struct Holder(watch::Sender<usize>);

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl FakeDesks {
    fn with<T>(&self, desk: DeskOf, look: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap();
        look(held.entry(desk).or_insert_with(|| Held {
            files: BTreeMap::from([("app.py".to_owned(), Bytes::from_static(b"print('hello')\n"))]),
            terminals: Vec::new(),
            author: None,
            is_begun: false,
        }))
    }

    /// How many hold desks.
    #[must_use]
    pub fn holders(&self) -> watch::Receiver<usize> {
        self.holders.subscribe()
    }

    /// By whom a desk was opened, or committed in, last.
    #[must_use]
    pub fn author(&self, desk: DeskOf) -> Option<Author> {
        self.with(desk, |held| held.author.clone())
    }
}

impl Desks for FakeDesks {
    fn hold(&self, _: DeskOf) -> Answer<'_, BoxStream<'static, ()>> {
        self.holders.send_modify(|count| *count += 1);
        let holder = Holder(self.holders.clone());
        Box::pin(async move {
            Ok(stream::once(async move {
                let _holder = holder;
                std::future::pending::<()>().await;
            })
            .boxed())
        })
    }

    fn open(&self, desk: DeskOf, wanted: NewDesk) -> Answer<'_, OpenedDesk> {
        let is_begun = self.with(desk, |held| {
            held.author = Some(wanted.author);
            !std::mem::replace(&mut held.is_begun, true)
        });
        Box::pin(async move { Ok(OpenedDesk { branch: wanted.branch.to_string(), is_new: false, is_begun }) })
    }

    fn end(&self, desk: DeskOf, _: bool) -> Answer<'_, ()> {
        self.with(desk, |held| held.is_begun = false);
        Box::pin(async { Ok(()) })
    }

    fn list(&self, desk: DeskOf, _: String, _: Option<String>, _: Option<usize>) -> Answer<'_, FileListing> {
        let entries = self.with(desk, |held| {
            let entry = |(name, bytes): (&String, &Bytes)| FileEntry {
                name: name.clone(),
                kind: FileKind::File,
                size: u64::try_from(bytes.len()).unwrap(),
                changed_at: Timestamp::from_micros(1),
                tag: "1".to_owned(),
                leads_to: None,
            };
            held.files.iter().map(entry).collect()
        });
        Box::pin(async move { Ok(FileListing { entries, next: None, unreadable: 0 }) })
    }

    /// Every path has a file, so that what is asked for is what was decided on.
    fn read(&self, desk: DeskOf, path: String) -> Answer<'_, FileContent> {
        let bytes = self.with(desk, |held| held.files.get(&path).cloned().unwrap_or_default());
        let size = u64::try_from(bytes.len()).unwrap();
        Box::pin(async move {
            let bytes = stream::iter([Ok(bytes)]).boxed();
            Ok(FileContent { tag: "1".to_owned(), size, bytes })
        })
    }

    fn save(&self, desk: DeskOf, path: String, save_if: SaveIf, bytes: DeskBytes) -> Answer<'_, String> {
        Box::pin(async move {
            if matches!(save_if, SaveIf::Tag(tag) if tag != "1") {
                return Err(DeskProblem::Changed);
            }
            let pieces: Vec<Bytes> = bytes.try_collect().await.map_err(DeskProblem::Fault)?;
            self.with(desk, |held| held.files.insert(path, pieces.concat().into()));
            Ok("2".to_owned())
        })
    }

    fn change(&self, _: DeskOf, _: FileChange) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn search(&self, _: DeskOf, search: FileSearch) -> Answer<'_, FileMatches> {
        let found = FileMatch { path: "app.py".to_owned(), line: 1, column: 1, text: search.text };
        Box::pin(async { Ok(FileMatches { matches: vec![found], is_cut: false }) })
    }

    fn status(&self, _: DeskOf) -> Answer<'_, WorkingCopy> {
        let change = ChangedFile {
            path: "app.py".to_owned(),
            from: None,
            staged: ".".to_owned(),
            unstaged: "M".to_owned(),
            is_conflict: false,
        };
        let branch = "main".to_owned();
        Box::pin(async { Ok(WorkingCopy { branch, changes: vec![change], ..WorkingCopy::default() }) })
    }

    fn diff(&self, _: DeskOf, _: Against, _: Option<String>) -> Answer<'_, (String, bool)> {
        Box::pin(async { Ok(("--- a/app.py\n+++ b/app.py\n".to_owned(), false)) })
    }

    fn original(&self, _: DeskOf, _: Against, _: String) -> Answer<'_, Bytes> {
        Box::pin(async { Ok(Bytes::from_static(b"print('hello')\n")) })
    }

    fn stage(&self, _: DeskOf, _: Staging, _: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn commit(&self, desk: DeskOf, _: String, _: bool, author: Author) -> Answer<'_, CommitId> {
        self.with(desk, |held| held.author = Some(author));
        Box::pin(async { Ok(commit()) })
    }

    fn merge(&self, _: DeskOf, _: CommitId, _: Author) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn pushed(&self, _: DeskOf, _: CommitId) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn pack(&self, _: DeskOf, _: BranchName, _: Option<CommitId>) -> Answer<'_, DeskPack> {
        Box::pin(async { Ok(DeskPack { commit: commit(), bytes: stream::empty().boxed() }) })
    }

    fn terminals(&self, desk: DeskOf) -> Answer<'_, Vec<TerminalId>> {
        let open = self.with(desk, |held| held.terminals.clone());
        Box::pin(async move { Ok(open) })
    }

    fn terminal(
        &self,
        desk: DeskOf,
        terminal: TerminalId,
        is_new: bool,
        _: TerminalSize,
    ) -> Answer<'_, TerminalEnds> {
        let is_there = self.with(desk, |held| {
            if is_new {
                held.terminals.push(terminal);
            }
            held.terminals.contains(&terminal)
        });
        Box::pin(async move {
            if !is_there {
                return Err(DeskProblem::Missing);
            }
            let (typed, mut receiver) = mpsc::channel::<Typed>(16);
            let (sender, shown) = mpsc::channel(16);
            let _ = sender.try_send(Ok(Shown::Bytes(Bytes::from_static(b"$ "))));
            tokio::spawn(async move {
                while let Some(typed) = receiver.recv().await {
                    let said = match typed {
                        Typed::Bytes(bytes) => Shown::Bytes(bytes),
                        Typed::Resize(size) => Shown::Bytes(format!("{}x{}", size.columns, size.rows).into()),
                        Typed::End => Shown::Ended(0),
                    };
                    if sender.send(Ok(said)).await.is_err() {
                        return;
                    }
                }
            });
            Ok(TerminalEnds { typed, shown: tokio_stream::wrappers::ReceiverStream::new(shown).boxed() })
        })
    }
}
