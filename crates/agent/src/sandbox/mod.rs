//! Sandboxes: one set of functions makes them, for builds, release commands and applications.
//!
//! The order is fixed: a network namespace, its way out by slirp4netns, walls of routes, then bubblewrap with
//! namespaces, without capabilities and under seccomp, then process 1, which becomes the instance's own user before
//! anything of the application starts.

mod abilities;
mod command;
mod identity;
mod limits;
mod memory;
mod plan;
pub(crate) mod processes;
mod program;
mod ready;
mod seccomp;
pub(crate) mod starter;

pub use abilities::Abilities;
pub(crate) use command::disk_is_full;
pub use command::{Ended, OutputLine};
pub use identity::Identity;
pub use limits::Limits;
pub use plan::{Mounts, PATH, Plan};
pub use program::{Program, Reached, RunningProgram, Shown, secret_path};
pub(crate) use ready::Ready;

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::Deserialize;

use crate::init::{Orders, Outgoing, Outside, descriptor};
use plan::Stage;

/// How long bubblewrap and the network may take.
const START: Duration = Duration::from_secs(20);

/// Where mail servers take mail: from each other, and from those who send. The last is by custom alone.
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];

/// How sandboxes are made on this machine.
#[derive(Clone)]
pub struct Sandboxes {
    /// The program `stoa` itself: process 1.
    program: PathBuf,
    egress_allow: Vec<String>,
    abilities: Arc<Abilities>,
    killed: memory::Killed,
    /// Whose programs are started here.
    mark: String,
}

/// What bubblewrap tells about the sandbox that it made.
#[derive(Deserialize)]
struct About {
    #[serde(rename = "child-pid")]
    child_pid: i32,
}

/// A sandbox that was just started. Dropping it doesn't end it.
pub struct Started {
    pub identity: Identity,
    child: Child,
}

impl Sandboxes {
    /// `program` is the program `stoa`; `egress_allow` the `host:port` or addresses that instances may reach although
    /// they are private.
    #[must_use]
    pub fn new(program: PathBuf, egress_allow: Vec<String>) -> Self {
        Self {
            program,
            egress_allow,
            abilities: Arc::new(Abilities::find()),
            killed: memory::Killed::default(),
            mark: String::new(),
        }
    }

    /// The same of the agent whose folder this is: one at a time has it.
    #[must_use]
    pub(crate) fn of(self, state: &Path) -> Self {
        Self { mark: state.to_string_lossy().into_owned(), ..self }
    }

    #[must_use]
    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// Starts an application: it goes on when this process ends, however that happens. `place` is the sandbox's own
    /// folder; `application` and `control` are listening sockets.
    ///
    /// # Errors
    /// Where the sandbox can't be made: what is missing, or what bubblewrap said.
    pub async fn start_application(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        application: OwnedFd,
        control: OwnedFd,
    ) -> io::Result<Identity> {
        let ready = self.ready_application(plan, application, control).await?;
        self.begin_application(ready, plan, orders).await
    }

    /// Makes all of an application's sandbox that doesn't rest on what it shows: its groups, its network, its walls. It
    /// waits, and ends when it is dropped, or with this process. The plan's mounts aren't looked at.
    ///
    /// # Errors
    /// As `start_application`.
    pub(crate) async fn ready_application(
        &self,
        plan: &Plan<'_>,
        application: OwnedFd,
        control: OwnedFd,
    ) -> io::Result<Ready> {
        self.ready_lasting(plan, application, control, true).await
    }

    /// Starts what was made ready by the same plan, whose mounts are told by now.
    ///
    /// # Errors
    /// As `start_application`.
    pub(crate) async fn begin_application(
        &self,
        ready: Ready,
        plan: &Plan<'_>,
        orders: &Orders,
    ) -> io::Result<Identity> {
        self.begin_lasting(ready, plan, orders, Stage::Instance).await
    }

    /// The same for what serves instances: it reaches no network.
    ///
    /// # Errors
    /// As `start_application`.
    pub(crate) async fn start_server(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        application: OwnedFd,
        control: OwnedFd,
    ) -> io::Result<Identity> {
        let ready = self.ready_lasting(plan, application, control, false).await?;
        self.begin_lasting(ready, plan, orders, Stage::Server).await
    }

