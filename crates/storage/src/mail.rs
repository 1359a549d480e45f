//! The queue of mails. A mail is queued in the transaction of what it tells, and emptied when it is done with.

use stoa_domain::{
    AccountId, InvitationId, JobId, MailId, ResourceKind, SystemPermit, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::job::tell::is_still_told;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO mails (id, workspace_id, invitation_id, kind, recipient, content, status, attempts, next_at, fence,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, 0, $7)";
    INSERT_FOR_ACCOUNT = "INSERT INTO mails (id, account_id, kind, recipient, content, status, attempts, next_at, fence,
            created_at, job_id) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, $6, 0, $6, $7)";
    VOID = "UPDATE mails SET status = 'void', content = NULL, ended_at = $2 WHERE invitation_id = $1 AND status = 'waiting'";
    VOID_OF_ACCOUNT = "UPDATE mails SET status = 'void', content = NULL, ended_at = $3
        WHERE account_id = $1 AND kind = $2 AND status = 'waiting'";
    DUE = "SELECT id FROM mails WHERE status = 'waiting' AND next_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
            AND ($2 OR attempts = 0)
        ORDER BY next_at, id LIMIT 1";
    CLAIM = "UPDATE mails SET lease_until = $2, fence = fence + 1, attempts = attempts + 1
        WHERE id = $1 AND status = 'waiting' AND (lease_until IS NULL OR lease_until < $3)
        RETURNING workspace_id, recipient, content, fence, attempts, job_id";
    VOID_ONE = "UPDATE mails SET status = 'void', content = NULL, lease_until = NULL, ended_at = $2 WHERE id = $1";
    SENT = "UPDATE mails SET status = 'sent', content = NULL, lease_until = NULL, last_error = NULL, ended_at = $3
        WHERE id = $1 AND fence = $2 AND status = 'waiting' RETURNING workspace_id, invitation_id";
    REFUSED = "UPDATE mails SET status = 'refused', content = NULL, lease_until = NULL, last_error = $3, ended_at = $4
        WHERE id = $1 AND fence = $2 AND status = 'waiting' RETURNING workspace_id, invitation_id";
    AGAIN = "UPDATE mails SET next_at = $3, lease_until = NULL, last_error = $4
        WHERE id = $1 AND fence = $2 AND status = 'waiting' RETURNING workspace_id, invitation_id";
    NEXT = "SELECT next_at FROM mails WHERE status = 'waiting' ORDER BY next_at LIMIT 1";
    /// How the newest mail of an invitation that waits went is shown in its list, for as long as it stands there.
    SWEEP = "DELETE FROM mails WHERE status <> 'waiting' AND COALESCE(ended_at, created_at) < $1
        AND NOT EXISTS (SELECT 1 FROM invitations i WHERE i.id = mails.invitation_id AND i.status = 'pending'
            AND NOT EXISTS (SELECT 1 FROM mails y WHERE y.invitation_id = i.id AND y.id > mails.id))";
}

#[derive(Clone)]
pub struct NewMail {
    pub id: MailId,
    pub kind: &'static str,
    pub recipient: String,
    /// The letter, sealed for this row.
    pub content: Vec<u8>,
}

/// A mail taken from the queue, for as long as its lease.
pub struct ClaimedMail {
    pub id: MailId,
    pub workspace: Option<WorkspaceId>,
    pub recipient: String,
    pub content: Vec<u8>,
    pub fence: i64,
    pub attempts: i64,
}

/// How a try ended.
#[derive(Debug, Clone)]
pub enum MailOutcome {
    Sent,
    Refused(String),
    Again { next_at: Timestamp, error: String },
}

/// Queues a mail in the transaction of what it tells: of a workspace, or of an account alone. Its content was sealed
/// for the one or the other.
pub(crate) async fn queue(
    tx: &mut Tx<'_>,
    workspace: Option<WorkspaceId>,
    invitation: Option<InvitationId>,
    mail: NewMail,
) -> Result<(), StorageFault> {
    let now = tx.now();
    let NewMail { id, kind, recipient, content } = mail;
    tx.execute(INSERT, values![id, workspace, invitation, kind, recipient, content, now]).await?;
    tx.touched.mails = true;
    Ok(())
}

