//! Requests that are lost while an application restarts and while another release takes over: of the real program with each
//! of the examples, which are of a kind each, and of the guestbook alone, ended and started again under the same load.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// 100 a second, whether or not the earlier ones are answered. The proxy holds 1,000: what takes longer to start than ten
/// seconds loses some.
const APART: Duration = Duration::from_millis(10);
/// How often it restarts, or is deployed anew.
const TIMES: usize = 3;
/// Between two of them, before the first and after the last.
const PAUSE: Duration = Duration::from_millis(500);
/// Python with SQLite, which never runs twice at once; Node.js, files that Stoa serves, and gunicorn with PostgreSQL, whose
/// new release starts beside the old one.
const EXAMPLES: [&str; 4] = ["guestbook", "notes", "site", "shop"];
const PASSWORD: &str = "correct horse battery";
const W: &str = "/api/v1/workspaces/acme";

/// Lost, of so many.
pub struct Lost {
    pub lost: usize,
    pub asked: usize,
}

/// What an example lost: in soft restarts, and in release switches. Or why it couldn't be put online here.
pub struct Tried {
    pub example: &'static str,
    pub lost: Result<[Lost; 2], String>,
}

/// Of each of the examples, and of the guestbook alone.
pub async fn measure() -> (Vec<Tried>, Lost) {
    let stoa = Stoa::start().await;
    let mut tried = Vec::new();
    for example in EXAMPLES {
        let lost = match stoa.put_online(example).await {
            Ok(host) => Ok(stoa.lost(example, &host).await),
            Err(why) => Err(why),
        };
        tried.push(Tried { example, lost });
    }
    stoa.end();

    let place = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let alone = std::cell::RefCell::new(guestbook(place.path(), port));
    answering(port, "localhost").await;
    let bare = under_load(port, "localhost", async || {
        end(&mut alone.borrow_mut());
        *alone.borrow_mut() = guestbook(place.path(), port);
        answering(port, "localhost").await;
    })
    .await;
    end(&mut alone.borrow_mut());
    (tried, bare)
}

/// Does it some times over while requests come.
async fn under_load(port: u16, host: &str, does: impl AsyncFn()) -> Lost {
    let is_over = Arc::new(AtomicBool::new(false));
    let (lost, host) = (Arc::new(AtomicUsize::new(0)), host.to_owned());
    let (done, counted) = (is_over.clone(), lost.clone());
    let asking = tokio::spawn(async move {
        let mut pace = tokio::time::interval(APART);
        let mut open = tokio::task::JoinSet::new();
        while !done.load(Ordering::SeqCst) {
            pace.tick().await;
            let (host, lost) = (host.clone(), counted.clone());
            open.spawn(async move {
                if !is_answered(port, &host).await {
                    lost.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        open.join_all().await.len()
    });
    for _ in 0..TIMES {
        tokio::time::sleep(PAUSE).await;
        does().await;
    }
    tokio::time::sleep(PAUSE).await;
    is_over.store(true, Ordering::SeqCst);
    let asked = asking.await.expect("all are over");
    Lost { lost: lost.load(Ordering::SeqCst), asked }
}

async fn is_answered(port: u16, host: &str) -> bool {
    send(port, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
        .await
        .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

async fn answering(port: u16, host: &str) {
    while !is_answered(port, host).await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn send(port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port()
}

fn guestbook(data: &Path, port: u16) -> Child {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guestbook");
    Command::new("python3")
        .arg("app.py")
        .current_dir(folder)
        .env("PORT", port.to_string())
        .env("STOA_DATA", data)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(Stdio::null())
        .spawn()
        .expect("Python")
}

/// Politely, as Stoa does it.
fn end(child: &mut Child) {
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(asked.success());
    child.wait().expect("it ends");
}

fn parsed(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// The program itself, which stands beside this one.
struct Stoa {
    child: Child,
    /// Somebody listens until it ends.
    _said: BufReader<std::process::ChildStdout>,
    /// Goes with it.
    place: tempfile::TempDir,
    port: u16,
    cookie: String,
}

fn program() -> PathBuf {
    let program = std::env::current_exe().expect("this program").with_file_name("stoa");
    assert!(program.is_file(), "{} isn't there: build the package stoa first", program.display());
    program
}

impl Stoa {
    async fn start() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let mut command = Command::new(program());
        // But for where the shop's packages are, on a machine that has none elsewhere.
        let is_foreign = |name: &str| name.starts_with("STOA_") && name != "STOA_INSTANCE_EGRESS_ALLOW";
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_foreign(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(place.path());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.contains("/setup#") {
            line.clear();
            assert!(said.read_line(&mut line).expect("a line") > 0, "it ended");
        }
        let token = line.rsplit_once('#').expect("its token").1.trim().to_owned();
        let mut stoa = Self { child, _said: said, place, port, cookie: String::new() };
        let account =
            json!({ "token": token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
        let answer = stoa.ask("POST", "/api/v1/setup", Some(&account)).await;
        let cookie = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().unwrap_or_default().trim())
        });
        stoa.cookie = cookie.expect("a session").to_owned();
        let _ = stoa.json("POST", "/api/v1/workspaces", Some(&json!({ "name": "Acme" }))).await;
        stoa
    }

    /// Its host, once it answers; else what its deployment failed with, or what this machine lacks.
    async fn put_online(&self, example: &str) -> Result<String, String> {
        let body = json!({ "example": example }).to_string();
        let answer = self.send("POST", &format!("{W}/examples"), &body).await;
        let made = parsed(&answer);
        if !answer.starts_with("HTTP/1.1 20") {
            return Err(made["detail"].as_str().unwrap_or(&answer).to_owned());
        }
        let url = made["url"].as_str().expect("a URL").trim_start_matches("http://").trim_end_matches('/');
        let ended = self.ended(made["job"]["id"].as_str().expect("a job")).await;
        if ended["status"] != "succeeded" {
            return Err(ended["error"]["detail"].as_str().unwrap_or("it failed").to_owned());
        }
        answering(self.port, url).await;
        Ok(url.to_owned())
    }

    async fn lost(&self, example: &str, host: &str) -> [Lost; 2] {
        let soft = under_load(self.port, host, async || {
            self.job(example, "restart", &json!({ "mode": "soft" })).await;
        })
        .await;
        let switch = under_load(self.port, host, async || {
            self.job(example, "deploy", &json!({})).await;
        })
        .await;
        [soft, switch]
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> String {
        let (port, cookie) = (self.port, &self.cookie);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        send(port, &request).await.expect("an answer")
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> String {
        let answer = self.send(method, path, &body.map(Value::to_string).unwrap_or_default()).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        answer
    }

    async fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        parsed(&self.ask(method, path, body).await)
    }

    /// Begins work on an instance, and waits for its end.
    async fn job(&self, instance: &str, verb: &str, wish: &Value) {
        let begun = self.json("POST", &format!("{W}/instances/{instance}/{verb}"), Some(wish)).await;
        let ended = self.ended(begun["job"]["id"].as_str().expect("a job")).await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
    }

    async fn ended(&self, job: &str) -> Value {
        loop {
            let now = self.json("GET", &format!("{W}/jobs/{job}"), None).await;
            if now["ended_at"].is_string() {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn end(mut self) {
        end(&mut self.child);
        let stopped = Command::new(program())
            .args(["instances", "stop", "--all", "--data-dir"])
            .arg(self.place.path())
            .stdout(Stdio::null())
            .status();
        assert!(stopped.expect("the program").success());
    }
}
