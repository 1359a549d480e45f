//! How long a body is waited for. Whoever sends none, or a byte now and then, would keep a connection and what reads it
//! for ever.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes that give a body one more second.
const A_SECOND_MORE: u64 = 32 * 1024;

/// The limits of a body's time.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Without any further piece.
    pub still: Duration,
    /// In all, and a second more for each 32 KiB that came.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { still: Duration::from_secs(30), whole: Duration::from_secs(60) }
    }
}

/// A body ended for want of patience.
#[derive(Debug)]
pub(crate) struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body came too slowly")
    }
}

impl Error for TooSlow {}

/// Whether an error of reading a body comes from there, however often it was wrapped on its way.
pub(crate) fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<TooSlow>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// A body that is waited for no longer than that. Its time begins when it is first asked for.
struct Awaited {
    body: Body,
    patience: Patience,
    begun: Option<Instant>,
    came: u64,
    until: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(crate) fn with(self, body: Body) -> Body {
        // Nothing is waited for where all of it is there.
        if body.is_end_stream() {
            return body;
        }
        Body::new(Awaited { body, patience: self, begun: None, came: 0, until: None })
    }
}

impl Awaited {
    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        let begun = *self.begun.get_or_insert(now);
        let whole = self.patience.whole + Duration::from_secs(self.came / A_SECOND_MORE);
        (now + self.patience.still).min(begun + whole)
    }
}

impl hyper::body::Body for Awaited {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                self.came += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            self.until = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let mut until = match self.until.take() {
            Some(until) => until,
            None => Box::pin(sleep_until(self.deadline())),
        };
        let outcome = until.as_mut().poll(context);
        self.until = Some(until);
        ready!(outcome);
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(30);

    /// A first piece at once, then one byte now and then, for ever or so many times.
    fn body(first: u64, more: usize) -> Body {
        let first = Bytes::from(vec![b'x'; usize::try_from(first).unwrap()]);
        let first = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(first) });
        let more = futures_util::stream::unfold(more, |left| async move {
            let left = left.checked_sub(1)?;
            tokio::time::sleep(2 * SHORT).await;
            Some((Ok(Bytes::from_static(b"x")), left))
        });
        Body::from_stream(futures_util::StreamExt::chain(first, more))
    }

    /// Its length, or whether it was too slow.
    async fn read(still: Duration, whole: Duration, body: Body) -> Result<usize, bool> {
        let collected = Patience { still, whole }.with(body).collect().await;
        collected.map(|whole| whole.to_bytes().len()).map_err(|error| is_too_slow(&error))
    }

    #[tokio::test]
    async fn a_body_that_stands_still_or_drips_ends() {
        assert_eq!(read(SHORT, LONG, body(1, 100)).await, Err(true), "it stands still");
        assert_eq!(read(LONG, SHORT, body(1, 100)).await, Err(true), "each byte is in time, all aren't");
        assert_eq!(read(LONG, LONG, body(1, 3)).await, Ok(4));
        let large = 600 * A_SECOND_MORE;
        assert_eq!(
            read(LONG, SHORT, body(large, 3)).await.unwrap() as u64,
            large + 3,
            "a large one has longer"
        );
    }
}
