//! Git over the network: what a repository elsewhere has, and what of it is missing here.
//!
//! Where that is, and by whose right, was settled before: here git is given an address, a host that it may dial and no
//! other, and a configuration that nobody but it can read.

use std::collections::{BTreeMap, HashMap};

use stoa_domain::branch::{BranchName, CommitId};

use super::carry::{Around, Connection, Transfer, TransferError, carry};
use super::quarantine::Quarantine;
use super::{GitError, Repository, checked, run};

/// Where what was fetched stands until it is taken over: no name that anybody is shown.
pub(super) const ASIDE: &str = "refs/stoa/remote/";

/// Branches and tags of a repository.
pub(super) const MOST_NAMES: usize = 20_000;

/// As much history as there is. It is all the same to git's protocol, and one thing that the old way of fetching over HTTP,
/// file by file and unchecked, doesn't know: git refuses to go that way then.
const ALL_HISTORY: &str = "--depth=2147483647";

/// What a repository elsewhere has.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// What its HEAD names.
    pub default_branch: Option<String>,
    /// Branches and tags by their whole names, with the objects that they name.
    pub names: BTreeMap<String, String>,
}

/// What was fetched and lies aside.
#[derive(Debug, Clone)]
pub struct Staged {
    pub is_changed: bool,
    /// Where branches and tags stood here before.
    pub before: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Done {
        passed_over: u64,
    },
    /// Something has moved since before.
    Otherwise,
}

/// Lines of a name and the object that it names.
pub(super) fn pairs(out: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(out)
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, object)| (name.to_owned(), object.to_owned()))
        .collect()
}

fn unreadable(line: &str) -> TransferError {
    GitError::Unreadable(line.chars().take(200).collect()).into()
}

/// Lines of `git ls-remote --symref`.
fn named(text: &str) -> Result<Named, TransferError> {
    let mut found = Named::default();
    for line in text.lines() {
        let (what, name) = line.split_once('\t').ok_or_else(|| unreadable(line))?;
        if let Some(target) = what.strip_prefix("ref: ") {
            if name == "HEAD" {
                found.default_branch = target.strip_prefix("refs/heads/").map(str::to_owned);
            }
            continue;
        }
        // `^{}` is what a tag leads to; the tag itself stands before it.
        if name == "HEAD" || name.ends_with("^{}") {
            continue;
        }
        // Git finds names by their ends: `refs/remotes/origin/HEAD` is a HEAD too.
        if !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/") {
            continue;
        }
        let object = CommitId::parse(what).ok_or_else(|| unreadable(line))?;
        // What git says of a name that it finds nothing behind.
        if object.is_zero() {
            return Err(TransferError::Damaged("One of its branches or tags names nothing."));
        }
        found.names.insert(name.to_owned(), what.to_owned());
        if found.names.len() > MOST_NAMES {
            return Err(TransferError::TooLarge);
        }
    }
    Ok(found)
}

/// Whether a branch or a tag can be called so here: as where it is pushed to Stoa.
fn is_taken(name: &str) -> bool {
    let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
    short.is_some_and(|short| BranchName::parse(short).is_some())
}

impl Connection {
    /// Reads which branches and tags there are.
    ///
    /// # Errors
    /// As it ends.
    pub async fn look(&self, limits: Transfer) -> Result<Named, TransferError> {
        let words = ["ls-remote", "--symref", "--", &self.url, "HEAD", "refs/heads/*", "refs/tags/*"];
        let around = Around { folder: None, objects: None, growing: None, input: None };
        match carry(self, &words, &around, limits).await? {
            (true, out, _) => named(&String::from_utf8_lossy(&out)),
            (false, _, said) => Err(TransferError::Refused(said)),
        }
    }
}

impl Repository {
    /// Branches and tags, or what was fetched of them, with what they name.
    pub(super) async fn names_below(&self, below: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        let mut words = vec!["for-each-ref", "--format=%(refname)%09%(objectname)"];
        words.extend(below);
        let out = self.ask(&words).await?;
        Ok(pairs(&out))
    }