/// A mail of an account's, which belongs to no workspace. `job`: whose failure it tells of, where it does.
pub(crate) async fn queue_for_account(
    tx: &mut Tx<'_>,
    account: AccountId,
    job: Option<JobId>,
    mail: NewMail,
) -> Result<(), StorageFault> {
    let now = tx.now();
    let NewMail { id, kind, recipient, content } = mail;
    tx.execute(INSERT_FOR_ACCOUNT, values![id, account, kind, recipient, content, now, job]).await?;
    tx.touched.mails = true;
    Ok(())
}

pub(crate) async fn void(tx: &mut Tx<'_>, invitation: InvitationId) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(VOID, values![invitation, now]).await.map(drop)
}

/// A letter that waits isn't sent any more: its link is over.
pub(crate) async fn void_of_account(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: &'static str,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(VOID_OF_ACCOUNT, values![account, kind, now]).await.map(drop)
}

fn system(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

impl Store {
    /// Takes the next mail that is due, for `lease_seconds`. One of a failure that its receiver isn't to be told of any
    /// more is void instead.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_mail(&self, lease_seconds: i64) -> Result<Option<ClaimedMail>, Failure> {
        self.claim(lease_seconds, true).await
    }

    /// The same of mails that weren't tried yet.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_new_mail(&self, lease_seconds: i64) -> Result<Option<ClaimedMail>, Failure> {
        self.claim(lease_seconds, false).await
    }

    async fn claim(&self, lease_seconds: i64, is_any: bool) -> Result<Option<ClaimedMail>, Failure> {
        if self.fetch_optional(DUE, values![self.now(), is_any]).await?.is_none() {
            return Ok(None);
        }
        let work: Work<_> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                loop {
                    let Some(due) = tx.fetch_optional(DUE, values![now, is_any]).await? else {
                        return Ok(None);
                    };
                    let id = due.get::<MailId>(0)?;
                    let lease = now.plus_seconds(lease_seconds);
                    let Some(row) = tx.fetch_optional(CLAIM, values![id, lease, now]).await? else {
                        return Ok(None);
                    };
                    if row.get::<Option<JobId>>(5)?.is_some() && !is_still_told(tx, id).await? {
                        tx.execute(VOID_ONE, values![id, now]).await?;
                        continue;
                    }
                    return Ok(Some(ClaimedMail {
                        id,
                        workspace: row.get(0)?,
                        recipient: row.get(1)?,
                        content: row.get::<Option<Vec<u8>>>(2)?.unwrap_or_default(),
                        fence: row.get(3)?,
                        attempts: row.get(4)?,
                    }));
                }
            })
        });
        self.write(system("mail.claim"), work).await
    }

    /// Writes down how the try ended, and tells the pages that show it; does nothing where another has taken the mail
    /// meanwhile.
    ///
    /// # Errors
    /// A fault.
    pub async fn settle_mail(&self, id: MailId, fence: i64, outcome: MailOutcome) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let outcome = outcome.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let settled = match outcome {
                    MailOutcome::Sent => tx.fetch_optional(SENT, values![id, fence, now]).await?,
                    MailOutcome::Refused(error) => {
                        tx.fetch_optional(REFUSED, values![id, fence, error, now]).await?
                    }
                    MailOutcome::Again { next_at, error } => {
                        tx.fetch_optional(AGAIN, values![id, fence, next_at, error]).await?
                    }
                };
                let Some(row) = settled else { return Ok(()) };
                let told = (row.get::<Option<WorkspaceId>>(0)?, row.get::<Option<InvitationId>>(1)?);
                // An invitation is in no plain member's list: only the owners' pages hear of it.
                if let (Some(workspace), Some(invitation)) = told {
                    tx.tell(workspace, EventType::Status, ResourceKind::Invitation, invitation.uuid())
                        .await?;
                }
                Ok(())
            })
        });
        self.write(system("mail.settle"), work).await
    }

    /// Removes those that were done with before `before`: whom something was written to, and when.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_mails(&self, before: Timestamp) -> Result<(), Failure> {
        self.sweep("mail.sweep", SWEEP, values![before]).await
    }

    /// When the next mail is due.
    ///
    /// # Errors
    /// A fault.
    pub async fn next_mail_at(&self) -> Result<Option<Timestamp>, StorageFault> {
        self.fetch_optional(NEXT, vec![]).await?.map(|row| row.get(0)).transpose()
    }
}
