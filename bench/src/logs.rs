//! Logs: searching one against ripgrep on the same files, following one against a bare stream of the same lines.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use stoa_agent::logs::{Query, Writer, compress_full, read};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measured::{Measured, middle};
use crate::stoa::Installation;

/// Lines of the log that is searched: some 400 MB.
const LINES: i64 = 4_000_000;
/// What is sought stands in every so manieth line.
const EACH: i64 = 50_000;
/// Of these each line has to be looked at by itself.
const COLOURED: i64 = 1_000_000;
const SOUGHT: &str = "payment refused";

const FOLLOWERS: usize = 100;
const A_SECOND: usize = 1_000;
const SECONDS: usize = 5;

/// Megabytes a second: plain, compressed, and where each line has colours and letters beyond ASCII.
pub async fn search() -> [Measured; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), LINES, |text| text);
    let bytes = size(folder.path());
    let plain = compare(folder.path(), LINES, bytes, &["--text"]).await;
    compress_full(folder.path()).expect("compressed");
    let compressed = compare(folder.path(), LINES, bytes, &["--search-zip", "--text"]).await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), COLOURED, |text| format!("\u{1b}[32m\u{2713}\u{1b}[0m {text}"));
    let coloured = compare(folder.path(), COLOURED, size(folder.path()), &["--text"]).await;
    [plain, compressed, coloured]
}

fn write(folder: &Path, lines: i64, shown: impl Fn(String) -> String) {
    let mut writer = Writer::at(folder).expect("a log");
    for number in 0..lines {
        let text = if number % EACH == 0 {
            format!("WARN order {number}: Payment refused by the bank of customer {}", number % 977)
        } else {
            format!(
                "INFO GET /products/{number}?page={} 200 in {} ms by worker {}",
                number % 89,
                number % 61,
                number % 7
            )
        };
        writer.line(1_700_000_000_000_000 + number, "stdout", shown(text).as_bytes()).expect("a line");
    }
}

async fn compare(folder: &Path, lines: i64, bytes: f64, arguments: &[&str]) -> Measured {
    let (mut here, mut bare) = (Vec::new(), Vec::new());
    // The first turn warms up, and counts for nothing.
    for turn in 0..4 {
        let begun = Instant::now();
        let query = Query { text: Some(SOUGHT.to_owned()), ..Query::default() };
        let found = read(folder.to_owned(), query).count().await;
        let own = begun.elapsed().as_secs_f64();
        assert_eq!(found, usize::try_from(lines / EACH).expect("few"));
        let begun = Instant::now();
        let said = Command::new("rg")
            .args(["--ignore-case", "--fixed-strings", "--no-filename", "--no-config"])
            .args(arguments)
            .arg("--")
            .arg(SOUGHT)
            .arg(folder)
            .output()
            .expect("ripgrep");
        let other = begun.elapsed().as_secs_f64();
        assert_eq!(
            said.stdout.iter().filter(|byte| **byte == b'\n').count(),
            found,
            "ripgrep finds the same"
        );
        if turn > 0 {
            here.push(bytes / own);
            bare.push(bytes / other);
        }
    }
    Measured { here: middle(here), bare: middle(bare) }
}

/// Megabytes.
#[allow(clippy::cast_precision_loss)]
fn size(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file"));
    let bytes: u64 = files.map(|file| file.metadata().expect("a size").len()).sum();
    bytes as f64 / 1e6
}

/// Lines a second that reach all followers together: of a log that an agent reads from its disk, by the public API, and of
/// a stream that does nothing but send them.
pub async fn follow(here: &Installation) -> Measured {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = here.with_agent(folder.path()).await;
    let write = |number: usize| {
        let mut writer = Writer::at(&logs).expect("a log");
        for line in 0..number {
            writer.line(now(), "stdout", text(line).as_bytes()).expect("a line");
        }
    };
    let (address, requests) = here.follow_log();
    let own = followed(address, &requests, write).await;

    let (sender, _) = tokio::sync::broadcast::channel::<Arc<str>>(16 * 1024);
    let address = bare(sender.clone()).await;
    let write = |number: usize| {
        for line in 0..number {
            let value = serde_json::json!({ "position": format!("1-{line}"), "at": "2026-11-26T12:00:00.000Z",
                "stream": "stdout", "level": "info", "text": text(line) });
            // Nobody may be listening yet.
            let _ = sender.send(format!("id: 1-{line}\ndata: {value}\n\n").into());
        }
    };
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned();
    let bare = followed(address, &[request], write).await;
    Measured { here: own, bare }
}

fn text(line: usize) -> String {
    format!("INFO GET /products/{line} 200 in {} ms", line % 61)
}

/// Each tenth of a second a tenth of a second's lines are written.
async fn followed(address: SocketAddr, requests: &[String], write: impl Fn(usize)) -> f64 {
    let received = Arc::new(AtomicU64::new(0));
    let mut followers = Vec::new();
    for request in requests.iter().cycle().take(FOLLOWERS) {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut chunk = vec![0; 64 * 1024];
        let read = stream.read(&mut chunk).await.expect("an answer");
        assert!(chunk[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&chunk[..read]));
        let received = received.clone();
        followers.push(tokio::spawn(async move {
            while let Ok(read) = stream.read(&mut chunk).await {
                if read == 0 {
                    return;
                }
                let lines = chunk[..read].windows(7).filter(|seven| *seven == b"\ndata: ").count();
                received.fetch_add(u64::try_from(lines).expect("few"), Ordering::Relaxed);
            }
        }));
    }
    let begun = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..SECONDS * 10 {
        tick.tick().await;
        write(A_SECOND / 10);
    }
    // What was written last is on its way.
    let wanted = u64::try_from(FOLLOWERS * A_SECOND * SECONDS).expect("few");
    while received.load(Ordering::Relaxed) < wanted * 999 / 1000 && begun.elapsed() < Duration::from_secs(60)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let elapsed = begun.elapsed().as_secs_f64();
    for follower in followers {
        follower.abort();
    }
    #[allow(clippy::cast_precision_loss)]
    let lines = received.load(Ordering::Relaxed) as f64;
    lines / elapsed
}

async fn bare(sender: tokio::sync::broadcast::Sender<Arc<str>>) -> SocketAddr {
    use axum::body::Body;
    use axum::response::Response;
    let answer = move || {
        let lines = tokio_stream::wrappers::BroadcastStream::new(sender.subscribe());
        let frames = lines
            .filter_map(|line| async { line.ok().map(|line| Ok::<_, std::io::Error>(line.to_string())) });
        async move {
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(Body::from_stream(
                    futures_util::stream::once(async { Ok(": \n\n".to_owned()) }).chain(frames),
                ))
                .expect("an answer")
        }
    };
    // The bench's own server, not Stoa's.
    #[allow(clippy::disallowed_methods)]
    let router = axum::Router::new().route("/", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    i64::try_from(since.as_micros()).expect("a time")
}
