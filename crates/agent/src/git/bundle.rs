//! Bundles: a repository's branches and tags with all they need, in one file.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use stoa_domain::branch::CommitId;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{GitError, Repository, checked};

/// How long the bundle of a large repository may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What a hosted repository's names begin with: nothing else is ever pushed.
const KEPT: [&str; 2] = ["refs/heads/", "refs/tags/"];

impl Repository {
    /// Writes all branches and tags into a new file, as they are at one moment, while others push: git reads the names
    /// first, and what they need is never taken away. `false`, and no file, where there is nothing yet.
    ///
    /// # Errors
    /// Where git refuses, which it does where something is missing.
    pub async fn bundle(&self, into: &Path) -> Result<bool, GitError> {
        if self.names().await?.is_empty() {
            return Ok(false);
        }
        let mut command = self.command();
        command.args(["bundle", "create", "--quiet"]).arg(into).args(["--branches", "--tags"]);
        match checked(patiently(command, None).await?, "bundle create") {
            Ok(_) => Ok(true),
            // The last name has just been taken away.
            Err(_) if self.names().await?.is_empty() => Ok(false),
            Err(error) => Err(error),
        }
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

    async fn names(&self) -> Result<Vec<u8>, GitError> {
        self.ask(&["for-each-ref", "--count=1", "--format=%(refname)", KEPT[0], KEPT[1]]).await
    }
}

/// As any other call, but for as long as a large repository needs.
async fn patiently(mut command: Command, input: Option<&[u8]>) -> Result<super::Output, GitError> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        pipe.write_all(input).await?;
    }
    super::ended(child, PATIENCE).await
}
