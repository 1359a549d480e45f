//! Bodies on their way through: each ends with the right to it, and gives back what it held.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use stoa_domain::Refusal;

use super::connections::{Connections, Sender};
use super::hold::Seat;
use crate::lease::Lease;
use stoa_domain::InstanceId;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A lease, watched while nothing is sent too.
pub(super) struct Watched {
    lease: Arc<Lease>,
    ended: BoxFuture<'static, Refusal>,
}

impl Watched {
    pub(super) fn new(lease: Arc<Lease>) -> Self {
        let waiting = lease.clone();
        Self { lease, ended: Box::pin(async move { waiting.ended().await }) }
    }

    /// Ready with a fault once the lease has ended.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Fault> {
        if self.lease.check().is_err() || self.ended.as_mut().poll(context).is_ready() {
            return Poll::Ready("the right to it has ended".into());
        }
        Poll::Pending
    }
}

/// The connection that an answer comes by, to be kept once the answer has ended cleanly.
pub(super) struct Return {
    pub connections: Arc<Connections>,
    pub instance: InstanceId,
    pub generation: u64,
    pub sender: Sender,
}

/// A body with what it holds.
pub(super) struct Carried<B> {
    pub body: B,
    pub watched: Option<Watched>,
    pub connection: Option<Return>,
    /// Held for as long as the body goes on.
    pub _seat: Option<Seat>,
}

impl<B> Carried<B> {
    pub(super) fn end(&mut self) {
        if let Some(Return { connections, instance, generation, mut sender }) = self.connection.take() {
            tokio::spawn(async move {
                // Ready once the request too was sent to its end.
                let wait = std::time::Duration::from_secs(1);
                if matches!(tokio::time::timeout(wait, sender.ready()).await, Ok(Ok(()))) {
                    connections.keep(instance, generation, sender);
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
