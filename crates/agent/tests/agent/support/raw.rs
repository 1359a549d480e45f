//! Requests as nobody's client writes them.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>>;

pub struct Raw(http2::SendRequest<Body>);

/// A body in pieces.
pub fn pieces(pieces: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece))).boxed())
}

impl Raw {
    pub async fn connect(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) =
            http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(connection)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, String)],
        body: Body,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(format!("http://agent{path}"));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut sender = self.0.clone();
        sender.ready().await.unwrap();
        sender.send_request(request.body(body).unwrap()).await.unwrap()
    }

    /// The status, and the code of a problem.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> (StatusCode, String) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = self.open(method, path, headers, pieces(stream::iter([body]))).await;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }
}
