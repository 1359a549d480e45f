//! Databases on a real PostgreSQL: given, walled off from each other, kept through crashes, backed up, brought back and
//! dropped with their instances.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stoa_agent::protocol::{
    BeginBackup, BeginRestore, Event, LogQuery, Mode, RepositoryAccess, RepositoryPlace, SecretText,
};
use stoa_domain::Secret;
use stoa_domain::branch::CommitId;
use support::house::{House, Machine, git, id, succeeded};
use support::until;
use uuid::Uuid;

use futures_util::StreamExt as _;

const PASSWORD: &str = "a-password-of-a-repository";

/// Says to PostgreSQL what a path says, through PostgreSQL's own program.
const APPLICATION: &str = r#"
import glob, http.server, os, subprocess, urllib.parse
PSQL = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
def psql(text, url):
    said = subprocess.run([PSQL, url, "-XAtc", text], capture_output=True, text=True)
    return (said.stdout + said.stderr).strip()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        own = os.environ["DATABASE_URL"]
        if self.path == "/url": body = own
        elif self.path == "/print": print("it is", own, flush=True); body = ""
        elif "q" in asked: body = psql(asked["q"][0], asked.get("url", [own])[0])
        else: body = "VERSION"
        well = self.path != "/" or psql("SELECT count(*) FROM notes WHERE text = 'ill'", own) == "0"
        self.send_response(200 if well else 500); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

const SETTINGS: &str = r#"
[release]
command = ["sh", "-c", "$(ls /usr/lib/postgresql/*/bin/psql | tail -n 1) \"$DATABASE_URL\" -Xqc 'CREATE TABLE IF NOT EXISTS notes (text citext)'"]
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[health]
start_time = "20s"
[database]
kind = "postgresql"
extensions = ["citext"]
"#;

