//! The way in: each connection on the socket becomes one to the application's port.

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::turns::{Answering, Turns};

/// Connections at once; more wait to be accepted.
const MOST: usize = 4096;

/// How long a connection waits for an application that is being started again.
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(20);

/// The connections that are open.
#[derive(Clone)]
pub(super) struct Connections {
    listener: Arc<UnixListener>,
    places: Arc<Semaphore>,
    port: u16,
    /// Those that have come in, whether or not they have reached the application yet.
    inside: Arc<AtomicUsize>,
    /// Those that have reached it.
    open: Arc<AtomicUsize>,
    closed: Arc<Notify>,
    /// Whether new ones wait: the application is about to be stopped, or isn't there.
    paused: Arc<watch::Sender<bool>>,
    turns: Turns,
}

impl Connections {
    pub(super) fn new(listener: UnixListener, port: u16) -> Self {
        Self {
            listener: Arc::new(listener),
            places: Arc::new(Semaphore::new(MOST)),
            port,
            inside: Arc::new(AtomicUsize::new(0)),
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
        self.until_none(&self.open).await;
    }

    /// Until everybody was answered who has come so far, also those who are still before the door. Nobody may come any more:
    /// whoever asks for the application by then is led elsewhere.
    pub(super) async fn emptied(&self) {
        while let Some(stream) = self.waiting() {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            self.let_in(stream, place);
        }
        self.until_none(&self.inside).await;
    }

    async fn until_none(&self, count: &AtomicUsize) {
        loop {
            let closed = self.closed.notified();
            if count.load(Ordering::SeqCst) == 0 {
                return;
            }
            closed.await;
        }
    }

    /// Takes connections for ever.
    pub(super) async fn accept(self) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors, perhaps: a moment later some are free again.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            self.let_in(stream, place);
        }
    }

    /// One that waits to be accepted. The kernel is asked itself: what it has told so far may be older than the last of them.
    fn waiting(&self) -> Option<UnixStream> {
        let listener = self.listener.as_fd().try_clone_to_owned().ok()?;
        let (stream, _) = std::os::unix::net::UnixListener::from(listener).accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        UnixStream::from_std(stream).ok()
    }

    fn let_in(&self, stream: UnixStream, place: OwnedSemaphorePermit) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let own = self.clone();
        tokio::spawn(async move {
            let _place = place;
            own.carry(stream).await;
            own.inside.fetch_sub(1, Ordering::SeqCst);
            own.closed.notify_waiters();
        });
    }

    async fn carry(&self, mut outside: UnixStream) {
        let Some(mut application) = self.connect(&outside).await else { return };
        // Small answers go at once.
        let _ = application.stream.set_nodelay(true);
        // Half-closing goes through in either direction; an error ends both.
        let _ = tokio::io::copy_bidirectional(&mut outside, &mut application).await;
        let _ = outside.shutdown().await;
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.closed.notify_waiters();
    }

    /// Tries until the application listens. Whoever waits outside may give up before.
    async fn connect(&self, outside: &UnixStream) -> Option<Answering> {
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
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
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
    let mut looked = [PollFd::new(stream.as_fd(), PollFlags::POLLHUP)];
    let found = poll(&mut looked, PollTimeout::ZERO).unwrap_or(0);
    found > 0 && looked[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}
