//! What is there without an owner: processes, mounts, control groups and files, compared with what the records name.
//! Asked when nothing is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

use super::{Installation, until};

/// What the records name.
#[derive(Debug, Default)]
pub struct Owned {
    pub projects: BTreeSet<String>,
    pub jobs: BTreeSet<String>,
    /// Those that wait or are carried out.
    pub unfinished: Vec<String>,
    /// With the state of each.
    pub instances: BTreeMap<String, String>,
    pub releases: BTreeSet<String>,
    pub deployments: BTreeSet<String>,
    /// Backups that are out of the lists and not yet out of their repositories.
    pub removing: BTreeSet<String>,
    /// Instances that have backups, whether they are there or not.
    pub backed_up: BTreeSet<String>,
}

impl Owned {
    pub fn of(stoa: &Installation) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Self::read(&stoa.data().join("stoa.sqlite")))
    }

    async fn read(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let mut owned = Self::default();
        let statements = [
            "SELECT id, '' FROM projects",
            "SELECT id, CASE WHEN status IN ('queued', 'running') THEN status ELSE '' END FROM jobs",
            "SELECT id, status FROM instances",
            "SELECT id, '' FROM releases WHERE status = 'ready'",
            "SELECT id, '' FROM deployments",
            "SELECT id, '' FROM backups WHERE status = 'removing'",
            "SELECT DISTINCT instance_id, '' FROM backups",
        ];
        for (number, statement) in statements.into_iter().enumerate() {
            for row in sqlx::query(statement).fetch_all(&mut connection).await.unwrap() {
                let (id, word) = (row.get::<Uuid, _>(0).to_string(), row.get::<String, _>(1));
                match number {
                    0 => _ = owned.projects.insert(id),
                    1 => {
                        if !word.is_empty() {
                            owned.unfinished.push(format!("{id} {word}"));
                        }
                        owned.jobs.insert(id);
                    }
                    2 => _ = owned.instances.insert(id, word),
                    3 => _ = owned.releases.insert(id),
                    4 => _ = owned.deployments.insert(id),
                    5 => _ = owned.removing.insert(id),
                    _ => _ = owned.backed_up.insert(id),
                }
            }
        }
        connection.close().await.unwrap();
        owned
    }
}

/// A sandbox that stands in a file beside it.
struct Sandbox {
    instance: String,
    name: String,
    pid: i32,
}

