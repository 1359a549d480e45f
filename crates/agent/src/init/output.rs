//! What the processes write, as lines of the log: bounded in length and in number.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stoa_domain::Secret;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::logs::{Cutter, Secrets, Writer};

/// Lines in a second; what is beyond is dropped, counted and said.
const MOST: usize = 20_000;

/// A line counts once more for each of these that it is long, so that long ones don't fill the disk instead.
const LONG: usize = 1024;

/// The log, shared by all that write to it.
#[derive(Clone)]
pub(super) struct Output {
    log: Arc<Mutex<Log>>,
}

struct Log {
    writer: Writer,
    /// What it is without: all that was secret since the sandbox began.
    secrets: Secrets,
    second: Instant,
    counted: usize,
    dropped: u64,
}

/// Microseconds of UTC. The log's clock is the machine's: no use-case depends on it.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[allow(clippy::disallowed_methods)]
fn moment() -> Instant {
    Instant::now()
}

impl Output {
    /// Without these secrets in what is written.
    pub(super) fn new(writer: Writer, secrets: &[Secret]) -> Self {
        let log = Log { writer, secrets: Secrets::default(), second: moment(), counted: 0, dropped: 0 };
        let output = Self { log: Arc::new(Mutex::new(log)) };
        output.leave_out(secrets);
        output
    }

    /// From the next line on without these too.
    pub(super) fn leave_out<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        self.with(|log| {
            if log.secrets.renew(secrets) {
                log.writer.mask(Arc::new(log.secrets.masks()));
            }
        });
    }

    /// What Stoa itself has to say there.
    pub(super) fn say(&self, text: &str) {
        self.with(|log| log.write("stoa", text.as_bytes()));
    }

    fn line(&self, stream: &str, text: &[u8]) {
        self.with(|log| {
            let now = moment();
            if now.duration_since(log.second) >= Duration::from_secs(1) {
                log.settle();
                log.second = now;
                log.counted = 0;
            }
            log.counted += 1 + text.len() / LONG;
            if log.counted > MOST {
                log.dropped += 1;
            } else {
                log.write(stream, text);
            }
        });
    }

    /// Says what was dropped and not yet said.
    pub(super) fn settle(&self) {
        self.with(Log::settle);
    }

    fn with(&self, work: impl FnOnce(&mut Log)) {
        work(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes in what a process writes, until it and all that it started have closed it.
    pub(super) async fn follow(self, stream: String, mut pipe: Receiver) {
        let mut lines = Cutter::default();
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count) = pipe.read(&mut chunk).await {
            if count == 0 {
                break;
            }
            lines.take(&chunk[..count], |line| self.line(&stream, line));
        }
        lines.end(|line| self.line(&stream, line));
    }
}

impl Log {
    fn settle(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.write(
                "stoa",
                format!("{dropped} lines were dropped: more than {MOST} in a second").as_bytes(),
            );
        }
    }

    fn write(&mut self, stream: &str, text: &[u8]) {
        // A disk that takes nothing more mustn't end the application. There is nowhere left to say it.
        let _ = self.writer.line(now(), stream, text);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_told_is_left_out_from_the_next_line_on_and_what_was_before_too() {
        let folder = tempfile::tempdir().unwrap();
        let [began, became, replaced] =
            ["began-secret", "became-secret", "came-later"].map(|text| Secret::from_text(text.to_owned()));
        let output = Output::new(Writer::at(folder.path()).unwrap(), &[began]);
        let line = || output.line("stdout", b"began-secret became-secret came-later");
        line();
        output.leave_out(&[became]);
        line();
        output.leave_out(&[replaced]);
        line();
        output.leave_out(&[]);
        line();
        let part = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let written = std::fs::read_to_string(part).unwrap();
        let lines: Vec<&str> = written.lines().map(|line| line.split_once(" stdout ").unwrap().1).collect();
        let none = "[secret removed] [secret removed] [secret removed]";
        let expected = [
            "[secret removed] became-secret came-later",
            "[secret removed] [secret removed] came-later",
            none,
            none,
        ];
        assert_eq!(lines, expected);
    }
}
