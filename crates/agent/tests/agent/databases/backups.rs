//! Backed up, and brought back.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use stoa_agent::protocol::Event;

use super::shop::{
    PASSWORD, address, alone, back_up, begin, beside, bring_back, commit, notes, parts, quoted, restore_of,
    role, says, wanted, write,
};
use crate::support::house::{House, id, succeeded};
use crate::support::until;

/// restic, started by hand with the key.
fn by_hand(house: &House, arguments: &[&str], into: &Path) {
    let repository: PathBuf = house.place.join("state/backups").join(house.instance.to_string());
    let key = house.place.join("key");
    std::fs::write(&key, PASSWORD).unwrap();
    let output = Program::new("restic")
        .args(["--no-cache", "--password-file"])
        .arg(&key)
        .arg("--repo")
        .arg(&repository)
        .args(arguments)
        .arg("--target")
        .arg(into)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_database_is_backed_up_while_it_is_used_and_brought_back_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    let first = commit(&house, "one");
    assert!(succeeded(&house.deploy(&machine, first.clone()).await));
    write(&house, &machine, "kept").await;
    let backup = back_up(&house, &machine).await;
    write(&house, &machine, "later").await;
    let role = role(&house, &machine).await;

    // By hand, without Stoa: PostgreSQL's own program reads it.
    let out = place.path().join("out");
    by_hand(&house, &["restore", "latest", "--tag", &format!("backup={backup}")], &out);
    let about = std::fs::read_to_string(out.join("about.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!(about["database"], serde_json::json!({ "kind": "postgresql", "file": "database.pgdump" }));
    let list = Program::new("pg_restore").arg("--list").arg(out.join("database.pgdump")).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("TABLE DATA public notes"), "{list:?}");

    // Back to what it was.
    let event = bring_back(&house, &machine, backup, &first).await;
    assert!(succeeded(&event), "{event:?}");
    let now = parts(&address(&house, &machine).await).0;
    assert_eq!((notes(&house, &machine).await, now), ("kept".into(), role));
    let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'i\\_%'";
    assert_eq!(says(&house, &machine, databases).await, "1", "nothing stands aside any more");

    // One that isn't well with what is brought back: all is as it was.
    write(&house, &machine, "ill").await;
    let ill = back_up(&house, &machine).await;
    assert_eq!(says(&house, &machine, "DELETE FROM notes WHERE text = 'ill'").await, "DELETE 1");
    write(&house, &machine, "now").await;
    let event = bring_back(&house, &machine, ill, &first).await;
    assert!(matches!(&event, Event::Failed { code, .. } if code == "unhealthy"), "{event:?}");
    assert_eq!(notes(&house, &machine).await, "kept now");
    assert_eq!(says(&house, &machine, databases).await, "1");

    // Into another instance, which has none yet.
    let other = beside(&house, 1);
    other.put(&machine).await;
    let there = machine.client.mirror_heads(other.project).await.unwrap();
    let pack = house.hosted().pack(&first, &there).await.unwrap();
    machine.client.put_pack(other.order(), other.project, &first, pack).await.unwrap();
    let begun =
        machine.client.restore(other.order(), other.instance, &restore_of(&house, backup, &first)).await;
    let event = machine.outcome(begun).await;
    assert!(succeeded(&event), "{event:?}");
    assert_eq!(
        (notes(&other, &machine).await, notes(&house, &machine).await),
        ("kept".into(), "kept now".into())
    );
    machine.agent.stop_all().await.unwrap();
}

#[tokio::test]
async fn an_application_that_holds_all_its_connections_is_backed_up_and_released_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let machine = house.machine().await;
    assert!(succeeded(&house.deploy(&machine, commit(&house, "one")).await));
    write(&house, &machine, "kept").await;
    begin(&house, &machine, "SELECT pg_sleep(3600)", 60).await;
    until("all are taken", async || {
        says(&house, &machine, "SELECT 1").await.contains("too many connections").then_some(())
    })
    .await;
    back_up(&house, &machine).await;
    assert!(
        says(&house, &machine, "SELECT 1").await.contains("too many connections"),
        "they are its own still"
    );
    let event = house.deploy(&machine, commit(&house, "two")).await;
    assert!(succeeded(&event), "{event:?}");
    assert_eq!(house.get(&machine, "/run").await.unwrap(), "two");
    let role = role(&house, &machine).await;
    let limit = format!("SELECT rolconnlimit FROM pg_roles WHERE rolname = '{role}'");
    assert_eq!(notes(&house, &machine).await, "kept");
    until("it has its share again", async || (says(&house, &machine, &limit).await == "50").then_some(()))
        .await;
    machine.agent.stop_all().await.unwrap();
}

