//! A disk that becomes full while restic writes: in a backup and in a restore, for real. What was there is there
//! afterwards, nothing half stays, and what can't fit isn't begun.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use futures_util::StreamExt as _;
use stoa_agent::protocol::desk::DeskEvent;
use stoa_agent::protocol::{
    BeginBackup, BeginRestore, Event, OperationView, RepositoryAccess, RepositoryPlace, SecretText,
};
use stoa_domain::branch::CommitId;
use stoa_domain::{JobId, Secret};
use uuid::Uuid;

use crate::support::desk::Desk;
use crate::support::house::{House, Machine, git, id, succeeded};
use crate::support::until;

const PASSWORD: &str = "a-password-of-a-repository";

/// A small disk of its own.
struct Disk(tempfile::TempDir);

struct Full(PathBuf);

impl Disk {
    fn new(size: &str) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        let mount = ["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"];
        assert!(Program::new("mount").args(mount).arg(disk.0.path()).status().unwrap().success());
        disk
    }

    /// All but so many bytes are taken, so that filling the rest is quicker than what is written meanwhile.
    fn leave(&self, bytes: u64) -> Full {
        let script = "\
import os, sys
free = os.statvfs('.').f_bavail * os.statvfs('.').f_frsize
os.posix_fallocate(os.open('taken', os.O_WRONLY | os.O_CREAT), 0, free - int(sys.argv[1]))
";
        self.python(script, &bytes.to_string());
        Full(self.0.path().join("taken"))
    }

    /// All of it is taken once. Whoever wrote just then fails and may free what it had, so how much is free afterwards
    /// says nothing: that it was full is told by the page that found no room.
    fn fill(&self) -> Full {
        let script = "\
import errno, os
file, size = os.open('full', os.O_WRONLY | os.O_CREAT), 0
for piece in (16 << 20, 1 << 20, 4096):
    try:
        while True:
            os.posix_fallocate(file, size, piece)
            size += piece
    except OSError as error:
        if error.errno != errno.ENOSPC: raise
";
        self.python(script, "");
        Full(self.0.path().join("full"))
    }

    fn python(&self, script: &str, argument: &str) {
        let ran = Program::new("python3").args(["-c", script, argument]).current_dir(self.0.path()).status();
        assert!(ran.unwrap().success());
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn access() -> RepositoryAccess {
    let password = SecretText(Secret::from_text(PASSWORD.to_owned()));
    RepositoryAccess { password, place: RepositoryPlace::Disk {} }
}

fn wanted(backup: Uuid) -> BeginBackup {
    BeginBackup { backup, repository: access(), settings: "{}".to_owned() }
}

fn data(house: &House) -> PathBuf {
    house.place.join("state/data").join(house.instance.to_string())
}

fn restic(house: &House, arguments: &[&str]) -> String {
    let key = house.place.join("key");
    std::fs::write(&key, PASSWORD).unwrap();
    let output = Program::new("restic")
        .args(["--no-cache", "--password-file"])
        .arg(&key)
        .arg("--repo")
        .arg(house.place.join("state/backups").join(house.instance.to_string()))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn tags(house: &House) -> Vec<String> {
    let all: serde_json::Value = serde_json::from_str(&restic(house, &["snapshots", "--json"])).unwrap();
    all.as_array().unwrap().iter().map(|one| one["tags"][0].as_str().unwrap().to_owned()).collect()
}

fn random(folder: &Path, name: &str, mebibytes: u64) {
    let script = format!("import os; open({name:?}, 'wb').write(os.urandom({mebibytes} << 20))");
    assert!(Program::new("python3").args(["-c", &script]).current_dir(folder).status().unwrap().success());
}

async fn until_step(machine: &Machine, begun: &OperationView, step: &str) {
    until(step, async || {
        let view = machine.client.operation(JobId::new(begun.id)).await.unwrap();
        (view.step.as_deref() == Some(step)).then_some(())
    })
    .await;
}

async fn back_up(house: &House, machine: &Machine, backup: Uuid) -> Event {
    machine.outcome(machine.client.back_up(house.order(), house.instance, &wanted(backup)).await).await
}

fn restore_of(house: &House, backup: Uuid, commit: &CommitId, size: u64) -> BeginRestore {
    BeginRestore {
        backup,
        of: house.instance.uuid(),
        repository: access(),
        safety: None,
        deployment: id(),
        release: id(),
        commit: Some(commit.to_string()),
        size,
    }
}

fn is_full(event: &Event) -> bool {
    matches!(event, Event::Failed { code, .. } if code == "disk_full")
}

/// Whoever watches the disk may have stopped it, as it says.
async fn start_again(house: &House, machine: &Machine) {
    let ended = machine.outcome(machine.client.start(house.order(), house.instance).await).await;
    assert!(succeeded(&ended), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_becomes_full_while_restic_writes_leaves_what_is_there() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk::new("3g");
    let house = House::new(disk.0.path());
    let machine = house.machine().await;
    let commit = house.commit("first", &[]);
    assert!(succeeded(&house.deploy(&machine, commit.clone()).await));
    std::fs::write(data(&house).join("note"), "kept").unwrap();
    let first = id();
    assert!(succeeded(&back_up(&house, &machine, first).await));

    // In a backup: more than it has stored by then, none of it alike.
    random(&data(&house), "large", 500);
    let cut_off = id();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(cut_off)).await.unwrap();
    until_step(&machine, &begun, "store").await;
    let filled = disk.fill();
    let ended = machine.events(&begun).await.pop().unwrap().event;
    assert!(is_full(&ended), "{ended:?}");
    drop(filled);
    start_again(&house, &machine).await;
    assert_eq!(std::fs::read_to_string(data(&house).join("note")).unwrap(), "kept");
    assert!(std::fs::read_dir(house.place.join("state/copies")).unwrap().next().is_none());
    let second = id();
    let ended = back_up(&house, &machine, second).await;
    assert!(succeeded(&ended), "the next is made all the same: {ended:?}");
    assert_eq!(tags(&house), [format!("backup={first}"), format!("backup={second}")]);
    assert_eq!(restic(&house, &["list", "locks"]), "");
    restic(&house, &["check", "--read-data"]);

    // In a restore, while it is written aside.
    std::fs::write(data(&house).join("note"), "later").unwrap();
    std::fs::remove_file(data(&house).join("large")).unwrap();
    house.put(&machine).await;
    let taken = disk.leave((1 << 30) + (128 << 20));
    let wish = restore_of(&house, second, &commit, 1000);
    let begun = machine.client.restore(house.order(), house.instance, &wish).await.unwrap();
    until_step(&machine, &begun, "restore").await;
    let filled = disk.fill();
    let ended = machine.events(&begun).await.pop().unwrap().event;
    assert!(is_full(&ended), "{ended:?}");
    drop((filled, taken));
    start_again(&house, &machine).await;
    assert_eq!(std::fs::read_to_string(data(&house).join("note")).unwrap(), "later");
    assert!(!data(&house).join("large").exists(), "nothing of it is there");
    assert!(std::fs::read_dir(house.place.join("state/restores")).unwrap().next().is_none());

    // With room again the same one is brought back.
    let wish = restore_of(&house, second, &commit, 500 << 20);
    let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
    assert!(succeeded(&ended), "{ended:?}");
    assert_eq!(std::fs::read_to_string(data(&house).join("note")).unwrap(), "kept");
    assert_eq!(data(&house).join("large").metadata().unwrap().len(), 500 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_becomes_full_ends_desks_and_leaves_their_working_copies() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk::new("2g");
    let house = House::new(disk.0.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    let mut desk = Desk::open(&house, &machine, &first).await;
    desk.save("mine.txt", "mine").await.unwrap();
    let filled = disk.fill();
    let ended = tokio::time::timeout(crate::support::PATIENCE, desk.held.as_mut().unwrap().next()).await;
    match ended {
        Ok(Some(Ok(DeskEvent::Ended(reason)))) => assert_eq!(reason, "The server's disk is full."),
        other => panic!("{other:?}"),
    }
    drop(filled);
    let account = desk.account;
    drop(desk);
    let desk = Desk::of(&house, &machine, account, &first).await;
    assert_eq!(desk.read("mine.txt").await.unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cant_fit_isnt_begun_and_says_how_much_it_takes() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk::new("2g");
    let house = House::new(disk.0.path());
    let machine = house.machine().await;
    house.commit("first", &[]);
    let settings = std::fs::read_to_string(house.repository.join("stoa.toml")).unwrap();
    let database = "[database]\nkind = \"sqlite\"\npath = \"notes.db\"\n";
    std::fs::write(house.repository.join("stoa.toml"), settings + database).unwrap();
    git(&house.repository, &["commit", "--quiet", "--all", "--message", "with a database"]);
    let commit = CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap();
    assert!(succeeded(&house.deploy(&machine, commit.clone()).await));
    let first = id();
    assert!(succeeded(&back_up(&house, &machine, first).await));

    // The copy of a database is as large as it is.
    let file = std::fs::File::create(data(&house).join("notes.db")).unwrap();
    file.set_len(1500 << 20).unwrap();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(id())).await.unwrap();
    let events = machine.events(&begun).await;
    let ended = &events.last().unwrap().event;
    assert!(
        matches!(ended, Event::Failed { code, sentence, .. } if code == "disk_full" && sentence.contains("1500 MiB")),
        "{ended:?}"
    );
    let steps: Vec<_> = events
        .iter()
        .filter(|told| matches!(&told.event, Event::Step { name, .. } if name == "store"))
        .collect();
    assert!(steps.is_empty(), "it wasn't begun: {events:?}");
    std::fs::remove_file(data(&house).join("notes.db")).unwrap();

    let wish = restore_of(&house, first, &commit, 3 << 30);
    let begun = machine.client.restore(house.order(), house.instance, &wish).await.unwrap();
    let events = machine.events(&begun).await;
    let ended = &events.last().unwrap().event;
    assert!(
        matches!(ended, Event::Failed { code, sentence, .. } if code == "disk_full" && sentence.contains("3 GiB")),
        "{ended:?}"
    );
    assert_eq!(house.get(&machine, "/").await.unwrap().split(' ').next().unwrap(), "first", "it goes on");
}
