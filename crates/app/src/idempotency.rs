//! Requests that a client may repeat without doing them twice.
//!
//! What is kept of a request and of its answer is sealed: a body may hold a password, an answer somebody's variables.

use stoa_domain::{AccountId, Conflict, Refusal, Secret, WorkspaceId};
use stoa_storage::idempotency::Once;

use crate::ports::SealedPlace;
use crate::{App, Failure, Fault};

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
        let of_hash = place("body_hash", account, key);
        let sealed = self.seal_row(&of_hash, &hash)?;
        let running = || Refusal::Conflict(Conflict::StillRunning);
        match self.store().begin_once(account, key.to_owned(), operation, sealed).await? {
            Once::New => Ok(None),
            Once::Taken => Err(running().into()),
            Once::Known { operation: before, body_hash, answer } => {
                if before != operation || self.open_row(&of_hash, &body_hash)?.reveal() != hash {
                    return Err(Refusal::IdempotencyMismatch.into());
                }
                let (status, sealed) = answer.ok_or_else(running)?;
                let answer = self.open_row(&place("answer", account, key), &sealed)?.reveal().to_vec();
                Ok(Some(Kept { status, answer }))
            }
        }
    }

    /// # Errors
    /// A fault.
    pub async fn keep_answer(&self, account: AccountId, key: &str, kept: Kept) -> Result<(), Failure> {
        let sealed = self.seal_row(&place("answer", account, key), &kept.answer)?;
        Ok(self.store().end_once(account, key.to_owned(), kept.status, sealed).await?)
    }

    /// # Errors
    /// A fault.
    pub async fn forget_request(&self, account: AccountId, key: &str) -> Result<(), Failure> {
        Ok(self.store().forget_once(account, key.to_owned()).await?)
    }

    /// Requests of an account belong to no workspace.
    fn seal_row(&self, place: &SealedPlace, text: &[u8]) -> Result<Vec<u8>, Fault> {
        self.seal_alone(place, &Secret::new(text.to_vec()))
    }

    fn open_row(&self, place: &SealedPlace, kept: &[u8]) -> Result<Secret, Fault> {
        self.open_alone(place, kept)
    }
}

fn place(column: &'static str, account: AccountId, key: &str) -> SealedPlace {
    SealedPlace {
        workspace: WorkspaceId::INSTALLATION,
        table: "idempotency",
        column,
        row: format!("{account}/{key}"),
        version: 1,
    }
}
