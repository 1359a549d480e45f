//! Merging with real repositories: whatever the branches hold, a merge is whole or changes nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use stoa_agent::git::{FoundReview, Repository};
use stoa_domain::Timestamp;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::{ConflictKind, FileConflicts, Merged, Merging, Moved, Signing};

/// A hosted repository, and a clone in which branches are made.
struct Place {
    folder: tempfile::TempDir,
    hosted: Repository,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hosted = Repository::at(folder.path().join("hosted.git"));
        hosted.create("main").await.unwrap();
        let place = Self { folder, hosted };
        std::fs::create_dir(place.work()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.work(), arguments)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits all that is there.
    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// A branch from another, checked out.
    fn branch(&self, name: &str, from: &str) {
        self.git(&["checkout", "--quiet", "-b", name, from]);
    }

    fn push(&self) {
        self.git(&["push", "--quiet", "--force", "--all", self.hosted.folder().to_str().unwrap()]);
    }

    async fn head(&self, branch: &str) -> CommitId {
        self.hosted.head(&BranchName::parse(branch).unwrap()).await.unwrap().unwrap()
    }

    async fn move_main(&self, from: &CommitId, to: &CommitId) -> Moved {
        self.hosted.move_branch(&BranchName::parse("main").unwrap(), from, to).await.unwrap()
    }

    async fn review(&self, source: &str, target: &str) -> FoundReview {
        let (source, target) = (self.head(source).await, self.head(target).await);
        self.hosted.review(&source, &target, 20, 20).await.unwrap()
    }

    async fn merge(&self, source: &str, target: &str) -> Merged {
        let (source, target) = (self.head(source).await, self.head(target).await);
        self.hosted.merge(&source, &target, &signing("Anna Äxt", "Bring it in\n\nWhole.")).await.unwrap()
    }

    /// Every file of the repository: to see that nothing was left.
    fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(self.hosted.folder(), &mut found);
        found.sort();
        found
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=Anna",
            "-c",
            "user.email=anna@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn signing(name: &str, message: &str) -> Signing {
    Signing {
        author_name: name.to_owned(),
        author_email: "anna@example.com".to_owned(),
        committer_name: "Stoa".to_owned(),
        committer_email: "stoa@example.com".to_owned(),
        at: Timestamp::from_micros(1_795_521_600_000_000),
        message: message.to_owned(),
    }
}

fn numbered(lines: std::ops::RangeInclusive<u32>) -> String {
    lines.map(|number| format!("line {number}\n")).collect()
}

fn conflicts(merging: &Merging) -> &FileConflicts {
    match merging {
        Merging::Conflicts(conflicts) => conflicts,
        other => panic!("{other:?}"),
    }
}

/// `main` and `idea`, which changed different files.
async fn going_together() -> Place {
    let place = Place::new().await;
    place.write("a.txt", numbered(1..=20));
    place.write("picture", [0_u8, 1, 2, 255]);
    place.commit("first");
    place.branch("idea", "main");
    place.write("a.txt", numbered(1..=20).replace("line 3\n", "line three\n"));
    place.write("new/ünï \"file\".txt", "one\ntwo\n");
    place.write("picture", [0_u8, 9, 9]);
    place.commit("an idea");
    place.git(&["checkout", "--quiet", "main"]);
    place.write("a.txt", numbered(1..=20).replace("line 18\n", "line eighteen\n"));
    place.commit("meanwhile");
    place.push();
    place
}

#[tokio::test]
async fn a_merge_is_shown_before_it_is_done_and_leaves_nothing_until_then() {
    let place = going_together().await;
    let before = place.files();
    let review = place.review("idea", "main").await;
    assert_eq!(review.merging, Merging::Clean);
    let subjects: Vec<_> = review.commits.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!((subjects, review.commit_count), (vec!["an idea"], 1));
    let files: Vec<_> = review.files.files.iter().map(|file| (file.path.as_str(), file.lines)).collect();
    assert_eq!(files, [("a.txt", Some((1, 1))), ("new/ünï \"file\".txt", Some((2, 0))), ("picture", None)]);
    assert_eq!((review.files.count, review.files.added, review.files.removed), (3, 3, 1));
    assert_eq!(place.files(), before, "looking at a merge leaves nothing");
}

