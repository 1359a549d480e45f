//! Who carries a job out: claimed by one conditional update, held by a lease, told apart by a fence.

use stoa_domain::job::JobKind;
use stoa_domain::{JobId, MachineId, SystemPermit, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::job::{JobRecord, read};
use crate::page::word;
use crate::replica::GONE_SECONDS;
use crate::store::{Store, Work};
use crate::values;

/// Seconds for which a claim holds without being renewed.
pub const LEASE_SECONDS: i64 = 30;

crate::statements! {
    /// What can be claimed. Of several replicas, the one claims that stands on the machine, or holds its link; where
    /// nobody does, and of what has lost its instance, anyone. Few at any time: an instance has one that waits.
    WAITING = "SELECT j.id, j.kind, (SELECT s.machine_id FROM instances i JOIN servers s ON s.id = i.server_id
                WHERE i.id = j.instance_id)
            FROM jobs j
            WHERE ((j.status = 'running' AND j.lease_until <= $1)
                   OR (j.status = 'queued' AND j.run_at <= $1 AND NOT EXISTS (SELECT 1 FROM jobs r
                        WHERE r.instance_id = j.instance_id AND r.status = 'running')))
                  AND NOT EXISTS (SELECT 1 FROM instances i JOIN servers s ON s.id = i.server_id
                      JOIN machines m ON m.id = s.machine_id
                      WHERE i.id = j.instance_id
                        AND (m.replica_id <> $2 OR (m.replica_id IS NULL AND $2 IS NOT NULL))
                        AND (m.kind = 'local' OR EXISTS (SELECT 1 FROM replicas q
                            WHERE q.id = m.replica_id AND q.seen_at > $3)))
            ORDER BY j.id";
    /// It is asked again whether it can be claimed, of the row as it is when it is locked: two who found the same job
    /// can't both have it. The fence rises over all jobs of the instance, because that is how its machine compares it.
    CLAIM = "UPDATE jobs SET status = 'running', lease_until = $2, attempts = attempts + 1,
            fence = 1 + (SELECT COALESCE(MAX(f.fence), 0) FROM jobs f
                WHERE f.instance_id = jobs.instance_id OR f.id = jobs.id)
        WHERE id = $3
          AND ((status = 'running' AND lease_until <= $1)
            OR (status = 'queued' AND NOT EXISTS (SELECT 1 FROM jobs r
                WHERE r.instance_id = jobs.instance_id AND r.status = 'running')))
        RETURNING id, kind, instance_id, account_id, permission, status, step, progress, created_at, ended_at,
            cancel_at, error_code, detail, workspace_id, input, fence, attempts";
    RENEW = "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND fence = $2 AND status = 'running' RETURNING cancel_at";
    CANCELLED = "SELECT cancel_at FROM jobs WHERE id = $1 AND fence = $2 AND status = 'running'";
    END_ALL_LEASES = "UPDATE jobs SET lease_until = $1 WHERE status = 'running'";
}

/// A job that can be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub job: JobId,
    pub kind: JobKind,
    /// Of its instance, where it has one still.
    pub machine: Option<MachineId>,
}

/// A job that this process carries out now.
#[derive(Debug, Clone)]
pub struct Claim {
    pub job: JobRecord,
    pub workspace: WorkspaceId,
    /// A JSON object.
    pub input: String,
    pub fence: i64,
    /// How often it was claimed, this time counted.
    pub attempts: i64,
    /// As it was found.
    pub waited: Waiting,
}

fn housekeeping(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

impl Store {
    /// Claims the oldest job that waits, or whose holder is gone. `None` where there is none.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_job(&self) -> Result<Option<Claim>, Failure> {
        self.claim_job_where(|_| true).await
    }

    /// The same of those that have a place.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_job_where(
        &self,
        has_place: impl Fn(&Waiting) -> bool + Send,
    ) -> Result<Option<Claim>, Failure> {
        // Found without a write: mostly nothing waits.
        let now = self.now();
        let found = values![now, self.own_replica(), now.plus_seconds(-GONE_SECONDS)];
        for row in self.fetch_all(WAITING, found).await? {
            let (job, kind) = (row.get(0)?, word(&row, 1, JobKind::from_key)?);
            let waiting = Waiting { job, kind, machine: row.get(2)? };
            if has_place(&waiting)
                && let Some(claim) = self.claim_found(waiting).await?
            {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// `None` where another was first.
    async fn claim_found(&self, waited: Waiting) -> Result<Option<Claim>, Failure> {
        let work: Work<Option<Claim>> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let until = now.plus_seconds(LEASE_SECONDS);
                let Some(row) = tx.fetch_optional(CLAIM, values![now, until, waited.job]).await? else {
                    return Ok(None);
                };
                Ok(Some(Claim {
                    job: read(&row)?,
                    workspace: row.get(13)?,
                    input: row.get(14)?,
                    fence: row.get(15)?,
                    attempts: row.get(16)?,
                    waited,
                }))
            })
        });
        match self.write(housekeeping("job.claim"), work).await {
            // Another replica has claimed a job of the same instance in the same moment.
            Err(Failure::Fault(fault)) if fault.is_unique_violation() => Ok(None),
            other => other,
        }
    }

    /// Holds the claim for another while. `None` where it is another's by now; else whether the job is to be cancelled.
    ///
    /// # Errors
    /// A fault.
    pub async fn renew_job(&self, job: JobId, fence: i64) -> Result<Option<bool>, Failure> {
        self.set_lease(job, fence, LEASE_SECONDS).await
    }

    /// Gives the claim back, to be claimed again after that many seconds.
    ///
    /// # Errors
    /// A fault.
    pub async fn give_back_job(&self, job: JobId, fence: i64, seconds: i64) -> Result<(), Failure> {
        self.set_lease(job, fence, seconds).await.map(drop)
    }

    async fn set_lease(&self, job: JobId, fence: i64, seconds: i64) -> Result<Option<bool>, Failure> {
        let work: Work<Option<bool>> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let until = tx.now().plus_seconds(seconds);
                let row = tx.fetch_optional(RENEW, values![job, fence, until]).await?;
                Ok(row.map(|row| row.get::<Option<i64>>(0)).transpose()?.map(|at| at.is_some()))
            })
        });
        self.write(housekeeping("job.lease"), work).await
    }

    /// Whether a job that is carried out is to be cancelled; `None` where the claim is another's by now.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_job_cancelled(&self, job: JobId, fence: i64) -> Result<Option<bool>, StorageFault> {
        let row = self.fetch_optional(CANCELLED, values![job, fence]).await?;
        Ok(row.map(|row| row.get::<Option<i64>>(0)).transpose()?.map(|at| at.is_some()))
    }

    /// Ends the leases of a process that is gone: where there is one process only, at its start.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_all_leases(&self) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(END_ALL_LEASES, values![now]).await?;
                tx.touched.jobs = true;
                Ok(())
            })
        });
        self.write(housekeeping("job.end_leases"), work).await
    }
}
