//! A single command in a sandbox: a build's, a release command. It ends with us.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Plan, Sandboxes};
use crate::folders::{LEAST_FREE, free_space};
use crate::init::{Orders, descriptor};
use crate::logs::Cutter;

/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// One line that the command wrote.
pub struct OutputLine {
    pub stream: &'static str,
    pub text: Vec<u8>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Status(i32),
    /// What stands around it was killed, by this signal where that is known: nothing could say how it ended itself.
    Killed(Option<i32>),
    /// Something in it was killed for want of memory.
    OutOfMemory,
    /// It took longer than it may.
    OutOfTime,
    Cancelled,
    /// It, or somebody else meanwhile, left less of the disk free than has to be.
    DiskFull,
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        status.code().map_or_else(|| Self::Killed(status.signal()), Self::Status)
    }

    /// How one ended that wasn't ended by us, as a sentence about it goes on.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let name = |signal: i32| Signal::try_from(signal).ok().map(Signal::as_str);
        match *self {
            // A status beyond 128 is by custom that of one who was killed.
            Self::Status(status) => Some(match name(status - 128) {
                Some(signal) => format!("ended with status {status} ({signal})"),
                None => format!("ended with status {status}"),
            }),
            Self::Killed(Some(signal)) => Some(match name(signal) {
                Some(signal) => format!("was killed ({signal})"),
                None => format!("was killed (signal {signal})"),
            }),
            Self::Killed(None) => Some("ended without saying how".to_owned()),
            Self::OutOfMemory | Self::OutOfTime | Self::Cancelled | Self::DiskFull => None,
        }
    }
}

impl Sandboxes {
    /// Runs it to its end. Its lines go to `output` as they come.
    ///
    /// # Errors
    /// Where the sandbox can't be made.
    pub async fn run_command(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        time_limit: Duration,
        cancel: &CancellationToken,
        output: mpsc::Sender<OutputLine>,
    ) -> io::Result<Ended> {
        self.run_reading(plan, orders, Stdio::null(), time_limit, cancel, output).await
    }

    /// The same, of one that is told something: it reads `input` to its end.
    ///
    /// # Errors
    /// Where the sandbox can't be made.
    pub async fn run_told(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        input: &[u8],
        time_limit: Duration,
        cancel: &CancellationToken,
        output: mpsc::Sender<OutputLine>,
    ) -> io::Result<Ended> {
        let input = super::in_memory("input", input)?;
        // By name too: `/dev/stdin` is opened as the instance's own user.
        nix::sys::stat::fchmod(&input, nix::sys::stat::Mode::from_bits_truncate(0o444))?;
        self.run_reading(plan, orders, input.into(), time_limit, cancel, output).await
    }

    async fn run_reading(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        input: Stdio,
        time_limit: Duration,
        cancel: &CancellationToken,
        output: mpsc::Sender<OutputLine>,
    ) -> io::Result<Ended> {
        let (out, out_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let readers = [follow("stdout", out, output.clone())?, follow("stderr", err, output)?];
        // Nothing is written to it. Its end, whether this ends well or is killed, ends the command.
        let (starter, _until_here) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let extra = vec![(starter, descriptor::STARTER)];
        let standard = [input, out_end.into(), err_end.into()];
        let stage = super::plan::Stage::Instance;
        let mut started = self.start_with(plan, orders, extra, standard, true, stage).await?;
        let identity = started.identity;
        let waiting = tokio::task::spawn_blocking(move || started.child.wait());
        tokio::pin!(waiting);
        let ended = tokio::select! {
            status = &mut waiting => Ended::of(status.map_err(io::Error::other)??),
            () = tokio::time::sleep(time_limit) => Ended::OutOfTime,
            () = cancel.cancelled() => Ended::Cancelled,
            () = disk_is_full(plan.place) => Ended::DiskFull,
        };
        match ended {
            Ended::Status(_) => {}
            // Who stood outside was killed, and what is inside goes on without it.
            Ended::Killed(_) => identity.end().await?,
            _ => {
                identity.end().await?;
                waiting.await.map_err(io::Error::other)??;
            }
        }
        for reader in readers {
            // What it wrote last belongs to it.
            reader.await.map_err(io::Error::other)?;
        }
        Ok(ended)
    }
}

/// Until the disk of that folder is as good as full.
pub(crate) async fn disk_is_full(folder: &Path) {
    loop {
        tokio::time::sleep(LOOK).await;
        // A disk that can't be asked is told of by whoever writes to it.
        if free_space(folder).is_ok_and(|bytes| bytes < LEAST_FREE) {
            return;
        }
    }
}

fn follow(
    stream: &'static str,
    pipe: OwnedFd,
    output: mpsc::Sender<OutputLine>,
) -> io::Result<tokio::task::JoinHandle<()>> {
    let mut pipe = Receiver::from_owned_fd(pipe)?;
    Ok(tokio::spawn(async move {
        let mut lines = Cutter::default();
        let mut chunk = vec![0; 64 * 1024];
        let mut waiting = Vec::new();
        loop {
            let count = pipe.read(&mut chunk).await.unwrap_or(0);
            if count > 0 {
                lines.take(&chunk[..count], |line| waiting.push(line.to_vec()));
            } else {
                std::mem::take(&mut lines).end(|line| waiting.push(line.to_vec()));
            }
            for text in waiting.drain(..) {
                // Where nobody listens any more, the pipe is still emptied.
                let _ = output.send(OutputLine { stream, text }).await;
            }
            if count == 0 {
                return;
            }
        }
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn how_a_command_ended_is_said_in_words() {
        // As wait(2) tells it.
        for (raw, words) in [
            (3 << 8, "ended with status 3"),
            (128 << 8, "ended with status 128"),
            (137 << 8, "ended with status 137 (SIGKILL)"),
            (9, "was killed (SIGKILL)"),
        ] {
            assert_eq!(Ended::of(ExitStatus::from_raw(raw)).in_words().unwrap(), words, "{raw}");
        }
        assert_eq!(Ended::Killed(None).in_words().unwrap(), "ended without saying how");
        assert_eq!(Ended::Cancelled.in_words(), None);
    }
}
