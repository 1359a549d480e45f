//! Visitors of applications: connections to them, and what is noted of each.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::Method;
use http_body_util::BodyStream;
use stoa_domain::InstanceId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};
use tokio_util::sync::PollSender;

use super::call::{self, of_json, of_stream};
use super::{Answer, Client, PATIENCE, of};
use crate::link::Bytestream;
use crate::protocol::VisitsNoted;

/// Pieces that wait to be sent to an application.
const WAITING: usize = 4;

impl Client {
    /// A new connection to the application. Let go, it ends there too.
    ///
    /// # Errors
    /// Where it doesn't run, or why there is no answer.
    pub async fn open_application(&self, instance: InstanceId) -> Answer<impl Bytestream + 'static + use<>> {
        let (sender, receiver) = mpsc::channel::<Bytes>(WAITING);
        let (body, _) = of_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
        let request = call::request(Method::POST, &of(instance, "/socket"), body)?;
        let answer = call::send(&self.sender, PATIENCE, request).await?;
        let pieces = BodyStream::new(answer.into_body()).map_err(io::Error::other);
        let pieces = pieces.try_filter_map(|frame| async move { Ok(frame.into_data().ok()) });
        let reader = StreamReader::new(pieces.boxed());
        let sink = PollSender::new(sender);
        let sink = futures_util::SinkExt::sink_map_err(sink, |_| io::Error::from(io::ErrorKind::BrokenPipe));
        Ok(tokio::io::join(reader, SinkWriter::new(CopyToBytes::new(sink))))
    }

    /// Tells of visitors who were answered.
    ///
    /// # Errors
    /// Why it isn't taken.
    pub async fn note_visits(&self, noted: &VisitsNoted) -> Answer<()> {
        let request = call::request(Method::POST, "/v1/visits", of_json(noted)?)?;
        call::send(&self.sender, PATIENCE, request).await.map(drop)
    }
}
