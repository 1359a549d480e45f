//! A machine with its agent, spoken to through the protocol alone; and a real repository whose commits are deployed on
//! it.

use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_agent::client::{Client, ClientError};
use stoa_agent::git::Repository;
use stoa_agent::machine::{Agent, Keeping, Options, STALL};
use stoa_agent::protocol::{
    BeginDeployment, Event, EventView, Fence, InstanceView, OperationView, Order, PutInstance, SecretText,
    Valid, Variable, Wish,
};
use stoa_agent::router;
use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, JobId, ProjectId, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use uuid::Uuid;

use super::PATIENCE;

/// Answers with what it is, and does what a path says. With a file `unwell` in its data it doesn't answer well. As `once` it never answers again after its first start.
const APPLICATION: &str = r#"
import http.server, os, time
if "VERSION" == "once":
    if os.path.exists("/data/begun"): time.sleep(3600)
    open("/data/begun", "w").close()
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"VERSION {os.getpid()} {os.environ.get('GREETING')}"
        if self.path == "/fill":
            with open("/data/full", "wb") as file:
                for _ in range(400): file.write(bytes(1 << 20))
        is_unwell = "VERSION" == "unwell" or os.path.exists("/data/unwell")
        status = 500 if is_unwell and self.path == "/" else 200
        self.send_response(status); self.send_header("Connection", "close"); self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
print("VERSION begins", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

/// A file `broken` breaks the build; with a file `waits` it never ends.
const SETTINGS: &str = r#"
[build]
commands = [["sh", "-c", "test -f broken && { echo it is broken; exit 3; }; while test -f waits; do sleep 0.1; done; cp app.py built.py"]]
[run]
command = ["python3", "built.py"]
stop_time = "2s"
[health]
start_time = "START_TIME"
"#;

pub fn id() -> Uuid {
    Uuid::now_v7()
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Program::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An agent, and the control plane's end of a pipe to it.
pub struct Machine {
    pub agent: Agent,
    pub client: Client,
}

impl Machine {
    pub async fn start(state: PathBuf) -> Self {
        Self::start_reaching(state, Vec::new()).await
    }

    /// Whose instances may reach private addresses.
    pub async fn start_reaching(state: PathBuf, egress_allow: Vec<String>) -> Self {
        Self::start_with(state, egress_allow, STALL, Keeping::default()).await
    }

    /// The same, with less patience with programs that stand still, or with desks.
    pub async fn start_with(
        state: PathBuf,
        egress_allow: Vec<String>,
        stall: Duration,
        desks: Keeping,
    ) -> Self {
        let options = Options {
            state,
            program: super::program(),
            egress_allow,
            stall,
            desks,
            version: "test".to_owned(),
            starts_instances: true,
        };
        let agent = Agent::start(options).await.unwrap();
        let client = Client::connect(pipe(&agent)).await.unwrap();
        Self { agent, client }
    }

    /// How the instance is.
    pub async fn see(&self, instance: InstanceId) -> InstanceView {
        let all = self.client.instances().await.unwrap();
        all.into_iter().find(|view| view.id == instance.uuid()).unwrap()
    }

    /// All that happened in an operation, when it is over.
    pub async fn events(&self, begun: &OperationView) -> Vec<EventView> {
        let events = self.client.events(JobId::new(begun.id), 0).await.unwrap();
        let events = events.map(Result::unwrap).collect();
        tokio::time::timeout(PATIENCE, events).await.unwrap()
    }

    /// How an operation ends.
    pub async fn outcome(&self, begun: Result<OperationView, ClientError>) -> Event {
        self.events(&begun.unwrap()).await.pop().unwrap().event
    }
}

/// A new connection to an agent.
pub fn pipe(agent: &Agent) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(router::serve(router::router(agent.clone()), theirs));
    ours
}

pub fn order(fence: i64) -> Order {
    Order { job: JobId::new(id()), fence: Fence::new(fence).unwrap(), valid: Valid::LONGEST }
}

pub struct House {
    pub place: PathBuf,
    pub repository: PathBuf,
    pub instance: InstanceId,
    pub project: ProjectId,
    /// Users of instances that run at the same time differ.
    pub os_user: u32,
    fence: AtomicI64,
}

/// A test that fails leaves nothing either.
impl Drop for House {
    fn drop(&mut self) {
        let own = self.place.join("state/run").join(self.instance.to_string());
        let all = [own, self.place.join("state/postgresql/run")];
        let sandboxes = all.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
        for sandbox in sandboxes.flatten().filter_map(Result::ok) {
            let Ok(about) = std::fs::read(sandbox.path().join("sandbox.json")) else { continue };
            let about: serde_json::Value = serde_json::from_slice(&about).unwrap();
            let identity: stoa_agent::sandbox::Identity =
                serde_json::from_value(about["identity"].clone()).unwrap();
            if identity.is_alive() {
                let pid = nix::unistd::Pid::from_raw(identity.pid);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL);
            }
        }
    }
}

