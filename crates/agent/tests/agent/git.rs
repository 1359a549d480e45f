//! Git with real repositories.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _};
use stoa_agent::git::Repository;
use stoa_domain::Timestamp;
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::change::Signing;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A bare repository with two commits on `main` and one more on `staging`.
async fn with_commits(place: &Path) -> Repository {
    let repository = Repository::at(place.join("hosted.git"));
    repository.create("main").await.unwrap();
    let work = place.join("work");
    std::fs::create_dir(&work).unwrap();
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(work.join("app.py"), "print(1)\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", work.join("link")).unwrap();
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "first"]);
    git(&work, &["commit", "--quiet", "--allow-empty", "-m", "second: ünï"]);
    git(&work, &["checkout", "--quiet", "-b", "staging"]);
    git(&work, &["commit", "--quiet", "--allow-empty", "-m", "third"]);
    git(&work, &["push", "--quiet", repository.folder().to_str().unwrap(), "main", "staging"]);
    repository
}

fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

#[tokio::test]
async fn branches_and_commits_are_read() {
    let place = tempfile::tempdir().unwrap();
    let repository = with_commits(place.path()).await;
    let branches = repository.branches().await.unwrap();
    let names: Vec<String> = branches.iter().map(|found| found.name.to_string()).collect();
    assert_eq!(names, ["main", "staging"]);
    assert_eq!(branches[0].commit.subject, "second: ünï");
    assert_eq!(branches[0].commit.author_email, "anna@example.com");
    let commits = repository.commits(&branch("main"), 1, 10).await.unwrap().unwrap();
    assert_eq!(commits.iter().map(|commit| commit.subject.as_str()).collect::<Vec<_>>(), ["first"]);
    assert!(repository.commits(&branch("nowhere"), 0, 10).await.unwrap().is_none());
    let (main, staging) = (&branches[0].commit.id, &branches[1].commit.id);
    assert_eq!(repository.ahead_behind(staging, main).await.unwrap(), (1, 0));
    assert!(repository.is_ancestor(main, staging).await.unwrap());
    assert!(!repository.is_ancestor(staging, main).await.unwrap());
    assert_eq!(repository.file(main, "app.py", 100).await.unwrap().unwrap(), b"print(1)\n");
    assert!(repository.file(main, "app.py", 3).await.unwrap().is_none());
    assert!(repository.file(main, "nothing", 3).await.unwrap().is_none());
}

