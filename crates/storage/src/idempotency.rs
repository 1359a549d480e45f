//! Requests that a client may repeat: what was answered the first time, by account and key, for a day.

use stoa_domain::{AccountId, SystemPermit, WorkspaceId};

use crate::failure::Failure;
use crate::store::{Store, Work};
use crate::values;

/// An answer is given again for this long: 24 hours.
const KEPT_SECONDS: i64 = 24 * 3600;

/// Whoever hasn't answered after this long never will: 10 minutes.
const LOST_SECONDS: i64 = 600;

crate::statements! {
    BEGIN = "INSERT INTO idempotency (account_id, key, operation, body_hash, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account_id, key) DO NOTHING";
    FIND = "SELECT operation, body_hash, status, answer, created_at FROM idempotency WHERE account_id = $1 AND key = $2";
    END = "UPDATE idempotency SET status = $3, answer = $4 WHERE account_id = $1 AND key = $2";
    FORGET = "DELETE FROM idempotency WHERE account_id = $1 AND key = $2";
    SWEEP = "DELETE FROM idempotency WHERE created_at < $1";
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// Nothing: it is to be carried out now.
    New,
    /// A request had the key. `answer` is there once it was carried out: its status, and what was answered.
    Known { operation: String, body_hash: Vec<u8>, answer: Option<(i64, Vec<u8>)> },
    /// Another one took the key in this moment.
    Taken,
}

impl Store {
    /// Notes that a request is about to be carried out, or says what is known of the one that has its key. `body_hash`
    /// is of everything that makes it this request, sealed: a body may hold a password.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_once(
        &self,
        account: AccountId,
        key: String,
        operation: &'static str,
        body_hash: Vec<u8>,
    ) -> Result<Once, Failure> {
        let work: Work<_> = Box::new(move |tx| {
            let (key, body_hash) = (key.clone(), body_hash.clone());
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                if let Some(row) = tx.fetch_optional(FIND, values![account, key.as_str()]).await? {
                    let (status, age) = (row.get::<Option<i64>>(2)?, now.seconds_since(row.get(4)?));
                    let is_over = age >= KEPT_SECONDS || (status.is_none() && age >= LOST_SECONDS);
                    if !is_over {
                        let answer = row.get::<Option<Vec<u8>>>(3)?.unwrap_or_default();
                        return Ok(Once::Known {
                            operation: row.get(0)?,
                            body_hash: row.get(1)?,
                            answer: status.map(|status| (status, answer)),
                        });
                    }
                    tx.execute(FORGET, values![account, key.as_str()]).await?;
                }
                let made = tx.execute(BEGIN, values![account, key, operation, body_hash, now]).await?;
                Ok(if made == 1 { Once::New } else { Once::Taken })
            })
        });
        self.write(permit("idempotency.begin"), work).await
    }

    /// # Errors
    /// A fault.
    pub async fn end_once(
        &self,
        account: AccountId,
        key: String,
        status: i64,
        answer: Vec<u8>,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let (key, answer) = (key.clone(), answer.clone());
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(END, values![account, key, status, answer]).await?;
                Ok(())
            })
        });
        self.write(permit("idempotency.end"), work).await
    }

    /// What came to nothing may be tried again with the same key.
    ///
    /// # Errors
    /// A fault.
    pub async fn forget_once(&self, account: AccountId, key: String) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let key = key.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(FORGET, values![account, key]).await?;
                Ok(())
            })
        });
        self.write(permit("idempotency.forget"), work).await
    }

    /// Removes what is older than a day.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_once(&self) -> Result<(), Failure> {
        self.sweep("idempotency.sweep", SWEEP, values![self.now().plus_seconds(-KEPT_SECONDS)]).await
    }
}

fn permit(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}
