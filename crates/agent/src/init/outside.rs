//! The first stage: a network namespace, its way out, its walls; then it becomes bubblewrap, as soon as it is told how.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use serde::{Deserialize, Serialize};

use super::descriptor;

/// A way out of the namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outgoing {
    /// slirp4netns.
    pub program: String,
    /// The networks that it doesn't lead to.
    pub prohibited: Vec<String>,
    /// The exceptions from these.
    pub allowed: Vec<String>,
    /// Ports that it leads to nowhere, allowed host or not.
    #[serde(default)]
    pub closed_ports: Vec<u16>,
}

/// What the first stage is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outside {
    /// None: the sandbox reaches nothing but itself.
    pub outgoing: Option<Outgoing>,
    /// The program `ip`.
    pub ip: String,
    /// Files to write `0` to: the control groups that it is to be in.
    pub groups: Vec<String>,
    /// Bytes that a single process may have for itself, where no control group limits them all together.
    pub data_limit: Option<u64>,
    /// As an ordinary user: a user namespace first, in which it is root.
    pub user_namespace: bool,
}

// SAFETY of both: the number was given to this process by the one that started it, and nothing else here owns it.
#[allow(unsafe_code)]
fn inherited(number: RawFd) -> File {
    // SAFETY: see above.
    unsafe { File::from_raw_fd(number) }
}

pub(super) fn run() -> Result<u8, String> {
    let mut text = String::new();
    inherited(descriptor::OUTSIDE)
        .read_to_string(&mut text)
        .map_err(|error| format!("no orders: {error}"))?;
    let plan: Outside =
        serde_json::from_str(&text).map_err(|error| format!("orders that can't be read: {error}"))?;
    // The one who makes the way out has to stand outside: it is started before the namespace is entered, and waits.
    let way = plan.outgoing.as_ref().map(Way::prepare).transpose()?;
    let (groups, network) = (plan.groups.clone(), way.as_ref().map(|way| way.process));
    let entering = if plan.user_namespace {
        // Such a namespace can be entered by a process that never had a second thread.
        enter_groups(&groups, network)?;
        None
    } else {
        // The kernel takes ten milliseconds and more to let the first process in: meanwhile the network can be made.
        let thread = std::thread::Builder::new().spawn(move || enter_groups(&groups, network));
        Some(thread.map_err(|error| format!("thread: {error}"))?)
    };
    enter(plan.user_namespace)?;
    // All three start beside each other: the way out, the program that makes its walls, and what this process does.
    let way = way.map(Way::begin).transpose()?;
    let mut ip = Ip::start(&plan.ip, &["-batch", "-"])?;
    ip.tell("link set lo up\n")?;
    if let (Some(way), Some(outgoing)) = (way, &plan.outgoing) {
        way.opened()?;
        ip.tell(&walls(outgoing))?;
        // No way leads out by it; where the kernel has it, one that came to be wouldn't either.
        if !outgoing.closed_ports.is_empty() && std::path::Path::new(IPV6).exists() {
            let mut later = Ip::start(&plan.ip, &["-6", "-batch", "-"])?;
            later.tell(&closed(outgoing))?;
            later.end()?;
        }
    }
    ip.end()?;
    if let Some(bytes) = plan.data_limit {
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_DATA, bytes, bytes)
            .map_err(|errno| format!("memory can't be limited: {errno}"))?;
    }
    entering.map_or(Ok(()), joined)?;
    let Some(command) = told()? else { return Ok(1) };
    let Some((program, arguments)) = command.split_first() else { return Err("no command".to_owned()) };
    Err(format!("{program} can't be started: {}", Command::new(program).args(arguments).exec()))
}

/// This process and the one that makes its way out: what both use counts for the sandbox.
fn enter_groups(groups: &[String], network: Option<u32>) -> Result<(), String> {
    for group in groups {
        let enter = |process: u32| {
            std::fs::write(group, process.to_string())
                .map_err(|error| format!("{group} can't be entered: {error}"))
        };
        enter(std::process::id())?;
        network.map_or(Ok(()), enter)?;
    }
    Ok(())
}

