//! Git on a working copy, run inside of its desk.

use std::time::Duration;

use bytes::Bytes;
use stoa_domain::branch::CommitId;

use super::inside::{Inside, Ran, authorship};
use super::open::{checked, upstream};
use super::status::{self, MOST_COMMITS};
use super::{DeskOf, Note, save};
use crate::machine::Agent;
use crate::machine::operation::Refused;
use crate::protocol::desk::{Against, Author, Staging, StatusView};

/// How long it may take to see how a working copy stands: it is asked again and again.
const LOOKING: Duration = Duration::from_secs(30);
const STANDS_STILL: &str = "git didn't say within 30 seconds how the working copy stands. Something that its own \
    configuration names may hold it, such as core.fsmonitor or a filter: look there in a terminal.";

/// Bytes of a difference, and of a file as it was.
const LARGEST_DIFF: usize = 2 << 20;
const LARGEST_ORIGINAL: usize = 8 << 20;

/// Bytes of a commit's message.
const LONGEST_MESSAGE: usize = 64 * 1024;

fn parsed(ran: &Ran) -> Option<CommitId> {
    ran.succeeded().then(|| CommitId::parse(ran.text().trim())).flatten()
}

async fn commit_of(inside: &Inside, name: &str) -> Result<Option<CommitId>, Refused> {
    let name = format!("{name}^{{commit}}");
    Ok(parsed(&inside.git(&["rev-parse", "--verify", "--quiet", &name]).await?))
}

/// Paths, each ended by a zero byte: as git reads them from its input.
fn zero_ended(paths: &[String]) -> Bytes {
    paths.iter().flat_map(|path| path.bytes().chain([0])).collect::<Vec<u8>>().into()
}

/// In git's stead, which names commands that nobody types here.
const UNCOMMITTED: &str = "Files that both sides changed have changes here that aren't committed. Commit them without \
    pushing (Commit only), then merge.";

impl Agent {
    /// How the working copy stands.
    ///
    /// # Errors
    /// `NoDesk`, or `Conflict` with git's own words.
    pub(crate) async fn desk_status(&self, of: DeskOf) -> Result<StatusView, Refused> {
        // With it ends what it waited for: whoever asked is gone for process 1.
        let looked = tokio::time::timeout(LOOKING, self.look_at_working_copy(of)).await;
        looked.unwrap_or_else(|_| Err(Refused::Conflict(STANDS_STILL.to_owned())))
    }

    async fn look_at_working_copy(&self, of: DeskOf) -> Result<StatusView, Refused> {
        let (inside, note) = (self.inside(of)?, self.note(of)?);
        let words = ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z"];
        let ran = inside.git(&words).await?;
        if !ran.is_cut {
            checked_ref(&ran, "status")?;
        }
        let mut status = status::read(&ran.text(), &note.branch);
        status.is_cut |= ran.is_cut;
        // Not what its member's git has for the branch: that moves with a word in a terminal.
        let there = note.base;
        status.base = commit_of(&inside, &there).await?.map(|commit| commit.to_string());
        status.is_merging = commit_of(&inside, "MERGE_HEAD").await?.is_some();
        if status.base.is_some() && status.commit.is_some() {
            let range = format!("{there}...HEAD");
            let ran = inside.git(&["rev-list", "--left-right", "--count", &range]).await?;
            let text = ran.text();
            let mut counts = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
            (status.behind, status.ahead) = (counts.next().unwrap_or(0), counts.next().unwrap_or(0));
            let range = format!("{there}..HEAD");
            let words = ["log", "-z", "--format=%H%x00%s", MOST_COMMITS, &range];
            status.commits = status::commits(&inside.git(&words).await?.text());
        }
        Ok(status)
    }

    /// A difference in git's own form. Whether it is cut.
    ///
    /// # Errors
    /// As for the status.
    pub(crate) async fn desk_diff(
        &self,
        of: DeskOf,
        against: Against,
        path: Option<&str>,
    ) -> Result<(String, bool), Refused> {
        let (inside, note) = (self.inside(of)?, self.note(of)?);
        let mut words = vec![
            "--no-optional-locks",
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
        ];
        match against {
            Against::Branch => words.push(&note.base),
            Against::Head => words.push("HEAD"),
            Against::Staged => words.push("--cached"),
        }
        words.push("--");
        words.extend(path);
        let command = super::inside::git_words(&words);
        let ran = inside.run(command, &[], futures_util::stream::empty(), LARGEST_DIFF).await?;
        if !ran.is_cut {
            checked_ref(&ran, "diff")?;
        }
        Ok((ran.text(), ran.is_cut))
    }

    /// A file as it was; `None` where there was none.
    ///
    /// # Errors
    /// `TooLarge`, or as for the status.
    pub(crate) async fn desk_original(
        &self,
        of: DeskOf,
        against: Against,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let (inside, note) = (self.inside(of)?, self.note(of)?);
        let name = match against {
            Against::Branch => format!("{}:{path}", note.base),
            Against::Head => format!("HEAD:{path}"),
            Against::Staged => format!(":0:{path}"),
        };
        let kind = inside.git(&["cat-file", "-t", &name]).await?;
        if !kind.succeeded() || kind.text().trim() != "blob" {
            return Ok(None);
        }
        let command = super::inside::git_words(&["cat-file", "blob", &name]);
        let ran = inside.run(command, &[], futures_util::stream::empty(), LARGEST_ORIGINAL).await?;
        if ran.is_cut {
            return Err(Refused::TooLarge);
        }
        checked_ref(&ran, "cat-file")?;
        Ok(Some(ran.out))
    }

