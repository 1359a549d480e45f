//! Killed at each step of a backup and of a restore.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::shop::{Ground, W};
use crate::support::owners::{is_quiet, until_all_is_owned, until_none_is_removed, until_quiet};
use crate::support::tracer::{Call, Moment, kill_at};
use crate::support::until;

fn moment(call: Call, names: &[&str], is_done: bool) -> Moment {
    Moment::at(call, names, is_done)
}

impl Ground {
    /// Lets the work that a call begins come to that moment, and kills it there. Work that ends without coming there
    /// fails the test.
    #[track_caller]
    pub fn cut_off(&mut self, step: &str, moment: Moment, path: &str, body: &str) {
        self.cut_off_by("POST", step, moment, path, body);
    }

    /// The same of a call of that method.
    #[track_caller]
    pub fn cut_off_by(&mut self, method: &str, step: &str, moment: Moment, path: &str, body: &str) {
        let tracer = kill_at(self.stoa.pid(), moment);
        let _ =
            self.stoa.try_send(&self.owner, method, &format!("/api/v1{W}{path}"), Some(body), "localhost");
        until("the moment, or the end of the work", || {
            (tracer.is_finished() || is_quiet(&self.stoa)).then_some(())
        });
        // What is killed takes a moment to be gone, and its work isn't over by that.
        assert!(tracer.is_finished() || !is_quiet(&self.stoa), "{step}: it never came there");
        assert!(tracer.join().unwrap(), "{step}: it ended before it came there");
        self.stoa.was_killed();
    }

