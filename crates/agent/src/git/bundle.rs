//! Bundles: a repository's branches and tags with all they need, in one file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use stoa_domain::branch::CommitId;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{GitError, Repository, checked, run_into};

/// How long the bundle of a large repository may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What a hosted repository's names begin with: nothing else is ever pushed.
const KEPT: [&str; 2] = ["refs/heads/", "refs/tags/"];

impl Repository {
    /// Writes all branches and tags into a new file, as they are at one moment, while others push. `false`, and no file,
    /// where there is nothing yet.
    ///
    /// The head is written here, since `git bundle create` leaves out, without a word, a name that moves while it works: it
    /// reads each name twice, once for what it needs and once for what it stands at. What the names need is never taken
    /// away. For the form see gitformat-bundle(5), version 2.
    ///
    /// # Errors
    /// Where git refuses, which it does where something is missing; where the file can't be written, or is there.
    pub async fn bundle(&self, into: &Path) -> Result<bool, GitError> {
        let names =
            self.ask(&["for-each-ref", "--format=%(objectname) %(refname)", KEPT[0], KEPT[1]]).await?;
        if names.is_empty() {
            return Ok(false);
        }
        let mut wanted = Vec::new();
        for line in names.split_inclusive(|byte| *byte == b'\n') {
            wanted.extend(line.iter().take_while(|byte| **byte != b' '));
            wanted.push(b'\n');
        }
        let mut file = tokio::fs::File::create_new(into).await?;
        file.write_all(&[b"# v2 git bundle\n", &*names, b"\n"].concat()).await?;
        file.flush().await?;
        let mut command = self.command();
        command.args(["pack-objects", "--quiet", "--revs", "--delta-base-offset", "--stdout"]);
        let file = Stdio::from(file.into_std().await);
        checked(run_into(file, command, Some(&wanted), PATIENCE).await?, "pack-objects").map(|_| true)
    }

    /// Takes in what a bundle holds, into an empty repository, and looks whether all of it is there.
    ///
    /// # Errors
    /// Where the bundle is damaged, lacks something, or names what isn't a branch or a tag.
    pub async fn unbundle(&self, from: &Path) -> Result<(), GitError> {
        let mut command = self.command();
        command.args(["bundle", "unbundle"]).arg(from);
        let said = checked(patiently(command, None).await?, "bundle unbundle")?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let mut orders = Vec::new();
        for line in said.lines() {
            let unreadable = || GitError::Unreadable(line.to_owned());
            let (commit, name) = line.split_once(' ').ok_or_else(unreadable)?;
            let is_kept = KEPT.iter().any(|kept| name.starts_with(kept));
            if !is_kept || CommitId::parse(commit).is_none() {
                return Err(unreadable());
            }
            orders.extend_from_slice(format!("create {name}\0{commit}\0").as_bytes());
        }
        let mut command = self.command();
        command.args(["update-ref", "-z", "--stdin"]);
        checked(patiently(command, Some(&orders)).await?, "update-ref")?;
        let mut command = self.command();
        command.args(["fsck", "--connectivity-only", "--no-dangling", "--no-progress"]);
        checked(patiently(command, None).await?, "fsck").map(drop)
    }
}

/// As any other call, but for as long as a large repository needs.
async fn patiently(command: Command, input: Option<&[u8]>) -> Result<super::Output, GitError> {
    run_into(Stdio::piped(), command, input, PATIENCE).await
}
