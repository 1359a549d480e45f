//! One process of the application: started, stopped, and started again when it ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot};

use super::control::ProcessStatus;
use super::output::{Output, now};
use super::{Orders, Process};

/// The longest pause before a process is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often it is looked whether killed processes are gone.
const LOOK: Duration = Duration::from_millis(5);

/// After this long it counts as having started well.
const WELL: Duration = Duration::from_secs(60);

/// Who waits for the end of which process. Process 1 has one thread.
#[derive(Clone, Default)]
pub(super) struct Children {
    waiting: Rc<RefCell<HashMap<Pid, oneshot::Sender<String>>>>,
}

impl Children {
    /// Takes in all that have ended: also those that were left to process 1 by their parents. Gives whether any is left.
    pub(super) fn reap(&self) -> bool {
        loop {
            let (pid, ended) = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => (pid, format!("status {status}")),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, format!("signal {signal}")),
                Ok(WaitStatus::StillAlive) => return true,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => return false,
            };
            if let Some(waiting) = self.waiting.borrow_mut().remove(&pid) {
                // Whoever waited may have given up.
                let _ = waiting.send(ended);
            }
        }
    }

    /// Until no process is left but process 1.
    pub(super) async fn gone(&self) {
        while self.reap() {
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) fn register(&self, pid: Pid) -> oneshot::Receiver<String> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(pid, sender);
        receiver
    }
}

/// What a process is told.
pub(super) enum Tell {
    /// End, within this time or the process's own, and stay so.
    Stop {
        grace: Option<Duration>,
        done: oneshot::Sender<()>,
    },
    Start,
}

/// A process, and who looks after it.
pub(super) struct Supervised {
    tell: mpsc::UnboundedSender<Tell>,
    status: Rc<RefCell<ProcessStatus>>,
}

impl Supervised {
    /// Starts it, and looks after it from now on.
    pub(super) fn new(process: Process, orders: Rc<Orders>, children: Children, output: Output) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let status =
            Rc::new(RefCell::new(ProcessStatus { name: process.name.clone(), ..ProcessStatus::default() }));
        let keeper = Keeper { process, orders, children, output, status: status.clone() };
        tokio::task::spawn_local(keeper.keep(told));
        Self { tell, status }
    }

    pub(super) fn status(&self) -> ProcessStatus {
        self.status.borrow().clone()
    }

    /// Resolves when it has ended.
    pub(super) async fn stop(&self, grace: Option<Duration>) {
        let (done, over) = oneshot::channel();
        if self.tell.send(Tell::Stop { grace, done }).is_ok() {
            let _ = over.await;
        }
    }

    pub(super) fn start(&self) {
        // Its keeper lives as long as it.
        let _ = self.tell.send(Tell::Start);
    }
}

struct Keeper {
    process: Process,
    orders: Rc<Orders>,
    children: Children,
    output: Output,
    status: Rc<RefCell<ProcessStatus>>,
}