#[tokio::test]
async fn a_branch_is_found_by_its_whole_name_and_by_no_other() {
    let place = tempfile::tempdir().unwrap();
    let repository = with_commits(place.path()).await;
    let hosted = repository.folder();
    let main = repository.head(&branch("main")).await.unwrap().unwrap();
    // What git would guess: a tag, or a branch, that is itself called like the whole name of another branch.
    for (shadow, name) in [
        ("refs/tags/refs/heads/main", "main"),
        ("refs/heads/refs/heads/main", "main"),
        ("refs/remotes/refs/heads/main", "main"),
        ("refs/refs/heads/main", "main"),
        ("refs/tags/refs/heads/gone", "gone"),
        ("refs/heads/refs/heads/gone", "gone"),
        ("refs/tags/gone", "gone"),
    ] {
        git(hosted, &["update-ref", shadow, "refs/heads/staging"]);
        let found = repository.head(&branch(name)).await.unwrap();
        assert_eq!(found, (name == "main").then(|| main.clone()), "{shadow}");
        git(hosted, &["update-ref", "-d", shadow]);
    }
    for shadow in ["refs/tags/refs/heads/main", "refs/heads/refs/heads/main"] {
        git(hosted, &["update-ref", shadow, "refs/heads/staging"]);
    }
    let names = async || {
        let branches = repository.branches().await.unwrap();
        branches.iter().map(|found| found.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["main", "staging"], "such a branch is none");
    git(hosted, &["update-ref", "-d", "refs/heads/main"]);
    assert_eq!(repository.head(&branch("main")).await.unwrap(), None);
    assert!(repository.commits(&branch("main"), 0, 10).await.unwrap().is_none());
    assert_eq!(names().await, ["staging"]);
}

#[tokio::test]
async fn a_commit_is_brought_and_checked_out() {
    let place = tempfile::tempdir().unwrap();
    let hosted = with_commits(place.path()).await;
    let first = hosted.commits(&branch("main"), 1, 1).await.unwrap().unwrap().remove(0).id;
    let mirror = Repository::at(place.path().join("mirror.git"));
    mirror.create("main").await.unwrap();
    assert!(!mirror.has(&first).await.unwrap());
    let pack = hosted.pack(&first, &[]).await.unwrap();
    mirror.receive(&first, pack.map_err(std::io::Error::other).boxed(), 1 << 20).await.unwrap();
    assert!(mirror.has(&first).await.unwrap());
    let into = place.path().join("out");
    std::fs::create_dir(&into).unwrap();
    mirror.check_out(&first, &into).await.unwrap();
    assert_eq!(std::fs::read_to_string(into.join("app.py")).unwrap(), "print(1)\n");
    assert!(std::fs::symlink_metadata(into.join("link")).unwrap().is_symlink());
    let missing = CommitId::parse(&"12".repeat(20)).unwrap();
    let pack: Vec<_> = hosted.pack(&missing, &[]).await.unwrap().collect().await;
    assert!(pack.last().unwrap().is_err(), "a pack of what isn't there ends with why");
}

#[tokio::test]
async fn a_repository_begins_with_files_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let repository = Repository::at(place.path().join("hosted.git"));
    repository.create("main").await.unwrap();
    let signing = || Signing {
        author_name: "Anna <> Müller".to_owned(),
        author_email: "anna@example.com".to_owned(),
        committer_name: "Stoa".to_owned(),
        committer_email: "stoa@localhost".to_owned(),
        at: Timestamp::from_micros(1_795_521_600_000_000),
        message: "Shop, as it comes\n\nfrom refs/heads/main\n".to_owned(),
    };
    let main = branch("main");
    // What can't be a path leaves no branch, and so nothing that a clone would see.
    for path in ["../out", "a\nb", "\"quoted\"", ".git/hooks/x"] {
        assert!(
            repository.begin(&main, &[("app.py", b"1"), (path, b"2")], &signing()).await.is_err(),
            "{path}"
        );
        assert_eq!(repository.head(&main).await.unwrap(), None, "{path}");
    }
    // Bytes that look like what git is told are bytes.
    let files: [(&'static str, &'static [u8]); 4] = [
        ("app.py", b"print(1)\n"),
        ("a folder/empty", b""),
        ("looks.like", b"data 3\ndone\ncommit refs/heads/evil\n"),
        ("raw", &[0, 255, 10, 13]),
    ];
    let commit = repository.begin(&main, &files, &signing()).await.unwrap();
    assert_eq!(repository.head(&main).await.unwrap().as_ref(), Some(&commit));
    assert_eq!(repository.branches().await.unwrap().len(), 1);
    let found = repository.commits(&main, 0, 10).await.unwrap().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].subject.as_str(), found[0].author_name.as_str()),
        ("Shop, as it comes", "Anna  Müller")
    );
    for (path, bytes) in files {
        assert_eq!(repository.file(&commit, path, 1000).await.unwrap().as_deref(), Some(bytes), "{path}");
    }
    git(place.path(), &["--git-dir=hosted.git", "fsck", "--strict"]);
    // One that has begun doesn't begin again.
    assert!(repository.begin(&main, &[("app.py", b"2")], &signing()).await.is_err());
    assert_eq!(repository.head(&main).await.unwrap(), Some(commit));
}

