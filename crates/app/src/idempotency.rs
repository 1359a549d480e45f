//! Requests that a client may repeat without doing them twice.

use stoa_domain::{AccountId, Refusal};
use stoa_storage::idempotency::Once;

use crate::{App, Failure};

/// What was answered the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub status: i64,
    pub answer: Vec<u8>,
}

impl App {
    /// `None`: it is to be carried out now, and its end to be told by [`App::keep_answer`] or [`App::forget_request`].
    ///
    /// # Errors
    /// `IdempotencyMismatch`, `Conflict` while it is being carried out, or a fault.
    pub async fn begin_request(
        &self,
        account: AccountId,
        key: &str,
        operation: &'static str,
        hash: Vec<u8>,
    ) -> Result<Option<Kept>, Failure> {
        match self.store().begin_once(account, key.to_owned(), operation, hash).await? {
            Once::New => Ok(None),
            Once::Running => Err(Refusal::Conflict(stoa_domain::Conflict::StillRunning).into()),
            Once::Mismatch => Err(Refusal::IdempotencyMismatch.into()),
            Once::Answered { status, answer } => Ok(Some(Kept { status, answer })),
        }
    }

    /// # Errors
    /// A fault.
    pub async fn keep_answer(&self, account: AccountId, key: &str, kept: Kept) -> Result<(), Failure> {
        Ok(self.store().end_once(account, key.to_owned(), kept.status, kept.answer).await?)
    }

    /// # Errors
    /// A fault.
    pub async fn forget_request(&self, account: AccountId, key: &str) -> Result<(), Failure> {
        Ok(self.store().forget_once(account, key.to_owned()).await?)
    }
}
