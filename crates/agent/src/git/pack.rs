//! Packs: a commit with all it needs, from one repository to another.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use stoa_domain::branch::CommitId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio_util::io::ReaderStream;

use super::{GitError, Repository, checked, run};

/// How long a pack may take on its way.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of one piece of a pack.
const PIECE: usize = 64 * 1024;

/// What commits are kept under that were brought.
const DEPLOYED: &str = "refs/deployed/";

impl Repository {
    /// The newest of the commits that were brought.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn deployed(&self, most: usize) -> Result<Vec<CommitId>, GitError> {
        let count = format!("--count={most}");
        let out = self
            .ask(&["for-each-ref", "--format=%(objectname)", "--sort=-committerdate", &count, DEPLOYED])
            .await?;
        let text = String::from_utf8_lossy(&out);
        text.lines()
            .map(|line| CommitId::parse(line).ok_or_else(|| GitError::Unreadable(line.to_owned())))
            .collect()
    }

    /// Those commits that are here.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn known_of(&self, commits: &[CommitId]) -> Result<Vec<CommitId>, GitError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let asked: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        let mut command = self.command();
        command.args(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
        let out = checked(run(command, Some(asked.as_bytes())).await?, "cat-file")?;
        let text = String::from_utf8_lossy(&out);
        Ok(text.lines().filter_map(|line| CommitId::parse(line.strip_suffix(" commit")?)).collect())
    }

    /// A commit with all it needs but for what `there` has; each of those has to be here. It is made as it is read, and
    /// a fault in the middle ends it with an error.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn pack(
        &self,
        commit: &CommitId,
        there: &[CommitId],
    ) -> Result<impl Stream<Item = Result<Bytes, GitError>> + Send + use<>, GitError> {
        let mut command = self.command();
        command
            .args(["pack-objects", "--quiet", "--revs", "--thin", "--delta-base-offset", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut wanted = format!("{commit}\n");
        wanted.extend(there.iter().map(|commit| format!("^{commit}\n")));
        if let Some(mut pipe) = child.stdin.take() {
            // It is read whole before anything comes back, and fits into the pipe.
            pipe.write_all(wanted.as_bytes()).await?;
        }
        let out = child.stdout.take().ok_or_else(|| io::Error::other("git without an output"))?;
        let pieces = ReaderStream::with_capacity(out, PIECE).map_err(GitError::from);
        Ok(pieces
            .chain(futures_util::stream::once(end_of(child)).filter_map(|end| async { end.err().map(Err) })))
    }

    /// Takes a pack in, into a place of its own first; only what is whole and sound is kept, under the commit's name.
    /// `most`: bytes it may have.
    ///
    /// # Errors
    /// Where it isn't sound, lacks something, or broke off.
    pub async fn receive(
        &self,
        commit: &CommitId,
        pack: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
        most: u64,
    ) -> Result<(), GitError> {
        let (repository, commit) = (self.clone(), commit.clone());
        // Whoever waits for it may go away; git is never killed over it, so that it tidies up after itself.
        let receiving = tokio::spawn(async move { repository.receive_whole(&commit, pack, most).await });
        receiving.await.map_err(io::Error::other)?
    }

    async fn receive_whole(
        &self,
        commit: &CommitId,
        pack: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
        most: u64,
    ) -> Result<(), GitError> {
        let mut command = super::command();
        command
            .arg("-c")
            .arg(format!("receive.maxInputSize={most}"))
            .args(["receive-pack", "--stateless-rpc", "--"])
            .arg(self.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or_else(|| io::Error::other("git without an input"))?;
        let sending = async move {
            // Closed however this ends: git waits for no more then.
            let mut into = input;
            into.write_all(update(commit).as_bytes()).await?;
            send(pack, &mut into).await?;
            into.shutdown().await
        };
        let both = async { tokio::join!(sending, child.wait_with_output()) };
        let (sent, output) = tokio::time::timeout(PATIENCE, both).await.map_err(|_| GitError::OutOfTime)?;
        let output = output?;
        let report = String::from_utf8_lossy(&output.stdout);
        let is_taken = report.contains("unpack ok\n") && report.contains(&format!("ok {DEPLOYED}{commit}\n"));
        match (output.status.success() && is_taken, sent) {
            (true, _) if self.has(commit).await? => Ok(()),
            (true, _) => {
                self.ask(&["update-ref", "-d", &format!("{DEPLOYED}{commit}")]).await?;
                Err(refused("it isn't a commit"))
            }
            (false, Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            (false, _) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = if said.trim().is_empty() { report.trim() } else { said.trim() };
                Err(refused(said))
            }
        }
    }
}

fn refused(said: &str) -> GitError {
    GitError::Refused { verb: "receive-pack".to_owned(), said: said.to_owned() }
}

async fn send(
    mut pack: impl Stream<Item = io::Result<Bytes>> + Unpin,
    into: &mut (impl tokio::io::AsyncWrite + Unpin),
) -> io::Result<()> {
    while let Some(piece) = pack.next().await {
        into.write_all(&piece?).await?;
    }
    Ok(())
}

/// What git's own protocol says before a pack (gitprotocol-pack(5)): one new reference, and the wish to be told what
/// became of it. A line begins with its length, itself included, as four hexadecimal digits; `0000` ends them.
fn update(commit: &CommitId) -> String {
    let zeros = "0".repeat(40);
    let line = format!("{zeros} {commit} {DEPLOYED}{commit}\0report-status\n");
    format!("{:04x}{line}0000", line.len() + 4)
}

/// How it ended.
async fn end_of(mut child: Child) -> Result<(), GitError> {
    let mut said = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        errors.read_to_end(&mut said).await?;
    }
    if child.wait().await?.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(GitError::Refused { verb: "pack-objects".to_owned(), said })
}
