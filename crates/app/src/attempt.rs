//! Counted attempts: each counts before it is looked at, so that many at once aren't more than are allowed.

use stoa_domain::Refusal;
use stoa_storage::attempt::Limit;

use crate::{App, Failure};

impl App {
    /// Counts one more in the bucket.
    ///
    /// # Errors
    /// `TooManyRequests` where it is one too many.
    pub(crate) async fn count(&self, bucket: String, limit: Limit) -> Result<(), Failure> {
        match self.store().count_attempt(bucket, limit).await? {
            Some(retry_after) => Err(Refusal::TooManyRequests { retry_after }.into()),
            None => Ok(()),
        }
    }
}
