//! One terminal of a desk: a pseudo terminal that is opened inside the sandbox, by its process 1, so that it is of the
//! sandbox's own devices and nothing of the machine's; the shell on it, in a session of its own; and what it wrote last,
//! for whoever comes back.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{Notify, mpsc, oneshot};

use super::desk::{command, number, spawn};
use super::process::Children;
use crate::protocol::piece::{PORTION, Piece, Reader, Size};

/// Bytes that are shown again to whoever comes back.
const REPLAY: usize = 256 * 1024;

/// How long what is left of a terminal's processes have, once its end was asked for.
const GRACE: Duration = Duration::from_secs(2);

/// What a terminal is to be.
pub(super) struct Wanted<'w> {
    pub command: &'w [String],
    pub environment: &'w [(String, String)],
    pub folder: &'w str,
    pub size: Size,
}

/// Whoever is connected now.
struct Attached {
    number: u64,
    sender: mpsc::Sender<Piece>,
    leave: Rc<Notify>,
}

pub(super) struct Terminal {
    master: AsyncFd<OwnedFd>,
    shell: Pid,
    replay: RefCell<VecDeque<u8>>,
    /// Whether its beginning was cut off.
    is_cut: Cell<bool>,
    attached: RefCell<Option<Attached>>,
    count: Cell<u64>,
}

impl Terminal {
    /// Opens one. What is given beside it resolves when it is over.
    pub(super) fn open(
        wanted: &Wanted<'_>,
        children: &Children,
    ) -> io::Result<(Rc<Self>, impl Future<Output = ()> + use<>)> {
        let OpenptyResult { master, slave } = openpty(Some(&window(wanted.size)), None)?;
        for descriptor in [&master, &slave] {
            fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        let mut command = command(wanted.command, wanted.environment, wanted.folder)?;
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        take_terminal(&mut command);
        let shell = spawn(&mut command)?;
        drop(command);
        let ended = children.register(shell);
        let terminal = Rc::new(Self {
            master: register(master)?,
            shell,
            replay: RefCell::default(),
            is_cut: Cell::new(false),
            attached: RefCell::default(),
            count: Cell::new(0),
        });
        let (over, is_over) = oneshot::channel::<()>();
        let own = terminal.clone();
        tokio::task::spawn_local(async move {
            own.follow(ended).await;
            drop(over);
        });
        Ok((terminal, async move { _ = is_over.await }))
    }

    /// Reads what is written on it to its end.
    async fn follow(&self, mut ended: oneshot::Receiver<String>) {
        let mut portion = vec![0; PORTION];
        let reading = async {
            loop {
                let Ok(mut ready) = self.master.readable().await else { return };
                let read = ready.try_io(|master| Ok(nix::unistd::read(master.get_ref(), &mut portion)?));
                match read {
                    Ok(Ok(count @ 1..)) => self.show(portion.get(..count).unwrap_or_default()).await,
                    Ok(Err(error)) if error.raw_os_error() == Some(Errno::EINTR as i32) => {}
                    // Nobody has it open any more: that is told as an error of input and output.
                    Ok(_) => return,
                    Err(_) => {}
                }
            }
        };
        tokio::pin!(reading);
        let status = tokio::select! {
            status = &mut ended => {
                // What the shell wrote last is still there; what it left in the background may hold the terminal open.
                let _ = tokio::time::timeout(Duration::from_millis(200), reading).await;
                status.unwrap_or_default()
            }
            () = &mut reading => ended.await.unwrap_or_default(),
        };
        let attached = self.attached.borrow_mut().take();
        if let Some(attached) = attached {
            let _ = attached.sender.send(Piece::Ended(number(&status))).await;
        }
    }

    async fn show(&self, bytes: &[u8]) {
        {
            let mut replay = self.replay.borrow_mut();
            replay.extend(bytes);
            let over = replay.len().saturating_sub(REPLAY);
            if over > 0 {
                self.is_cut.set(true);
                replay.drain(..over);
            }
        }
        let to = self.attached.borrow().as_ref().map(|attached| attached.sender.clone());
        if let Some(sender) = to {
            // Whoever reads slowly holds up what is written, as a terminal does; whoever has gone doesn't.
            let _ = sender.send(Piece::Bytes(Bytes::copy_from_slice(bytes))).await;
        }
    }

    /// What was written last, from the beginning of a line.
    fn replayed(&self) -> Vec<u8> {
        let replay = self.replay.borrow();
        let begin = if self.is_cut.get() {
            replay.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1)
        } else {
            0
        };
        replay.iter().skip(begin).copied().collect()
    }