    async fn ready_lasting(
        &self,
        plan: &Plan<'_>,
        application: OwnedFd,
        control: OwnedFd,
        reaches_out: bool,
    ) -> io::Result<Ready> {
        let errors = File::create(plan.place.join("start.log"))?;
        let log: OwnedFd =
            File::open(plan.log_folder.ok_or_else(|| invalid("an application needs a log"))?)?.into();
        let extra = vec![
            (application, descriptor::APPLICATION),
            (control, descriptor::CONTROL),
            (log, descriptor::LOG),
        ];
        let standard = [Stdio::null(), Stdio::null(), errors.into()];
        self.ready(plan, extra, standard, false, reaches_out).await
    }

    async fn begin_lasting(
        &self,
        ready: Ready,
        plan: &Plan<'_>,
        orders: &Orders,
        stage: Stage<'_>,
    ) -> io::Result<Identity> {
        match self.begin(ready, plan, orders, stage).await {
            Ok(mut started) => {
                let identity = started.identity;
                // So that no dead process of ours stays in the table.
                tokio::task::spawn_blocking(move || _ = started.child.wait());
                Ok(identity)
            }
            Err(error) => Err(self.said(plan, &error.to_string())),
        }
    }

    /// Starts a member's desk: it ends with this process, or when `starter`'s other end is closed. `control` is a
    /// listening socket.
    ///
    /// # Errors
    /// Where the sandbox can't be made.
    pub(crate) async fn start_desk(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        working_copy: &Path,
        control: OwnedFd,
        starter: OwnedFd,
    ) -> io::Result<Identity> {
        let errors = File::create(plan.place.join("start.log"))?;
        let extra = vec![(control, descriptor::CONTROL), (starter, descriptor::STARTER)];
        let stage = Stage::Desk(working_copy);
        let standard = [Stdio::null(), Stdio::null(), errors.into()];
        match self.start_with(plan, orders, extra, standard, true, stage).await {
            Ok(mut started) => {
                let identity = started.identity;
                // So that no dead process of ours stays in the table.
                tokio::task::spawn_blocking(move || _ = started.child.wait());
                if identity == Identity::default() {
                    Err(self.said(plan, "it ended at once"))
                } else {
                    Ok(identity)
                }
            }
            Err(error) => Err(self.said(plan, &error.to_string())),
        }
    }

    /// What bubblewrap said, else the other.
    fn said(&self, plan: &Plan<'_>, other: &str) -> io::Error {
        let said = fs::read_to_string(plan.place.join("start.log")).unwrap_or_default();
        let said = said.trim();
        io::Error::other(if said.is_empty() { other.to_owned() } else { said.to_owned() })
    }

    /// `standard`: what its process reads, and the two that it writes.
    async fn start_with(
        &self,
        plan: &Plan<'_>,
        orders: &Orders,
        extra: Vec<(OwnedFd, RawFd)>,
        standard: [Stdio; 3],
        dies_with_us: bool,
        stage: Stage<'_>,
    ) -> io::Result<Started> {
        let ready = self.ready(plan, extra, standard, dies_with_us, !matches!(stage, Stage::Server)).await?;
        self.begin(ready, plan, orders, stage).await
    }

