//! A repository that doesn't begin with a push: its first commit is made here, of files that are given.
//!
//! All of it is told to one git (git-fast-import(1)), which moves the branch last of all: it is there whole or not at all.

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::Signing;

use super::merge::person;
use super::{GitError, Repository, checked, run};

/// A file's path from the repository's root, and its bytes.
pub type FirstFile = (&'static str, &'static [u8]);

impl Repository {
    /// Makes the first commit of a branch. One that has commits already stays as it is.
    ///
    /// # Errors
    /// Where git refuses: a branch that has commits, a path that no file can have.
    pub async fn begin(
        &self,
        branch: &BranchName,
        files: &[FirstFile],
        signing: &Signing,
    ) -> Result<CommitId, GitError> {
        let mut command = self.durable();
        command.args(["fast-import", "--quiet", "--done"]);
        let output = run(command, Some(&told(branch, files, signing)?)).await?;
        let out = checked(output, "fast-import")?;
        let text = String::from_utf8_lossy(&out);
        CommitId::parse(text.trim()).ok_or_else(|| GitError::Unreadable(text.chars().take(200).collect()))
    }
}

fn told(branch: &BranchName, files: &[FirstFile], signing: &Signing) -> Result<Vec<u8>, GitError> {
    let Signing { author_name, author_email, committer_name, committer_email, at, message } = signing;
    let seconds = at.micros().div_euclid(1_000_000);
    let by = |name: &str, email: &str| {
        let plain: String = email.chars().filter(|c| !c.is_control() && !"<>".contains(*c)).collect();
        format!("{} <{plain}> {seconds} +0000", person(name, email))
    };
    let mut text = format!(
        "feature done\ncommit refs/heads/{branch}\nmark :1\nauthor {}\ncommitter {}\ndata {}\n{message}\n",
        by(author_name, author_email),
        by(committer_name, committer_email),
        message.len()
    )
    .into_bytes();
    for (path, bytes) in files {
        if !can_be(path) {
            return Err(GitError::Unreadable((*path).to_owned()));
        }
        text.extend_from_slice(format!("M 100644 inline {path}\ndata {}\n", bytes.len()).as_bytes());
        text.extend_from_slice(bytes);
        text.push(b'\n');
    }
    text.extend_from_slice(b"get-mark :1\ndone\n");
    Ok(text)
}

/// Whether a file may stand there. The rest of a line is a path, unless it begins with a quote.
fn can_be(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    !path.starts_with('"') && !path.chars().any(char::is_control) && path.split('/').all(is_plain)
}
