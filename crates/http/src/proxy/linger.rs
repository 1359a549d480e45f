//! What a client still sends after its answer. A connection that is closed before all of it was read is reset, and the
//! answer is lost with what it came by: so for a moment it is read, and thrown away.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// In all. Whoever has more to send than fits in there learns what it can from its own side.
const LONGEST: Duration = Duration::from_secs(10);
/// Without a byte: whoever has stopped sending reads, or has gone.
const SILENCE: Duration = Duration::from_secs(1);

pub(super) struct Linger {
    end: Instant,
    until: Pin<Box<Sleep>>,
}

impl Linger {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { end: now + LONGEST, until: Box::pin(sleep_until(now + SILENCE)) }
    }

    /// Reads on until `is_over` says that it was all, nothing more comes, or the time has passed. That a connection
    /// breaks meanwhile is its end too.
    pub(super) fn poll<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        mut is_over: impl FnMut(&[u8]) -> bool,
    ) -> Poll<()> {
        let mut piece = [0; 16 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut piece);
            let read: Poll<io::Result<()>> = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            match read {
                Poll::Pending => return self.until.as_mut().poll(context),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() || is_over(buffer.filled()) => {
                    return Poll::Ready(());
                }
                Poll::Ready(Ok(())) => {
                    let now = Instant::now();
                    if now >= self.end {
                        return Poll::Ready(());
                    }
                    self.until.as_mut().reset(self.end.min(now + SILENCE));
                }
            }
        }
    }
}