/// Process 1 of the sandboxes that PostgreSQL runs in.
fn postgresql(stoa: &Installation) -> Vec<i32> {
    let pid = |(_, place): (String, PathBuf)| {
        let text = std::fs::read_to_string(place.join("sandbox.json")).ok()?;
        let about: Value = serde_json::from_str(&text).ok()?;
        i32::try_from(about["identity"]["pid"].as_i64()?).ok()
    };
    entries(&stoa.data().join("agent/postgresql/run")).into_iter().filter_map(pid).collect()
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let read = std::fs::read_dir(folder).into_iter().flatten().flatten();
    read.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

fn sandboxes(stoa: &Installation) -> Vec<Sandbox> {
    let mut found = Vec::new();
    for (instance, folder) in entries(&stoa.data().join("agent/run")) {
        for (name, place) in entries(&folder) {
            let text = std::fs::read_to_string(place.join("sandbox.json")).unwrap_or_default();
            let about: Value = serde_json::from_str(&text).unwrap_or_default();
            let pid = about["identity"]["pid"].as_i64().unwrap_or(-1);
            found.push(Sandbox { instance: instance.clone(), name, pid: i32::try_from(pid).unwrap() });
        }
    }
    found
}

/// Until nothing is under way, every instance that is to run does, and everything has an owner.
#[track_caller]
pub fn until_all_is_owned(stoa: &Installation) {
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    loop {
        let found = ownerless(stoa);
        if found.is_empty() {
            return;
        }
        if tokio::time::Instant::now() >= deadline {
            panic!("without an owner:\n{}", found.join("\n"));
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Until no job waits or is carried out.
#[track_caller]
pub fn until_quiet(stoa: &Installation) {
    until("the end of all work", || is_quiet(stoa).then_some(()));
}

/// Until no backup is being removed. That goes on when the job it is of has ended.
#[track_caller]
pub fn until_none_is_removed(stoa: &Installation) {
    until("the removal of backups", || Owned::of(stoa).removing.is_empty().then_some(()));
}

/// Whether no job waits or is carried out.
pub fn is_quiet(stoa: &Installation) -> bool {
    Owned::of(stoa).unfinished.is_empty()
}

/// All that is there and that nothing names, in words.
pub fn ownerless(stoa: &Installation) -> Vec<String> {
    let owned = Owned::of(stoa);
    let sandboxes = sandboxes(stoa);
    let mut found: Vec<String> =
        owned.unfinished.iter().map(|job| format!("work that goes on: {job}")).collect();
    for instance in owned.instances.keys() {
        let wanted = usize::from(owned.instances[instance] == "running");
        let there = sandboxes.iter().filter(|sandbox| sandbox.instance == *instance).count();
        if there != wanted {
            let state = &owned.instances[instance];
            found.push(format!("an instance that is {state}: {instance} has {there} sandboxes"));
        }
    }
    files(stoa, &owned, &mut found);
    processes(stoa, &sandboxes, &mut found);
    groups(&owned, &sandboxes, &mut found);
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let own = stoa.folder.path().to_str().unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(own)).map(|line| format!("a mount: {line}")));
    found
}

/// Of what the agent has, all that isn't named after an instance alone.
const OTHERWISE: [&str; 12] = [
    "mirrors",
    "instances",
    "operations",
    "backups",
    "restores",
    "archives",
    "metrics",
    "schedules",
    "databases",
    "postgresql",
    "agent.key",
    "agent.sock",
];

fn files(stoa: &Installation, owned: &Owned, found: &mut Vec<String>) {
    let data = stoa.data();
    let is_project = |name: &str| name.strip_suffix(".git").is_some_and(|id| owned.projects.contains(id));
    let is_instance = |name: &str| owned.instances.contains_key(name);
    let is_json = |name: &str, all: &dyn Fn(&str) -> bool| name.strip_suffix(".json").is_some_and(all);
    let mut look = |folder: PathBuf, is_owned: &dyn Fn(&str) -> bool| {
        for (name, path) in entries(&folder) {
            if !is_owned(&name) {
                found.push(format!("a file: {}", path.strip_prefix(&data).unwrap().display()));
            }
        }
    };
    let of_data = [
        "stoa.sqlite",
        "stoa.sqlite-wal",
        "stoa.sqlite-shm",
        "master.key",
        "stoa.lock",
        "admin.sock",
        "hooks",
        "repositories",
        "agent",
    ];
    look(data.clone(), &|name| of_data.contains(&name));
    look(data.join("hooks"), &|name| name == "pre-receive");
    look(data.join("repositories"), &is_project);
    let agent = data.join("agent");
    let of_agent = [
        "access",
        "mirrors",
        "cache",
        "releases",
        "current",
        "data",
        "run",
        "logs",
        "deployments",
        "instances",
        "operations",
        "backups",
        "copies",
        "restores",
        "archives",
        "metrics",
        "schedules",
        "secrets",
        "databases",
        "postgresql",
        "desks",
        "agent.key",
        "agent.sock",
    ];
    look(agent.clone(), &|name| of_agent.contains(&name));
    look(agent.join("mirrors"), &is_project);
    // A folder or a file for each instance.
    for folder in of_agent.iter().filter(|name| !OTHERWISE.contains(name)) {
        look(agent.join(folder), &is_instance);
    }
    look(agent.join("backups"), &|name| is_instance(name) || owned.backed_up.contains(name));
    look(agent.join("instances"), &|name| is_json(name, &is_instance));
    for folder in ["restores", "schedules", "databases"] {
        look(agent.join(folder), &|name| is_json(name, &is_instance));
    }
    look(agent.join("metrics"), &|name| name == "machine" || is_instance(name));
    look(agent.join("operations"), &|name| is_json(name, &|id| owned.jobs.contains(id)));
    for instance in owned.instances.keys() {
        look(agent.join("releases").join(instance), &|name| {
            owned.releases.contains(name.strip_suffix(".json").unwrap_or(name))
        });
        look(agent.join("deployments").join(instance), &|name| owned.deployments.contains(name));
    }
    for folder in [data.join("repositories"), agent.join("mirrors")] {
        for (_, repository) in entries(&folder) {
            unfinished(&repository, &data, found);
        }
    }
}

/// What git leaves where it is cut off: half packs, quarantine, locks, an index.
fn unfinished(folder: &Path, data: &Path, found: &mut Vec<String>) {
    for (name, path) in entries(folder) {
        let is_half = name.starts_with("tmp_") || name.contains("incoming-") || name.starts_with("index-");
        if is_half || name.ends_with(".lock") || name.ends_with(".new") {
            found.push(format!("what git left: {}", path.strip_prefix(data).unwrap().display()));
        } else if path.is_dir() {
            unfinished(&path, data, found);
        }
    }
}

/// A process of the machine.
struct Process {
    pid: i32,
    parent: i32,
    words: Vec<String>,
    namespace: PathBuf,
    /// It names the installation's folder, sees something of it, or is in a control group of one of its instances.
    is_ours: bool,
}

fn all_processes(stoa: &Installation) -> Vec<Process> {
    let folder = stoa.folder.path().to_str().unwrap();
    let instances: Vec<String> =
        entries(&stoa.data().join("agent/run")).into_iter().map(|(id, _)| id).collect();
    let mut all = Vec::new();
    for (name, path) in entries(Path::new("/proc")) {
        let Ok(pid) = name.parse::<i32>() else { continue };
        let Ok(line) = std::fs::read(path.join("cmdline")) else { continue };
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_whitespace();
        // One that has ended and that its parent hasn't taken note of yet is no process any more.
        if matches!(fields.next(), Some("Z" | "X")) {
            continue;
        }
        let words: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let mounts = std::fs::read_to_string(path.join("mountinfo")).unwrap_or_default();
        let groups = std::fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        all.push(Process {
            pid,
            parent: fields.next().and_then(|field| field.parse().ok()).unwrap_or(0),
            is_ours: words.iter().any(|word| word.contains(folder))
                || mounts.contains(folder)
                || instances.iter().any(|id| groups.contains(id)),
            namespace: std::fs::read_link(path.join("ns/pid")).unwrap_or_default(),
            words,
        });
    }
    all
}

fn processes(stoa: &Installation, sandboxes: &[Sandbox], found: &mut Vec<String>) {
    let all = all_processes(stoa);
    let find = |pid: i32| all.iter().find(|process| process.pid == pid);
    // Process 1 of each sandbox, what is inside with it, bubblewrap, which waits for it outside, and the program of its
    // network, which names bubblewrap by its number.
    let inside: Vec<_> = sandboxes.iter().filter_map(|sandbox| find(sandbox.pid)).collect();
    for sandbox in sandboxes.iter().filter(|sandbox| find(sandbox.pid).is_none()) {
        found.push(format!("a sandbox without its process 1: {} {}", sandbox.instance, sandbox.name));
    }
    // The server's PostgreSQL is nobody's alone, and goes on like them.
    let databases: Vec<_> = postgresql(stoa).into_iter().filter_map(find).collect();
    let inside: Vec<_> = inside.into_iter().chain(databases).collect();
    let is_owned = |process: &Process| {
        process.pid == stoa.pid()
            || process.parent == stoa.pid()
            || inside.iter().any(|one| {
                let outside = one.parent.to_string();
                let is_network = process.words.iter().any(|word| word == "tap0");
                one.namespace == process.namespace
                    || one.parent == process.pid
                    || (is_network && process.words.contains(&outside))
            })
    };
    for process in all.iter().filter(|process| process.is_ours && !is_owned(process)) {
        found.push(format!("a process: {} {}", process.pid, process.words.join(" ")));
    }
}

/// Ends all that a test has left, and removes its control groups: also of one that failed.
pub fn sweep(stoa: &Installation) {
    let own = i32::try_from(std::process::id()).unwrap();
    for process in all_processes(stoa).iter().filter(|process| process.is_ours && process.pid != own) {
        // It may have ended meanwhile.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.pid), nix::sys::signal::SIGKILL);
    }
    let instances: Vec<String> =
        entries(&stoa.data().join("agent/run")).into_iter().map(|(id, _)| id).collect();
    each_group(&mut |name, path| {
        if instances.iter().any(|id| name.starts_with(id.as_str())) {
            // Of processes that aren't buried yet it can't be removed, and is empty.
            let _ = std::fs::remove_dir(path);
        }
    });
}

fn each_group(look: &mut dyn FnMut(&str, &Path)) {
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for (name, path) in entries(&folder) {
            if path.is_dir() && !path.is_symlink() {
                look(&name, &path);
                folders.push(path);
            }
        }
    }
}

/// The control groups of one instance, whether it is there or not.
pub fn groups_of(instance: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    each_group(&mut |name, path| {
        if name.starts_with(instance) {
            found.push(path.to_owned());
        }
    });
    found
}

fn groups(owned: &Owned, sandboxes: &[Sandbox], found: &mut Vec<String>) {
    each_group(&mut |name, path| {
        let Some(instance) = owned.instances.keys().find(|id| name.starts_with(id.as_str())) else { return };
        let is_there = sandboxes
            .iter()
            .any(|one| one.instance == *instance && name == format!("{instance}-{}", one.name));
        if !is_there {
            found.push(format!("a control group: {}", path.display()));
        }
    });
}