    /// Stages, unstages or takes back. No path: all there are.
    ///
    /// # Errors
    /// As for the status.
    pub(crate) async fn desk_stage(
        &self,
        of: DeskOf,
        staging: Staging,
        paths: &[String],
    ) -> Result<(), Refused> {
        let inside = self.inside(of)?;
        if paths.iter().any(|path| path.contains('\0') || path.is_empty()) {
            return Err(Refused::File(crate::files::Unfit::Form.into()));
        }
        let verb: &[&str] = match staging {
            Staging::Stage => &["add", "--all"],
            Staging::Unstage => &["reset", "--quiet"],
            Staging::Discard => &["restore", "--staged", "--worktree", "--source=HEAD"],
        };
        let ran = if paths.is_empty() {
            let whole: &[&str] = if staging == Staging::Unstage { &[] } else { &["--", "."] };
            inside.git(&[verb, whole].concat()).await?
        } else {
            let listed = ["--pathspec-from-file=-", "--pathspec-file-nul"];
            inside.git_with(&[verb, &listed].concat(), &[], Some(zero_ended(paths))).await?
        };
        checked(ran, verb.first().copied().unwrap_or_default())
    }

    /// Commits what is staged; with `all` everything there is.
    ///
    /// # Errors
    /// `Conflict` where there is nothing, where a conflict isn't settled, or where a hook of the member's own refuses.
    pub(crate) async fn desk_commit(
        &self,
        of: DeskOf,
        message: &str,
        all: bool,
        author: &Author,
    ) -> Result<CommitId, Refused> {
        let inside = self.inside(of)?;
        if message.len() > LONGEST_MESSAGE {
            let said = format!("A message has {LONGEST_MESSAGE} bytes at most. Make it shorter.");
            return Err(Refused::Conflict(said));
        }
        if all {
            checked(inside.git(&["add", "--all", "--", "."]).await?, "add")?;
        }
        let unsettled = inside.git(&["ls-files", "--unmerged"]).await?;
        if !unsettled.out.is_empty() {
            let said = "Some files still have conflicts. Settle them, stage them, then commit.";
            return Err(Refused::Conflict(said.to_owned()));
        }
        let is_merging = commit_of(&inside, "MERGE_HEAD").await?.is_some();
        let staged = inside.git(&["diff", "--cached", "--quiet", "--no-ext-diff"]).await?;
        if staged.succeeded() && !is_merging {
            return Err(Refused::Conflict("Nothing is staged. Stage what the commit is to have.".to_owned()));
        }
        let input = Some(Bytes::from(message.to_owned().into_bytes()));
        let words = ["commit", "--quiet", "--cleanup=strip", "--file=-"];
        let ran = inside.git_with(&words, &authorship(author), input).await?;
        if !ran.succeeded() {
            return Err(Refused::Conflict(format!("Git didn't make the commit: {}", ran.last_words())));
        }
        commit_of(&inside, "HEAD").await?.ok_or(Refused::Missing)
    }

    /// The branch has moved to a commit of the desk's own: it stands there for the desk, too.
    ///
    /// # Errors
    /// `Conflict` where the desk doesn't have the commit.
    pub(crate) async fn desk_pushed(&self, of: DeskOf, commit: &CommitId) -> Result<(), Refused> {
        let (inside, note) = (self.inside(of)?, self.note(of)?);
        let desk = self.held_desk(of)?;
        let _turn = desk.turn.lock().await;
        let (name, commit) = (upstream(&note.branch), commit.to_string());
        checked_ref(&inside.git(&["update-ref", &name, &commit]).await?, "update-ref")?;
        Ok(save(&self.inner.folders, of, &Note { base: commit, ..note })?)
    }

    /// Brings where the branch stands now, and merges it into the working copy. Paths that have to be settled by hand.
    ///
    /// # Errors
    /// `UnknownCommit`, or `Conflict` where the working copy stands in the way.
    pub(crate) async fn desk_merge(
        &self,
        of: DeskOf,
        commit: &CommitId,
        author: &Author,
    ) -> Result<Vec<String>, Refused> {
        let (inside, note) = (self.inside(of)?, self.note(of)?);
        let instance = self.find(of.instance).ok_or(Refused::UnknownInstance)?;
        let desk = self.held_desk(of)?;
        let _turn = desk.turn.lock().await;
        let mirror = self.mirror(instance.form().project);
        if !mirror.exists() || !mirror.has(commit).await? {
            return Err(Refused::UnknownCommit);
        }
        let there: Vec<CommitId> = commit_of(&inside, &note.base).await?.into_iter().collect();
        self.bring(&instance, &inside, commit, &there).await?;
        let name = upstream(&note.branch);
        checked(inside.git(&["update-ref", &name, &commit.to_string()]).await?, "update-ref")?;
        save(&self.inner.folders, of, &Note { base: commit.to_string(), ..note })?;
        let words = ["merge", "--no-edit", "--quiet", &name];
        let ran = inside.git_with(&words, &authorship(author), None).await?;
        if ran.succeeded() {
            return Ok(Vec::new());
        }
        let unsettled = inside.git(&["diff", "--name-only", "--diff-filter=U", "-z"]).await?;
        let conflicts: Vec<String> =
            unsettled.text().split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        if conflicts.is_empty() {
            let said = ran.last_words();
            if said.contains("would be overwritten by merge") {
                return Err(Refused::Conflict(UNCOMMITTED.to_owned()));
            }
            return Err(Refused::Conflict(format!("Git didn't merge: {said}")));
        }
        Ok(conflicts)
    }
}

pub(super) fn checked_ref(ran: &Ran, verb: &str) -> Result<(), Refused> {
    if ran.succeeded() {
        return Ok(());
    }
    Err(Refused::Conflict(format!("git {verb} didn't do it: {}", ran.last_words())))
}