#[tokio::test]
async fn the_member_is_the_author_and_a_branch_that_could_just_move_gets_a_commit_too() {
    let place = going_together().await;
    place.branch("later", "main");
    place.commit("one more");
    place.push();
    for source in ["idea", "later"] {
        let (from, of) = (place.head("main").await, place.head(source).await);
        let Merged::Commit(made) = place.merge(source, "main").await else { panic!("{source} isn't merged") };
        assert_eq!(place.head("main").await, from, "no branch moves by the commit alone");
        assert_eq!(place.move_main(&from, &made).await, Moved::There);
        let format = "--format=%an|%ae|%cn|%ce|%P|%at|%B";
        let told = git(place.hosted.folder(), &["log", "-1", format, made.as_str()]);
        assert_eq!(
            told.trim(),
            format!(
                "Anna Äxt|anna@example.com|Stoa|stoa@example.com|{from} {of}|1795521600|Bring it in\n\nWhole."
            )
        );
        assert_eq!(place.review(source, "main").await.merging, Merging::UpToDate);
        assert_eq!(place.merge(source, "main").await, Merged::Not(Merging::UpToDate));
    }
    let text = git(place.hosted.folder(), &["show", "main:a.txt"]);
    assert!(text.contains("line three") && text.contains("line eighteen"), "{text}");
    git(place.hosted.folder(), &["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn a_branch_moves_only_from_where_it_was_seen() {
    let place = going_together().await;
    let main = BranchName::parse("main").unwrap();
    let from = place.head("main").await;
    let Merged::Commit(made) = place.merge("idea", "main").await else { panic!("not merged") };
    place.commit("in between");
    place.push();
    let between = place.head("main").await;
    assert_eq!(place.move_main(&from, &made).await, Moved::Elsewhere);
    assert_eq!(place.head("main").await, between, "the commit in between stays");
    // One that another git holds, or that was killed with it, stays where it is. Whoever asks is told why.
    let Merged::Commit(made) = place.merge("idea", "main").await else { panic!("not merged") };
    let lock = place.hosted.folder().join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    assert_eq!(place.move_main(&between, &made).await, Moved::Held);
    assert_eq!(place.head("main").await, between);
    std::fs::remove_file(lock).unwrap();
    // Gone is moved too.
    git(place.hosted.folder(), &["update-ref", "-d", "refs/heads/main"]);
    assert_eq!(place.move_main(&between, &made).await, Moved::Elsewhere);
    assert_eq!(place.hosted.head(&main).await.unwrap(), None, "and isn't made again");
}

#[tokio::test]
async fn conflicts_are_told_by_file_and_by_the_targets_lines_and_change_nothing() {
    let place = Place::new().await;
    let own = format!("{}<<<<<<< HEAD\n=======\n>>>>>>> other\n", numbered(1..=30));
    place.write("a.txt", &own);
    place.commit("first");
    place.branch("idea", "main");
    let theirs = own.replace("line 5\n", "line five\n").replace("line 20\n", "line twenty\nand one\n");
    // Which goes together, and moves the lines behind it.
    place.write("a.txt", theirs.replace("line 12\n", "line 12\nmore\nmore\n"));
    place.write("both.txt", "theirs\n");
    place.commit("an idea");
    place.git(&["checkout", "--quiet", "main"]);
    place.write("a.txt", own.replace("line 5\n", "LINE 5\nLINE 5b\n").replace("line 20\n", "LINE 20\n"));
    place.write("both.txt", "ours\n");
    place.commit("meanwhile");
    place.push();
    let before = place.files();
    let review = place.review("idea", "main").await;
    let found = conflicts(&review.merging);
    let told: Vec<_> =
        found.files.iter().map(|file| (file.path.as_str(), file.kind, &file.lines[..])).collect();
    assert_eq!(
        told,
        [
            ("a.txt", ConflictKind::Lines, &[(5, 6), (21, 21)][..]),
            ("both.txt", ConflictKind::Lines, &[(1, 1)][..])
        ]
    );
    assert_eq!(review.commit_count, 1);
    // What the source changed is still shown, without git's marks.
    assert_eq!((review.files.count, review.files.added), (2, 6));
    assert!(matches!(place.merge("idea", "main").await, Merged::Not(Merging::Conflicts(_))));
    assert_eq!(place.files(), before, "a conflict leaves nothing");
}

#[tokio::test]
async fn every_kind_of_conflict_is_told_as_what_it_is() {
    // Each its own, or git takes one for another that was renamed.
    let lines_of = |name: &str| numbered(1..=20).replace("line", name);
    let place = Place::new().await;
    for name in ["gone", "moved", "form", "kept"] {
        place.write(name, lines_of(name));
    }
    place.write("picture", [0_u8, 1, 2]);
    place.commit("first");
    place.branch("idea", "main");
    std::fs::remove_file(place.work().join("gone")).unwrap();
    place.git(&["mv", "moved", "moved-here"]);
    place.write("picture", [0_u8, 3]);
    std::fs::remove_file(place.work().join("form")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.work().join("form")).unwrap();
    place.commit("an idea");
    place.git(&["checkout", "--quiet", "main"]);
    place.write("gone", lines_of("gone") + "more\n");
    place.git(&["mv", "moved", "moved-there"]);
    place.write("picture", [0_u8, 4]);
    place.write("form", lines_of("form") + "more\n");
    place.commit("meanwhile");
    place.push();
    let review = place.review("idea", "main").await;
    let found = conflicts(&review.merging);
    let kind = |path: &str| found.files.iter().find(|file| file.path.starts_with(path)).map(|file| file.kind);
    assert_eq!(kind("gone"), Some(ConflictKind::Removed));
    assert_eq!(kind("moved"), Some(ConflictKind::Renamed));
    assert_eq!(kind("picture"), Some(ConflictKind::Binary));
    assert!(matches!(kind("form"), Some(ConflictKind::Form | ConflictKind::Removed)), "{found:?}");
    assert_eq!(kind("kept"), None);
}

#[tokio::test]
async fn submodules_are_never_fetched_nor_looked_into() {
    let place = Place::new().await;
    place.write("a", "a\n");
    place.commit("first");
    let link = |commit: &str| {
        place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
        place.git(&["commit", "--quiet", "-m", "a submodule"]);
    };
    link(&"1".repeat(40));
    place.branch("idea", "main");
    link(&"2".repeat(40));
    place.git(&["checkout", "--quiet", "main"]);
    place.write("b", "b\n");
    place.git(&["add", "b"]);
    place.git(&["commit", "--quiet", "-m", "meanwhile"]);
    place.push();
    let review = place.review("idea", "main").await;
    assert_eq!(review.merging, Merging::Clean);
    assert_eq!(review.files.files[0].form.key(), "submodule");
    assert!(matches!(place.merge("idea", "main").await, Merged::Commit(_)));
    link(&"3".repeat(40));
    place.push();
    let review = place.review("idea", "main").await;
    assert_eq!(conflicts(&review.merging).files[0].kind, ConflictKind::Submodule, "{review:?}");
}

#[tokio::test]
async fn branches_without_a_common_commit_are_refused_and_criss_crossed_ones_are_not() {
    let place = Place::new().await;
    place.write("a", numbered(1..=30));
    place.commit("first");
    place.git(&["checkout", "--quiet", "--orphan", "elsewhere"]);
    place.commit("from nowhere");
    place.branch("one", "main");
    place.write("a", numbered(1..=30).replace("line 2\n", "two\n"));
    place.commit("one");
    place.branch("other", "main");
    place.write("a", numbered(1..=30).replace("line 25\n", "twenty-five\n"));
    place.commit("other");
    let (one, other) = (place.git(&["rev-parse", "one"]), place.git(&["rev-parse", "other"]));
    place.git(&["merge", "--quiet", "--no-edit", &one]);
    place.git(&["checkout", "--quiet", "one"]);
    place.git(&["merge", "--quiet", "--no-edit", &other]);
    place.write("b", "b\n");
    place.commit("behind the cross");
    place.push();
    assert_eq!(place.review("elsewhere", "main").await.merging, Merging::Unrelated);
    assert_eq!(place.merge("elsewhere", "main").await, Merged::Not(Merging::Unrelated));
    assert_eq!(place.review("one", "other").await.merging, Merging::Clean);
    assert!(matches!(place.merge("one", "other").await, Merged::Commit(_)));
}

#[tokio::test]
async fn of_many_files_and_commits_the_first_are_told_and_all_are_counted() {
    let place = Place::new().await;
    place.commit("first");
    place.branch("idea", "main");
    for number in 0..300 {
        place.write(&format!("many/{number:03}"), "x\n");
    }
    place.commit("many");
    for number in 0..30 {
        place.commit(&format!("empty {number}"));
    }
    place.push();
    let review = place.review("idea", "main").await;
    assert_eq!((review.commits.len(), review.commit_count), (20, 31));
    assert_eq!((review.files.files.len(), review.files.count, review.files.added), (20, 300, 300));
}

#[tokio::test]
async fn a_commit_is_told_with_its_message_and_its_difference() {
    let place = going_together().await;
    let idea = place.head("idea").await;
    let found = place.hosted.difference(&idea, 2).await.unwrap().unwrap();
    assert_eq!((found.message.as_str(), found.parents.len()), ("an idea", 1));
    assert_eq!((found.all.count, found.files.len()), (3, 2));
    let hunk = &found.files[0].hunks[0];
    assert_eq!(hunk.before, (1, 6));
    assert!(hunk.lines.contains(&"-line 3".to_owned()) && hunk.lines.contains(&"+line three".to_owned()));
    // The first commit of all has no parent, and a merge is compared with the target.
    let first = place.git(&["rev-list", "--max-parents=0", "idea"]);
    let found = place.hosted.difference(&CommitId::parse(&first).unwrap(), 10).await.unwrap().unwrap();
    assert_eq!((found.parents.len(), found.all.added), (0, 20));
    let from = place.head("main").await;
    let Merged::Commit(made) = place.merge("idea", "main").await else { panic!("not merged") };
    assert!(place.hosted.difference(&made, 10).await.unwrap().is_none(), "it is on no branch yet");
    assert_eq!(place.move_main(&from, &made).await, Moved::There);
    let found = place.hosted.difference(&made, 10).await.unwrap().unwrap();
    assert_eq!((found.parents.len(), found.all.count, found.committer_name.as_str()), (2, 3, "Stoa"));
    assert!(place.hosted.difference(&CommitId::parse(&"0".repeat(40)).unwrap(), 10).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_branch_changed_is_told_since_it_parted_and_nothing_of_the_others() {
    let place = going_together().await;
    let (idea, main) = (place.head("idea").await, place.head("main").await);
    let changes = place.hosted.changes(&idea, &main, 2).await.unwrap().unwrap();
    assert_eq!((changes.all.count, changes.files.len()), (3, 2));
    let lines: Vec<&str> = changes
        .files
        .iter()
        .flat_map(|file| &file.hunks)
        .flat_map(|hunk| &hunk.lines)
        .map(String::as_str)
        .collect();
    assert!(lines.contains(&"+line three") && lines.contains(&"-line 3"), "{lines:?}");
    let others = place.hosted.changes(&main, &idea, 10).await.unwrap().unwrap();
    assert_eq!((others.all.count, others.all.files[0].path.as_str()), (1, "a.txt"));
    assert!(others.files[0].hunks[0].lines.contains(&"+line eighteen".to_owned()));
    let nothing = place.hosted.changes(&main, &main, 10).await.unwrap().unwrap();
    assert_eq!((nothing.all.count, nothing.files.len()), (0, 0));
    place.git(&["checkout", "--quiet", "--orphan", "alone"]);
    place.git(&["commit", "--quiet", "-m", "of its own"]);
    place.push();
    assert!(place.hosted.changes(&place.head("alone").await, &main, 10).await.unwrap().is_none());
}

#[tokio::test]
async fn what_stands_in_a_name_changes_nothing_of_what_is_told() {
    let place = going_together().await;
    place.branch("sly", "idea");
    place.write("changed.txt", "changed\n");
    let tree = "0123456789012345678901234567890123456789";
    let name = format!("user.name=Kim\u{1f}kim@example.com\u{1f}harmless\u{1f}{tree}");
    place.git(&["add", "--all"]);
    place.git(&["-c", &name, "commit", "--quiet", "-m", "its own subject"]);
    place.push();
    let sly = place.head("sly").await;
    let found = place.hosted.difference(&sly, 10).await.unwrap().unwrap();
    assert_eq!((found.message.as_str(), found.all.count), ("its own subject", 1));
    assert_eq!(found.parents, [place.head("idea").await]);
    assert_eq!(found.commit.subject, "its own subject");
    let listed = place.hosted.commits(&BranchName::parse("sly").unwrap(), 0, 10).await.unwrap().unwrap();
    assert_eq!(listed[0].subject, "its own subject");
    let branches = place.hosted.branches().await.unwrap();
    let branch = branches.iter().find(|branch| branch.name.as_str() == "sly").unwrap();
    assert_eq!((branch.commit.subject.as_str(), &branch.commit.id), ("its own subject", &sly));
}

#[tokio::test]
async fn a_name_that_git_refuses_keeps_nobody_from_merging() {
    let place = going_together().await;
    let (source, target) = (place.head("idea").await, place.head("main").await);
    let made = place.hosted.merge(&source, &target, &signing("<>\n.", "m")).await.unwrap();
    let Merged::Commit(made) = made else { panic!("{made:?}") };
    assert_eq!(git(place.hosted.folder(), &["log", "-1", "--format=%an", made.as_str()]), "anna");
}
