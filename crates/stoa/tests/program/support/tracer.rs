//! Stops a process at one call to the kernel: as a debugger does, without a word of it in the program.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Calls that name a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Open,
    MakeFolder,
    /// The name it gets.
    Rename,
    /// Of its mode.
    Change,
    Remove,
    Connect,
}

/// Where to stop.
#[derive(Debug, Clone)]
pub struct Moment {
    pub call: Call,
    /// All of these stand in the file's name.
    pub names: Vec<String>,
    /// Once the call is done; else before.
    pub is_done: bool,
    /// Only once it has come to this one, too.
    pub after: Option<Box<Moment>>,
}

impl Moment {
    pub fn at(call: Call, names: &[&str], is_done: bool) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { call, names, is_done, after: None }
    }

    pub fn after(self, earlier: Self) -> Self {
        Self { after: Some(Box::new(earlier)), ..self }
    }
}

impl Call {
    /// Its numbers, each with where among the arguments the name is, and how many bytes behind it begins.
    fn numbers(self) -> &'static [(libc::c_long, usize, u64)] {
        // The older ones are there on some machines only.
        #[cfg(target_arch = "x86_64")]
        const OLD: [libc::c_long; 6] = [
            libc::SYS_open,
            libc::SYS_mkdir,
            libc::SYS_rename,
            libc::SYS_chmod,
            libc::SYS_unlink,
            libc::SYS_rmdir,
        ];
        #[cfg(not(target_arch = "x86_64"))]
        const OLD: [libc::c_long; 6] = [-1; 6];
        // An address of a socket has its family before its name.
        match self {
            Self::Open => &[(OLD[0], 0, 0), (libc::SYS_openat, 1, 0)],
            Self::MakeFolder => &[(OLD[1], 0, 0), (libc::SYS_mkdirat, 1, 0)],
            Self::Rename => &[(OLD[2], 1, 0), (libc::SYS_renameat, 3, 0), (libc::SYS_renameat2, 3, 0)],
            Self::Change => &[(OLD[3], 0, 0), (libc::SYS_fchmodat, 1, 0)],
            Self::Remove => &[(OLD[4], 0, 0), (OLD[5], 0, 0), (libc::SYS_unlinkat, 1, 0)],
            Self::Connect => &[(libc::SYS_connect, 1, 2)],
        }
    }
}

/// Lets the process run until it comes to that moment, and kills it there. The answer is whether it came there.
pub fn kill_at(process: i32, moment: Moment) -> JoinHandle<bool> {
    let (is_ready, ready) = mpsc::channel();
    let tracer = std::thread::spawn(move || {
        let process = Pid::from_raw(process);
        follow_threads(process);
        is_ready.send(()).unwrap();
        run(process, &moment)
    });
    ready.recv().unwrap();
    tracer
}

/// All threads that are there, and with the option those that they begin.
fn follow_threads(process: Pid) {
    let options = ptrace::Options::PTRACE_O_TRACESYSGOOD | ptrace::Options::PTRACE_O_TRACECLONE;
    let mut followed = Vec::new();
    loop {
        let before = followed.len();
        for entry in std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten() {
            let thread = Pid::from_raw(entry.file_name().to_string_lossy().parse().unwrap());
            if followed.contains(&thread) {
                continue;
            }
            match ptrace::seize(thread, options) {
                Ok(()) => ptrace::interrupt(thread).unwrap(),
                // It has ended, or was followed as another's child.
                Err(Errno::ESRCH | Errno::EPERM) => {}
                Err(error) => panic!("{thread} can't be followed: {error}"),
            }
            followed.push(thread);
        }
        if followed.len() == before {
            return;
        }
    }
}

fn run(process: Pid, moment: &Moment) -> bool {
    let mut is_there = false;
    let mut is_inside = None;
    let mut earlier = moment.after.as_deref();
    loop {
        // Only what this thread follows: other children are of the rest of the test.
        let status = waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD));
        let (thread, signal) = match status {
            Ok(WaitStatus::PtraceSyscall(thread)) => {
                if !is_there {
                    if let Some(one) = earlier.filter(|one| enters(thread, one)) {
                        earlier = one.after.as_deref();
                    }
                    let found = earlier.is_none()
                        && match is_inside {
                            None => enters(thread, moment),
                            Some(inside) => inside == thread,
                        };
                    if found && (!moment.is_done || is_inside.is_some()) {
                        is_there = true;
                        kill(process, Signal::SIGKILL).unwrap();
                    } else if found {
                        is_inside = Some(thread);
                    }
                }
                (thread, None)
            }
            Ok(WaitStatus::PtraceEvent(thread, ..)) => (thread, None),
            Ok(WaitStatus::Stopped(thread, signal)) => (thread, Some(signal)),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => return is_there,
            Err(error) => panic!("{error}"),
        };
        match ptrace::syscall(thread, signal) {
            // It is gone meanwhile.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("{thread} can't go on: {error}"),
        }
    }
}

/// Whether the thread is about to do it.
#[allow(unsafe_code)]
fn enters(thread: Pid, moment: &Moment) -> bool {
    let Ok(about) = ptrace::syscall_info(thread) else { return false };
    if about.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return false;
    }
    // SAFETY: the kernel says by `op` that it has filled in this one.
    let entry = unsafe { about.u.entry };
    moment.call.numbers().iter().any(|(number, argument, behind)| {
        u64::try_from(*number) == Ok(entry.nr)
            && name_at(thread, entry.args[*argument] + behind)
                .is_some_and(|name| moment.names.iter().all(|part| name.contains(part)))
    })
}

fn name_at(thread: Pid, address: u64) -> Option<String> {
    let mut memory = std::fs::File::open(format!("/proc/{thread}/mem")).ok()?;
    memory.seek(SeekFrom::Start(address)).ok()?;
    let mut bytes = Vec::new();
    let mut piece = [0; 128];
    // A name may stand at the end of what is readable.
    while bytes.len() < 4096 && !bytes.contains(&0) {
        let count = memory.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
    }
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}
