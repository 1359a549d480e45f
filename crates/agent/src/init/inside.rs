//! Process 1.

use std::cell::Cell;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};
use stoa_domain::Secret;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use super::connections::Connections;
use super::control::{self, Request, Response, Status};
use super::output::Output;
use super::process::{Children, Supervised, spawn, wait_for};
use super::schedules::Schedules;
use super::{Orders, descriptor};
use super::{database, databases};
use crate::logs::Writer;

/// How long killed processes may take to be gone.
const BURIAL: Duration = Duration::from_secs(5);

/// The highest number of a capability that any kernel has.
const CAPABILITIES: u64 = 63;

fn failed(what: &str, error: impl std::fmt::Display) -> String {
    format!("{what}: {error}")
}

// SAFETY: the number was given to this process by the one that started it, and nothing else here owns it.
#[allow(unsafe_code)]
fn inherited(number: RawFd) -> OwnedFd {
    // SAFETY: see above.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// What process 1 begins with, whatever it is for: its orders, and nothing of the rights that it was started with.
pub(super) fn begin() -> Result<Orders, String> {
    // First of all: nobody in the sandbox looks into this process.
    nix::sys::prctl::set_dumpable(false).map_err(|errno| failed("dumpable", errno))?;
    let mut text = String::new();
    File::from(inherited(descriptor::ORDERS))
        .read_to_string(&mut text)
        .map_err(|error| failed("orders", error))?;
    let orders: Orders = serde_json::from_str(&text).map_err(|error| failed("orders", error))?;
    drop(zeroize::Zeroizing::new(text));
    give_up_rights(&orders)?;
    // It's there only where there is a network; nobody else may hold it open.
    keep_from_children(descriptor::LIFE)?;
    Ok(orders)
}

pub(super) fn run() -> Result<u8, String> {
    let orders = begin()?;
    if orders.once {
        end_with_starter()?;
        let Some(process) = orders.processes.first() else { return Err("nothing to run".to_owned()) };
        let copied = database::asked_for(&process.command);
        if let Some(copied) = copied.or_else(|| databases::asked_for(&process.command)) {
            return copied;
        }
        // What it is told, where it is told anything, this process was given for it.
        let standard = [Stdio::inherit(), Stdio::inherit(), Stdio::inherit()];
        let pid = spawn(&process.command, &orders, standard)
            .map_err(|error| failed(process.command.first().map_or("", String::as_str), error))?;
        return Ok(wait_for(pid));
    }
    for number in [descriptor::APPLICATION, descriptor::CONTROL, descriptor::LOG] {
        keep_from_children(number)?;
    }
    let mut writer = Writer::new(inherited(descriptor::LOG)).map_err(|error| failed("log", error))?;
    let secrets = secrets(&orders);
    if let Some(name) = &orders.sandbox {
        writer = writer.of_sandbox(name);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start", error))?;
    LocalSet::new().block_on(&runtime, serve(orders, Output::new(writer, &secrets)))
}

/// What the application is given in secret, it may still write.
fn secrets(orders: &Orders) -> Vec<Secret> {
    let secret = orders.environment.iter().filter(|(name, _)| orders.masked.contains(name));
    let secret = secret.map(|(_, value)| value).chain(&orders.masked_values);
    secret.map(|value| Secret::from_text(value.clone())).collect()
}

/// A single command isn't to outlive whoever asked for it, who holds the other end of a pipe. The kernel's own signal at
/// a parent's death doesn't get here: bubblewrap, the parent, has no right to send one to the instance's user.
pub(super) fn end_with_starter() -> Result<(), String> {
    keep_from_children(descriptor::STARTER)?;
    let mut pipe = File::from(inherited(descriptor::STARTER));
    let waiting = move || {
        // Nothing is ever written to it.
        let _ = pipe.read(&mut [0; 1]);
        // Process 1 of a namespace takes all of it along.
        std::process::exit(1);
    };
    std::thread::Builder::new().spawn(waiting).map(drop).map_err(|error| failed("thread", error))
}

pub(super) fn keep_from_children(number: RawFd) -> Result<(), String> {
    let borrowed = std::mem::ManuallyDrop::new(inherited(number));
    match fcntl(&*borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
        Ok(_) => Ok(()),
        Err(nix::errno::Errno::EBADF) if number == descriptor::LIFE => Ok(()),
        Err(errno) => Err(failed("descriptor", errno)),
    }
}

/// From here on it has the rights of the application's own user, and none to gain more.
fn give_up_rights(orders: &Orders) -> Result<(), String> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|errno| failed("limits", errno))?;
    let files = most.min(65_536);
    setrlimit(Resource::RLIMIT_NOFILE, files, files).map_err(|errno| failed("limits", errno))?;
    setrlimit(Resource::RLIMIT_NPROC, orders.processes_limit, orders.processes_limit)
        .map_err(|errno| failed("limits", errno))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|errno| failed("limits", errno))?;
    if let Some(user) = orders.user {
        for capability in 0..=CAPABILITIES {
            drop_from_bounding_set(capability);
        }
        setgroups(&[]).map_err(|errno| failed("groups", errno))?;
        let group = Gid::from_raw(user);
        setresgid(group, group, group).map_err(|errno| failed("group", errno))?;
        let user = Uid::from_raw(user);
        setresuid(user, user, user).map_err(|errno| failed("user", errno))?;
        drop_capabilities()?;
        // The change of user may have opened it again.
        nix::sys::prctl::set_dumpable(false).map_err(|errno| failed("dumpable", errno))?;
    }
    nix::sys::prctl::set_no_new_privs().map_err(|errno| failed("privileges", errno))
}

