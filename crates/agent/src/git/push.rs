//! Git over the network: a branch that is moved elsewhere, and no other.

use std::path::{Path, PathBuf};

use stoa_domain::branch::{BranchName, CommitId};

use super::carry::{Around, Connection, Transfer, TransferError, carry};
use super::quarantine::Quarantine;
use super::{Repository, checked, run};

/// All branches of a repository that has one. Written so, each is the one that is called exactly so there.
const EACH: &str = "refs/heads/*:refs/heads/*";

/// What a helper says of a branch without having asked there.
const DECIDED_HERE: [&str; 6] = [
    "stale info",
    "fetch first",
    "non-fast forward",
    "needs force",
    "already exists",
    "remote ref updated since checkout",
];
/// And where it doesn't know what became of it, or did nothing about it.
const UNKNOWN: [&str; 2] = ["expecting report", "no match"];

impl Repository {
    /// Moves a branch there from where it has to stand, or not at all. `objects`: where its commits are that aren't in the
    /// repository. Answers what git reports of it.
    ///
    /// # Errors
    /// As it ends.
    pub async fn push(
        &self,
        connection: &Connection,
        branch: &BranchName,
        from: Option<&CommitId>,
        to: &CommitId,
        objects: Option<&PathBuf>,
        limits: Transfer,
    ) -> Result<(bool, String, String), TransferError> {
        let name = format!("refs/heads/{branch}");
        let expected = format!("{name}:{}", from.map_or("", CommitId::as_str));
        let lease = format!("--force-with-lease={expected}");
        let order = format!("{to}:{name}");
        let words = ["push", "--porcelain", "--no-verify", &lease, "--", &connection.url, &order];
        let objects = objects.map(PathBuf::as_path);
        // What git leaves of it lies in a quarantine of its own; the mirror's own objects are a fetch's.
        let around = Around { folder: Some(self.folder()), objects, growing: None, input: None };
        let (succeeded, out, said) = carry(connection, &words, &around, limits).await?;
        let out = String::from_utf8_lossy(&out).into_owned();
        if !is_misread(&name, &out, &said) {
            return Ok((succeeded, out, said));
        }
        let quarantine = Quarantine::make(self).await?;
        let outcome = async {
            quarantine.repository().name(&name, to, objects).await?;
            push_each(&quarantine.repository(), connection, &name, &expected, objects, limits).await
        };
        let outcome = outcome.await;
        quarantine.remove().await?;
        outcome
    }

    /// Has a name lead to a commit that may be among other objects.
    async fn name(&self, name: &str, to: &CommitId, objects: Option<&Path>) -> Result<(), TransferError> {
        let mut command = self.command();
        if let Some(objects) = objects {
            command
                .env("GIT_OBJECT_DIRECTORY", objects)
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.folder().join("objects"));
        }
        command.args(["update-ref", name, to.as_str()]);
        checked(run(command, None).await?, "update-ref")?;
        Ok(())
    }
}

/// Whether git took the branch's name for the end of another's, such as `refs/heads/refs/heads/main`.
fn is_misread(name: &str, out: &str, said: &str) -> bool {
    let is_elsewhere = |line: &str| {
        let order = line.split('\t').nth(1).and_then(|order| order.split_once(':'));
        order.is_some_and(|(_, aim)| aim != name)
    };
    said.contains("matches more than one") || out.lines().any(is_elsewhere)
}

/// Pushes all branches of a repository, which are one, each to what is called exactly so there.
async fn push_each(
    repository: &Repository,
    connection: &Connection,
    name: &str,
    expected: &str,
    objects: Option<&Path>,
    limits: Transfer,
) -> Result<(bool, String, String), TransferError> {
    let around = Around { folder: Some(repository.folder()), objects, growing: None, input: None };
    if connection.protocol == "ssh" {
        let lease = format!("--force-with-lease={expected}");
        let words = ["push", "--porcelain", "--no-verify", &lease, "--", &connection.url, EACH];
        let (succeeded, out, said) = carry(connection, &words, &around, limits).await?;
        return Ok((succeeded, String::from_utf8_lossy(&out).into_owned(), said));
    }
    // Git would tell its helper for HTTP (gitremote-helpers(7)) the branch's name alone, which the helper looks for anew.
    let helper = format!("remote-{}", connection.protocol);
    let input = format!("option cas {expected}\nlist for-push\npush {EACH}\n\n\n");
    let around = Around { input: Some(&input), ..around };
    let words = [helper.as_str(), &connection.url, &connection.url];
    let (_, out, said) = carry(connection, &words, &around, limits).await?;
    let line = as_porcelain(&String::from_utf8_lossy(&out), name);
    let is_done = line.as_ref().is_some_and(|line| !line.starts_with('!'));
    Ok((is_done, line.unwrap_or_default(), said))
}

/// What a helper says became of a branch, as `git push --porcelain` says it; `None` where that isn't known.
fn as_porcelain(out: &str, name: &str) -> Option<String> {
    out.lines().find_map(|line| {
        let (outcome, rest) = line.split_once(' ')?;
        let why = rest.strip_prefix(name)?;
        if !why.is_empty() && !why.starts_with(' ') {
            return None;
        }
        let why = why.trim();
        match outcome {
            "ok" => Some(format!(" \t{name}:{name}\t[{}]\n", if why.is_empty() { "done" } else { why })),
            "error" if UNKNOWN.contains(&why) => None,
            "error" => {
                let who = if DECIDED_HERE.contains(&why) { "rejected" } else { "remote rejected" };
                // As it is called there.
                let why = why.replace("non-fast forward", "non-fast-forward");
                Some(format!("!\t{name}:{name}\t[{who}] ({why})\n"))
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";

    #[test]
    fn a_report_of_another_branch_is_told_from_ones_own() {
        let line = |aim: &str| format!("To git@h:refs/x\n!\taaaa:{aim}\t[rejected] (stale info)\nDone\n");
        assert!(!is_misread(MAIN, &line(MAIN), "error: failed to push some refs"));
        assert!(is_misread(MAIN, &line("refs/heads/refs/heads/main"), ""));
        assert!(is_misread(MAIN, "", "error: dst refspec refs/heads/main matches more than one"));
    }

    #[test]
    fn what_a_helper_says_is_told_as_git_tells_it() {
        let told = |line: &str| {
            let out = format!(
                "ok\naaaa refs/heads/main\n\nerror refs/heads/main2 no match\n{line}\nerror refs/heads/x no match\n\n"
            );
            as_porcelain(&out, MAIN)
        };
        let all = |flag: &str, summary: &str| Some(format!("{flag}\t{MAIN}:{MAIN}\t{summary}\n"));
        assert_eq!(told("ok refs/heads/main"), all(" ", "[done]"));
        assert_eq!(told("ok refs/heads/main up to date"), all(" ", "[up to date]"));
        assert_eq!(told("error refs/heads/main stale info"), all("!", "[rejected] (stale info)"));
        assert_eq!(
            told("error refs/heads/main hook declined"),
            all("!", "[remote rejected] (hook declined)")
        );
        assert_eq!(told("error refs/heads/main expecting report"), None);
        assert_eq!(told(""), None);
    }
}
