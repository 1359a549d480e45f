//! Counted attempts: limits on guessing that all replicas share.

use stoa_domain::{SystemPermit, Timestamp, WorkspaceId};

use crate::failure::Failure;
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    /// Counts one more within the window, or begins a new one.
    COUNT = "INSERT INTO attempts (bucket, count, window_at) VALUES ($1, 1, $2)
        ON CONFLICT (bucket) DO UPDATE SET
            count = CASE WHEN attempts.window_at > $3 THEN attempts.count + 1 ELSE 1 END,
            window_at = CASE WHEN attempts.window_at > $3 THEN attempts.window_at ELSE $2 END
        RETURNING count, window_at";
    FIND = "SELECT count, window_at FROM attempts WHERE bucket = $1";
    GIVE_BACK = "UPDATE attempts SET count = count - 1 WHERE bucket = $1 AND count > 0";
    CLEAR = "DELETE FROM attempts WHERE bucket = $1";
    SWEEP = "DELETE FROM attempts WHERE window_at < $1";
}

/// A limit: so many in so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub count: i64,
    pub seconds: i64,
}

impl Limit {
    /// Seconds until the window is over, where the limit is reached.
    fn reached(self, count: i64, window_at: Timestamp, now: Timestamp) -> Option<i64> {
        let left = self.seconds - now.seconds_since(window_at);
        (count >= self.count && left > 0).then_some(left.max(1))
    }
}

impl Store {
    /// Counts an attempt. Answers the seconds to wait, where it is one too many.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_attempt(&self, bucket: String, limit: Limit) -> Result<Option<i64>, Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "attempt.count", None, None);
        let work: Work<_> = Box::new(move |tx| {
            let bucket = bucket.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let row = tx.fetch_one(COUNT, values![bucket, now, now.plus_seconds(-limit.seconds)]).await?;
                let over = Limit { count: limit.count + 1, ..limit };
                Ok(over.reached(row.get(0)?, row.get(1)?, now))
            })
        });
        self.write(permit, work).await
    }

    /// Seconds to wait, where the next attempt is one too many. Nothing is written.
    ///
    /// # Errors
    /// A fault.
    pub async fn attempts_exhausted(&self, bucket: &str, limit: Limit) -> Result<Option<i64>, Failure> {
        let row = self.fetch_optional(FIND, values![bucket]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(limit.reached(row.get(0)?, row.get(1)?, self.now()))
    }

    /// Takes back what was counted of one try: it succeeded.
    ///
    /// # Errors
    /// A fault.
    pub async fn give_attempt_back(&self, buckets: Vec<String>) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "attempt.give_back", None, None);
        let work: Work<()> = Box::new(move |tx| {
            let buckets = buckets.clone();
            Box::pin(async move {
                tx.audit_nothing();
                for bucket in buckets {
                    tx.execute(GIVE_BACK, values![bucket]).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Forgets the attempts of a bucket, after one that succeeded.
    ///
    /// # Errors
    /// A fault.
    pub async fn clear_attempts(&self, bucket: String) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "attempt.clear", None, None);
        let work: Work<()> = Box::new(move |tx| {
            let bucket = bucket.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(CLEAR, values![bucket]).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Forgets windows that are long over.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_attempts(&self, before: Timestamp) -> Result<(), Failure> {
        self.sweep("attempt.sweep", SWEEP, values![before]).await
    }
}
