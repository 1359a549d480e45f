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
use tokio::sync::watch;
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

/// Whether a stream that is sent is taken still.
pub(super) struct Taken(watch::Receiver<()>);

/// The stream, and who tells of each piece that is taken of it.
pub(super) fn watched<T>(pieces: impl Stream<Item = T> + Send) -> (impl Stream<Item = T> + Send, Taken) {
    let (tells, taken) = watch::channel(());
    (pieces.inspect(move |_| tells.send_replace(())), Taken(taken))
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

async fn whole(answer: Response<Incoming>) -> Result<Bytes, ClientError> {
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
    Err(refused(patience, answer).await)
}

/// Whoever refuses has no longer to say why.
pub(super) async fn refused(patience: Duration, answer: Response<Incoming>) -> ClientError {
    let said = tokio::time::timeout(patience, whole(answer)).await.unwrap_or(Err(ClientError::NoAnswer));
    match said.and_then(|said| parse(&said)) {
        Ok(problem) => ClientError::Refused(problem),
        Err(error) => error,
    }
}

/// An answer that isn't a refusal, to its end: one that begins and never ends is none.
pub(super) async fn ask(
    sender: &Asking,
    patience: Duration,
    request: Request<Sent>,
) -> Result<Bytes, ClientError> {
    let asking = async { whole(send(sender, patience, request).await?).await };
    tokio::time::timeout(patience, asking).await.map_err(|_| ClientError::NoAnswer)?
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
    parse(&ask(sender, PATIENCE, request(Method::GET, path, of_nothing())?).await?)
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
        let mut request = request(method, path, body)?;
        order.write(request.headers_mut());
        ask(&self.sender, PATIENCE, request).await
    }

    /// The same with a body that takes as long as it takes: the patience is for a stretch in which none of it is taken,
    /// and then for the answer.
    pub(super) async fn order_while_taken(
        &self,
        patience: Duration,
        mut taken: Taken,
        mut request: Request<Sent>,
        order: Order,
    ) -> Result<Bytes, ClientError> {
        order.write(request.headers_mut());
        let mut sender = self.sender.clone();
        let mut asking = std::pin::pin!(async move {
            sender.ready().await?;
            Ok::<_, ClientError>(sender.send_request(request).await?)
        });
        let answer = loop {
            let within = tokio::time::timeout(patience, async {
                tokio::select! {
                    answer = &mut asking => Some(answer),
                    Ok(()) = taken.0.changed() => None,
                }
            });
            match within.await {
                Ok(Some(answer)) => break answer?,
                Ok(None) => {}
                Err(_) => return Err(ClientError::NoAnswer),
            }
        };
        if !answer.status().is_success() {
            return Err(refused(patience, answer).await);
        }
        tokio::time::timeout(patience, whole(answer)).await.map_err(|_| ClientError::NoAnswer)?
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::{any, get};
    use futures_util::stream;
    use http::StatusCode;
    use stoa_domain::JobId;

    use super::*;
    use crate::protocol::{Fence, Valid};

    const HELLO: &str =
        r#"{"protocol":1,"version":"0","abilities":{"no_sandbox":null,"no_outgoing":null,"limits_by":""}}"#;

    /// Of a machine that greets.
    async fn client(router: Router) -> Client {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(crate::router::serve(router.route("/v1/hello", get(|| async { HELLO })), far));
        Client::connect(near).await.unwrap()
    }

    async fn ends<T>(asked: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(60), asked)
            .await
            .expect("whoever asks isn't held up for ever")
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_is_none() {
        let endless = || {
            let beginning = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
            Body::from_stream(beginning.chain(stream::pending()))
        };
        let router = Router::new()
            .route("/tells", get(move || async move { endless() }))
            .route("/refuses", get(move || async move { (StatusCode::CONFLICT, endless()) }));
        let client = client(router).await;
        for path in ["/tells", "/refuses"] {
            let request = request(Method::GET, path, of_nothing()).unwrap();
            let told = ends(ask(&client.sender, Duration::from_millis(200), request)).await;
            assert!(matches!(told, Err(ClientError::NoAnswer)), "{path}: {told:?}");
        }
    }

    #[tokio::test]
    async fn a_pack_takes_as_long_as_it_is_taken() {
        let order = Order {
            job: JobId::new(uuid::Uuid::nil()),
            fence: Fence::new(1).unwrap(),
            valid: Valid::LONGEST,
        };
        let router = Router::new()
            .route(
                "/reads",
                any(|body: Body| async {
                    axum::body::to_bytes(body, LARGEST).await.unwrap().len().to_string()
                }),
            )
            .route(
                "/waits",
                any(|body: Body| async move {
                    std::future::pending::<()>().await;
                    drop(body);
                }),
            );
        let client = client(router).await;
        let sent =
            async |path: &str, patience: u64, pack: stream::BoxStream<'static, Result<Bytes, Infallible>>| {
                let (pack, taken) = watched(pack);
                let request = request(Method::PUT, path, of_stream(pack).0).unwrap();
                ends(client.order_while_taken(Duration::from_secs(patience), taken, request, order)).await
            };
        // All of it takes longer than the patience, no part of it does.
        let slow = stream::iter(0..6).then(|_| async {
            tokio::time::sleep(Duration::from_millis(900)).await;
            Ok(Bytes::from_static(b"pack"))
        });
        assert_eq!(sent("/reads", 4, slow.boxed()).await.unwrap(), "24");
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 16 * 1024])));
        let told = sent("/waits", 1, endless.boxed()).await;
        assert!(matches!(told, Err(ClientError::NoAnswer)), "{told:?}");
    }
}
