//! Commits come to a machine as packs, and nothing of one that isn't sound is kept.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use stoa_agent::client::ClientError;
use stoa_agent::protocol::Code;
use stoa_domain::branch::CommitId;

use crate::support::house::{House, Machine, git, order};
use crate::support::until;

async fn packed(house: &House, commit: &CommitId, there: &[CommitId]) -> Vec<u8> {
    let pieces = house.hosted().pack(commit, there).await.unwrap();
    let pieces: Vec<Bytes> = pieces.map(Result::unwrap).collect().await;
    pieces.concat()
}

async fn put(
    machine: &Machine,
    house: &House,
    commit: &CommitId,
    pieces: Vec<io::Result<Bytes>>,
) -> Result<(), ClientError> {
    machine.client.put_pack(order(1), house.project, commit, stream::iter(pieces)).await
}

fn whole(pack: &[u8]) -> Vec<io::Result<Bytes>> {
    vec![Ok(Bytes::copy_from_slice(pack))]
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn a_commit_is_brought_with_what_is_new_and_no_more() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    std::fs::write(
        house.repository.join("large"),
        (0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>(),
    )
    .unwrap();
    let first = house.commit("first", &[]);
    assert_eq!(machine.client.mirror_heads(house.project).await.unwrap(), []);
    house.bring(&machine, &first).await;
    assert_eq!(machine.client.mirror_heads(house.project).await.unwrap(), std::slice::from_ref(&first));
    let second = house.commit("second", &[]);
    let third = house.commit("third", &[]);
    let (all, new) =
        (packed(&house, &third, &[]).await, packed(&house, &third, std::slice::from_ref(&first)).await);
    assert!(new.len() * 10 < all.len(), "{} of {}", new.len(), all.len());
    put(&machine, &house, &third, whole(&new)).await.unwrap();
    let heads = machine.client.mirror_heads(house.project).await.unwrap();
    assert_eq!(heads.into_iter().collect::<HashSet<_>>().len(), 2);
    // What came with another needs no pack, nor does what was brought before: neither is read.
    for there in [&second, &third] {
        put(&machine, &house, there, Vec::new()).await.unwrap();
    }
    // Of heads that the control plane doesn't have any more it makes no use.
    let gone = CommitId::parse(&"12".repeat(20)).unwrap();
    assert_eq!(house.hosted().known_of(&[gone, first.clone()]).await.unwrap(), [first]);
}

#[tokio::test]
async fn of_a_pack_that_isnt_sound_nothing_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = house.commit("first", &[]);
    house.bring(&machine, &first).await;
    let second = house.commit("second", &["new"]);
    let good = packed(&house, &second, std::slice::from_ref(&first)).await;
    let mirror = place.path().join("state/mirrors");
    let before = files(&mirror);

    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 0x40;
    // A commit that names a tree which isn't there: sound in itself, and yet not whole.
    let tree = git(&house.repository, &["rev-parse", &format!("{second}^{{tree}}")]);
    let text =
        git(&house.repository, &["cat-file", "commit", &second.to_string()]).replace(&tree, &"34".repeat(20));
    let lacking = written(&house.repository, "commit", text.as_bytes());
    // One whose tree is there, and that git's own check refuses: its author has no address.
    let tree = git(&house.repository, &["rev-parse", &format!("{first}^{{tree}}")]);
    let bad = format!("tree {tree}\nauthor Anna 1 +0000\ncommitter Anna <a@b> 1 +0000\n\nx\n");
    let bad = written(&house.repository, "commit", bad.as_bytes());
    for (what, commit, pieces) in [
        ("flipped", &second, whole(&flipped)),
        ("cut", &second, whole(&good[..middle])),
        ("nothing", &second, Vec::new()),
        ("no pack", &second, whole(b"hello")),
        ("another commit", &CommitId::parse(&"56".repeat(20)).unwrap(), whole(&good)),
        ("lacking", &lacking, whole(&alone(&house.repository, &lacking))),
        ("not a good commit", &bad, whole(&alone(&house.repository, &bad))),
    ] {
        let error = put(&machine, &house, commit, pieces).await.expect_err(what);
        assert_eq!(error.code(), Some(Code::Invalid), "{what}: {error}");
    }
    let broken = vec![Ok(Bytes::copy_from_slice(&good[..middle])), Err(io::Error::other("the disk is gone"))];
    let error = put(&machine, &house, &second, broken).await.unwrap_err();
    assert!(matches!(&error, ClientError::Pack(said) if said == "the disk is gone"), "{error}");
    until("nothing is left", async || (files(&mirror) == before).then_some(())).await;
    assert_eq!(machine.client.mirror_heads(house.project).await.unwrap(), [first]);
    put(&machine, &house, &second, whole(&good)).await.unwrap();
    assert_ne!(files(&mirror), before);
}

/// An object as it is, whatever git thinks of it.
fn written(repository: &Path, kind: &str, text: &[u8]) -> CommitId {
    let file = repository.join(".git/text");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    CommitId::parse(&git(repository, &["hash-object", "-t", kind, "-w", "--literally", "--", &file])).unwrap()
}

/// A pack of one object.
fn alone(repository: &Path, object: &CommitId) -> Vec<u8> {
    let make = format!("echo {object} | git pack-objects --quiet --stdout");
    let output = Program::new("sh").current_dir(repository).args(["-c", &make]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test]
async fn what_a_killed_agent_left_of_a_pack_is_removed() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    house.bring(&machine, &house.commit("first", &[])).await;
    drop(machine);
    let mirror = place.path().join(format!("state/mirrors/{}.git", house.project));
    let before = files(&mirror);
    std::fs::create_dir(mirror.join("objects/tmp_objdir-incoming-x")).unwrap();
    std::fs::write(mirror.join("objects/tmp_objdir-incoming-x/pack"), "x").unwrap();
    std::fs::write(mirror.join("index-x"), "x").unwrap();
    let machine = house.machine().await;
    until("it is removed", async || (files(&mirror) == before).then_some(())).await;
    house.bring(&machine, &house.commit("second", &[])).await;
}

/// A small disk of its own.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_disk_that_is_as_good_as_full_takes_no_pack() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk(tempfile::tempdir().unwrap());
    let mount = ["-t", "tmpfs", "-o", "size=900m", "tmpfs"];
    assert!(Program::new("mount").args(mount).arg(disk.0.path()).status().unwrap().success());
    let house = House::new(disk.0.path());
    let machine = house.machine().await;
    let commit = house.commit("first", &[]);
    let pack = packed(&house, &commit, &[]).await;
    let error = put(&machine, &house, &commit, whole(&pack)).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::DiskFull), "{error}");
    assert_eq!(machine.client.mirror_heads(house.project).await.unwrap(), []);
}