/// The change of user leaves those that a program could be given by its file.
#[allow(unsafe_code)]
fn drop_capabilities() -> Result<(), String> {
    /// `_LINUX_CAPABILITY_VERSION_3` of capability.h: two words of each set.
    const VERSION: u32 = 0x2008_0522;
    let header = [VERSION, 0];
    let none = [0_u32; 6];
    // SAFETY: both arrays have the size that this version of the call reads, and outlive it.
    let outcome = unsafe { nix::libc::syscall(nix::libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    nix::errno::Errno::result(outcome).map(drop).map_err(|errno| failed("capabilities", errno))
}

#[allow(unsafe_code)]
fn drop_from_bounding_set(capability: u64) {
    // SAFETY: a system call with numbers alone. A capability that the kernel doesn't know is refused, which is right.
    unsafe { nix::libc::prctl(nix::libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
}

pub(super) fn listener(number: RawFd) -> Result<UnixListener, String> {
    let listener = std::os::unix::net::UnixListener::from(inherited(number));
    listener.set_nonblocking(true).map_err(|error| failed("socket", error))?;
    UnixListener::from_std(listener).map_err(|error| failed("socket", error))
}

struct Sandbox {
    supervised: Vec<Supervised>,
    schedules: Schedules,
    connections: Connections,
    /// How long they have to end before the application is asked to: as long as it has itself then.
    drain: Duration,
    children: Children,
    output: Output,
    is_busy: Cell<bool>,
    over: tokio::sync::Notify,
}

async fn serve(orders: Orders, output: Output) -> Result<u8, String> {
    let children = Children::default();
    // The one signal that is listened to: what the application sends to process 1 else, the kernel doesn't deliver.
    let mut ended = signal(SignalKind::child()).map_err(|error| failed("signals", error))?;
    let connections = Connections::new(listener(descriptor::APPLICATION)?, orders.port);
    tokio::spawn(connections.clone().accept());
    let control = listener(descriptor::CONTROL)?;
    let orders = Rc::new(orders);
    let schedules = Schedules::new(orders.clone(), children.clone(), output.clone())?;
    let supervised = orders
        .processes
        .iter()
        .map(|process| Supervised::new(process.clone(), orders.clone(), children.clone(), output.clone()))
        .collect();
    let sandbox = Rc::new(Sandbox {
        supervised,
        schedules,
        connections,
        drain: Duration::from_secs(orders.processes.first().map_or(0, |process| process.stop_seconds)),
        children: children.clone(),
        output,
        is_busy: Cell::new(false),
        over: tokio::sync::Notify::new(),
    });
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            _ = ended.recv() => { let _ = children.reap(); }
            _ = tick.tick() => {
                // Signals of the same kind melt together: nobody is left unburied.
                let _ = children.reap();
                sandbox.output.settle();
            }
            Ok((stream, _)) = control.accept() => {
                tokio::task::spawn_local(attend(sandbox.clone(), stream));
            }
            () = sandbox.over.notified() => return Ok(0),
        }
    }
}

async fn attend(sandbox: Rc<Sandbox>, mut stream: UnixStream) {
    let Ok(request) = control::read(&mut stream).await else { return };
    let response = match &request {
        Request::Status => Response::Status(sandbox.status()),
        Request::RunSchedules => {
            sandbox.schedules.begin_turn();
            Response::Done
        }
        Request::LeaveOut { secrets } => {
            sandbox.output.leave_out(secrets.iter().map(|text| &text.0));
            Response::Done
        }
        Request::SoftRestart if sandbox.is_busy.get() => Response::Refused("busy".to_owned()),
        Request::SoftRestart => {
            sandbox.soft_restart().await;
            Response::Done
        }
        Request::Stop { grace } => {
            sandbox.stop(grace.map(Duration::from_secs)).await;
            Response::Done
        }
    };
    // Whoever asked may be gone; what was asked is done.
    let _ = control::answer(&mut stream, &response).await;
    if matches!(request, Request::Stop { .. }) {
        sandbox.over.notify_one();
    }
}

impl Sandbox {
    fn status(&self) -> Status {
        Status {
            processes: self.supervised.iter().map(Supervised::status).collect(),
            connections: self.connections.count(),
            is_restarting: self.is_busy.get(),
            schedules: self.schedules.status(),
            runs_schedules: self.schedules.is_on(),
        }
    }

    /// Asks all processes to end, once what is open has ended or has had its while.
    async fn end_all(&self, grace: Option<Duration>, ended: impl Future<Output = ()>) {
        let drain = grace.map_or(self.drain, |grace| grace.min(self.drain));
        if tokio::time::timeout(drain, ended).await.is_err() {
            let open = self.connections.count();
            self.output.say(&format!("{open} connections were still open after {} s", drain.as_secs()));
        }
        let processes = futures_util::future::join_all(self.supervised.iter().map(|one| one.stop(grace)));
        tokio::join!(processes, self.schedules.end_all(grace));
        // What has left its group too: everything in this namespace but process 1.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        // Until they are gone they may hold the port.
        if tokio::time::timeout(BURIAL, self.children.gone()).await.is_err() {
            self.output.say("some processes can't be ended");
        }
    }

    async fn soft_restart(&self) {
        self.is_busy.set(true);
        self.output.say("restarting");
        // New connections wait for the next application.
        self.connections.pause(true);
        self.end_all(None, self.connections.drained()).await;
        for one in &self.supervised {
            one.start();
        }
        self.schedules.go_on();
        self.connections.pause(false);
        self.is_busy.set(false);
    }

    async fn stop(&self, grace: Option<Duration>) {
        self.is_busy.set(true);
        self.output.say("stopping");
        // There is no next one: who was let in, or is about to be, is answered by this one.
        self.end_all(grace, self.connections.emptied()).await;
        self.output.settle();
    }
}
