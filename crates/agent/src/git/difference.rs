//! What differs between two trees, and in a commit: files with their counts, and the lines themselves.

use stoa_domain::branch::CommitId;
use stoa_domain::change::{ChangedFile, ChangedFiles, Changes, FileChange, FileDifference, FileForm, Hunk};

use super::merge::Aside;
use super::read::{FIELD, Found, commit_fields};
use super::{Bounded, FoundCommit, GitError, Repository, run, run_bounded};

/// Bytes of a list of files that are read.
const MOST_LISTED: usize = 16 * 1024 * 1024;
/// Bytes of a difference that are read.
const MOST_DIFFERENCE: usize = 1024 * 1024;
/// Lines of one file's difference, and letters of one line.
const MOST_LINES: usize = 3_000;
const LONGEST_LINE: usize = 2_000;
/// Letters of a commit's message.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// As git compares: renames found among so many files at most, nothing of a repository's own run.
const COMPARE: [&str; 7] =
    ["diff-tree", "-r", "--find-renames", "-l1000", "--no-ext-diff", "--no-textconv", "--no-color"];

/// A commit with what it changes against its first parent.
#[derive(Debug, Clone)]
pub struct FoundDifference {
    pub commit: FoundCommit,
    /// Whole, as it was written.
    pub message: String,
    pub committer_name: String,
    pub parents: Vec<CommitId>,
    pub all: ChangedFiles,
    /// Of the files of `all`, those whose difference was read.
    pub files: Vec<FileDifference>,
}

impl Repository {
    /// The files that differ between two trees or commits, given by their objects' names.
    pub(super) async fn changed_files(
        &self,
        aside: Option<&Aside>,
        from: &str,
        to: &str,
        most: usize,
    ) -> Result<ChangedFiles, GitError> {
        let mut command = self.with(aside);
        command.args(COMPARE).args(["--raw", "--numstat", "-z", "--end-of-options", from, to]);
        let Bounded { output, is_cut } = whole_or_cut(run_bounded(command, MOST_LISTED).await?, "diff-tree")?;
        Ok(files(&String::from_utf8_lossy(&output.out), most, is_cut))
    }

    /// A commit that a branch or a tag has, with its difference; `None` where none has it.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn difference(&self, commit: &CommitId, most_files: usize) -> Found<FoundDifference> {
        if !self.has(commit).await? || !self.is_kept(commit).await? {
            return Ok(None);
        }
        let format = "--format=%H%x00%ct%x00%an%x00%ae%x00%s%x00%P%x00%cn%x00%B";
        let mut command = self.command();
        command.args(["log", "--no-walk", "--max-count=1", format, "--end-of-options", commit.as_str()]);
        let output = whole_or_cut(run_bounded(command, LONGEST_MESSAGE * 2).await?, "log")?.output;
        let text = String::from_utf8_lossy(&output.out);
        let unreadable = || GitError::Unreadable(text.chars().take(200).collect());
        let mut fields = text.splitn(8, FIELD);
        let found = commit_fields(&mut fields).ok_or_else(unreadable)?;
        let (parents, committer, message) = (fields.next(), fields.next(), fields.next());
        let parents: Vec<CommitId> =
            parents.unwrap_or_default().split(' ').filter_map(CommitId::parse).collect();
        let message = message.unwrap_or_default().trim_end().chars().take(LONGEST_MESSAGE).collect();
        let ends = match parents.first() {
            Some(parent) => vec![parent.as_str(), commit.as_str()],
            None => vec![commit.as_str()],
        };
        let Changes { all, files } = self.compared(&ends, most_files).await?;
        let committer_name = committer.unwrap_or_default().to_owned();
        Ok(Some(FoundDifference { commit: found, message, committer_name, parents, all, files }))
    }

    /// What `source` changed since the two parted; `None` where they have nothing in common.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn changes(&self, source: &CommitId, target: &CommitId, most_files: usize) -> Found<Changes> {
        let Some(base) = self.merge_base(source, target).await? else { return Ok(None) };
        self.compared(&[base.as_str(), source.as_str()], most_files).await.map(Some)
    }

    /// `ends`: two commits, or the one that all of is shown.
    async fn compared(&self, ends: &[&str], most_files: usize) -> Result<Changes, GitError> {
        let mut command = self.command();
        command.args(COMPARE).args(["--root", "--no-commit-id", "--raw", "--numstat", "-z"]);
        command.arg("--end-of-options").args(ends);
        let listed = whole_or_cut(run_bounded(command, MOST_LISTED).await?, "diff-tree")?;
        let listed_text = String::from_utf8_lossy(&listed.output.out);
        let all = files(&listed_text, most_files, listed.is_cut);
        let mut command = self.command();
        command.args(COMPARE).args(["--root", "--no-commit-id", "--patch", "--unified=3"]);
        command.arg("--end-of-options").args(ends);
        let Bounded { output, is_cut } =
            whole_or_cut(run_bounded(command, MOST_DIFFERENCE).await?, "diff-tree")?;
        let files = differences(&String::from_utf8_lossy(&output.out), &listed_text, &all.files, is_cut);
        Ok(Changes { all, files })
    }

    /// The text of what `source` changed since the two parted, of at most so many bytes.
    ///
    /// # Errors
    /// Where git refuses.
    pub async fn patch(&self, source: &CommitId, target: &CommitId, most: usize) -> Result<String, GitError> {
        let Some(base) = self.merge_base(source, target).await? else { return Ok(String::new()) };
        let mut command = self.command();
        command.args(COMPARE).args(["--patch", "--unified=3", "--end-of-options"]);
        command.args([base.as_str(), source.as_str()]);
        let output = whole_or_cut(run_bounded(command, most).await?, "diff-tree")?.output;
        Ok(String::from_utf8_lossy(&output.out).into_owned())
    }

    /// Whether a branch or a tag has the commit: what was taken away from all of them isn't shown any more.
    async fn is_kept(&self, commit: &CommitId) -> Result<bool, GitError> {
        let contains = format!("--contains={commit}");
        let mut command = self.command();
        command.args(["for-each-ref", "--count=1", "--format=%(refname)", &contains]);
        command.args(["refs/heads/", "refs/tags/"]);
        let output = run(command, None).await?;
        Ok(output.succeeded && !output.out.is_empty())
    }
}