    /// Shows it to whoever has connected, and takes what is typed, until they go or somebody else comes.
    pub(super) async fn attach(
        &self,
        mut reader: Reader<OwnedReadHalf>,
        sender: mpsc::Sender<Piece>,
        size: Size,
    ) {
        let own = self.count.get() + 1;
        self.count.set(own);
        let leave = Rc::new(Notify::new());
        let replayed = self.replayed();
        // Nothing is awaited until the others stand behind the replay in the same queue.
        let mut begin = vec![Piece::Begun];
        begin.extend(replayed.chunks(PORTION).map(|part| Piece::Bytes(Bytes::copy_from_slice(part))));
        let is_sent = begin.into_iter().all(|piece| sender.try_send(piece).is_ok());
        let attached = Attached { number: own, sender, leave: leave.clone() };
        if let Some(before) = self.attached.borrow_mut().replace(attached) {
            before.leave.notify_one();
        }
        self.resize(size);
        loop {
            if !is_sent {
                break;
            }
            let piece = tokio::select! {
                piece = reader.next() => piece,
                () = leave.notified() => break,
            };
            match piece {
                Ok(Some(Piece::Bytes(bytes))) => {
                    // What its program doesn't read isn't kept for it: with whoever typed it, it goes.
                    tokio::select! {
                        biased;
                        () = leave.notified() => break,
                        typed = self.type_in(&bytes) => if typed.is_err() { break },
                    }
                }
                Ok(Some(Piece::Resize(size))) => self.resize(size),
                Ok(Some(Piece::End)) => self.end(),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let mut attached = self.attached.borrow_mut();
        if attached.as_ref().is_some_and(|attached| attached.number == own) {
            *attached = None;
        }
    }

    async fn type_in(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.master.writable().await?;
            match ready.try_io(|master| Ok(nix::unistd::write(master.get_ref(), bytes)?)) {
                Ok(Ok(count)) => bytes = bytes.get(count..).unwrap_or_default(),
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    #[allow(unsafe_code)]
    fn resize(&self, size: Size) {
        let window = window(size);
        // SAFETY: the descriptor is open, and the call reads a window's size from where it is told to.
        let outcome =
            unsafe { nix::libc::ioctl(self.master.as_raw_fd(), nix::libc::TIOCSWINSZ, &raw const window) };
        if outcome != 0 {
            tracing::debug!(error = %io::Error::last_os_error(), "a terminal can't be given its size");
        }
    }

    /// Asks the shell to end, as a terminal that is closed does; a while later it isn't asked.
    pub(super) fn end(&self) {
        let shell = self.shell;
        let _ = killpg(shell, Signal::SIGHUP);
        let _ = killpg(shell, Signal::SIGCONT);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(GRACE).await;
            let _ = killpg(shell, Signal::SIGKILL);
        });
    }
}

fn window(size: Size) -> Winsize {
    let at_least = |number: u16, most: u16| number.clamp(1, most);
    Winsize {
        ws_row: at_least(size.rows, 1000),
        ws_col: at_least(size.columns, 2000),
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

#[allow(unsafe_code)]
fn register(master: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what it is put into, and closed by nothing else.
    Ok(unsafe { AsyncFd::register(master) }?)
}

/// The program's own session, whose terminal it is: keys like Ctrl-C reach what runs in front, and nothing that is
/// typed into it by a program's own doing reaches anybody outside.
#[allow(unsafe_code)]
fn take_terminal(command: &mut std::process::Command) {
    // SAFETY: only setsid(2) and ioctl(2) are called between fork and exec, which may be.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            if nix::libc::ioctl(std::io::stdin().as_fd().as_raw_fd(), nix::libc::TIOCSCTTY, 0) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}
