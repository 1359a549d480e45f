//! The crowd that has waited for an application, let in a few at a time.
//!
//! After a pause all who have waited would connect at once. What doesn't fit into the application's backlog, which is 5
//! with Python's own server, the kernel drops without a word: both sides ask again after ever longer pauses, a minute and
//! more, all at the same moment, and again only so many fit. So they take turns, and each turn lasts until the application
//! has said something.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Turns at once: fewer than fit into any backlog.
const AT_ONCE: usize = 4;
/// The longest turn: whoever is answered slowly doesn't keep the others out.
const LONGEST: Duration = Duration::from_millis(50);
/// The crowd is over when nobody has a turn after so long;
const SETTLED: Duration = Duration::from_millis(500);
/// and after so long at the latest. Whoever comes later comes by itself, and whether it fits is the application's affair.
const OVER: Duration = Duration::from_secs(5);

/// Whether there is a crowd, and the turns that it takes.
#[derive(Clone)]
pub(super) struct Turns {
    places: Arc<Semaphore>,
    /// When it was last let in; `None` once it is over.
    crowd: Arc<Mutex<Option<Instant>>>,
}

impl Turns {
    /// Before an application that is started for the first time there is a crowd, too.
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), crowd: Arc::new(Mutex::new(Some(Instant::now()))) }
    }

    /// From now on whoever has waited comes.
    pub(super) fn begin(&self) {
        *self.crowd.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Waits for a turn, where there is a crowd.
    pub(super) async fn take(&self) -> Option<Turn> {
        if !self.is_crowded() {
            return None;
        }
        let place = self.places.clone().acquire_owned().await.ok()?;
        Some(Turn { _place: place, end: Box::pin(tokio::time::sleep(LONGEST)) })
    }

    fn is_crowded(&self) -> bool {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(since) = *crowd else { return false };
        let age = since.elapsed();
        if age > OVER || (age > SETTLED && self.places.available_permits() == AT_ONCE) {
            *crowd = None;
        }
        crowd.is_some()
    }
}

/// A turn that lasts until it is dropped.
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    end: Pin<Box<Sleep>>,
}

/// A connection to the application, which gives its turn back at the first word, at its end or when that takes too long.
pub(super) struct Answering {
    pub stream: TcpStream,
    pub turn: Option<Turn>,
}

impl AsyncRead for Answering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready()
            || self.turn.as_mut().is_some_and(|turn| turn.end.as_mut().poll(context).is_ready())
        {
            self.turn = None;
        }
        read
    }
}

impl AsyncWrite for Answering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_turn_ends_with_the_first_word_and_the_crowd_with_its_turns() {
        let turns = Turns::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut open = Vec::new();
        for _ in 0..AT_ONCE {
            let stream = TcpStream::connect(address).await.unwrap();
            let turn = turns.take().await;
            assert!(turn.is_some(), "there is a crowd at first");
            open.push(Answering { stream, turn });
        }
        assert_eq!(turns.places.available_permits(), 0);
        let (mut other, _) = listener.accept().await.unwrap();
        other.write_all(b"x").await.unwrap();
        let mut byte = [0];
        open[0].read_exact(&mut byte).await.unwrap();
        assert_eq!(turns.places.available_permits(), 1, "the one that was answered gave its turn back");
        // The others give theirs back without an answer, for nobody keeps the rest out.
        let reading = futures_of(open.split_off(1));
        for one in reading {
            one.await;
        }
        assert_eq!(turns.places.available_permits(), AT_ONCE);
    }

    /// Each is read until its turn is over.
    fn futures_of(open: Vec<Answering>) -> Vec<impl Future<Output = ()>> {
        open.into_iter()
            .map(|mut one| async move {
                std::future::poll_fn(|context| {
                    let mut byte = [0];
                    let _ = Pin::new(&mut one).poll_read(context, &mut ReadBuf::new(&mut byte));
                    if one.turn.is_none() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            })
            .collect()
    }

    #[test]
    fn a_crowd_that_came_long_ago_is_over() {
        let turns = Turns::new();
        assert!(turns.is_crowded());
        *turns.crowd.lock().unwrap() = Instant::now().checked_sub(SETTLED * 2);
        let place = turns.places.clone().try_acquire_owned().unwrap();
        assert!(turns.is_crowded(), "somebody still has a turn");
        drop(place);
        assert!(!turns.is_crowded());
        turns.begin();
        assert!(turns.is_crowded());
        *turns.crowd.lock().unwrap() = Instant::now().checked_sub(OVER * 2);
        let _place = turns.places.clone().try_acquire_owned().unwrap();
        assert!(!turns.is_crowded());
    }
}