/// What was said to its end, or until there was too much of it: git that failed has said nothing.
fn whole_or_cut(ran: Bounded, verb: &str) -> Result<Bounded, GitError> {
    if ran.is_cut || ran.output.succeeded {
        return Ok(ran);
    }
    Err(GitError::Refused { verb: verb.to_owned(), said: ran.output.said })
}

/// One entry of `--raw -z`: what became of which path.
struct Raw<'t> {
    status: char,
    form: FileForm,
    from: Option<&'t str>,
    path: &'t str,
}

fn form(mode: &str) -> FileForm {
    match mode {
        "120000" => FileForm::Link,
        "160000" => FileForm::Submodule,
        _ => FileForm::File,
    }
}

/// The raw entries, and the words behind them.
fn raws(text: &str) -> (Vec<Raw<'_>>, Vec<&str>) {
    let mut words = text.split('\0').peekable();
    let mut found = Vec::new();
    while let Some(head) = words.next_if(|word| word.starts_with(':')) {
        let fields: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let status = fields.get(4).and_then(|status| status.chars().next()).unwrap_or('M');
        let Some(first) = words.next() else { break };
        let (from, path) = match status {
            'R' | 'C' => (Some(first), words.next().unwrap_or_default()),
            _ => (None, first),
        };
        let mode = if status == 'D' { fields.first() } else { fields.get(1) };
        found.push(Raw { status, form: form(mode.copied().unwrap_or_default()), from, path });
    }
    (found, words.collect())
}

fn files(text: &str, most: usize, is_cut: bool) -> ChangedFiles {
    let (raws, rest) = raws(text);
    let mut all = ChangedFiles { count: raws.len() as u64, is_cut, ..ChangedFiles::default() };
    let mut counts = rest.into_iter();
    for raw in raws {
        let mut fields = counts.next().unwrap_or_default().splitn(3, '\t');
        let (added, removed) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // Of a renamed one the two paths follow as words of their own.
        if fields.next() == Some("") {
            let _ = (counts.next(), counts.next());
        }
        let lines = added.parse().ok().zip(removed.parse().ok());
        let (more, less) = lines.unwrap_or((0, 0));
        all.added += more;
        all.removed += less;
        if all.files.len() < most {
            all.files.push(ChangedFile {
                path: raw.path.to_owned(),
                from: raw.from.map(str::to_owned),
                change: match raw.status {
                    'A' | 'C' => FileChange::Added,
                    'D' => FileChange::Removed,
                    'R' => FileChange::Renamed,
                    _ => FileChange::Changed,
                },
                form: raw.form,
                lines,
            });
        }
    }
    all
}

