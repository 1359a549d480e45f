//! The way in: each connection on the socket becomes one to the application's port.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore, watch};

use super::turns::{Answering, Turns};

/// Connections at once; more wait to be accepted.
const MOST: usize = 4096;

/// How long a connection waits for an application that is being started again.
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(20);

/// The connections that are open.
#[derive(Clone)]
pub(super) struct Connections {
    /// Those that have reached the application.
    open: Arc<AtomicUsize>,
    closed: Arc<Notify>,
    /// Whether new ones wait: the application is about to be stopped, or isn't there.
    paused: Arc<watch::Sender<bool>>,
    turns: Turns,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            open: Arc::new(AtomicUsize::new(0)),
            closed: Arc::new(Notify::new()),
            paused: Arc::new(watch::Sender::new(false)),
            turns: Turns::new(),
        }
    }

    /// From now on new connections wait, or go on.
    pub(super) fn pause(&self, paused: bool) {
        if self.paused.send_replace(paused) && !paused {
            self.turns.begin();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Until no connection is open; that's when an application can be stopped without cutting anything off.
    pub(super) async fn drained(&self) {
        loop {
            let closed = self.closed.notified();
            if self.count() == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Takes connections for ever.
    pub(super) async fn accept(self, listener: UnixListener, port: u16) {
        let places = Arc::new(Semaphore::new(MOST));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, perhaps: a moment later some are free again.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            let own = self.clone();
            tokio::spawn(async move {
                let _place = place;
                own.carry(stream, port).await;
            });
        }
    }

    async fn carry(&self, mut outside: UnixStream, port: u16) {
        let Some(mut application) = self.connect(&outside, port).await else { return };
        // Small answers go at once.
        let _ = application.stream.set_nodelay(true);
        // Half-closing goes through in either direction; an error ends both.
        let _ = tokio::io::copy_bidirectional(&mut outside, &mut application).await;
        let _ = outside.shutdown().await;
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.closed.notify_waiters();
    }

    /// Tries until the application listens. Whoever waits outside may give up before.
    async fn connect(&self, outside: &UnixStream, port: u16) -> Option<Answering> {
        let deadline = tokio::time::sleep(PATIENCE);
        tokio::pin!(deadline);
        let mut paused = self.paused.subscribe();
        loop {
            tokio::select! {
                () = &mut deadline => return None,
                going = paused.wait_for(|paused| !paused) => {
                    going.ok()?;
                }
            }
            let turn = tokio::select! {
                () = &mut deadline => return None,
                turn = self.turns.take() => turn,
            };
            // While it waited for its turn the application may have been stopped again.
            if *paused.borrow() {
                continue;
            }
            // Counted before it is there, so that a pause that comes now waits for it too.
            self.open.fetch_add(1, Ordering::SeqCst);
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
                return Some(Answering { stream, turn });
            }
            drop(turn);
            self.open.fetch_sub(1, Ordering::SeqCst);
            self.closed.notify_waiters();
            if is_gone(outside) {
                return None;
            }
            tokio::select! {
                () = &mut deadline => return None,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}

fn is_gone(stream: &UnixStream) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;
    let mut looked = [PollFd::new(stream.as_fd(), PollFlags::POLLHUP)];
    let found = poll(&mut looked, PollTimeout::ZERO).unwrap_or(0);
    found > 0 && looked[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}
