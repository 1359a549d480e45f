//! Backups by restic itself in a real S3-compatible storage: made, read back, brought back and removed, and what is said
//! where it can't be.

use std::path::PathBuf;
use std::process::Command as Program;
use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_agent::machine::Keeping;
use stoa_agent::protocol::{
    BeginBackup, BeginRestore, Code, Event, RepositoryAccess, RepositoryPlace, SecretText,
};
use stoa_domain::{JobId, Secret};
use uuid::Uuid;

use crate::support::house::{House, Machine, id, succeeded};
use crate::support::storage::Storage;
use crate::support::until;

const PASSWORD: &str = "a-password-of-a-repository";

/// No name that anybody knows: it leads to where the machine was told that it does.
const HOST: &str = "storage.stoa.test";

fn access(place: RepositoryPlace) -> RepositoryAccess {
    RepositoryAccess { password: SecretText(Secret::from_text(PASSWORD.to_owned())), place }
}

fn wanted(backup: Uuid, place: RepositoryPlace) -> BeginBackup {
    BeginBackup { backup, repository: access(place), settings: r#"{"branch":"main"}"#.to_owned() }
}

fn data(house: &House) -> PathBuf {
    house.place.join("state/data").join(house.instance.to_string())
}

/// How the making of a backup ends: with all that happened.
async fn make(house: &House, machine: &Machine, backup: Uuid, place: RepositoryPlace) -> Vec<Event> {
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(backup, place)).await.unwrap();
    machine.events(&begun).await.into_iter().map(|told| told.event).collect()
}

/// A backup that is whole: its bytes, and those that it added.
async fn made(house: &House, machine: &Machine, backup: Uuid, place: RepositoryPlace) -> (u64, u64) {
    let events = make(house, machine, backup, place).await;
    assert!(succeeded(events.last().unwrap()), "{events:?}");
    let stored = events.iter().find_map(|event| match event {
        Event::Stored { size, added, .. } => Some((*size, *added)),
        _ => None,
    });
    stored.unwrap()
}

/// restic, started by hand with the exported key and the storage's own.
fn by_hand(storage: &Storage, place: &std::path::Path, name: &str, arguments: &[&str]) -> String {
    let key = place.join("key");
    std::fs::write(&key, PASSWORD).unwrap();
    let output = Program::new("restic")
        .args(["--no-cache", "--password-file"])
        .arg(&key)
        .args(["--repo", &format!("s3:http://127.0.0.1:{}/{}/{name}", storage.port, storage.bucket)])
        .args(arguments)
        .env("AWS_ACCESS_KEY_ID", &storage.key_id)
        .env("AWS_SECRET_ACCESS_KEY", &storage.key)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn snapshots(storage: &Storage, place: &std::path::Path, name: &str) -> Vec<String> {
    let all: serde_json::Value =
        serde_json::from_str(&by_hand(storage, place, name, &["snapshots", "--json"])).unwrap();
    all.as_array().unwrap().iter().map(|one| one["tags"][0].as_str().unwrap().to_owned()).collect()
}

/// No process has any of them among its words or in its environment.
fn nothing_tells(secrets: &[&str]) {
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let Ok(bytes) = std::fs::read(process.path().join(file)) else { continue };
            let told = String::from_utf8_lossy(&bytes);
            for secret in secrets {
                assert!(!told.contains(secret), "{}: {told}", process.path().display());
            }
        }
    }
}

