//! Streams of frames, and the renewals that keep them.

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame as Piece, Incoming};
use serde::de::DeserializeOwned;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ClientError;
use super::call::Sent;
use crate::protocol::frame::{Frame, Pieces};
use crate::protocol::header::RENEWAL;

/// The one frame that the control plane sends: `Renewal::Lease`.
const LEASE: &[u8] = b"\"lease\"\n";

/// Renewals, for as long as the other is held.
pub(super) fn renewals() -> (Sent, DropGuard) {
    let end = CancellationToken::new();
    let mut ticks = tokio::time::interval(RENEWAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let frames = futures_util::stream::unfold((ticks, end.clone()), next_renewal);
    (BodyExt::boxed_unsync(StreamBody::new(frames)), end.drop_guard())
}

type Renewing = (Interval, CancellationToken);

async fn next_renewal(
    (mut ticks, end): Renewing,
) -> Option<(Result<Piece<Bytes>, Box<dyn std::error::Error + Send + Sync>>, Renewing)> {
    tokio::select! {
        biased;
        () = end.cancelled() => None,
        _ = ticks.tick() => Some((Ok(Piece::data(Bytes::from_static(LEASE))), (ticks, end))),
    }
}

struct Reading {
    body: Incoming,
    pieces: Pieces,
    is_over: bool,
    _held: DropGuard,
}

/// The items of the frames in a body. It is read only as fast as they are taken.
pub(super) fn frames<T: DeserializeOwned + Send>(
    body: Incoming,
    held: DropGuard,
) -> impl Stream<Item = Result<T, ClientError>> + Send {
    let reading = Reading { body, pieces: Pieces::default(), is_over: false, _held: held };
    futures_util::stream::unfold(reading, |mut reading| async move {
        let item = reading.next().await?;
        reading.is_over = item.is_err();
        Some((item, reading))
    })
}

impl Reading {
    /// None at the end. Nothing comes behind an error.
    async fn next<T: DeserializeOwned>(&mut self) -> Option<Result<T, ClientError>> {
        let unreadable =
            |error: &dyn std::fmt::Display| Some(Err(ClientError::Unreadable(error.to_string())));
        if self.is_over {
            return None;
        }
        loop {
            match self.pieces.take() {
                Ok(Some(Frame::Item(item))) => return Some(Ok(item)),
                Ok(Some(Frame::Problem(problem))) => return Some(Err(ClientError::Refused(problem))),
                Ok(None) => {}
                Err(error) => return unreadable(&error),
            }
            match self.body.frame().await {
                Some(Ok(piece)) => {
                    if let Ok(piece) = piece.into_data() {
                        self.pieces.add(&piece);
                    }
                }
                Some(Err(error)) => return Some(Err(error.into())),
                None if self.pieces.is_empty() => return None,
                None => return unreadable(&"a frame that isn't whole"),
            }
        }
    }
}