impl House {
    pub fn new(place: &Path) -> Self {
        let repository = place.join("work");
        std::fs::create_dir_all(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        Self {
            place: place.to_owned(),
            repository,
            instance: InstanceId::new(id()),
            project: ProjectId::new(id()),
            os_user: 200_000 + std::process::id() % 100_000,
            fence: AtomicI64::new(1),
        }
    }

    pub fn commit(&self, version: &str, more: &[&str]) -> CommitId {
        std::fs::write(self.repository.join("app.py"), APPLICATION.replace("VERSION", version)).unwrap();
        let start_time = if version == "once" { "600s" } else { "5s" };
        let settings = SETTINGS.replace("START_TIME", start_time);
        std::fs::write(self.repository.join("stoa.toml"), settings).unwrap();
        for name in ["broken", "waits"] {
            let _ = std::fs::remove_file(self.repository.join(name));
        }
        for name in more {
            std::fs::write(self.repository.join(name), "").unwrap();
        }
        self.commit_all(version)
    }

    /// The control plane's own copy.
    pub fn hosted(&self) -> Repository {
        Repository::at(self.repository.join(".git"))
    }

    pub async fn machine(&self) -> Machine {
        Machine::start(self.place.join("state")).await
    }

    pub fn order(&self) -> Order {
        order(self.fence.fetch_add(1, Ordering::SeqCst))
    }

    pub fn form(&self) -> PutInstance {
        let value = SecretText(Secret::from_text("hello".to_owned()));
        PutInstance {
            project: self.project.uuid(),
            os_user: self.os_user,
            variables: vec![Variable { name: "GREETING".to_owned(), value }],
            secrets: Vec::new(),
            wish: Wish::Running,
            slug: "shop".to_owned(),
            project_slug: "shop".to_owned(),
            workspace_slug: "acme".to_owned(),
            stage: "staging".to_owned(),
            url: "http://shop.localhost".to_owned(),
            host: "shop.localhost".to_owned(),
            limits: None,
            health: None,
        }
    }

    pub async fn put(&self, machine: &Machine) {
        machine.client.put_instance(self.order(), self.instance, &self.form()).await.unwrap();
    }

    pub async fn bring(&self, machine: &Machine, commit: &CommitId) {
        let there = machine.client.mirror_heads(self.project).await.unwrap();
        let pack = self.hosted().pack(commit, &there).await.unwrap();
        machine.client.put_pack(self.order(), self.project, commit, pack).await.unwrap();
    }

    /// Everything up to the beginning of a deployment.
    pub async fn begin(&self, machine: &Machine, commit: &CommitId) -> OperationView {
        self.begin_as(machine, commit, &self.form()).await
    }

    pub async fn begin_as(&self, machine: &Machine, commit: &CommitId, form: &PutInstance) -> OperationView {
        machine.client.put_instance(self.order(), self.instance, form).await.unwrap();
        self.bring(machine, commit).await;
        let wanted = BeginDeployment { deployment: id(), release: id(), commit: commit.to_string() };
        machine.client.deploy(self.order(), self.instance, &wanted).await.unwrap()
    }

    pub async fn deploy(&self, machine: &Machine, commit: CommitId) -> Event {
        let begun = self.begin(machine, &commit).await;
        machine.outcome(Ok(begun)).await
    }

    /// The same, as its settings say.
    pub async fn deploy_as(&self, machine: &Machine, commit: CommitId, form: &PutInstance) -> Event {
        let begun = self.begin_as(machine, &commit, form).await;
        machine.outcome(Ok(begun)).await
    }

    /// Another instance on the same machine.
    pub fn beside(&self, number: u32) -> Self {
        let mut other = Self::new(&self.place.join(format!("beside-{number}")));
        other.place.clone_from(&self.place);
        other.os_user = self.os_user + number * 100_000;
        other
    }

    /// A commit of what is in the repository now.
    pub fn commit_all(&self, message: &str) -> CommitId {
        git(&self.repository, &["add", "--all"]);
        git(&self.repository, &["commit", "--quiet", "--message", message]);
        CommitId::parse(&git(&self.repository, &["rev-parse", "HEAD"])).unwrap()
    }

    pub async fn get(&self, machine: &Machine, path: &str) -> std::io::Result<String> {
        let mut stream = machine.agent.open_application(self.instance).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: shop.localhost\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }
}

/// What isn't a success is printed: a test that fails by it shows why.
#[allow(clippy::print_stderr)]
pub fn succeeded(event: &Event) -> bool {
    let is_success = matches!(event, Event::Succeeded { .. });
    if !is_success {
        eprintln!("no success: {event:?}");
    }
    is_success
}