/// A patch, file by file in the order of the list: each part begins with its own line, and no line of a file can begin
/// so, because each has a sign before it.
fn differences(patch: &str, listed: &str, files: &[ChangedFile], is_cut: bool) -> Vec<FileDifference> {
    let mut parts = Vec::new();
    for line in patch.split('\n') {
        if line.starts_with("diff --git ") {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            Vec::push(part, line);
        }
    }
    let count = parts.len();
    let mut parts = parts.into_iter().enumerate();
    let (raws, _) = raws(listed);
    let mut found = Vec::new();
    for (file, raw) in files.iter().zip(raws) {
        // What became something else, a link of a file, is told as taken away and made.
        let of_this = if raw.status == 'T' { 2 } else { 1 };
        let mut difference = FileDifference { file: file.clone(), hunks: Vec::new(), is_cut: false };
        let mut has_part = false;
        for (at, part) in parts.by_ref().take(of_this) {
            has_part = true;
            let (hunks, is_long) = hunks(&part);
            difference.hunks.extend(hunks);
            difference.is_cut |= is_long || (is_cut && at + 1 == count);
        }
        difference.is_cut |= !has_part;
        found.push(difference);
    }
    found
}

fn range(text: &str) -> Option<(u64, u64)> {
    let (first, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((first.parse().ok()?, count.parse().ok()?))
}

fn head(line: &str) -> Option<Hunk> {
    let mut words = line.strip_prefix("@@ -")?.split(' ');
    let before = range(words.next()?)?;
    let after = range(words.next()?.strip_prefix('+')?)?;
    Some(Hunk { before, after, lines: Vec::new() })
}

fn hunks(part: &[&str]) -> (Vec<Hunk>, bool) {
    let mut found: Vec<Hunk> = Vec::new();
    let mut count = 0;
    for line in part {
        if let Some(hunk) = head(line) {
            found.push(hunk);
            continue;
        }
        let (Some(hunk), true) = (found.last_mut(), line.starts_with([' ', '+', '-', '\\'])) else {
            continue;
        };
        if count == MOST_LINES {
            return (found, true);
        }
        count += 1;
        let mut kept: String = line.chars().take(LONGEST_LINE).collect();
        if kept.len() < line.len() {
            kept.push('…');
        }
        hunk.lines.push(kept);
    }
    (found, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_with_their_counts_whatever_they_are_called() {
        let words = [
            ":100644 100644 a b M",
            "a\tb.txt",
            ":000000 120000 a b A",
            "l",
            ":100644 100644 a b R090",
            "old",
            "new",
            ":160000 000000 a b D",
            "sub",
            "3\t1\ta\tb.txt",
            "-\t-\tl",
            "2\t0\t",
            "old",
            "new",
            "0\t1\tsub",
            "",
        ];
        let all = files(&words.join("\0"), 3, false);
        assert_eq!((all.count, all.added, all.removed, all.files.len()), (4, 5, 2, 3));
        let told: Vec<_> =
            all.files.iter().map(|file| (file.path.as_str(), file.change.key(), file.lines)).collect();
        assert_eq!(
            told,
            [("a\tb.txt", "changed", Some((3, 1))), ("l", "added", None), ("new", "renamed", Some((2, 0)))]
        );
        assert_eq!(all.files[2].from.as_deref(), Some("old"));
        assert_eq!(all.files[1].form, FileForm::Link);
    }

    #[test]
    fn a_patch_is_read_in_hunks_and_a_line_that_looks_like_a_head_stays_a_line() {
        let listed = ":100644 100644 a b M\0x\0";
        let patch = "diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ fn x\n one\n+diff --git a/y b/y\n+@@ -1 +1 @@\n-two\n\\ No newline at end of file\n";
        let all = files(&format!("{listed}2\t1\tx\0"), 10, false);
        let found = differences(patch, listed, &all.files, false);
        assert_eq!(found.len(), 1);
        let hunk = &found[0].hunks[0];
        assert_eq!((hunk.before, hunk.after), ((1, 2), (1, 3)));
        assert_eq!(
            hunk.lines,
            [" one", "+diff --git a/y b/y", "+@@ -1 +1 @@", "-two", "\\ No newline at end of file"]
        );
        assert!(!found[0].is_cut);
    }
}
