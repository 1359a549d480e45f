//! Asking an application whether it is well.

use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

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

/// Pauses between one restart of what doesn't become well and the next, where it has less time for that.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// When an application is asked, and what its answers come to. A process that has just begun, by itself or by others, has
/// its `start_time` to give its first good answer: until then a bad one is none.
pub(super) struct Checks {
    /// Its number in the sandbox and when it began, as process 1 tells it.
    process: Option<(i32, Option<i64>)>,
    /// Until when it has time to become well; `None` once it was.
    starts_until: Option<Instant>,
    next: Instant,
    /// In a row.
    failures: u32,
    pause: Duration,
}

impl Checks {
    /// Of a process that is well; of none, where the next one that is seen is still to become well.
    pub fn of_well(process: Option<(i32, Option<i64>)>, now: Instant, health: &Health) -> Self {
        Self { process, starts_until: None, next: now + health.every, failures: 0, pause: FIRST_PAUSE }
    }

    /// Whether it is to be asked now. What has begun is asked at every look, so that it is seen soon when it is well.
    pub fn are_due(&mut self, process: (i32, Option<i64>), now: Instant, health: &Health) -> bool {
        if self.process.replace(process) != Some(process) {
            self.failures = 0;
            self.starts_until = Some(now + health.start_time.max(self.pause));
        }
        if self.starts_until.is_none() && now < self.next {
            return false;
        }
        self.next = now + health.every;
        true
    }

    pub fn good(&mut self) {
        self.failures = 0;
        self.starts_until = None;
        self.pause = FIRST_PAUSE;
    }

    /// Whether it is to be restarted for it.
    pub fn bad(&mut self, now: Instant, health: &Health) -> bool {
        match self.starts_until {
            Some(until) if now < until => return false,
            Some(_) => {
                self.starts_until = None;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            None => {
                self.failures += 1;
                if self.failures < health.failures {
                    return false;
                }
            }
        }
        self.failures = 0;
        // Until it is another process.
        self.next = now + health.every;
        true
    }
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

    #[test]
    fn who_has_begun_has_its_time_to_become_well_and_who_was_well_so_many_failures() {
        let seconds = Duration::from_secs;
        let (start_time, every) = (seconds(10), seconds(15));
        let health = Health { path: String::new(), status: Vec::new(), start_time, every, failures: 3 };
        let began = Instant::now();
        let at = |second: u64| began + seconds(second);
        let (first, second, third) = ((2, Some(1)), (9, Some(2)), (9, Some(3)));
        let mut checks = Checks::of_well(Some(first), began, &health);
        // Each look within its pause asks nothing.
        let asked: Vec<u64> = (1..=50).filter(|now| checks.are_due(first, at(*now), &health)).collect();
        assert_eq!(asked, [15, 30, 45]);
        // Failures in a row.
        assert!(!checks.bad(at(60), &health) && !checks.bad(at(75), &health));
        checks.good();
        assert!(!checks.bad(at(90), &health) && !checks.bad(at(105), &health));
        assert!(checks.bad(at(120), &health));
        // The next process: asked at each look, restarted only once its time is over.
        for now in 122..132 {
            assert!(checks.are_due(second, at(now), &health) && !checks.bad(at(now), &health), "{now}");
        }
        assert!(checks.are_due(second, at(132), &health) && checks.bad(at(132), &health));
        assert!(!checks.are_due(second, at(133), &health), "not while it is restarted");
        // The same number, another process. What becomes well has its failures again.
        assert!(checks.are_due(third, at(134), &health) && !checks.bad(at(134), &health));
        checks.good();
        assert!(checks.are_due(third, at(149), &health) && !checks.bad(at(149), &health));
        // One that never becomes well in next to no time is given more and more.
        let hurried = Health { start_time: seconds(1), ..health };
        let mut given = Vec::new();
        let mut now = 200;
        for process in 20..29 {
            let since = now;
            while !(checks.are_due((process, None), at(now), &hurried) && checks.bad(at(now), &hurried)) {
                now += 1;
            }
            given.push(now - since);
        }
        assert_eq!(given, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

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
