//! An answer, taken piece by piece and never without end.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::{Limits, OutgoingError};

pub struct Reply {
    response: reqwest::Response,
    limits: Limits,
    taken: usize,
}

impl Reply {
    pub(super) fn new(response: reqwest::Response, limits: Limits) -> Self {
        Self { response, limits, taken: 0 }
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    /// Where nothing comes for too long, too much comes, or it is cut off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutgoingError> {
        let next = tokio::time::timeout(self.limits.silence, self.response.chunk());
        let chunk = match next.await {
            Err(_) => return Err(OutgoingError::Silence(self.limits.silence)),
            Ok(Err(_)) => return Err(OutgoingError::CutOff),
            Ok(Ok(chunk)) => chunk,
        };
        self.taken = self.taken.saturating_add(chunk.as_ref().map_or(0, Bytes::len));
        if self.taken > self.limits.body {
            return Err(OutgoingError::TooLong(self.limits.body));
        }
        Ok(chunk)
    }

    /// All that is still to come.
    ///
    /// # Errors
    /// As `chunk`.
    pub async fn whole(&mut self) -> Result<Bytes, OutgoingError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}
