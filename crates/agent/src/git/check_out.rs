//! Taking the files of a commit out of a repository. What another folder already has of them is linked rather than written
//! again: making a file costs ten times what a link does.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use stoa_domain::branch::CommitId;

use super::{GitError, Repository, checked, run, run_bounded};
use crate::folders::links;

/// Bytes of a list of files: with a longer one all files are written.
const MOST_LISTED: usize = 64 << 20;

/// A folder as another commit was taken out into it, in which nobody has written since.
#[derive(Debug, Clone, Copy)]
pub struct Untouched<'u> {
    pub commit: &'u CommitId,
    pub folder: &'u Path,
}

/// How the files of a commit came into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenOut {
    /// Files are the same ones on the disk as in the other folder: whoever writes in one of the two writes in both.
    pub is_shared: bool,
}

/// What git knows of a file besides its path: mode, kind and object, as `ls-tree` writes them.
type Kind<'l> = &'l [u8];

impl Repository {
    /// Writes the files of a commit into an empty folder.
    ///
    /// # Errors
    /// Where git or the disk refuses.
    pub async fn check_out(&self, commit: &CommitId, into: &Path) -> Result<(), GitError> {
        self.write_files(commit, into, None).await
    }

    /// The same, with what another folder has of them linked from there.
    ///
    /// # Errors
    /// Where git or the disk refuses. What can't be linked is written.
    pub async fn check_out_beside(
        &self,
        commit: &CommitId,
        into: &Path,
        beside: Untouched<'_>,
    ) -> Result<TakenOut, GitError> {
        let (listed, earlier) = if beside.commit == commit {
            let listed = self.list(commit).await?;
            (listed.clone(), listed)
        } else {
            tokio::try_join!(self.list(commit), self.list(beside.commit))?
        };
        // Where that commit isn't there any more, or one of the two has very many files, all are written.
        let (listed, earlier) = (listed.unwrap_or_default(), earlier.unwrap_or_default());
        let (listed, earlier) = (parse(&listed)?, parse(&earlier)?);
        let same = same(&listed, &earlier);
        if same.is_empty() {
            self.check_out(commit, into).await?;
            return Ok(TakenOut { is_shared: false });
        }
        let (from, to) = (beside.folder.to_owned(), into.to_owned());
        let linking = tokio::task::spawn_blocking(move || links::link(&from, &to, same));
        let linked = linking.await.map_err(io::Error::other)??;
        let left = listed.iter().filter(|(path, _)| !linked.contains(*path));
        let left: Vec<u8> = left.flat_map(|(path, _)| path.iter().copied().chain([0])).collect();
        if !left.is_empty() {
            self.write_files(commit, into, Some(&left)).await?;
        }
        Ok(TakenOut { is_shared: !linked.is_empty() })
    }

    /// `only`: paths, each with a NUL behind it.
    async fn write_files(&self, commit: &CommitId, into: &Path, only: Option<&[u8]>) -> Result<(), GitError> {
        let index = self.folder.join(format!("index-{}", uuid::Uuid::now_v7().simple()));
        let outcome = self.write_files_with(commit, into, &index, only).await;
        crate::folders::remove_file(&index)?;
        outcome
    }

    async fn write_files_with(
        &self,
        commit: &CommitId,
        into: &Path,
        index: &Path,
        only: Option<&[u8]>,
    ) -> Result<(), GitError> {
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).args(["read-tree", &commit.to_string()]);
        checked(run(command, None).await?, "read-tree")?;
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).env("GIT_WORK_TREE", into).current_dir(into);
        command.args(["checkout-index", "--quiet"]);
        command.args(if only.is_some() { ["-z", "--stdin"].as_slice() } else { &["--all"] });
        checked(run(command, only).await?, "checkout-index").map(drop)
    }

    /// All files of a commit; `None` where there are too many, or there is no such commit.
    async fn list(&self, commit: &CommitId) -> Result<Option<Vec<u8>>, GitError> {
        let mut command = self.command();
        command.args(["ls-tree", "-r", "-z", "--full-tree", &commit.to_string()]);
        let listed = run_bounded(command, MOST_LISTED).await?;
        Ok((listed.output.succeeded && !listed.is_cut).then_some(listed.output.out))
    }
}

fn parse(listed: &[u8]) -> Result<Vec<(&[u8], Kind<'_>)>, GitError> {
    let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let fields = lines.map(|line| {
        let tab = line.iter().position(|byte| *byte == b'\t');
        let (kind, path) = tab.and_then(|tab| line.split_at_checked(tab)).unwrap_or_default();
        path.get(1..)
            .map(|path| (path, kind))
            .ok_or_else(|| GitError::Unreadable(String::from_utf8_lossy(line).chars().take(200).collect()))
    });
    fields.collect()
}

/// Paths of what is the same in two commits; none where the same object may be written as other bytes, because what says
/// how it is written has changed.
fn same(listed: &[(&[u8], Kind<'_>)], earlier: &[(&[u8], Kind<'_>)]) -> Vec<Vec<u8>> {
    let says_how =
        |(path, _): &&(&[u8], Kind<'_>)| path.rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes");
    if !listed.iter().filter(says_how).eq(earlier.iter().filter(says_how)) {
        return Vec::new();
    }
    let earlier: HashMap<_, _> = earlier.iter().copied().collect();
    let is_same = |(path, kind): &&(&[u8], Kind<'_>)| earlier.get(path) == Some(kind);
    listed.iter().filter(is_same).map(|(path, _)| path.to_vec()).collect()
}
