//! An installation with a project and instances of it, asked also while the program is down.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_domain::WorkspaceId;
use stoa_storage::audit::{AuditFilter, hash_of};
use stoa_storage::{Place, Store};

use crate::support::{self, Address, Answer, Installation, PASSWORD, git, push_files, until};

pub const W: &str = "/workspaces/acme";

pub const TOML: &str = r#"
[build]
commands = [["sh", "-c", "if [ -e /cache/wait ]; then touch /cache/here; sleep 600; fi"]]
[release]
command = ["sh", "-c", "if [ -e /data/wait-release ]; then touch /data/here-release; sleep 600; fi"]
[run]
command = ["python3", "app.py"]
stop_time = "1s"
"#;

/// Says its version; writes down each request that it takes, and says so in its log.
const APP: &str = r#"
import http.server, os, time
if os.path.exists("/data/wait-health"):
    open("/data/here-health", "w").close()
    time.sleep(600)
version = open("version").read().strip()
taken = os.open("/data/taken", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/take/"):
            # In one piece each: others write beside it.
            os.write(1, f"took {self.path}\n".encode())
            os.write(taken, f"{self.path}\n".encode())
        body = ("version " + version).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// An installation with a project and instances of it.
pub struct Ground {
    pub stoa: Installation,
    pub owner: String,
    pub project: String,
    pub server: String,
    pub files: PathBuf,
}

/// Asks as the owner, also while the program is down.
#[derive(Clone)]
pub struct Asking {
    pub address: Address,
    pub owner: String,
}

impl Asking {
    pub fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Option<Answer> {
        let body = body.map(|body| body.to_string());
        self.address.try_send(&self.owner, method, &format!("/api/v1{W}{path}"), body.as_deref(), "localhost")
    }
}

impl Ground {
    pub fn new(name: &str) -> Self {
        Self::of(Installation::start(), name)
    }

    pub fn of(stoa: Installation, name: &str) -> Self {
        let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
        let post = |path: &str, body: Value| stoa.send(&owner, "POST", path, Some(body));
        let _ = post("/workspaces", json!({ "name": "Acme" })).expect(201);
        let server =
            post(&format!("{W}/servers"), json!({ "name": "here", "local": true })).expect(201).field("id");
        let project = post(&format!("{W}/projects"), json!({ "name": "Shop" })).expect(201).field("id");
        let token = post("/me/tokens", json!({ "name": "git" })).expect(201).field("token");
        let files = stoa.folder.path().join("shop");
        let remote = format!("http://git:{token}@localhost:{}/git/acme/shop.git", stoa.port);
        push_files(&files, &[("stoa.toml", TOML), ("app.py", APP), ("version", "0")], &remote);
        let ground = Self { stoa, owner, project, server, files };
        ground.create(name, "main");
        ground
    }

    /// An instance of a branch, once it runs.
    pub fn create(&self, name: &str, branch: &str) {
        let (project, server) = (&self.project, &self.server);
        let body = json!({ "name": name, "project": project, "server": server, "stage": "staging", "branch": branch });
        let _ = self.stoa.send(&self.owner, "POST", &format!("{W}/instances"), Some(body)).expect(202);
        let path = format!("/instances/{}", name.to_lowercase());
        until(&format!("{name} to run"), || (self.get(&path)["status"] == "running").then_some(()));
    }

    pub fn asking(&self) -> Asking {
        Asking { address: self.stoa.address, owner: self.owner.clone() }
    }

    pub fn get(&self, path: &str) -> Value {
        self.stoa.send(&self.owner, "GET", &format!("{W}{path}"), None).expect(200).json()
    }

    pub fn id(&self, instance: &str) -> String {
        self.get(&format!("/instances/{instance}"))["id"].as_str().unwrap().to_owned()
    }

    pub fn visit(&self, instance: &str) -> Option<String> {
        let answer = self.stoa.try_send("", "GET", "/", None, &format!("{instance}-acme.localhost"))?;
        (answer.status == 200).then_some(answer.text)
    }

    /// A commit with another version, pushed. Who is killed meanwhile says nothing to git; its commit.
    pub fn push(&self, version: usize) -> String {
        commit(&self.files, version);
        let _ = git(&self.files, &["push", "--quiet", "stoa", "main"]);
        head(&self.files)
    }

    pub fn newest_deployment(&self, instance: &str) -> Value {
        self.get(&format!("/instances/{instance}/deployments?limit=1"))["items"][0].clone()
    }

    /// The release that the link names.
    pub fn current(&self, instance: &str) -> String {
        let link = std::fs::read_link(self.stoa.data().join("agent/current").join(instance)).unwrap();
        link.to_str().unwrap().to_owned()
    }

    /// What answers on the own socket of the sandbox whose release is the current one, whether Stoa runs or not.
    pub fn on_own_socket(&self, instance: &str) -> Option<String> {
        let current = self.current(instance);
        for sandbox in std::fs::read_dir(self.stoa.data().join("agent/run").join(instance)).unwrap().flatten()
        {
            let about = std::fs::read_to_string(sandbox.path().join("sandbox.json")).unwrap_or_default();
            if !about.contains(&current) {
                continue;
            }
            let mut stream = UnixStream::connect(sandbox.path().join("application.sock")).ok()?;
            stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            return text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        }
        None
    }

    /// The chains of the audit log, read and computed anew while the program doesn't run: who did what.
    pub fn read_audit(&self) -> Vec<(String, String)> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let place = Place::Sqlite(self.stoa.data().join("stoa.sqlite"));
            let store = Store::open(place, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap();
            let workspace: WorkspaceId = self.workspace().parse().unwrap();
            let mut events = Vec::new();
            for chain in [workspace, WorkspaceId::INSTALLATION] {
                let mut records = store.list_audit(chain, &AuditFilter::default(), i64::MAX).await.unwrap();
                records.reverse();
                let mut before = vec![0; 32];
                for (number, record) in records.iter().enumerate() {
                    assert_eq!(
                        record.seq,
                        records[0].seq + i64::try_from(number).unwrap(),
                        "none is missing"
                    );
                    assert_eq!(record.previous_hash, before, "event {} follows the one before", record.seq);
                    assert_eq!(record.hash, hash_of(chain, record), "event {} is whole", record.seq);
                    before.clone_from(&record.hash);
                    let resource = record.resource_id.map(|id| id.to_string()).unwrap_or_default();
                    events.push((record.action.clone(), resource));
                }
                assert!(!records.is_empty());
            }
            store.close().await;
            events
        })
    }

    pub fn workspace(&self) -> String {
        // Kept by the test's own file, since the program may be down.
        std::fs::read_to_string(self.stoa.folder.path().join("workspace")).unwrap()
    }

    pub fn keep_workspace(&self) {
        let id = self.get("")["id"].as_str().unwrap().to_owned();
        std::fs::write(self.stoa.folder.path().join("workspace"), id).unwrap();
    }
}

pub fn commit(files: &Path, version: usize) {
    std::fs::write(files.join("version"), version.to_string()).unwrap();
    let (succeeded, said) = git(files, &["commit", "--quiet", "-am", &format!("Version {version}")]);
    assert!(succeeded, "{said}");
}

pub fn head(files: &Path) -> String {
    std::fs::read_to_string(files.join(".git/refs/heads/main")).unwrap().trim().to_owned()
}