impl Keeper {
    async fn keep(self, mut told: mpsc::UnboundedReceiver<Tell>) {
        let mut pause = Duration::from_secs(1);
        loop {
            let begun = tokio::time::Instant::now();
            match self.spawn() {
                Ok((pid, mut ended)) => {
                    {
                        let mut status = self.status.borrow_mut();
                        status.pid = Some(pid.as_raw());
                        status.began = Some(now());
                    }
                    let end = loop {
                        tokio::select! {
                            end = &mut ended => break Ok(end.unwrap_or_default()),
                            Some(tell) = told.recv() => match tell {
                                // It runs already.
                                Tell::Start => {}
                                Tell::Stop { grace, done } => break Err((grace, done)),
                            },
                        }
                    };
                    match end {
                        Ok(end) => {
                            self.over(pid, &end);
                            self.output.say(&format!("{} ended ({end})", self.name()));
                        }
                        Err((grace, done)) => {
                            self.end(pid, &mut ended, grace).await;
                            let _ = done.send(());
                            if !self.wait_for_start(&mut told).await {
                                return;
                            }
                            pause = Duration::from_secs(1);
                            continue;
                        }
                    }
                }
                Err(error) => {
                    self.output.say(&format!("{} can't be started: {error}", self.name()));
                    let mut status = self.status.borrow_mut();
                    status.ends += 1;
                    status.last_end = Some(format!("can't be started: {error}"));
                }
            }
            if begun.elapsed() >= WELL {
                pause = Duration::from_secs(1);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Some(tell) = told.recv() => {
                    if let Tell::Stop { done, .. } = tell {
                        let _ = done.send(());
                        if !self.wait_for_start(&mut told).await {
                            return;
                        }
                        pause = Duration::from_secs(1);
                        continue;
                    }
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn name(&self) -> String {
        if self.process.name.is_empty() {
            "The application".to_owned()
        } else {
            format!("The process {}", self.process.name)
        }
    }

    async fn wait_for_start(&self, told: &mut mpsc::UnboundedReceiver<Tell>) -> bool {
        loop {
            match told.recv().await {
                Some(Tell::Start) => return true,
                Some(Tell::Stop { done, .. }) => _ = done.send(()),
                None => return false,
            }
        }
    }

    fn over(&self, group: Pid, end: &str) {
        // What it left behind in its group goes with it.
        let _ = killpg(group, Signal::SIGKILL);
        let mut status = self.status.borrow_mut();
        status.pid = None;
        status.began = None;
        status.ends += 1;
        status.last_end = Some(end.to_owned());
    }

    async fn end(&self, pid: Pid, ended: &mut oneshot::Receiver<String>, grace: Option<Duration>) {
        let grace = grace.unwrap_or(Duration::from_secs(self.process.stop_seconds));
        let signal = Signal::try_from(self.process.stop_signal).unwrap_or(Signal::SIGTERM);
        if end_group(pid, ended, signal, grace).await {
            self.output.say(&format!("{} didn't end within {} s: killed", self.name(), grace.as_secs()));
        }
        let mut status = self.status.borrow_mut();
        status.pid = None;
        status.began = None;
    }

    /// In a process group of its own, with its output in the log.
    fn spawn(&self) -> std::io::Result<(Pid, oneshot::Receiver<String>)> {
        let (out, out_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = pipe2(OFlag::O_CLOEXEC)?;
        let standard = [Stdio::null(), Stdio::from(out_end), Stdio::from(err_end)];
        let pid = spawn(&self.process.command, &self.orders, standard)?;
        // Nothing is awaited between the start and here: its end can't have been taken in yet.
        let ended = self.children.register(pid);
        follow(&self.output, &self.process.name, "stdout", out)?;
        follow(&self.output, &self.process.name, "stderr", err)?;
        Ok((pid, ended))
    }
}

/// What comes through the pipe stands in the log, with whose it is.
pub(super) fn follow(output: &Output, name: &str, stream: &str, pipe: OwnedFd) -> std::io::Result<()> {
    let stream = if name.is_empty() { stream.to_owned() } else { format!("{name}:{stream}") };
    let pipe = Receiver::from_owned_fd(pipe)?;
    tokio::task::spawn_local(output.clone().follow(stream, pipe));
    Ok(())
}

/// Asks a group to end, and kills what is left of it after that time. Whether the first of it had to be killed.
pub(super) async fn end_group(
    group: Pid,
    ended: &mut oneshot::Receiver<String>,
    signal: Signal,
    grace: Duration,
) -> bool {
    let _ = killpg(group, signal);
    let is_late = tokio::time::timeout(grace, &mut *ended).await.is_err();
    let _ = killpg(group, Signal::SIGKILL);
    if is_late {
        let _ = ended.await;
    }
    is_late
}

/// Starts one process. `standard`: what it reads, and the two that it writes.
pub(super) fn spawn(command: &[String], orders: &Orders, standard: [Stdio; 3]) -> std::io::Result<Pid> {
    let [input, out, err] = standard;
    let Some((program, arguments)) = command.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "an empty command"));
    };
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(orders.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&orders.working_folder)
        .stdin(input)
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()?;
    let pid = i32::try_from(child.id()).map_err(std::io::Error::other)?;
    // Its end is taken in by process 1 like everybody's.
    Ok(Pid::from_raw(pid))
}

/// Waits for the one process of a single command, and gives its status.
pub(super) fn wait_for(pid: Pid) -> u8 {
    loop {
        match waitpid(Pid::from_raw(-1), None) {
            Ok(WaitStatus::Exited(ended, status)) if ended == pid => {
                return u8::try_from(status).unwrap_or(1);
            }
            Ok(WaitStatus::Signaled(ended, signal, _)) if ended == pid => {
                return u8::try_from(128 + signal as i32).unwrap_or(1);
            }
            Err(Errno::ECHILD) => return 1,
            _ => {}
        }
    }
}
