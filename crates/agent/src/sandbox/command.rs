//! A single command in a sandbox: a build's, a release command. It ends with us.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
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
    /// Something in it was killed for want of memory.
    OutOfMemory,
    /// It took longer than it may.
    OutOfTime,
    Cancelled,
    /// It, or somebody else meanwhile, left less of the disk free than has to be.
    DiskFull,
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
            status = &mut waiting => {
                let status = status.map_err(io::Error::other)??;
                Ended::Status(status.code().unwrap_or(-1))
            }
            () = tokio::time::sleep(time_limit) => Ended::OutOfTime,
            () = cancel.cancelled() => Ended::Cancelled,
            () = disk_is_full(plan.place) => Ended::DiskFull,
        };
        match ended {
            Ended::Status(0..) => {}
            // Who stood outside was killed, and what is inside goes on without it.
            Ended::Status(_) => identity.end().await?,
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
