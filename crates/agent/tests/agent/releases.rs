//! The files of releases: what two have in common is there once, and a build writes in its own alone.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use stoa_agent::git::{Repository, TakenOut, Untouched};
use stoa_domain::branch::CommitId;

use crate::support::house::{House, Machine, git, succeeded};

const APPLICATION: &str = "
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open('word').read().encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Answer).serve_forever()
";
const RUN: &str = "[run]\ncommand = [\"python3\", \"app.py\"]\n";
const BUILD: &str = "[build]\ncommands = [[\"sh\", \"-c\", \"echo built >> word; echo built >> same\"]]\n";

fn commit(house: &House, word: &str, settings: &str) -> CommitId {
    let files = [("app.py", APPLICATION), ("stoa.toml", settings), ("word", word), ("same", "same\n")];
    for (name, text) in files {
        fs::write(house.repository.join(name), text).unwrap();
    }
    commit_all(&house.repository)
}

fn commit_all(work: &Path) -> CommitId {
    git(work, &["add", "--all"]);
    git(work, &["commit", "--quiet", "--allow-empty", "--message", "so"]);
    CommitId::parse(&git(work, &["rev-parse", "HEAD"])).unwrap()
}

/// The folder of the release that runs.
fn current(house: &House) -> PathBuf {
    let state = house.place.join("state");
    let release = fs::read_link(state.join("current").join(house.instance.to_string())).unwrap();
    state.join("releases").join(house.instance.to_string()).join(release)
}

fn inode(file: &Path) -> u64 {
    fs::symlink_metadata(file).unwrap().ino()
}

async fn deploy(house: &House, machine: &Machine, word: &str, settings: &str) -> PathBuf {
    let progress = house.deploy(machine, commit(house, word, settings)).await;
    assert!(succeeded(&progress), "{progress:?}");
    current(house)
}

#[tokio::test]
async fn what_a_build_writes_is_in_no_other_release() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = deploy(&house, &machine, "one\n", RUN).await;
    let second = deploy(&house, &machine, "two\n", RUN).await;
    assert_eq!(inode(&first.join("same")), inode(&second.join("same")), "nobody can write in either");
    assert_ne!(inode(&first.join("word")), inode(&second.join("word")));
    assert_eq!(fs::read_to_string(first.join("word")).unwrap(), "one\n");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "two\n");

    let built = deploy(&house, &machine, "two\n", &format!("{RUN}{BUILD}")).await;
    assert_eq!(house.get(&machine, "/").await.unwrap(), "two\nbuilt\n");
    for (file, text) in [("word", "two\n"), ("same", "same\n")] {
        assert_eq!(fs::read_to_string(second.join(file)).unwrap(), text, "{file} of the release before");
        assert_eq!(fs::read_to_string(built.join(file)).unwrap(), format!("{text}built\n"));
        assert_ne!(inode(&second.join(file)), inode(&built.join(file)));
    }

    // Nothing is taken from one that was built, whether or not it looks like it.
    let after = deploy(&house, &machine, "two\n", RUN).await;
    assert_eq!(fs::read_to_string(after.join("same")).unwrap(), "same\n");
    assert_eq!(house.get(&machine, "/").await.unwrap(), "two\n");
    machine.agent.stop_all().await.unwrap();
}

struct Work {
    place: tempfile::TempDir,
    repository: Repository,
}

impl Work {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        git(place.path(), &["init", "--quiet", "--initial-branch=main", "work"]);
        let repository = Repository::at(place.path().join("work/.git"));
        Self { place, repository }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.at("work").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Both ways; the files have to be the same.
    async fn out(&self, earlier: (&CommitId, &str), commit: &CommitId, name: &str) -> TakenOut {
        let (into, alone) = (self.at(name), self.at(&format!("{name}-alone")));
        for folder in [&into, &alone] {
            fs::create_dir(folder).unwrap();
        }
        let beside = Untouched { commit: earlier.0, folder: &self.at(earlier.1) };
        let taken = self.repository.check_out_beside(commit, &into, beside).await.unwrap();
        self.repository.check_out(commit, &alone).await.unwrap();
        git(self.place.path(), &["diff", "--no-index", "--exit-code", name, &format!("{name}-alone")]);
        taken
    }
}

#[tokio::test]
async fn linked_or_written_the_files_are_those_of_the_commit() {
    let work = Work::new();
    for number in 0..40 {
        work.write(&format!("a/{}/{number} ü.txt", number % 7), &format!("{number}\n"));
    }
    work.write("run.sh", "#!/bin/sh\n");
    work.write("z", "z\n");
    std::os::unix::fs::symlink("a/0", work.at("work/link")).unwrap();
    let first = commit_all(&work.at("work"));
    fs::create_dir(work.at("first")).unwrap();
    work.repository.check_out(&first, &work.at("first")).await.unwrap();

    fs::set_permissions(work.at("work/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    work.write("a/3/3 ü.txt", "another\n");
    fs::remove_file(work.at("work/a/0/0 ü.txt")).unwrap();
    fs::remove_file(work.at("work/z")).unwrap();
    work.write("z/now a folder", "z\n");
    let second = commit_all(&work.at("work"));
    assert!(work.out((&first, "first"), &second, "second").await.is_shared);
    let same = |path: &str, one: &str, other: &str| {
        inode(&work.at(one).join(path)) == inode(&work.at(other).join(path))
    };
    assert!(same("a/1/1 ü.txt", "first", "second") && same("link", "first", "second"));
    assert!(!same("run.sh", "first", "second"), "what may be run is another file");
    assert_eq!(fs::metadata(work.at("first/run.sh")).unwrap().permissions().mode() & 0o111, 0);

    // The same commit again, from a folder in which something is missing.
    fs::remove_file(work.at("second/a/1/1 ü.txt")).unwrap();
    assert!(work.out((&second, "second"), &second, "again").await.is_shared);

    // One whose commit isn't there any more, and one that has nothing in common.
    let gone = CommitId::parse(&"12".repeat(20)).unwrap();
    assert!(!work.out((&gone, "second"), &second, "whole").await.is_shared);
    assert!(!work.out((&second, "second-missing"), &second, "missing").await.is_shared);
}

#[tokio::test]
async fn the_same_object_is_written_anew_where_it_is_written_otherwise() {
    let work = Work::new();
    work.write("below/text", "one\ntwo\n");
    let first = commit_all(&work.at("work"));
    fs::create_dir(work.at("first")).unwrap();
    work.repository.check_out(&first, &work.at("first")).await.unwrap();
    work.write("below/.gitattributes", "text eol=crlf\n");
    let second = commit_all(&work.at("work"));
    assert!(!work.out((&first, "first"), &second, "second").await.is_shared);
    assert_eq!(fs::read_to_string(work.at("second/below/text")).unwrap(), "one\r\ntwo\r\n");
}