    /// The first stage, which waits for the command that it is to become.
    async fn ready(
        &self,
        plan: &Plan<'_>,
        mut extra: Vec<(OwnedFd, RawFd)>,
        standard: [Stdio; 3],
        dies_with_us: bool,
        reaches_out: bool,
    ) -> io::Result<Ready> {
        if let Some(reason) = &self.abilities.no_sandbox {
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason.clone()));
        }
        let groups = self.abilities.groups.make(&plan.name, &plan.limits)?;
        let (about, tell) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let (hear, command) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let orders = in_memory("orders", b"")?;
        let outside = Outside {
            outgoing: if reaches_out { self.outgoing(plan.is_mail_off)? } else { None },
            ip: self.abilities.ip.clone(),
            groups,
            data_limit: (!self.abilities.groups.limit_memory()).then_some(plan.limits.memory),
            user_namespace: !self.abilities.is_root,
        };
        extra.push((orders.try_clone()?, descriptor::ORDERS));
        extra.push((in_memory("outside", &serde_json::to_vec(&outside)?)?, descriptor::OUTSIDE));
        extra.push((in_memory("filter", &seccomp::filter()?)?, descriptor::FILTER));
        extra.push((tell, descriptor::ABOUT));
        extra.push((hear, descriptor::COMMAND));
        let [input, out, err] = standard;
        let mut first = Command::new(&self.program);
        first
            .args(["init", "outside"])
            .env_clear()
            .env("PATH", plan::PATH)
            .stdin(input)
            .stdout(out)
            .stderr(err);
        // A session of its own: Ctrl-C at the terminal where Stoa runs isn't for applications.
        hand_over(&mut first, extra, dies_with_us)?;
        // This process's copies of the descriptors go with it: so the pipe ends when nobody can write to it any more.
        let child = starter::run(move || first.spawn()).await??;
        let ready =
            Ready { child: Some(child), about, orders: orders.into(), command: command.into(), dies_with_us };
        // Beside what the first stage does: the disk takes its time over each new file.
        make_etc(plan)?;
        Ok(ready)
    }

    /// Tells it what it becomes, and what that is to do.
    async fn begin(
        &self,
        ready: Ready,
        plan: &Plan<'_>,
        orders: &Orders,
        stage: Stage<'_>,
    ) -> io::Result<Started> {
        let dies_with_us = ready.dies_with_us;
        let words = plan::bubblewrap(plan, &self.abilities, &self.program, dies_with_us, stage);
        let (child, about) = ready.tell(&words, orders)?;
        let mut started = Started { identity: Identity::default(), child };
        let identity = read_about(about).await.and_then(|about| match Identity::of(about.child_pid) {
            // A single command may be over before anybody looks at it: how it ended its own process tells.
            Err(error) if dies_with_us && error.kind() == io::ErrorKind::NotFound => Ok(Identity::default()),
            other => other,
        });
        match identity {
            Ok(identity) => {
                started.identity = identity;
                self.watch_memory(&plan.name, identity, &plan.limits);
                Ok(started)
            }
            Err(error) => {
                // It may be gone already.
                let _ = started.child.kill();
                let _ = started.child.wait();
                Err(io::Error::new(error.kind(), format!("the sandbox didn't start: {error}")))
            }
        }
    }

    /// # Errors
    /// Where it can't be said what has to stay closed.
    fn outgoing(&self, is_mail_off: bool) -> io::Result<Option<Outgoing>> {
        if self.abilities.no_outgoing.is_some() {
            return Ok(None);
        }
        let mut allowed: Vec<_> =
            self.egress_allow.iter().filter_map(|entry| abilities::address_of(entry)).collect();
        allowed.sort();
        allowed.dedup();
        // The kernel takes one route to each: an address of the machine itself may be allowed too.
        let mut prohibited = abilities::prohibited_networks()?;
        prohibited.retain(|network| !allowed.contains(network));
        let closed_ports = if is_mail_off { MAIL_PORTS.to_vec() } else { Vec::new() };
        let program = self.abilities.slirp4netns.clone();
        Ok(Some(Outgoing { program, prohibited, allowed, closed_ports }))
    }

    /// Ends all that is in a sandbox, however far that has come: by its control groups. `false` where there are none.
    pub(crate) fn end_by_group(&self, name: &str) -> io::Result<bool> {
        self.abilities.groups.end(name)
    }

    /// What was kept for a sandbox that has ended: its control groups, its folder.
    ///
    /// # Errors
    /// Where something can't be removed.
    pub fn tidy(&self, name: &str, place: &Path) -> io::Result<()> {
        self.forget(name);
        self.abilities.groups.remove(name)?;
        crate::folders::remove(place)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}

