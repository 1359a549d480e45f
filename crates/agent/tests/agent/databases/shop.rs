//! An application that says to PostgreSQL what it is told to, and what is done with it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_util::StreamExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stoa_agent::protocol::{
    BeginBackup, BeginRestore, Event, OperationView, RepositoryAccess, RepositoryPlace, SecretText,
};
use stoa_domain::branch::CommitId;
use stoa_domain::{JobId, Secret};
use uuid::Uuid;

use crate::support::house::{House, Machine, git, id, succeeded};

pub const PASSWORD: &str = "a-password-of-a-repository";

/// Says to PostgreSQL what a path says, through PostgreSQL's own program.
pub const APPLICATION: &str = r#"
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
        elif "begin" in asked:
            for _ in range(int(asked.get("times", ["1"])[0])):
                subprocess.Popen([PSQL, own, "-XAtc", asked["begin"][0]])
            body = ""
        elif "q" in asked: body = psql(asked["q"][0], asked.get("url", [own])[0])
        else: body = "VERSION"
        well = self.path != "/" or psql("SELECT count(*) FROM notes WHERE text = 'ill'", own) == "0"
        self.send_response(200 if well else 500); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

pub const SETTINGS: &str = r#"
[release]
command = ["sh", "-c", "$(ls /usr/lib/postgresql/*/bin/psql | tail -n 1) \"$DATABASE_URL\" -Xqc 'CREATE TABLE IF NOT EXISTS notes (text citext)'"]
[run]
command = ["python3", "app.py"]
stop_time = "1s"
[health]
start_time = "20s"
every = "10m"
[database]
kind = "postgresql"
extensions = ["citext"]
"#;

pub fn commit(house: &House, version: &str) -> CommitId {
    std::fs::write(house.repository.join("app.py"), APPLICATION.replace("VERSION", version)).unwrap();
    std::fs::write(house.repository.join("stoa.toml"), SETTINGS).unwrap();
    git(&house.repository, &["add", "--all"]);
    git(&house.repository, &["commit", "--quiet", "--message", version]);
    CommitId::parse(&git(&house.repository, &["rev-parse", "HEAD"])).unwrap()
}

/// Another instance on the same machine; `number` is another one for each.
pub fn beside(house: &House, number: u32) -> House {
    house.beside(number)
}

pub fn quoted(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub async fn says(house: &House, machine: &Machine, text: &str) -> String {
    house.get(machine, &format!("/run?q={}", quoted(text))).await.unwrap()
}

pub async fn says_to(house: &House, machine: &Machine, text: &str, url: &str) -> String {
    house.get(machine, &format!("/run?q={}&url={}", quoted(text), quoted(url))).await.unwrap()
}

/// Begins something that isn't waited for, so many times.
pub async fn begin(house: &House, machine: &Machine, text: &str, times: u32) {
    let path = format!("/run?begin={}&times={times}", quoted(text));
    assert_eq!(house.get(machine, &path).await.unwrap(), "");
}

/// Of an address, the role, which is the database's name too, and the password.
pub fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("postgresql://").unwrap().strip_suffix("?host=/run/postgresql").unwrap();
    let (who, name) = rest.split_once("@/").unwrap();
    let (role, password) = who.split_once(':').unwrap();
    assert_eq!(role, name);
    (role.to_owned(), password.to_owned())
}

pub async fn address(house: &House, machine: &Machine) -> String {
    house.get(machine, "/url").await.unwrap()
}

pub async fn role(house: &House, machine: &Machine) -> String {
    parts(&address(house, machine).await).0
}

pub async fn write(house: &House, machine: &Machine, text: &str) {
    assert_eq!(says(house, machine, &format!("INSERT INTO notes VALUES ('{text}')")).await, "INSERT 0 1");
}

pub async fn notes(house: &House, machine: &Machine) -> String {
    says(house, machine, "SELECT string_agg(text, ' ' ORDER BY text) FROM notes").await
}

/// Process 1 of the sandbox that PostgreSQL runs in; none where it doesn't.
pub fn server(house: &House) -> Option<i32> {
    let sandboxes = std::fs::read_dir(house.place.join("state/postgresql/run")).ok()?;
    sandboxes.filter_map(Result::ok).find_map(|sandbox| {
        let about = std::fs::read(sandbox.path().join("sandbox.json")).ok()?;
        let about: serde_json::Value = serde_json::from_slice(&about).unwrap();
        i32::try_from(about["identity"]["pid"].as_i64()?).ok()
    })
}

/// What makes PostgreSQL's files into a cluster. Without it it doesn't start.
pub struct Heart(std::path::PathBuf);

impl Heart {
    pub fn of(house: &House) -> Self {
        Self(house.place.join("state/postgresql/base/cluster/global/pg_control"))
    }

    pub fn take_out(&self) {
        std::fs::rename(&self.0, self.0.with_extension("away")).unwrap();
    }

    pub fn put_back(&self) {
        std::fs::rename(self.0.with_extension("away"), &self.0).unwrap();
    }
}

/// Until an operation has begun a step.
pub async fn until_step(machine: &Machine, begun: &OperationView, step: &str) {
    let mut events = Box::pin(machine.client.events(JobId::new(begun.id), 0).await.unwrap());
    let coming = async {
        while let Some(view) = events.next().await {
            let event = view.unwrap().event;
            assert!(!event.is_outcome(), "{event:?} before {step}");
            if matches!(&event, Event::Step { name, .. } if name == step) {
                return;
            }
        }
        panic!("it ended before {step}");
    };
    tokio::time::timeout(crate::support::PATIENCE, coming).await.unwrap();
}

/// One agent at a time, as it is elsewhere: all that it looks after goes with its runtime.
pub fn alone<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    runtime.shutdown_background();
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

pub fn access() -> RepositoryAccess {
    let password = SecretText(Secret::from_text(PASSWORD.to_owned()));
    RepositoryAccess { password, place: RepositoryPlace::Disk {} }
}

pub fn wanted(backup: Uuid) -> BeginBackup {
    BeginBackup { backup, repository: access(), settings: "{}".to_owned() }
}

pub fn restore_of(house: &House, backup: Uuid, commit: &CommitId) -> BeginRestore {
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

/// How the restore of a backup into the same instance ends.
pub async fn bring_back(house: &House, machine: &Machine, backup: Uuid, commit: &CommitId) -> Event {
    let wanted = restore_of(house, backup, commit);
    let begun = machine.client.restore(house.order(), house.instance, &wanted).await;
    machine.outcome(begun).await
}

pub async fn back_up(house: &House, machine: &Machine) -> Uuid {
    let backup = id();
    let begun = machine.client.back_up(house.order(), house.instance, &wanted(backup)).await;
    let event = machine.outcome(begun).await;
    assert!(succeeded(&event), "{event:?}");
    backup
}
