//! A machine with its agent, spoken to through its protocol, as the control plane does it: what is measured of deployments
//! and backups are the orders, from being given to being carried out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::StreamExt as _;
use stoa_agent::client::Client;
use stoa_agent::git::Repository;
use stoa_agent::machine::{Agent, Options};
use stoa_agent::protocol::{Event, Fence, OperationView, Order, PutInstance, Valid, Wish};
use stoa_agent::router;
use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, JobId, ProjectId};
use uuid::Uuid;

/// Files of a repository beside the application, each of so many bytes.
const FILES: usize = 300;
const BYTES: usize = 4096;

/// An application that begins as quickly as Python does, so that what is around it is seen.
pub const APPLICATION: &str = r#"
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
while True:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    connection.close()
"#;
/// How it is started, on both sides.
pub const COMMAND: [&str; 4] = ["python3", "-I", "-S", "app.py"];

const SETTINGS: &str = "[run]\ncommand = [\"python3\", \"-I\", \"-S\", \"app.py\"]\nstop_time = \"1s\"\n";

pub struct Machine {
    pub agent: Agent,
    pub client: Client,
    pub state: PathBuf,
    fences: AtomicI64,
}

impl Machine {
    pub async fn start(state: &Path) -> Self {
        let options = Options {
            state: state.to_owned(),
            program: std::env::current_exe().expect("this program"),
            egress_allow: Vec::new(),
            stall: stoa_agent::machine::STALL,
            desks: stoa_agent::machine::Keeping::default(),
            version: "bench".to_owned(),
            starts_instances: false,
        };
        let agent = Agent::start(options).await.expect("an agent");
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(router::serve(router::router(agent.clone()), theirs));
        let client = Client::connect(ours).await.expect("the agent answers");
        Self { agent, client, state: state.to_owned(), fences: AtomicI64::new(1) }
    }

    pub fn order(&self) -> Order {
        let fence = Fence::new(self.fences.fetch_add(1, Ordering::SeqCst)).expect("a fence");
        Order { job: JobId::new(Uuid::now_v7()), fence, valid: Valid::LONGEST }
    }

    /// An instance that is to run.
    pub async fn instance(&self, project: ProjectId, number: u32) -> InstanceId {
        let instance = InstanceId::new(Uuid::now_v7());
        let form = PutInstance {
            project: project.uuid(),
            os_user: 300_000 + number,
            variables: Vec::new(),
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
        };
        self.client.put_instance(self.order(), instance, &form).await.expect("it is taken");
        instance
    }

    /// Waits until a deployment answers in place of the release before it.
    pub async fn answers(&self, begun: &OperationView) {
        let events = self.client.events(JobId::new(begun.id), 0).await.expect("its events");
        let switched = events
            .map(|event| event.expect("an event").event)
            .any(|event| async move { matches!(event, Event::Step { name, .. } if name == "settle") });
        assert!(switched.await, "it never answers");
    }

    /// Waits for the end of what was begun, which has to be a good one.
    pub async fn done(&self, begun: &OperationView) {
        let events = self.client.events(JobId::new(begun.id), 0).await.expect("its events");
        let last = events
            .map(|event| event.expect("an event").event)
            .fold(None, |_, event| async move { Some(event) });
        let last = last.await.expect("an end");
        assert!(matches!(last, Event::Succeeded { .. }), "{last:?}");
    }
}

/// A repository with the application and some files beside it, and its commit.
pub fn repository(folder: &Path) -> (Repository, CommitId) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("app.py"), APPLICATION).expect("written");
    std::fs::write(folder.join("stoa.toml"), SETTINGS).expect("written");
    for number in 0..FILES {
        let below = folder.join(format!("files/{}", number % 20));
        std::fs::create_dir_all(&below).expect("a folder");
        std::fs::write(below.join(format!("{number}.txt")), vec![b'a'; BYTES]).expect("written");
    }
    git(folder, &["init", "--quiet", "--initial-branch=main"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "All of it"]);
    let commit = CommitId::parse(&git(folder, &["rev-parse", "HEAD"])).expect("a commit");
    (Repository::at(folder.join(".git")), commit)
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Anna", "-c", "user.email=anna@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