/// A small disk of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    /// Leaves less than what has to be free, until it is dropped.
    fn fill(&self) -> Full {
        let free = stoa_agent::folders::free_space(self.0.path()).unwrap();
        let file = self.0.path().join("full");
        std::fs::File::create(&file).unwrap().set_len(0).unwrap();
        let length = (free - (256 << 20)).to_string();
        assert!(Program::new("fallocate").args(["--length", &length]).arg(&file).status().unwrap().success());
        Full(file)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Program::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

struct Full(PathBuf);

impl Drop for Full {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_disk_that_becomes_full_in_a_backup_or_a_restore_leaves_what_is_there() {
    if crate::support::need::lacks("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let disk = Disk(tempfile::tempdir().unwrap());
    let mount = ["-t", "tmpfs", "-o", "size=1700m", "tmpfs"];
    assert!(Program::new("mount").args(mount).arg(disk.0.path()).status().unwrap().success());
    let house = House::new(disk.0.path());
    let other = beside(&house, 1);
    alone(async {
        let machine = house.machine().await;
        let first = commit(&house, "one");
        assert!(succeeded(&house.deploy(&machine, first.clone()).await));
        assert!(succeeded(&other.deploy(&machine, commit(&other, "one")).await));
        let role = role(&house, &machine).await;
        let full = |event: &Event| matches!(event, Event::Failed { code, .. } if code == "disk_full");
        // Whoever brings it back waits at its first line.
        for text in [
            "CREATE FUNCTION waits(text citext) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN \
             IF current_database() LIKE '%aside' THEN PERFORM pg_sleep(3600); END IF; RETURN true; END $$",
            "ALTER TABLE notes ADD CHECK (waits(text))",
        ] {
            let said = says(&house, &machine, text).await;
            assert!(said == "CREATE FUNCTION" || said == "ALTER TABLE", "{said}");
        }
        write(&house, &machine, "kept").await;
        let backup = back_up(&house, &machine).await;
        let works = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}_work'");
        let is_at_work = async || (says(&other, &machine, &works).await == "1").then_some(());

        begin(&house, &machine, "BEGIN; LOCK TABLE notes; SELECT pg_sleep(3600)", 1).await;
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'notes'::regclass AND mode = 'AccessExclusiveLock'";
        until("it is locked", async || (says(&house, &machine, held).await == "1").then_some(())).await;
        let begun = machine.client.back_up(house.order(), house.instance, &wanted(id())).await;
        until("it is being copied", is_at_work).await;
        let filled = disk.fill();
        let event = machine.outcome(begun).await;
        assert!(full(&event), "{event:?}");
        drop(filled);
        let begun = machine.client.start(house.order(), house.instance).await;
        // It is well once nobody locks its table: whoever did was cut off, and PostgreSQL hasn't noticed.
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()";
        let end = format!("/run?q={}", quoted(end));
        until("it is there", async || house.get(&machine, &end).await.ok().filter(|said| !said.is_empty()))
            .await;
        assert!(succeeded(&machine.outcome(begun).await));
        let left: Vec<_> = std::fs::read_dir(disk.0.path().join("state/copies")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");

        write(&house, &machine, "later").await;
        let begun =
            machine.client.restore(house.order(), house.instance, &restore_of(&house, backup, &first)).await;
        until("it is being filled", is_at_work).await;
        let filled = disk.fill();
        let event = machine.outcome(begun).await;
        assert!(full(&event), "{event:?}");
        drop(filled);
        let begun = machine.client.start(house.order(), house.instance).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert_eq!(notes(&house, &machine).await, "kept later");
        let databases = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{role}%'");
        assert_eq!(says(&house, &machine, &databases).await, "1", "nothing stands aside any more");
        machine.agent.stop_all().await.unwrap();
    });
}