/// A file without a name, to be read from its start.
pub(crate) fn in_memory(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// Gives descriptors to the next program, each at its number.
#[allow(unsafe_code)]
pub(crate) fn hand_over(
    command: &mut Command,
    descriptors: Vec<(OwnedFd, RawFd)>,
    dies_with_us: bool,
) -> io::Result<()> {
    let own_process = nix::unistd::getpid();
    // Copies far up, so that putting one at its number never closes another.
    let mut above = Vec::new();
    for (descriptor, number) in descriptors {
        let copy = fcntl(descriptor.as_fd(), FcntlArg::F_DUPFD_CLOEXEC(100))?;
        above.push((own(copy), number));
    }
    // SAFETY: between fork and exec only close_range(2), dup2(2), setsid(2), prctl(2) and getppid(2) are called, which
    // may be; the numbers are free in the child or given up by it.
    unsafe {
        command.pre_exec(move || {
            // What this process inherited itself, from a shell or a service manager, isn't for the sandbox.
            let flag = nix::libc::CLOSE_RANGE_CLOEXEC;
            if nix::libc::syscall(nix::libc::SYS_close_range, 3, nix::libc::c_uint::MAX, flag) != 0 {
                return Err(io::Error::last_os_error());
            }
            nix::unistd::setsid()?;
            if dies_with_us {
                nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
                if nix::unistd::getppid() != own_process {
                    return Err(io::ErrorKind::Interrupted.into());
                }
            }
            for (descriptor, number) in &above {
                std::mem::forget(nix::unistd::dup2_raw(descriptor, *number)?);
            }
            Ok(())
        });
    }
    Ok(())
}

/// Holds the next program, and each that it starts, to so many bytes of memory of its own; none leaves a core.
///
/// # Errors
/// Where the limits can't be read.
#[allow(unsafe_code)]
pub(crate) fn hold_memory(command: &mut Command, bytes: u64) -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, most) = getrlimit(Resource::RLIMIT_DATA)?;
    let bytes = bytes.min(most);
    // SAFETY: between fork and exec only setrlimit(2) is called, which may be.
    unsafe {
        command.pre_exec(move || {
            setrlimit(Resource::RLIMIT_DATA, bytes, bytes)?;
            Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?)
        });
    }
    Ok(())
}

#[allow(unsafe_code)]
fn own(number: RawFd) -> OwnedFd {
    use std::os::fd::FromRawFd as _;
    // SAFETY: fcntl has just made it, for us.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Reads until it is whole. The end of the pipe isn't waited for: others hold it too for a while.
async fn read_about(pipe: OwnedFd) -> io::Result<About> {
    let mut pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(pipe)?;
    let reading = async {
        let mut text = Vec::new();
        loop {
            if tokio::io::AsyncReadExt::read_buf(&mut pipe, &mut text).await? == 0 {
                return Err(io::Error::other("bubblewrap ended"));
            }
            if let Ok(about) = serde_json::from_slice(&text) {
                return Ok(about);
            }
        }
    };
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "bubblewrap doesn't answer"));
    tokio::time::timeout(START, reading).await.unwrap_or_else(late)
}

/// What the sandbox sees as /etc: made here, nothing of the machine's.
fn make_etc(plan: &Plan<'_>) -> io::Result<()> {
    let etc = plan.place.join("etc");
    fs::create_dir_all(&etc)?;
    let user = plan.inside_user();
    let files = [
        ("passwd", format!("root:x:0:0::/tmp:/usr/sbin/nologin\napp:x:{user}:{user}::/tmp:/bin/sh\n")),
        ("group", format!("root:x:0:\napp:x:{user}:\n")),
        ("hosts", format!("127.0.0.1 localhost {}\n::1 localhost\n", plan.hostname)),
        ("resolv.conf", "nameserver 10.0.2.3\noptions timeout:3 attempts:2\n".to_owned()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("hostname", format!("{}\n", plan.hostname)),
    ];
    for (name, text) in files {
        let file = etc.join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    }
    let localtime = etc.join("localtime");
    match fs::copy("/etc/localtime", &localtime) {
        Ok(_) => fs::set_permissions(&localtime, fs::Permissions::from_mode(0o644))?,
        // Without it a program takes UTC.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir_all(etc.join("ssl/certs"))?;
    plan::make_places(&etc)?;
    for open in [etc.as_path(), &etc.join("ssl"), &etc.join("ssl/certs")] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