    /// Fetches what is missing here, aside: no branch moves. `there`: what was seen there.
    ///
    /// # Errors
    /// As it ends.
    pub async fn stage(
        &self,
        connection: &Connection,
        there: &Named,
        limits: Transfer,
    ) -> Result<Staged, TransferError> {
        let before = self.names_below(&["refs/heads/", "refs/tags/"]).await?;
        let wanted: BTreeMap<&str, &str> = there
            .names
            .iter()
            .filter(|(name, _)| is_taken(name))
            .map(|(name, object)| (name.as_str(), object.as_str()))
            .collect();
        let here: BTreeMap<&str, &str> =
            before.iter().map(|(name, object)| (name.as_str(), object.as_str())).collect();
        if wanted == here && self.is_staged(there).await? {
            return Ok(Staged { is_changed: false, before });
        }
        let branches = format!("+refs/heads/*:{ASIDE}heads/*");
        let tags = format!("+refs/tags/*:{ASIDE}tags/*");
        let words = [
            "fetch",
            // What it is doing is heard, so that it is known from silence.
            "--progress",
            ALL_HISTORY,
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--",
            &connection.url,
            &branches,
            &tags,
        ];
        let quarantine = Quarantine::make(self).await?;
        let repository = quarantine.repository();
        let around = Around {
            folder: Some(repository.folder()),
            objects: None,
            growing: Some(quarantine.objects()),
            input: None,
        };
        let outcome = match carry(connection, &words, &around, limits).await {
            Ok((true, ..)) => quarantine.settle(self, limits).await,
            Ok((false, _, said)) => Err(TransferError::Refused(said)),
            Err(error) => Err(error),
        };
        quarantine.remove().await?;
        outcome.map(|()| Staged { is_changed: true, before })
    }

    /// Whether all that is there lies aside already.
    async fn is_staged(&self, there: &Named) -> Result<bool, GitError> {
        let aside = self.names_below(&[ASIDE]).await?;
        let aside: HashMap<String, String> = aside
            .into_iter()
            .filter_map(|(name, object)| Some((format!("refs/{}", name.strip_prefix(ASIDE)?), object)))
            .collect();
        Ok(aside.len() == there.names.len()
            && there.names.iter().all(|(name, object)| aside.get(name) == Some(object)))
    }

    /// Moves branches and tags to what lies aside, each from where it stood before, all of them or none.
    ///
    /// # Errors
    /// Where git can't be run.
    pub async fn apply(&self, staged: &Staged) -> Result<Applied, GitError> {
        let aside = self.names_below(&[ASIDE]).await?;
        let mut wanted = BTreeMap::new();
        let mut passed_over = 0;
        for (name, object) in &aside {
            let name = format!("refs/{}", name.strip_prefix(ASIDE).unwrap_or_default());
            if is_taken(&name) {
                wanted.insert(name, object.as_str());
            } else {
                passed_over += 1;
            }
        }
        let before: BTreeMap<&str, &str> =
            staged.before.iter().map(|(name, object)| (name.as_str(), object.as_str())).collect();
        // What goes makes room first: `a` may have become `a/b`.
        let gone = before.iter().filter(|(name, _)| !wanted.contains_key(**name));
        let gone: String = gone.map(|(name, old)| format!("delete {name}\0{old}\0")).collect();
        let moved: String = wanted
            .iter()
            .filter_map(|(name, new)| match before.get(name.as_str()) {
                None => Some(format!("create {name}\0{new}\0")),
                Some(old) if old == new => None,
                Some(old) => Some(format!("update {name}\0{new}\0{old}\0")),
            })
            .collect();
        for orders in [gone, moved] {
            if orders.is_empty() {
                continue;
            }
            let mut command = self.command();
            command.args(["update-ref", "-z", "--stdin"]);
            let output = run(command, Some(orders.as_bytes())).await?;
            let is_elsewhere = output.said.contains("but expected")
                || output.said.contains("already exists")
                || output.said.contains("unable to resolve");
            if !output.succeeded && is_elsewhere {
                return Ok(Applied::Otherwise);
            }
            checked(output, "update-ref")?;
        }
        Ok(Applied::Done { passed_over })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_nothing_else() {
        let id = "a".repeat(40);
        let text = format!(
            "ref: refs/heads/trunk\tHEAD\n{id}\tHEAD\n{id}\trefs/heads/trunk\n\
             ref: refs/remotes/origin/main\trefs/remotes/origin/HEAD\n{id}\trefs/remotes/origin/HEAD\n\
             {id}\trefs/pull/1/head\n{id}\trefs/tags/v1\n{id}\trefs/tags/v1^{{}}\n"
        );
        let found = named(&text).unwrap();
        assert_eq!(found.default_branch.as_deref(), Some("trunk"));
        assert_eq!(found.names.keys().collect::<Vec<_>>(), ["refs/heads/trunk", "refs/tags/v1"]);
        for wrong in ["x", "x\trefs/heads/a"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        let nothing = format!("{id}\trefs/heads/trunk\n{}\trefs/heads/gone\n", "0".repeat(40));
        assert!(matches!(named(&nothing), Err(TransferError::Damaged(_))));
    }

    #[test]
    fn names_that_git_could_misread_are_passed_over() {
        assert!(is_taken("refs/heads/main") && is_taken("refs/tags/v1"));
        for name in ["refs/heads/-x", "refs/heads/--upload-pack=x", "refs/heads/refs/x", "refs/pull/1/head"] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