    /// How an operation ended, though it was killed before that stood in its place: so that a failure says why.
    fn what_an_operation_wrote_last(&self) -> String {
        std::fs::read_dir(self.stoa.data().join("agent/operations"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .max_by_key(|entry| entry.metadata().unwrap().modified().unwrap())
            .map(|newest| std::fs::read_to_string(newest.path()).unwrap())
            .unwrap_or_default()
    }

    fn a_backup_is_cut_off(&mut self, instance: &str, step: &str, moment: Moment, backups: usize) {
        self.cut_off(step, moment, "/instances/shop/backups", "{}");
        assert_eq!(self.on_own_socket(instance).as_deref(), Some("version 0"), "{step}: it goes on");
        self.stoa.run();
        until_quiet(&self.stoa);
        assert_eq!(self.backups().len(), backups, "{step}");
        self.nothing_is_orphaned(instance, step);
        until_all_is_owned(&self.stoa);
    }

    /// The backups that are whole. There are no others when nothing goes on.
    pub fn backups(&self) -> Vec<Value> {
        let found = self.get("/instances/shop/backups?limit=200")["items"].as_array().unwrap().clone();
        assert!(found.iter().all(|one| one["status"] == "ready"), "{found:?}");
        found
    }

    pub fn back_up(&self) {
        let _ = self
            .stoa
            .send(&self.owner, "POST", &format!("{W}/instances/shop/backups"), Some(json!({})))
            .expect(202);
        until_quiet(&self.stoa);
    }

    /// What restic itself says of the repository, with the key as it is exported with one of its backups.
    pub fn restic(&self, instance: &str, backup: &str, arguments: &[&str]) -> String {
        let key = self.get(&format!("/backups/{backup}/key"));
        let (file, repository) =
            (self.stoa.folder.path().join("key"), self.stoa.data().join("agent/backups").join(instance));
        std::fs::write(&file, key["password"].as_str().unwrap()).unwrap();
        let output = Command::new("restic")
            .args(["--no-cache", "--password-file"])
            .arg(&file)
            .arg("--repo")
            .arg(repository)
            .args(arguments)
            .output()
            .unwrap();
        std::fs::remove_file(file).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Each whole backup is one snapshot, there are no others, nothing is damaged, and nobody holds a lock.
    pub fn nothing_is_orphaned(&self, instance: &str, step: &str) {
        until_none_is_removed(&self.stoa);
        let locks = std::fs::read_dir(self.stoa.data().join("agent/backups").join(instance).join("locks"));
        assert_eq!(locks.unwrap().count(), 0, "{step}");
        let backup = self.backups()[0]["id"].as_str().unwrap().to_owned();
        let snapshots: Value =
            serde_json::from_str(&self.restic(instance, &backup, &["snapshots", "--json"])).unwrap();
        let tags = |one: &Value| one["tags"][0].as_str().unwrap().to_owned();
        let mut found: Vec<String> = snapshots.as_array().unwrap().iter().map(tags).collect();
        let mut known: Vec<String> =
            self.backups().iter().map(|one| format!("backup={}", one["id"].as_str().unwrap())).collect();
        found.sort();
        known.sort();
        assert_eq!(found, known, "{step}");
        self.restic(instance, &backup, &["check", "--read-data"]);
        for folder in ["copies", "restores"] {
            let left: Vec<_> = std::fs::read_dir(self.stoa.data().join("agent").join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_dir())
                .collect();
            assert!(left.is_empty(), "{step}: {left:?}");
        }
    }
}

#[test]
fn a_backup_that_is_cut_off_at_any_step_is_made_anew_and_leaves_nothing() {
    // The repository is made by the first backup alone.
    for (step, call, name) in
        [("repository", Call::MakeFolder, ".new"), ("repository, its end", Call::Rename, "/backups/")]
    {
        let mut ground = Ground::new("Shop");
        let instance = ground.id("shop");
        let backups = format!("/backups/{instance}");
        ground.a_backup_is_cut_off(&instance, step, moment(call, &[&backups, name], true), 1);
    }
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let copies = format!("/copies/{instance}");
    let moments = [
        ("database", moment(Call::MakeFolder, &[&copies], true)),
        ("store", moment(Call::Open, &[&copies, "/settings.json"], true)),
        ("verify, its end", moment(Call::Remove, &[&copies], false)),
        ("the end", moment(Call::Rename, &["/operations/"], false)),
    ];
    for (number, (step, moment)) in moments.into_iter().enumerate() {
        ground.a_backup_is_cut_off(&instance, step, moment, number + 1);
    }
}

#[test]
fn a_restore_that_is_cut_off_at_any_step_leaves_the_old_or_the_new() {
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let data = ground.stoa.data().join("agent/data").join(&instance);
    let note = |data: &Path| std::fs::read_to_string(data.join("note")).unwrap();
    std::fs::write(data.join("note"), "as it was").unwrap();
    ground.back_up();
    let backup = ground.backups()[0]["id"].as_str().unwrap().to_owned();
    let (aside, state) = (format!("/restores/{instance}"), format!("/restores/{instance}.json"));
    let moved = format!("/data/{instance}");
    let moments = [
        ("the backup before it", moment(Call::Open, &["/copies/", "/settings.json"], true), false),
        ("restore", moment(Call::MakeFolder, &[&aside], true), false),
        ("check", moment(Call::Open, &[&aside, "/about.json"], true), false),
        ("switch", moment(Call::Rename, &[&state], false), false),
        ("switch, written down", moment(Call::Rename, &[&state], true), false),
        ("exchange", moment(Call::Rename, &[&moved], false), false),
        ("exchange, its end", moment(Call::Rename, &[&moved], true), true),
        ("start", moment(Call::Open, &["/run/", "/start.log"], false), true),
        ("done", moment(Call::Rename, &["/current/"], false), true),
        ("settle", moment(Call::Rename, &["/current/"], true), true),
        ("the end", moment(Call::Rename, &["/operations/"], false), true),
    ];
    for (step, moment, is_exchanged) in moments {
        std::fs::write(data.join("note"), "later").unwrap();
        ground.cut_off(step, moment, &format!("/backups/{backup}/restore"), r#"{"confirm":"Shop"}"#);
        let written = ground.what_an_operation_wrote_last();
        assert_eq!(note(&data), if is_exchanged { "as it was" } else { "later" }, "{step}: {written}");
        ground.stoa.run();
        until_quiet(&ground.stoa);
        assert_eq!(note(&data), "as it was", "{step}");
        until("it to answer", || ground.visit("shop").filter(|answer| answer == "version 0"));
        let deployed = ground.newest_deployment("shop");
        assert_eq!(
            (&deployed["cause"], &deployed["status"]),
            (&json!("restore"), &json!("succeeded")),
            "{step}"
        );
        ground.nothing_is_orphaned(&instance, step);
        until_all_is_owned(&ground.stoa);
    }
}
