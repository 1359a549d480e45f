//! Asking an application whether it is well.

use std::io;
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

/// The ports that something listens on in the network of a process: from `/proc/<pid>/net/tcp` and `tcp6` (proc(5)).
pub(super) fn listening(pid: i32) -> Vec<u16> {
    let mut ports = Vec::new();
    for file in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let mut fields = line.split_whitespace().skip(1);
            let (Some(local), Some(_), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            // 0A: listening.
            if state == "0A"
                && let Some(port) =
                    local.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok())
            {
                ports.push(port);
            }
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}
