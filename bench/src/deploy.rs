//! A deployment without a build, of a commit that the machine has: against what can't be less, the same files linked into
//! another folder and the same process started in it. Both end with the first good answer.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stoa_agent::protocol::BeginDeployment;
use stoa_domain::ProjectId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::machine::{COMMAND, Machine, repository};
use crate::measured::{Measured, middle};

/// The first of them warms up, and counts for nothing.
const TURNS: usize = 6;

/// Milliseconds.
pub async fn measure() -> Measured {
    let place = tempfile::tempdir().expect("a folder");
    let files = place.path().join("files");
    let (repository, commit) = repository(&files);
    let machine = Machine::start(&place.path().join("state")).await;
    let project = ProjectId::new(Uuid::now_v7());
    let pack = repository.pack(&commit, &[]).await.expect("a pack");
    machine.client.put_pack(machine.order(), project, &commit, pack).await.expect("the mirror has it");
    let instance = machine.instance(project, 1).await;
    let (mut here, mut bare) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let began = Instant::now();
        let wanted = BeginDeployment {
            deployment: Uuid::now_v7(),
            release: Uuid::now_v7(),
            commit: commit.to_string(),
        };
        let begun = machine.client.deploy(machine.order(), instance, &wanted).await.expect("it begins");
        machine.answers(&begun).await;
        let own = began.elapsed();
        machine.done(&begun).await;
        let other = by_hand(&files, &place.path().join(format!("linked-{turn}"))).await;
        if turn > 0 {
            here.push(own.as_secs_f64() * 1e3);
            bare.push(other.as_secs_f64() * 1e3);
        }
    }
    machine.agent.stop_all().await.expect("it ends");
    Measured { here: middle(here), bare: middle(bare) }
}

async fn by_hand(files: &Path, into: &Path) -> Duration {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let began = Instant::now();
    link(files, into);
    let mut child = Command::new(COMMAND[0])
        .args(&COMMAND[1..])
        .current_dir(into)
        .env("PORT", port.to_string())
        // The same program as in the sandbox: a shim before it would count for this side alone.
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdout(Stdio::null())
        .spawn()
        .expect("Python");
    while !answers(port).await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    child.kill().and_then(|()| child.wait()).expect("it ends");
    took
}

fn link(from: &Path, into: &Path) {
    std::fs::create_dir(into).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("a file")) {
        let (name, target) = (entry.file_name(), into.join(entry.file_name()));
        if entry.file_type().expect("a kind").is_dir() {
            if name != ".git" {
                link(&entry.path(), &target);
            }
        } else {
            std::fs::hard_link(entry.path(), target).expect("a link");
        }
    }
}

async fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let mut answer = Vec::new();
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n").await;
    asked.is_ok() && stream.read_to_end(&mut answer).await.is_ok() && answer.starts_with(b"HTTP/1.1 200")
}
