//! Streams that live by a lease: frames go out for as long as renewals come in.

use std::pin::pin;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ask::with_type;
use crate::protocol::frame::{self, Frame, NDJSON, Pieces, Renewal};
use crate::protocol::header::LEASE_LASTS;
use crate::protocol::{Code, Lease, Problem};

/// Pieces that wait for whoever reads them, and bytes of one, but for a last frame that is longer.
const WAITING: usize = 2;
const PIECE: usize = 16 * 1024;

/// A request for a stream.
pub(super) struct Leased {
    renewals: BodyDataStream,
}

impl<S: Send + Sync> FromRequest<S> for Leased {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Lease::read(request.headers())?;
        Ok(Self { renewals: request.into_body().into_data_stream() })
    }
}

impl Leased {
    /// What comes of `items`, as it comes. With the lease they end too, whether anybody reads or not; what was sent is
    /// then cut off, so that nobody takes it for the whole.
    pub fn answer<T: Serialize + Send>(
        self,
        items: impl Stream<Item = Result<T, Problem>> + Send + 'static,
    ) -> Response {
        self.sent(NDJSON, |sender, whole| async move {
            send_all(items, &sender).await;
            whole.cancel();
        })
    }

    /// Bytes as they are, in the same way. What can't be had to its end is cut off.
    pub fn bytes(self, pieces: impl Stream<Item = Result<Bytes, String>> + Send + 'static) -> Response {
        self.sent("application/octet-stream", |sender, whole| async move {
            let mut pieces = pin!(pieces);
            while let Some(piece) = pieces.next().await {
                let Ok(piece) = piece else { return };
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
            whole.cancel();
        })
    }

    fn sent<F>(
        self,
        kind: &'static str,
        sending: impl FnOnce(mpsc::Sender<Bytes>, CancellationToken) -> F,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let whole = CancellationToken::new();
        let is_whole = whole.clone();
        let sending = sending(sender.clone(), whole);
        tokio::spawn(async move {
            tokio::select! {
                () = run_out(self.renewals) => {}
                () = sender.closed() => {}
                () = sending => {}
            }
        });
        let pieces =
            futures_util::stream::unfold((receiver, is_whole), |(mut receiver, is_whole)| async move {
                match receiver.recv().await {
                    Some(piece) => Some((Ok(piece), (receiver, is_whole))),
                    None if is_whole.is_cancelled() => None,
                    None => {
                        is_whole.cancel();
                        Some((Err("the lease ran out"), (receiver, is_whole)))
                    }
                }
            });
        with_type(StatusCode::OK, kind, Body::from_stream(pieces))
    }
}

/// Until the last renewal is too long ago, or no other can come.
async fn run_out(mut renewals: BodyDataStream) {
    let mut pieces = Pieces::default();
    let mut end = Instant::now() + LEASE_LASTS;
    while let Ok(Some(Ok(piece))) = timeout_at(end, renewals.next()).await {
        pieces.add(&piece);
        loop {
            match pieces.take() {
                Ok(Some(Renewal::Lease)) => end = Instant::now() + LEASE_LASTS,
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// As many frames in one piece as are there already.
async fn send_all<T: Serialize>(items: impl Stream<Item = Result<T, Problem>>, sender: &mpsc::Sender<Bytes>) {
    let mut items = pin!(items.fuse());
    let mut next = items.next().await;
    while let Some(item) = next {
        let mut piece = Vec::new();
        let mut is_last = !add(item, &mut piece);
        while !is_last
            && piece.len() < PIECE
            && let Some(Some(item)) = items.next().now_or_never()
        {
            is_last = !add(item, &mut piece);
        }
        if sender.send(piece.into()).await.is_err() || is_last {
            return;
        }
        next = items.next().await;
    }
}

/// Whether more may follow.
fn add<T: Serialize>(item: Result<T, Problem>, piece: &mut Vec<u8>) -> bool {
    let frame = match item {
        Ok(item) => Frame::Item(item),
        Err(problem) => Frame::Problem(problem),
    };
    let begin = piece.len();
    match frame::write(&frame, piece) {
        Ok(()) => matches!(frame, Frame::Item(_)),
        Err(error) => {
            piece.truncate(begin);
            let problem = Problem::new(Code::Failed, format!("A frame can't be written: {error}."));
            // One that says nothing but this can be.
            let _ = frame::write(&Frame::<()>::Problem(problem), piece);
            false
        }
    }
}