fn commit(house: &House, version: &str) -> CommitId {
    std::fs::write(house.repository.join("app.py"), APPLICATION.replace("VERSION", version)).unwrap();
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", version]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

/// Another instance on the same machine.
fn beside(house: &House) -> House {
    let mut other = House::new(&house.place.join("other"));
    other.place.clone_from(&house.place);
    other
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

async fn says(house: &House, machine: &Machine, text: &str) -> String {
    house.get(machine, &format!("/run?q={}", quoted(text))).await.unwrap()
}

async fn says_to(house: &House, machine: &Machine, text: &str, url: &str) -> String {
    house.get(machine, &format!("/run?q={}&url={}", quoted(text), quoted(url))).await.unwrap()
}

async fn write(house: &House, machine: &Machine, text: &str) {
    assert_eq!(says(house, machine, &format!("INSERT INTO notes VALUES ('{text}')")).await, "INSERT 0 1");
}

async fn notes(house: &House, machine: &Machine) -> String {
    says(house, machine, "SELECT string_agg(text, ' ' ORDER BY text) FROM notes").await
}

/// Process 1 of the sandbox that PostgreSQL runs in; none where it doesn't.
fn server(house: &House) -> Option<i32> {
    let sandboxes = std::fs::read_dir(house.place.join("state/postgresql/run")).ok()?;
    sandboxes.filter_map(Result::ok).find_map(|sandbox| {
        let about = std::fs::read(sandbox.path().join("sandbox.json")).ok()?;
        let about: serde_json::Value = serde_json::from_slice(&about).unwrap();
        i32::try_from(about["identity"]["pid"].as_i64()?).ok()
    })
}

#[tokio::test]
async fn each_instance_has_a_database_of_its_own_and_reaches_no_other() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let other = beside(&house);
    let machine = house.machine().await;
    for one in [&house, &other] {
        let event = one.deploy(&machine, commit(one, "one")).await;
        assert!(succeeded(&event), "{event:?}");
    }
    write(&house, &machine, "mine").await;
    write(&other, &machine, "theirs").await;
    assert_eq!(
        (notes(&house, &machine).await, notes(&other, &machine).await),
        ("mine".into(), "theirs".into())
    );
    assert_eq!(says(&house, &machine, "SELECT count(*) FROM notes WHERE text = 'MINE'").await, "1", "citext");

    let (own, theirs) =
        (house.get(&machine, "/url").await.unwrap(), other.get(&machine, "/url").await.unwrap());
    let parts = |url: &str| {
        let rest = url.strip_prefix("postgresql://").unwrap().strip_suffix("?host=/run/postgresql").unwrap();
        let (who, name) = rest.split_once("@/").unwrap();
        let (role, password) = who.split_once(':').unwrap();
        assert_eq!(role, name);
        (role.to_owned(), password.to_owned())
    };
    let ((role, password), (their_role, _)) = (parts(&own), parts(&theirs));
    let url = |role: &str, name: &str| format!("postgresql://{role}:{password}@/{name}?host=/run/postgresql");
    // By its own role: to others' databases, PostgreSQL's own, and for replication.
    for name in [their_role.as_str(), "postgres", "template1"] {
        let said = says_to(&house, &machine, "SELECT 1", &url(&role, name)).await;
        assert!(said.contains("pg_hba.conf rejects connection"), "{name}: {said}");
    }
    let said = says_to(&house, &machine, "SELECT 1", &format!("{own}&replication=database")).await;
    assert!(said.contains("FATAL") && !said.starts_with('1'), "{said}");
    // By others' roles, whose passwords it doesn't know.
    for (role, name) in [(their_role.as_str(), their_role.as_str()), ("stoa", "postgres")] {
        let said = says_to(&house, &machine, "SELECT 1", &url(role, name)).await;
        assert!(said.contains("password authentication failed"), "{role}: {said}");
    }
    let said = says_to(&house, &machine, "SELECT 1", &url("postgres", "postgres")).await;
    assert!(said.contains("FATAL"), "{said}");
    // What would lead out of the database.
    for text in [
        "COPY notes FROM '/etc/passwd'",
        "COPY notes FROM PROGRAM 'id'",
        "CREATE ROLE more",
        "CREATE DATABASE more",
        "CREATE EXTENSION file_fdw",
        "SELECT pg_read_file('/data/cluster/pg_hba.conf')",
        &format!("SET ROLE \"{their_role}\""),
        &format!("ALTER ROLE \"{role}\" SUPERUSER"),
    ] {
        let said = says(&house, &machine, text).await;
        assert!(said.contains("ERROR"), "{text}: {said}");
    }
    // It listens on no network: not for those that reach one either.
    let said = says_to(&house, &machine, "SELECT 1", "postgresql://stoa@127.0.0.1/postgres").await;
    assert!(said.contains("refused"), "{said}");

    // The password is in no log, no list of processes and no file that is open to read.
    house.get(&machine, "/print").await.unwrap();
    let query = LogQuery { query: Some("it is".to_owned()), ..LogQuery::default() };
    let line = until("the line", async || {
        let lines = machine.client.logs(house.instance, &query).await.unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().await.pop()
    })
    .await;
    assert!(line.text.contains("[secret removed]") && !line.text.contains(&password), "{}", line.text);
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&words).contains(&password), "{}", entry.path().display());
    }
    for folder in ["databases", "postgresql/logs", "logs", "deployments", "operations", "run"] {
        let found = Program::new("grep")
            .args(["-rl", "--", &password])
            .arg(place.path().join("state").join(folder))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{folder}");
    }

    // With one instance its database goes, and with the last one the server.
    let begun = machine.client.delete_instance(house.order(), house.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    let left =
        says(&other, &machine, "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database").await;
    assert!(left.contains(&their_role) && !left.contains(&role), "{left}");
    assert_eq!(
        says(&other, &machine, &format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'")).await,
        "0"
    );
    assert!(server(&house).is_some());
    let begun = machine.client.delete_instance(other.order(), other.instance).await;
    assert!(succeeded(&machine.outcome(begun).await));
    assert_eq!(server(&house), None);
}

/// One agent at a time, as it is elsewhere: all that it looks after goes with its runtime.
fn alone<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    runtime.shutdown_background();
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

#[test]
fn the_database_goes_on_without_the_agent_and_comes_back_after_a_crash() {
    let place = tempfile::tempdir().unwrap();
    let house = House::new(place.path());
    let (url, before) = alone(async {
        let machine = house.machine().await;
        assert!(succeeded(&house.deploy(&machine, commit(&house, "one")).await));
        write(&house, &machine, "first").await;
        (house.get(&machine, "/url").await.unwrap(), server(&house).unwrap())
    });
    // Another agent on the same folder finds what goes on.
    alone(async {
        let machine = house.machine().await;
        assert_eq!(server(&house), Some(before));
        assert_eq!(notes(&house, &machine).await, "first");
        // A new sandbox, a new release: the same database by the same address.
        let begun = machine.client.restart(house.order(), house.instance, Mode::Hard).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert!(succeeded(&house.deploy(&machine, commit(&house, "two")).await));
        assert_eq!(
            (house.get(&machine, "/url").await.unwrap(), notes(&house, &machine).await),
            (url, "first".into())
        );

        kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
        until("the database answers again", async || {
            (notes(&house, &machine).await == "first").then_some(())
        })
        .await;
        assert_ne!(server(&house), Some(before));

        // Of a version that isn't installed any more: said, and what runs goes on.
        machine.agent.stop_all().await.unwrap();
        assert_eq!(server(&house), None);
        let version = place.path().join("state/postgresql/base/cluster/PG_VERSION");
        let kept = std::fs::read(&version).unwrap();
        std::fs::write(&version, "14\n").unwrap();
        let event = house.deploy(&machine, commit(&house, "three")).await;
        let sentence = "The server's databases are of PostgreSQL 14, which isn't installed any more. Install it: apt-get install postgresql-14.";
        assert!(matches!(&event, Event::Failed { sentence: said, .. } if said == sentence), "{event:?}");
        std::fs::write(&version, kept).unwrap();
        let begun = machine.client.start(house.order(), house.instance).await;
        assert!(succeeded(&machine.outcome(begun).await));
        assert_eq!(notes(&house, &machine).await, "first");
        machine.agent.stop_all().await.unwrap();
    });
}

fn access() -> RepositoryAccess {
    let password = SecretText(Secret::from_text(PASSWORD.to_owned()));
    RepositoryAccess { password, place: RepositoryPlace::Disk {} }
}

fn wanted(backup: Uuid) -> BeginBackup {
    BeginBackup { backup, repository: access(), settings: "{}".to_owned() }
}

fn restore_of(house: &House, backup: Uuid, commit: &CommitId) -> BeginRestore {
    BeginRestore {
        backup,
        of: house.instance.uuid(),
        repository: access(),
        safety: None,
        deployment: id(),
        release: id(),
        commit: Some(commit.to_string()),
        size: 1000,
    }
}

async fn back_up(house: &House, machine: &Machine) -> Uuid {
    let backup = id();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(backup)).await;
    let event = machine.outcome(begun).await;
    assert!(succeeded(&event), "{event:?}");
    backup
}

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
    let url = house.get(&machine, "/url").await.unwrap();

    // By hand, without Stoa: PostgreSQL's own program reads it.
    let out = place.path().join("out");
    by_hand(&house, &["restore", "latest", "--tag", &format!("backup={backup}")], &out);
    let about = std::fs::read_to_string(out.join("about.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    assert_eq!(about["database"], serde_json::json!({ "kind": "postgresql", "file": "database.pgdump" }));
    let list = Program::new("pg_restore").arg("--list").arg(out.join("database.pgdump")).output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("TABLE DATA public notes"), "{list:?}");

    // Back to what it was.
    let begun =
        machine.client.restore(house.order(), house.instance, &restore_of(&house, backup, &first)).await;
    let event = machine.outcome(begun).await;
    assert!(succeeded(&event), "{event:?}");
    assert_eq!(
        (notes(&house, &machine).await, house.get(&machine, "/url").await.unwrap()),
        ("kept".into(), url)
    );
    let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE 'i\\_%'";
    assert_eq!(says(&house, &machine, databases).await, "1", "nothing stands aside any more");

    // One that isn't well with what is brought back: all is as it was.
    write(&house, &machine, "ill").await;
    let ill = back_up(&house, &machine).await;
    assert_eq!(says(&house, &machine, "DELETE FROM notes WHERE text = 'ill'").await, "DELETE 1");
    write(&house, &machine, "now").await;
    let begun = machine.client.restore(house.order(), house.instance, &restore_of(&house, ill, &first)).await;
    let event = machine.outcome(begun).await;
    assert!(matches!(&event, Event::Failed { code, .. } if code == "unhealthy"), "{event:?}");
    assert_eq!(notes(&house, &machine).await, "kept now");
    assert_eq!(says(&house, &machine, databases).await, "1");

    // Into another instance, which has none yet.
    let other = beside(&house);
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
