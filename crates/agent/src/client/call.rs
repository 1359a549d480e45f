//! One request and its answer.

use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Client, ClientError, PATIENCE};
use crate::protocol::{LogQuery, Order};

/// Bytes of an answer that is read whole: a list of all instances is the longest.
const LARGEST: usize = 64 << 20;

/// Whoever asked has a patience of its own.
const PATIENCE_TO_HAND_ON: Duration = Duration::from_secs(600);

type Anything = Box<dyn Error + Send + Sync>;

/// The body of a request.
pub(super) type Sent = UnsyncBoxBody<Bytes, Anything>;

/// Where requests go.
pub(super) type Asking = SendRequest<Sent>;

fn never(error: Infallible) -> Anything {
    match error {}
}

pub(super) fn of_nothing() -> Sent {
    Empty::new().map_err(never).boxed_unsync()
}

/// It is wiped when it was sent: it may hold secrets.
pub(super) fn of_json<T: Serialize>(told: &T) -> Result<Sent, ClientError> {
    let bytes = serde_json::to_vec(told).map_err(|error| ClientError::Unwritable(error.to_string()))?;
    Ok(Full::new(Bytes::from_owner(Zeroizing::new(bytes))).map_err(never).boxed_unsync())
}

/// What ended a stream that was sent, where it was an error.
pub(super) struct Broken(Arc<Mutex<Option<String>>>);

impl Broken {
    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(super) fn of_stream<E: Error + Send + Sync + 'static>(
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> (Sent, Broken) {
    let broken = Broken(Arc::default());
    let told = broken.0.clone();
    let frames = pieces.map(move |piece| match piece {
        Ok(piece) => Ok(Frame::data(piece)),
        Err(error) => {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            Err(Anything::from(error))
        }
    });
    (BodyExt::boxed_unsync(StreamBody::new(frames)), broken)
}

/// A request that can be sent on any connection: who is asked follows from where it is sent.
pub(super) fn request(method: Method, path: &str, body: Sent) -> Result<Request<Sent>, ClientError> {
    let request = Request::builder().method(method).uri(format!("http://agent{path}")).body(body);
    request.map_err(|error| ClientError::Unwritable(error.to_string()))
}

/// A query of a log as it stands behind the instance's id and what of the log is asked for.
pub(super) fn logs(what: &str, query: &LogQuery) -> String {
    let LogQuery { source, from, to, query, levels, after, before, begin, end, limit, follow, find, secrets } =
        query;
    let pairs = [
        ("source", source.clone()),
        ("from", from.map(|micros| micros.to_string())),
        ("to", to.map(|micros| micros.to_string())),
        ("query", query.clone()),
        ("levels", levels.clone()),
        ("after", after.clone()),
        ("before", before.clone()),
        ("begin", begin.clone()),
        ("end", end.clone()),
        ("find", find.clone()),
        ("secrets", secrets.map(|revision| revision.to_string())),
        ("limit", limit.map(|limit| limit.to_string())),
        ("follow", follow.then(|| "true".to_owned())),
    ];
    let mut text = what.to_owned();
    let given = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (between, (name, value)) in std::iter::once('?').chain(std::iter::repeat('&')).zip(given) {
        text.push_str(&format!("{between}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
    }
    text
}

pub(super) async fn whole(answer: Response<Incoming>) -> Result<Bytes, ClientError> {
    let body = Limited::new(answer.into_body(), LARGEST).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| ClientError::Unreadable(error.to_string()))
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| ClientError::Unreadable(error.to_string()))
}

/// An answer that isn't a refusal.
pub(super) async fn send(
    sender: &Asking,
    patience: Duration,
    request: Request<Sent>,
) -> Result<Response<Incoming>, ClientError> {
    let answer = send_whatever(sender, patience, request).await?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    Err(ClientError::Refused(parse(&whole(answer).await?)?))
}

/// Any answer.
pub(super) async fn send_whatever(
    sender: &Asking,
    patience: Duration,
    request: Request<Sent>,
) -> Result<Response<Incoming>, ClientError> {
    let mut sender = sender.clone();
    let asking = async {
        sender.ready().await?;
        sender.send_request(request).await
    };
    Ok(tokio::time::timeout(patience, asking).await.map_err(|_| ClientError::NoAnswer)??)
}

pub(super) async fn read<T: DeserializeOwned>(sender: &Asking, path: &str) -> Result<T, ClientError> {
    let answer = send(sender, PATIENCE, request(Method::GET, path, of_nothing())?).await?;
    parse(&whole(answer).await?)
}

impl Client {
    /// A request of somebody else's, as it is; and any answer. Where the connection is gone, so is the other one soon.
    pub(crate) async fn hand_on(&self, request: axum::extract::Request) -> axum::response::Response {
        let request = request.map(|body| BodyExt::boxed_unsync(body.map_err(Anything::from)));
        match send_whatever(&self.sender, PATIENCE_TO_HAND_ON, request).await {
            Ok(answer) => answer.map(axum::body::Body::new),
            Err(error) => {
                tracing::debug!(%error, "what another replica asked of a machine can't be handed on");
                axum::response::IntoResponse::into_response(crate::protocol::Problem::new(
                    crate::protocol::Code::Busy,
                    "The machine isn't reached.",
                ))
            }
        }
    }

    pub(super) async fn order(
        &self,
        method: Method,
        path: &str,
        order: Order,
        body: Sent,
    ) -> Result<Bytes, ClientError> {
        self.order_within(PATIENCE, method, path, order, body).await
    }

    pub(super) async fn order_within(
        &self,
        patience: Duration,
        method: Method,
        path: &str,
        order: Order,
        body: Sent,
    ) -> Result<Bytes, ClientError> {
        let mut request = request(method, path, body)?;
        order.write(request.headers_mut());
        whole(send(&self.sender, patience, request).await?).await
    }
}
