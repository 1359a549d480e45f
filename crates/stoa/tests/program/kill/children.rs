//! What the program has begun is killed while it lives on: git, restic, who starts a sandbox, a sandbox's process 1 and
//! what runs in one. The job fails with a sentence or goes on, the instance is the old or the new, and the next works.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::shop::Ground;
use crate::support::owners::{until_all_is_owned, until_quiet};
use crate::support::until;

/// A process below the program.
struct Below {
    pid: i32,
    words: Vec<String>,
    /// It is the first of its namespace.
    is_first: bool,
}

impl Below {
    fn of(pid: i32) -> Option<Self> {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
        let is_first = numbers.split_whitespace().skip(1).last() == Some("1");
        Some(Self { pid, words: words.collect(), is_first })
    }

    fn is(&self, program: &str) -> bool {
        self.words.first().and_then(|word| word.rsplit('/').next()) == Some(program)
    }

    fn says(&self, word: &str) -> bool {
        self.words.iter().any(|one| one.contains(word))
    }
}

/// All that the process and those below it have begun, and that isn't over.
fn below(process: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut left = vec![process];
    while let Some(parent) = left.pop() {
        for thread in std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
            left.extend(children.inspect(|pid| found.push(*pid)));
        }
    }
    found
}

type IsIt = fn(&Below) -> bool;

/// Until one of what is killed was found in time.
const TRIES: usize = 20;

/// Kills the first process of which this is true and that isn't there yet. The answer is whether there was one.
struct Killing {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<bool>,
}

impl Killing {
    fn begin(process: i32, is_it: IsIt) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let over = is_over.clone();
        let known: BTreeSet<i32> = below(process).into_iter().collect();
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                let new = below(process).into_iter().filter(|pid| !known.contains(pid));
                if let Some(found) = new.filter_map(Below::of).find(is_it) {
                    return kill(Pid::from_raw(found.pid), Signal::SIGKILL).is_ok();
                }
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            false
        });
        Self { is_over, thread }
    }

    fn end(self) -> bool {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

impl Ground {
    /// The job that is begun so, when it is over and something of it was killed. One that was over before it was found is
    /// begun anew: some live for a moment only, and whoever looks for them may be kept from it.
    fn loses(&self, step: &str, is_it: IsIt, before: impl Fn(), begin: (&str, &str, Value)) -> Value {
        let (method, path, body) = begin;
        for _ in 0..TRIES {
            before();
            let killing = Killing::begin(self.stoa.pid(), is_it);
            let begun = self.asking().ask(method, path, Some(body.clone())).unwrap().expect(202).json();
            let job = self.over(begun["job"]["id"].as_str().unwrap());
            if killing.end() {
                return job;
            }
            assert_eq!(job["status"], "succeeded", "{step}: {job}");
        }
        panic!("{step}: there was nothing to kill");
    }

    fn over(&self, job: &str) -> Value {
        until_quiet(&self.stoa);
        self.get(&format!("/jobs/{job}"))
    }
}

/// A sentence for people, and no inner word of it.
#[track_caller]
fn fails_clearly(step: &str, job: &Value) {
    assert_eq!(job["status"], "failed", "{step}: {job}");
    let detail = job["error"]["detail"].as_str().unwrap_or_else(|| panic!("{step}: {job}"));
    // What is behind it is what the application wrote.
    let sentence = detail.lines().next().unwrap();
    assert!(
        sentence.ends_with('.') && sentence.len() > 20 && !sentence.contains("os error"),
        "{step}: {job}"
    );
}

/// Waits where the application's own commands do.
struct Wait {
    wait: PathBuf,
    here: PathBuf,
}

impl Wait {
    fn at(folder: &Path, name: &str) -> Self {
        let wait =
            Self { wait: folder.join(format!("wait{name}")), here: folder.join(format!("here{name}")) };
        std::fs::write(&wait.wait, "").unwrap();
        wait
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.wait);
        let _ = std::fs::remove_file(&self.here);
    }
}

#[test]
fn a_deployment_whose_processes_are_killed_leaves_the_old_or_the_new() {
    let mut ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let agent = ground.stoa.data().join("agent");
    let (cache, data) = (agent.join("cache").join(&instance), agent.join("data").join(&instance));
    let mut version = 0;
    let mut running = "version 0".to_owned();
    let mut goes_on = |ground: &mut Ground, step: &str, job: &Value, version: usize| {
        let new = format!("version {version}");
        if job["status"] == "succeeded" {
            running = new;
        } else {
            fails_clearly(step, job);
        }
        assert_eq!(ground.visit("shop").as_ref(), Some(&running), "{step}");
        assert_eq!(ground.on_own_socket(&instance).as_ref(), Some(&running), "{step}");
        until_all_is_owned(&ground.stoa);
    };
    let newest = |ground: &Ground| {
        let deployed = ground.newest_deployment("shop");
        ground.get(&format!("/jobs/{}", deployed["job"].as_str().unwrap_or_else(|| panic!("{deployed}"))))
    };

    let of_git: IsIt = |one| one.is("git") && one.says("/agent/");
    let starter: IsIt = |one| one.words.ends_with(&["init".into(), "outside".into(), String::new()]);
    for (step, is_it) in [("git", of_git), ("who starts a sandbox", starter)] {
        let was_killed = (0..TRIES).any(|_| {
            version += 1;
            let killing = Killing::begin(ground.stoa.pid(), is_it);
            let _ = ground.push(version);
            until_quiet(&ground.stoa);
            let was_killed = killing.end();
            let job = newest(&ground);
            goes_on(&mut ground, step, &job, version);
            was_killed
        });
        assert!(was_killed, "{step}: there was nothing to kill");
    }
    // What waits in a sandbox, its process 1, and who is outside of it.
    let inside: IsIt = |one| one.is("sleep") && one.says("600");
    let first: IsIt = |one| one.is_first;
    let outside: IsIt = |one| one.is("bwrap") && !one.is_first;
    for (name, folder, at) in
        [("", &cache, "build"), ("-release", &data, "release"), ("-health", &data, "health")]
    {
        for (whom, is_it) in [("inside", inside), ("process 1", first), ("outside", outside)] {
            if name == "-health" && whom != "process 1" {
                continue;
            }
            let step = format!("{at}, {whom}");
            version += 1;
            let before: BTreeSet<i32> = below(ground.stoa.pid()).into_iter().collect();
            let wait = Wait::at(folder, name);
            let _ = ground.push(version);
            until(&step, || wait.here.exists().then_some(()));
            // It says that it is here a moment before it waits.
            let found = until(&step, || {
                let new = below(ground.stoa.pid()).into_iter().filter(|pid| !before.contains(pid));
                new.filter_map(Below::of).find(is_it)
            });
            kill(Pid::from_raw(found.pid), Signal::SIGKILL).unwrap();
            until_quiet(&ground.stoa);
            drop(wait);
            let job = newest(&ground);
            assert_eq!(job["status"], "failed", "{step}: {job}");
            goes_on(&mut ground, &step, &job, version);
        }
    }
    version += 1;
    let _ = ground.push(version);
    until("the next", || ground.visit("shop").filter(|answer| *answer == format!("version {version}")));
    until_quiet(&ground.stoa);
    until_all_is_owned(&ground.stoa);
}

