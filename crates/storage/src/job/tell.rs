//! Who is told by mail of work that failed.

use stoa_domain::instance::InstanceStatus;
use stoa_domain::{AccountId, DeploymentId, InstanceId, JobId, MailId, SystemPermit, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::job::claim::Claim;
use crate::mail::{NewMail, queue_for_account};
use crate::page::status;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    /// Owners, and whoever began it if they may still see it: those who want such mails. An address needn't be confirmed
    /// for it, or the first owner of an installation would hear nothing; the account's page says where they go.
    TOLD = "SELECT a.id, a.email FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND a.status = 'active' AND a.mail_on_failure
            AND (m.role = 'owner' OR (a.id = $2 AND EXISTS (SELECT 1 FROM member_instances x
                WHERE x.workspace_id = $1 AND x.member_id = m.id AND x.instance_id = $3
                    AND (x.until_at IS NULL OR x.until_at > $4))))
        ORDER BY a.id";
    /// The same, asked of one mail when it is sent: it goes to whom it was written for, or to nobody.
    STILL_TOLD = "SELECT x.id FROM mails x JOIN jobs j ON j.id = x.job_id
            JOIN accounts a ON a.id = x.account_id AND a.email = x.recipient
            JOIN members m ON m.workspace_id = j.workspace_id AND m.account_id = a.id
        WHERE x.id = $1 AND a.status = 'active' AND a.mail_on_failure
            AND (m.role = 'owner' OR (a.id = j.account_id AND EXISTS (SELECT 1 FROM member_instances l
                WHERE l.workspace_id = j.workspace_id AND l.member_id = m.id AND l.instance_id = j.instance_id
                    AND (l.until_at IS NULL OR l.until_at > $2))))";
    NAMES = "SELECT i.name, i.slug, w.name, s.slug, d.id, d.commit_id, d.branch, a.name, i.status
        FROM instances i JOIN workspaces w ON w.id = i.workspace_id
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        LEFT JOIN deployments d ON d.workspace_id = i.workspace_id AND d.instance_id = i.id AND d.job_id = $3
        LEFT JOIN accounts a ON a.id = d.account_id
        WHERE i.workspace_id = $1 AND i.id = $2";
}

/// What a letter names.
#[derive(Debug, Clone)]
pub struct FailedWhere {
    pub instance: String,
    pub instance_slug: String,
    pub workspace: String,
    pub workspace_slug: String,
    /// The deployment that the job was to carry out.
    pub deployment: Option<FailedDeployment>,
    pub status: InstanceStatus,
}

/// What was to be deployed, and by whom.
#[derive(Debug, Clone)]
pub struct FailedDeployment {
    pub id: DeploymentId,
    pub commit: String,
    pub branch: String,
    pub author: Option<String>,
}

/// Whether a mail of a failure is still for its receiver: who wants it, and may see what it is about.
pub(crate) async fn is_still_told(tx: &mut Tx<'_>, mail: MailId) -> Result<bool, StorageFault> {
    let now = tx.now();
    Ok(tx.fetch_optional(STILL_TOLD, values![mail, now]).await?.is_some())
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn list_told_of_failures(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        account: Option<AccountId>,
    ) -> Result<Vec<(AccountId, String)>, StorageFault> {
        let rows = self.fetch_all(TOLD, values![workspace, account, instance, self.now()]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// # Errors
    /// A fault.
    pub async fn find_failed_where(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        job: JobId,
    ) -> Result<Option<FailedWhere>, StorageFault> {
        let row = self.fetch_optional(NAMES, values![workspace, instance, job]).await?;
        row.map(|row| {
            Ok(FailedWhere {
                instance: row.get(0)?,
                instance_slug: row.get(1)?,
                workspace: row.get(2)?,
                workspace_slug: row.get(3)?,
                deployment: match row.get(4)? {
                    Some(id) => Some(FailedDeployment {
                        id,
                        commit: row.get(5)?,
                        branch: row.get(6)?,
                        author: row.get(7)?,
                    }),
                    None => None,
                },
                status: status(&row, 8)?,
            })
        })
        .transpose()
    }

    /// Queues a mail of work that failed.
    ///
    /// # Errors
    /// A fault.
    pub async fn queue_failure_mail(
        &self,
        claim: &Claim,
        account: AccountId,
        mail: NewMail,
    ) -> Result<(), Failure> {
        let permit = SystemPermit::new(claim.workspace, "job.tell", None, None);
        let job = Some(claim.job.id);
        let work: Work<()> = Box::new(move |tx| {
            let mail = mail.clone();
            Box::pin(async move {
                tx.audit_nothing();
                Ok(queue_for_account(tx, account, job, mail).await?)
            })
        });
        self.write(permit, work).await
    }
}