async fn until_it_stores(machine: &Machine, job: Uuid) {
    until("it stores", async || {
        let view = machine.client.operation(JobId::new(job)).await.unwrap();
        (view.step.as_deref() == Some("store")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_in_a_bucket_is_read_back_downloaded_restored_and_removed() {
    let place = tempfile::tempdir().unwrap();
    let Some(storage) = Storage::start(place.path()) else { return };
    let house = House::new(place.path());
    let machine = house.machine().await;
    let commit = house.commit("first", &[]);
    assert!(succeeded(&house.deploy(&machine, commit.clone()).await));
    std::fs::write(data(&house).join("file"), "as it was").unwrap();
    std::fs::write(data(&house).join("large"), vec![7_u8; 3_000_000]).unwrap();
    let at = || storage.place(HOST, "stoa/one");

    let first = id();
    let (size, added) = made(&house, &machine, first, at()).await;
    assert!(size > 3_000_000 && added > 0);
    let second = id();
    let (_, more) = made(&house, &machine, second, at()).await;
    assert!(more < added, "an unchanged one adds {more} of {added}");
    assert!(!place.path().join("state/backups").join(house.instance.to_string()).exists(), "not on the disk");
    let tags = [format!("backup={first}"), format!("backup={second}")];
    assert_eq!(snapshots(&storage, place.path(), "stoa/one"), tags, "restic by itself sees them");
    by_hand(&storage, place.path(), "stoa/one", &["check", "--read-data"]);

    let archive =
        machine.client.archive(house.instance, first, (&access(at()), size, false), None).await.unwrap();
    let bytes: Vec<u8> =
        archive.bytes.map(|piece| piece.unwrap().to_vec()).collect::<Vec<_>>().await.concat();
    assert!(zstd::decode_all(bytes.as_slice()).unwrap().len() > 3_000_000);

    std::fs::write(data(&house).join("file"), "later").unwrap();
    house.put(&machine).await;
    let safety = id();
    let wish = BeginRestore {
        backup: first,
        of: house.instance.uuid(),
        repository: access(at()),
        safety: Some(wanted(safety, at())),
        deployment: id(),
        release: id(),
        commit: Some(commit.to_string()),
        size,
    };
    let ended = machine.outcome(machine.client.restore(house.order(), house.instance, &wish).await).await;
    assert!(succeeded(&ended), "{ended:?}");
    assert_eq!(std::fs::read_to_string(data(&house).join("file")).unwrap(), "as it was");

    // On another machine, into an instance of its own: all that it needs is in the bucket.
    let mut other = House::new(&place.path().join("far"));
    (other.repository, other.project) = (house.repository.clone(), house.project);
    other.os_user = house.os_user + 1;
    let far = other.machine().await;
    other.put(&far).await;
    other.bring(&far, &commit).await;
    let wish = BeginRestore { deployment: id(), release: id(), safety: None, ..wish };
    let ended = far.outcome(far.client.restore(other.order(), other.instance, &wish).await).await;
    assert!(succeeded(&ended), "{ended:?}");
    assert_eq!(std::fs::read_to_string(data(&other).join("file")).unwrap(), "as it was");

    for backup in [first, second, safety] {
        assert!(machine.client.find_backup(house.instance, backup, &access(at())).await.is_ok());
        machine.client.forget_backup(house.instance, backup, &access(at())).await.unwrap();
        let gone = machine.client.find_backup(house.instance, backup, &access(at())).await.unwrap_err();
        assert_eq!(gone.code(), Some(Code::UnknownBackup));
    }
    assert!(snapshots(&storage, place.path(), "stoa/one").is_empty());
    assert_eq!(by_hand(&storage, place.path(), "stoa/one", &["list", "locks"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_doesnt_open_the_bucket_is_told_without_what_it_was() {
    let place = tempfile::tempdir().unwrap();
    let Some(storage) = Storage::start(place.path()) else { return };
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, house.commit("first", &[])).await));
    made(&house, &machine, id(), storage.place(HOST, "stoa/one")).await;

    let canary = "canary-of-a-wrong-key-4711";
    let RepositoryPlace::S3 { url, addresses, key_id, .. } = storage.place(HOST, "stoa/one") else {
        unreachable!()
    };
    let wrong = RepositoryPlace::S3 {
        url: url.clone(),
        addresses: addresses.clone(),
        key_id,
        key: SecretText(Secret::from_text(canary.to_owned())),
        region: None,
    };
    let events = make(&house, &machine, id(), wrong).await;
    let told = format!("{events:?}");
    assert!(matches!(events.last(), Some(Event::Failed { code, .. }) if code == "failed"), "{told}");
    assert!(!told.contains(canary), "{told}");

    // The password of another repository.
    let mut other = wanted(id(), storage.place(HOST, "stoa/one"));
    other.repository.password = SecretText(Secret::from_text("another-password-altogether".to_owned()));
    let begun = machine.client.back_up(house.order(), house.instance, &other).await;
    let ended = machine.outcome(begun).await;
    assert!(
        matches!(&ended, Event::Failed { sentence, .. } if sentence.contains("key doesn't open")),
        "{ended:?}"
    );

    // A name leads to what was checked, whatever the machine knows of it, and to nothing else.
    let elsewhere = RepositoryPlace::S3 {
        url: url.replace(HOST, "localhost"),
        addresses: vec!["127.0.0.9".parse().unwrap()],
        key_id: storage.key_id.clone(),
        key: SecretText(Secret::from_text(storage.key.clone())),
        region: None,
    };
    let begun =
        machine.client.back_up(house.order(), house.instance, &wanted(id(), elsewhere)).await.unwrap();
    until("it asks", async || {
        let view = machine.client.operation(JobId::new(begun.id)).await.unwrap();
        (view.step.as_deref() == Some("repository")).then_some(())
    })
    .await;
    machine.client.cancel(house.order(), JobId::new(begun.id)).await.unwrap();
    let ended = machine.events(&begun).await.pop().unwrap().event;
    assert!(matches!(ended, Event::Cancelled | Event::Failed { .. }), "{ended:?}");
    assert_eq!(snapshots(&storage, place.path(), "stoa/one").len(), 1, "nothing came there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_stands_still_ends_the_backup_and_leaves_none() {
    let place = tempfile::tempdir().unwrap();
    let Some(storage) = Storage::start(place.path()) else { return };
    let house = House::new(place.path());
    let (state, stall) = (place.path().join("state"), Duration::from_secs(4));
    let machine = Machine::start_with(state, Vec::new(), stall, Keeping::default()).await;
    assert!(succeeded(&house.deploy(&machine, house.commit("first", &[])).await));
    let at = || storage.place(HOST, "stoa/one");
    made(&house, &machine, id(), at()).await;
    // Enough that it stores for a while, and none of it alike.
    let script = "import os; open('large', 'wb').write(os.urandom(200 << 20))";
    assert!(
        Program::new("python3").args(["-c", script]).current_dir(data(&house)).status().unwrap().success()
    );
    let cut_off = id();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(cut_off, at())).await.unwrap();
    until_it_stores(&machine, begun.id).await;
    nothing_tells(&[PASSWORD, &storage.key]);
    storage.is_now("stall");
    let ended = machine.events(&begun).await.pop().unwrap().event;
    assert!(
        matches!(&ended, Event::Failed { sentence, .. } if sentence.contains("stood still for 4 seconds")),
        "{ended:?}"
    );

    // Cancelled while nothing answers.
    let order = house.order();
    let begun = machine.client.back_up(order, house.instance, &wanted(id(), at())).await.unwrap();
    machine.client.cancel(order, JobId::new(begun.id)).await.unwrap();
    assert_eq!(machine.events(&begun).await.pop().unwrap().event, Event::Cancelled);

    // And while it answers that it can't.
    storage.is_now("away");
    let order = house.order();
    let begun = machine.client.back_up(order, house.instance, &wanted(id(), at())).await.unwrap();
    until("it asks", async || {
        let view = machine.client.operation(JobId::new(begun.id)).await.unwrap();
        (view.step.as_deref() == Some("repository")).then_some(())
    })
    .await;
    machine.client.cancel(order, JobId::new(begun.id)).await.unwrap();
    let ended = machine.events(&begun).await.pop().unwrap().event;
    assert!(matches!(ended, Event::Cancelled | Event::Failed { .. }), "{ended:?}");

    // It is back: the next one is made, and is all that there is besides the first.
    storage.is_now("");
    let last = id();
    made(&house, &machine, last, at()).await;
    let tags = snapshots(&storage, place.path(), "stoa/one");
    assert_eq!(tags.len(), 2, "{tags:?}");
    assert!(!tags.contains(&format!("backup={cut_off}")), "{tags:?}");
    assert_eq!(by_hand(&storage, place.path(), "stoa/one", &["list", "locks"]), "");
    by_hand(&storage, place.path(), "stoa/one", &["check"]);
}