#[test]
fn a_backup_a_restore_and_a_deletion_whose_restic_is_killed_leave_what_was_there() {
    let ground = Ground::new("Shop");
    let instance = ground.id("shop");
    let data = ground.stoa.data().join("agent/data").join(&instance);
    let note = || std::fs::read_to_string(data.join("note")).unwrap();
    std::fs::write(data.join("note"), "as it was").unwrap();
    ground.back_up();
    let backup = ground.backups()[0]["id"].as_str().unwrap().to_owned();
    let restic: IsIt = |one| one.is("restic") && one.says("backup");
    let restoring: IsIt = |one| one.is("restic") && one.says("restore");
    let is_as_it_was = |step: &str, job: &Value| {
        fails_clearly(step, job);
        assert_eq!(ground.on_own_socket(&instance).as_deref(), Some("version 0"), "{step}");
        assert_eq!(ground.get("/instances/shop")["status"], "running", "{step}");
        ground.nothing_is_orphaned(&instance, step);
        until_all_is_owned(&ground.stoa);
    };

    // Who copies its databases, and who reads back what was stored, too: a backup isn't to be less for it.
    let copier: IsIt = |one| one.is_first && one.is("init");
    let reading: IsIt = |one| one.is("restic") && one.says("dump");
    for (step, whom) in [("backup", restic), ("copy", copier), ("verify", reading)] {
        let job = ground.loses(step, whom, || {}, ("POST", "/instances/shop/backups", json!({})));
        let failed = ground.get("/instances/shop/backups?limit=200")["items"][0].clone();
        assert_eq!(failed["status"], "failed", "{step}: {failed}");
        let path = format!("/backups/{}", failed["id"].as_str().unwrap());
        let _ = ground.asking().ask("DELETE", &path, None).unwrap().expect(204);
        is_as_it_was(step, &job);
    }

    let later = || std::fs::write(data.join("note"), "later").unwrap();
    let path = format!("/backups/{backup}/restore");
    // Process 1 of what is to take over, before it has answered.
    let next: IsIt = |one| {
        let is_application = |pid| Below::of(pid).is_some_and(|child| child.says("app.py"));
        one.is_first && below(one.pid).into_iter().any(is_application)
    };
    for (step, whom) in [("restore", restoring), ("health after a restore", next)] {
        let job = ground.loses(step, whom, later, ("POST", &path, json!({ "confirm": "Shop" })));
        is_as_it_was(step, &job);
        assert_eq!(note(), "later", "{step}");
    }

    let whole = json!({ "confirm": "Shop", "backup": true });
    let job = ground.loses("deletion", restic, || {}, ("DELETE", "/instances/shop", whole.clone()));
    let failed = ground.get("/instances/shop/backups?limit=200")["items"][0].clone();
    let path = format!("/backups/{}", failed["id"].as_str().unwrap());
    let _ = ground.asking().ask("DELETE", &path, None).unwrap().expect(204);
    is_as_it_was("deletion", &job);
    assert_eq!(note(), "later");
    // It is to run still, and does so when the program comes back.
    let mut ground = ground;
    ground.stoa.kill();
    ground.stoa.run();
    until_quiet(&ground.stoa);
    until("it to answer", || ground.visit("shop").filter(|answer| answer == "version 0"));
    until_all_is_owned(&ground.stoa);

    // And each of them works the next time; one that loses its application's process 1 meanwhile as well.
    let _ = ground.asking().ask(
        "POST",
        &format!("/backups/{backup}/restore"),
        Some(json!({ "confirm": "Shop" })),
    );
    until_quiet(&ground.stoa);
    assert_eq!(note(), "as it was");
    let begun = ground.asking().ask("DELETE", "/instances/shop", Some(whole)).unwrap().expect(202).json();
    for pid in ground.stoa.sandboxes() {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    assert_eq!(ground.over(begun["job"]["id"].as_str().unwrap())["status"], "succeeded");
    let _ = ground.asking().ask("GET", "/instances/shop", None).unwrap().expect(404);
    until_all_is_owned(&ground.stoa);
}