/// Every branch is in each bundle, also one that is moved the whole time, and what it stood at is there whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_has_every_branch_while_one_of_them_moves() {
    const BUNDLES: usize = 12;
    let place = tempfile::tempdir().unwrap();
    let repository = with_commits(place.path()).await;
    let work = place.path().join("work");
    git(&work, &["tag", "-a", "-m", "first release", "v1", "main"]);
    git(&work, &["push", "--quiet", repository.folder().to_str().unwrap(), "v1"]);
    let (one, other) = (git(&work, &["rev-parse", "main"]), git(&work, &["rev-parse", "staging"]));
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let mover = scope.spawn(|| {
            let mut moving = Command::new("git")
                .current_dir(repository.folder())
                .args(["update-ref", "--stdin"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let (mut orders, mut moved) = (moving.stdin.take().unwrap(), 0);
            while goes_on.load(Ordering::SeqCst) {
                for commit in [&other, &one] {
                    write!(orders, "start\nupdate refs/heads/main {commit}\ncommit\n").unwrap();
                    moved += 1;
                }
            }
            drop(orders);
            assert!(moving.wait().unwrap().success());
            moved
        });
        let made = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for number in 0..BUNDLES {
                    let file = place.path().join(format!("{number}.bundle"));
                    if !matches!(repository.bundle(&file).await, Ok(true)) {
                        return Err(number);
                    }
                }
                Ok(())
            })
        });
        goes_on.store(false, Ordering::SeqCst);
        assert!(mover.join().unwrap() > BUNDLES, "it moved meanwhile");
        assert_eq!(made, Ok(()));
    });
    for number in 0..BUNDLES {
        let again = Repository::at(place.path().join(format!("{number}.git")));
        again.create("main").await.unwrap();
        again.unbundle(&place.path().join(format!("{number}.bundle"))).await.unwrap();
        let names = git(again.folder(), &["for-each-ref", "--format=%(refname)"]);
        assert_eq!(names, "refs/heads/main\nrefs/heads/staging\nrefs/tags/v1", "bundle {number}");
        assert_eq!(git(again.folder(), &["cat-file", "-t", "v1"]), "tag");
    }
}

/// Each push leaves a pack. They become few, while others push and read, and nothing is lost: not what no branch leads to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_pushes_have_left_is_packed_and_nothing_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let repository = with_commits(place.path()).await;
    let (work, folder) = (place.path().join("work"), repository.folder().to_owned());
    let there = folder.to_str().unwrap().to_owned();
    let push = |number: usize| {
        let about = format!("push {number}");
        git(&work, &["commit", "--quiet", "--allow-empty", "-m", &about]);
        git(&work, &["push", "--quiet", &there, "staging"]);
        git(&work, &["rev-parse", "HEAD"])
    };
    let packs = || {
        let files = std::fs::read_dir(folder.join("objects/pack")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "pack")).count()
    };
    assert!(!repository.repack_where_due().await.unwrap(), "there is little yet");
    git(&folder, &["config", "receive.unpackLimit", "1"]);
    let mut made: Vec<String> = (0..30).map(push).collect();
    // Nobody's: a commit whose branch was deleted, and what was only written.
    git(&work, &["checkout", "--quiet", "-b", "gone"]);
    made.push(push(30));
    git(&work, &["push", "--quiet", &there, "gone"]);
    git(&folder, &["update-ref", "-d", "refs/heads/gone"]);
    git(&work, &["checkout", "--quiet", "staging"]);
    std::fs::write(place.path().join("loose"), "nobody's").unwrap();
    made.push(git(&folder, &["hash-object", "-w", place.path().join("loose").to_str().unwrap()]));
    let before = packs();
    assert!(before > 24, "{before}");

    let held = std::fs::File::create(folder.join("repack.held")).unwrap();
    held.lock().unwrap();
    assert!(!repository.repack_where_due().await.unwrap(), "another is at it");
    drop(held);
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| (31..36).map(push).collect::<Vec<_>>());
        let reading = scope.spawn(|| {
            for number in 0.. {
                let copy = place.path().join(format!("copy-{number}"));
                git(place.path(), &["clone", "--quiet", "--no-local", &there, copy.to_str().unwrap()]);
                if !goes_on.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let packed = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(repository.repack_where_due())
        });
        goes_on.store(false, Ordering::SeqCst);
        made.extend(pushing.join().unwrap());
        reading.join().unwrap();
        assert!(packed.unwrap());
    });
    assert!(packs() < before / 2, "{} of {before}", packs());
    git(&folder, &["fsck", "--full", "--strict"]);
    for object in &made {
        git(&folder, &["cat-file", "-e", object]);
    }
    assert_eq!(git(&folder, &["rev-parse", "staging"]), *made.last().unwrap());
}
