//! Asking an application whether it is well.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stoa_toml::Health;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Good,
    /// Nothing listens, or it broke off.
    Nothing,
    Status(u16),
}

/// One question, through the socket, with the instance's own host name.
pub(super) async fn ask(socket: &Path, health: &Health, host: &str) -> Answer {
    match tokio::time::timeout(PATIENCE, ask_once(socket, health, host)).await {
        Ok(Ok(status)) if is_accepted(health, status) => Answer::Good,
        Ok(Ok(status)) => Answer::Status(status),
        Ok(Err(_)) | Err(_) => Answer::Nothing,
    }
}

/// HTTP/1.0, so that the end of the answer is the end of the connection. Only the status line is read.
async fn ask_once(socket: &Path, health: &Health, host: &str) -> io::Result<u16> {
    let mut stream = crate::init::connect(socket).await?;
    let path = if health.path.is_empty() { "/" } else { &health.path };
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: stoa-health\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut line = Vec::new();
    while line.len() < 12 {
        if stream.read_buf(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let text = String::from_utf8_lossy(&line[..12]).into_owned();
    let status =
        text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn is_accepted(health: &Health, status: u16) -> bool {
    if health.path.is_empty() {
        return true;
    }
    let text = status.to_string();
    health.status.iter().any(|wanted| match wanted.strip_suffix("xx") {
        Some(class) => text.starts_with(class),
        None => *wanted == text,
    })
}

/// Whether something listens on a port in the network of a process.
pub(super) fn listens(pid: i32, port: u16) -> bool {
    TABLES.iter().any(|table| listening_in(pid, table).contains(&port))
}

/// The ports that something listens on in the network of a process.
pub(super) fn listening(pid: i32) -> Vec<u16> {
    let mut ports: Vec<u16> = TABLES.iter().flat_map(|table| listening_in(pid, table)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// `/proc/<pid>/net/tcp` and `tcp6` (proc(5)).
const TABLES: [&str; 2] = ["tcp", "tcp6"];

fn listening_in(pid: i32, table: &str) -> Vec<u16> {
    // A process that has ended has none.
    let text = read_table(Path::new(&format!("/proc/{pid}/net/{table}"))).unwrap_or_default();
    let port = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
        // 0A: listening.
        let port = (state == "0A").then(|| local.rsplit(':').next())??;
        u16::from_str_radix(port, 16).ok()
    };
    text.lines().skip(1).filter_map(port).collect()
}

/// A table is as long as a page holds lines, or has more to read. For each read, the one that finds its end too, the
/// kernel goes through the places of all connections of the machine, a quarter of a million on a small one: so a read
/// that left room for more lines is the last.
fn read_table(file: &Path) -> io::Result<String> {
    /// The smallest page that there is, less a line or two.
    const FULL: usize = 4096 - 512;
    let mut file = std::fs::File::open(file)?;
    let mut text = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut part)?;
        text.extend_from_slice(&part[..read]);
        if read < FULL {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// More of them than a page of the kernel's holds lines.
    #[test]
    fn each_port_that_is_listened_on_is_found_and_no_other() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let listeners: Vec<TcpListener> =
            (0..90).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let six = TcpListener::bind("[::1]:0").expect("a port");
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let all = listening(own);
        for listener in listeners.iter().chain([&six]) {
            assert!(all.contains(&port(listener)), "{} isn't among {all:?}", port(listener));
            assert!(listens(own, port(listener)));
        }
        // What is only connected isn't listened on.
        let end = std::net::TcpStream::connect(listeners[0].local_addr().expect("an address"))
            .expect("a connection");
        let ours = end.local_addr().expect("an address").port();
        assert!(!listens(own, ours));
        assert!(listening(i32::MAX).is_empty(), "of no process");
    }
}
