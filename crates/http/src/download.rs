//! A large file that is sent under a lease, whole or from where it broke.

use std::io;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use stoa_app::ports::{Archive, ByteStream};
use stoa_domain::Refusal;

use crate::answer::Success;
use crate::lease::Lease;
use crate::openapi::Description;
use crate::problem::Problem;

/// An archive on its way. When the right ends it breaks off, so that nobody takes it for the whole.
pub struct Download(Response);

struct Going {
    bytes: ByteStream,
    lease: Lease,
    is_over: bool,
}

impl Going {
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        if self.is_over {
            return None;
        }
        let next = tokio::select! {
            biased;
            _ = self.lease.ended() => Some(Err(ended())),
            next = self.bytes.next() => next.map(|piece| piece.map_err(|fault| io::Error::other(fault.chain()))),
        };
        // Asked again, because getting the piece may have taken long.
        let next = match next {
            Some(Ok(_)) if self.lease.check().is_err() => Some(Err(ended())),
            other => other,
        };
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "the right ended")
}

/// A name as a header may hold it: what else it has becomes a hyphen.
fn plain(name: &str) -> String {
    let fits =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    name.chars().map(fits).collect()
}

impl Download {
    /// The stretch that is asked for: only where it goes on with what its asker has begun.
    pub(crate) fn wanted(headers: &HeaderMap, tag: &str) -> Option<String> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let is_same = text(IF_RANGE).is_none_or(|begun| begun == format!("\"{tag}\""));
        text(RANGE).filter(|_| is_same).map(str::to_owned)
    }

    pub(crate) fn new(archive: Archive, lease: Lease, name: &str, tag: &str) -> Self {
        let Archive { status, length, range, bytes } = archive;
        if status == StatusCode::RANGE_NOT_SATISFIABLE.as_u16() {
            let mut response = Problem::from(Refusal::BeyondEnd).into_response();
            // How long the whole of it is.
            if let Some(Ok(range)) = range.map(HeaderValue::try_from) {
                response.headers_mut().insert(CONTENT_RANGE, range);
            }
            return Self(response);
        }
        let going = Going { bytes, lease, is_over: false };
        let body = unfold(going, |mut going| async move {
            let next = going.next().await?;
            Some((next, going))
        });
        let mut response = Response::new(Body::from_stream(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let told = [
            (ETAG, Some(format!("\"{tag}\""))),
            (CONTENT_RANGE, range),
            (CONTENT_DISPOSITION, Some(format!("attachment; filename=\"{}\"", plain(name)))),
        ];
        for (name, value) in told {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
        Self(response)
    }
}

impl Success for Download {
    fn describe(description: &mut Description) {
        description.archive();
    }

    fn into_response(self) -> Response {
        self.0
    }
}
