//! Names that stand for one thing: git takes `main` for a tag as well as for a branch, so that whoever pushes a tag of
//! that name keeps everybody else from pushing the branch.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::process::Stdio;

use super::commands::Command;
use super::program::git_in;

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// The same name among the others: of a branch the tag, of a tag the branch.
fn other(reference: &str) -> Option<String> {
    let of_branch = reference.strip_prefix(BRANCHES).map(|name| format!("{TAGS}{name}"));
    of_branch.or_else(|| reference.strip_prefix(TAGS).map(|name| format!("{BRANCHES}{name}")))
}

/// What is wrong with the names of what a push would make: a tag like a branch, or a branch like a tag, that is there or
/// comes with it.
pub(super) async fn clash(folder: &Path, commands: &[Command]) -> io::Result<Option<String>> {
    let made: Vec<&str> = commands
        .iter()
        .filter(|command| command.is_new())
        .map(|command| command.reference.as_str())
        .collect();
    if made.is_empty() {
        return Ok(None);
    }
    let words = ["for-each-ref", "--format=%(refname)", BRANCHES, TAGS];
    let output = git_in(folder, &words).stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("git for-each-ref told no names: {said}")));
    }
    let there = String::from_utf8_lossy(&output.stdout);
    let taken: HashSet<&str> = there.lines().chain(made.iter().copied()).collect();
    let clashing = made.into_iter().find(|made| other(made).is_some_and(|other| taken.contains(&*other)));
    Ok(clashing.map(sentence))
}

fn sentence(reference: &str) -> String {
    match reference.strip_prefix(TAGS) {
        Some(name) => format!("A branch is called {name}, so no tag can be. Give the tag another name."),
        None => {
            let name = reference.strip_prefix(BRANCHES).unwrap_or(reference);
            format!(
                "A tag is called {name}, so no branch can be. Give the branch another name, or delete the tag first."
            )
        }
    }
}
