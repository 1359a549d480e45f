//! Bodies on their way through: each ends with the right to it, and gives back what it held.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use stoa_domain::Refusal;
use tokio::sync::watch;
use tokio::time::Instant;

use super::At;
use super::connections::{Connections, Sender};
use super::hold::Place;
use crate::lease::Lease;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A right to something that goes on, watched while nothing is sent too.
pub(super) enum Watched {
    Lease(Arc<Lease>, BoxFuture<'static, Refusal>),
    /// Of a public instance, for as long as it is that.
    Public(BoxFuture<'static, ()>),
}

impl Watched {
    /// `until`: when it ends by itself, where it does.
    pub(super) fn lease(lease: Arc<Lease>, until: Option<Instant>) -> Self {
        let waiting = lease.clone();
        let ended = async move {
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                refusal = waiting.ended() => refusal,
                () = over => Refusal::NotFound,
            }
        };
        Self::Lease(lease, Box::pin(ended))
    }

    pub(super) fn public(closed: watch::Receiver<bool>) -> Self {
        Self::Public(Box::pin(until_closed(closed)))
    }

    /// Ready with a fault once the right has ended.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Fault> {
        let has_ended = match self {
            Self::Lease(lease, ended) => lease.check().is_err() || ended.as_mut().poll(context).is_ready(),
            Self::Public(closed) => closed.as_mut().poll(context).is_ready(),
        };
        if has_ended { Poll::Ready("the right to it has ended".into()) } else { Poll::Pending }
    }

    /// Waits until the right has ended.
    pub(super) async fn ended(self) {
        match self {
            Self::Lease(_, ended) => drop(ended.await),
            Self::Public(closed) => closed.await,
        }
    }
}

/// Waits until an instance isn't public any more.
async fn until_closed(mut closed: watch::Receiver<bool>) {
    if closed.wait_for(|closed| *closed).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The connection that an answer comes by, to be kept once the answer has ended cleanly.
pub(super) struct Return {
    pub connections: Arc<Connections>,
    pub at: At,
    pub generation: u64,
    pub sender: Sender,
}

/// A body with what it holds.
pub(super) struct Carried<B> {
    pub body: B,
    pub watched: Option<Watched>,
    pub connection: Option<Return>,
    /// Held for as long as the body goes on.
    pub _place: Option<Place>,
}

impl<B> Carried<B> {
    pub(super) fn end(&mut self) {
        if let Some(Return { connections, at, generation, mut sender }) = self.connection.take() {
            tokio::spawn(async move {
                // Ready once the request too was sent to its end.
                let wait = std::time::Duration::from_secs(1);
                if matches!(tokio::time::timeout(wait, sender.ready()).await, Ok(Ok(()))) {
                    connections.keep(at, generation, sender).await;
                }
            });
        }
    }
}

impl<B> Body for Carried<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Fault>,
{
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(watched) = &mut self.watched
            && let Poll::Ready(fault) = watched.poll_ended(context)
        {
            return Poll::Ready(Some(Err(fault)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                if self.body.is_end_stream() {
                    self.end();
                }
                Some(Ok(frame))
            }
            Some(Err(fault)) => Some(Err(fault.into())),
            None => {
                self.end();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