fn joined(entering: std::thread::JoinHandle<Result<(), String>>) -> Result<(), String> {
    entering.join().map_err(|_| "the control groups can't be entered".to_owned())?
}

/// bubblewrap and its arguments, once they are known. `None`: they never will be, by the one who would have told them.
fn told() -> Result<Option<Vec<String>>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("a command that can't be read: {error}");
    let mut line = String::new();
    // A line, not all there is to come: the pipe's other end is in each program that is just being started, too.
    BufReader::new(inherited(descriptor::COMMAND)).read_line(&mut line).map_err(|error| failed(&error))?;
    if !line.ends_with('\n') {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).map_err(|error| failed(&error))
}

/// There where the kernel knows IPv6.
const IPV6: &str = "/proc/sys/net/ipv6";

/// Rules go before routes, but for those of the sandbox's own addresses: what it sends to itself stays there.
fn closed(outgoing: &Outgoing) -> String {
    let line = |port: &u16| format!("rule add ipproto tcp dport {port} prohibit\n");
    outgoing.closed_ports.iter().map(line).collect()
}

/// Allowed hosts first: a route to a single address goes before the one to its network.
fn walls(outgoing: &Outgoing) -> String {
    let mut lines = closed(outgoing);
    for network in &outgoing.prohibited {
        lines.push_str(&format!("route add prohibit {network}\n"));
    }
    for host in &outgoing.allowed {
        lines.push_str(&format!("route add {host} via 10.0.2.2\n"));
    }
    lines
}

