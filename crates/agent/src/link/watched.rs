//! A link's bytes, watched for silence: what comes after a longer one than pings allow isn't read any more.
//!
//! A machine may stand still, or somebody in between may keep bytes back. A command that was sent before isn't to be carried
//! out when all goes on: it would be late, and nobody would know.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

pub(super) struct Watched<W> {
    wire: W,
    heard: Instant,
    longest: Duration,
}

impl<W> Watched<W> {
    pub fn new(wire: W, longest: Duration) -> Self {
        Self { wire, heard: Instant::now(), longest }
    }
}

impl<W: AsyncRead + Unpin> AsyncRead for Watched<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.wire).poll_read(context, buffer));
        let now = Instant::now();
        if now.duration_since(self.heard) > self.longest {
            buffer.clear();
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nothing was heard for too long",
            )));
        }
        self.heard = now;
        Poll::Ready(read)
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Watched<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_was_kept_back_for_too_long_isnt_read() {
        let (mut near, far) = tokio::io::duplex(64);
        let mut far = Watched::new(far, Duration::MAX);
        near.write_all(b"in time").await.unwrap();
        far.read_exact(&mut [0; 7]).await.unwrap();
        // It is there; that it wasn't read in time is all that it lacks.
        near.write_all(b"delete").await.unwrap();
        far.longest = Duration::ZERO;
        assert_eq!(far.read(&mut [0; 6]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