fn enter(user_namespace: bool) -> Result<(), String> {
    let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
    let mut flags = CloneFlags::CLONE_NEWNET;
    if user_namespace {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    unshare(flags).map_err(|errno| format!("no namespace can be made: {errno}"))?;
    if user_namespace {
        let write = |file: &str, text: String| {
            std::fs::write(format!("/proc/self/{file}"), text).map_err(|error| format!("{file}: {error}"))
        };
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {user} 1"))?;
        write("gid_map", format!("0 {group} 1"))?;
    }
    Ok(())
}

/// The program `ip`, which carries out line by line what it is told.
struct Ip {
    process: Child,
    arguments: String,
}

impl Ip {
    fn start(program: &str, arguments: &[&str]) -> Result<Self, String> {
        let process =
            Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let arguments = arguments.join(" ");
        let process = process.map_err(|error| format!("ip {arguments}: {error}"))?;
        Ok(Self { process, arguments })
    }

    /// What it can't do ends it: how it ended says more than that nobody reads any more.
    fn tell(&mut self, lines: &str) -> Result<(), String> {
        let Some(pipe) = &mut self.process.stdin else { return Ok(()) };
        match pipe.write_all(lines.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    /// Once all of it is carried out.
    fn end(mut self) -> Result<(), String> {
        // Its input is closed before it is waited for.
        let status = self.process.wait().map_err(|error| self.failed(&error))?;
        if status.success() { Ok(()) } else { Err(self.failed(&status)) }
    }

    fn failed(&self, what: &dyn std::fmt::Display) -> String {
        format!("ip {}: {what}", self.arguments)
    }
}

/// slirp4netns, waiting to be told to begin.
struct Way {
    process: u32,
    begin: OwnedFd,
    ready: File,
}

impl Way {
    fn prepare(outgoing: &Outgoing) -> Result<Self, String> {
        let failed = |what: &dyn std::fmt::Display| format!("the network can't be prepared: {what}");
        // The two ends here close with this process's next program; those of the other side are made to stay there.
        let pipe = || pipe_above().map_err(|errno| failed(&errno));
        let (wait, begin) = pipe()?;
        let (ready, tell_ready) = pipe()?;
        let (life, hold) = pipe()?;
        // Process 1 keeps this one, through all programs in between.
        if let Err(errno) = keep(hold, descriptor::LIFE) {
            return Err(failed(&errno));
        }
        let own = std::env::current_exe().map_err(|error| failed(&error))?;
        let target = std::process::id().to_string();
        let (wait, tell_ready, life) = (Kept::new(wait)?, Kept::new(tell_ready)?, Kept::new(life)?);
        let mut command = Command::new(own);
        command
            .args(["init", "network", &wait.number(), &outgoing.program])
            .args(["--configure", "--disable-host-loopback"])
            .arg(format!("--ready-fd={}", tell_ready.number()))
            .arg(format!("--exit-fd={}", life.number()))
            .args([&target, "tap0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Else it would hold what it waits for the end of, and the sandbox's other descriptors.
        close_in_child(&mut command, descriptor::ORDERS..=descriptor::LAST);
        let process = command.spawn().map_err(|error| failed(&error))?.id();
        Ok(Self { process, begin, ready: File::from(ready) })
    }

    /// The namespace is there that it leads out of.
    fn begin(self) -> Result<Opening, String> {
        let mut begin = File::from(self.begin);
        begin.write_all(b"1").map_err(|error| format!("the network can't be begun: {error}"))?;
        Ok(Opening { ready: self.ready })
    }
}

/// slirp4netns, once it was told.
struct Opening {
    ready: File,
}

impl Opening {
    fn opened(self) -> Result<(), String> {
        let mut answer = [0; 1];
        let mut ready = self.ready;
        match ready.read(&mut answer) {
            Ok(1) => Ok(()),
            Ok(_) => Err("slirp4netns ended before the network was there".to_owned()),
            Err(error) => Err(format!("slirp4netns doesn't answer: {error}")),
        }
    }
}

/// A pipe that takes no number which process 1's descriptors have.
fn pipe_above() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    Ok((above(&read)?, above(&write)?))
}

#[allow(unsafe_code)]
fn above(descriptor: &OwnedFd) -> nix::Result<OwnedFd> {
    let copy = nix::fcntl::fcntl(descriptor, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(20))?;
    // SAFETY: fcntl has just made it, for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// A descriptor that goes on to the next program.
struct Kept(OwnedFd);

impl Kept {
    fn new(descriptor: OwnedFd) -> Result<Self, String> {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty())).map_err(|errno| errno.to_string())?;
        Ok(Self(descriptor))
    }

    fn number(&self) -> String {
        self.0.as_raw_fd().to_string()
    }
}

/// Puts a descriptor at a number, where it stays open.
#[allow(unsafe_code)]
fn keep(descriptor: OwnedFd, number: RawFd) -> Result<(), nix::Error> {
    // SAFETY: the number is free by the order of descriptors that both sides share, and is given up to this process.
    let placed = unsafe { nix::unistd::dup2_raw(&descriptor, number) }?;
    std::mem::forget(placed);
    Ok(())
}

#[allow(unsafe_code)]
fn close_in_child(command: &mut Command, numbers: std::ops::RangeInclusive<RawFd>) {
    // SAFETY: only close(2) is called between fork and exec, which may be.
    unsafe {
        command.pre_exec(move || {
            for number in numbers.clone() {
                // One that isn't open is what is wanted.
                let _ = nix::unistd::close(number);
            }
            Ok(())
        });
    }
}

/// The waiting stage of the network: reads one byte, then becomes slirp4netns.
pub(super) fn network(wait: &str, program: &str, arguments: &[String]) -> Result<u8, String> {
    let wait: RawFd = wait.parse().map_err(|_| "not a descriptor".to_owned())?;
    let mut answer = [0; 1];
    match inherited(wait).read(&mut answer) {
        Ok(1) => Err(format!("{program} can't be started: {}", Command::new(program).args(arguments).exec())),
        // Whoever would have begun it is gone.
        _ => Ok(1),
    }
}
