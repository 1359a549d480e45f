//! Who is told by mail of work that failed.

use stoa_domain::{AccountId, InstanceId, SystemPermit, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::job::claim::Claim;
use crate::mail::{NewMail, queue_for_account};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    /// Owners, and whoever began it if they may still see it: those who want such mails.
    TOLD = "SELECT a.id, a.email FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND a.status = 'active' AND a.mail_on_failure
            AND (m.role = 'owner' OR (a.id = $2 AND EXISTS (SELECT 1 FROM member_instances x
                WHERE x.workspace_id = $1 AND x.member_id = m.id AND x.instance_id = $3
                    AND (x.until_at IS NULL OR x.until_at > $4))))
        ORDER BY a.id";
    NAMES = "SELECT i.name, i.slug, w.name, s.slug FROM instances i JOIN workspaces w ON w.id = i.workspace_id
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current WHERE i.workspace_id = $1 AND i.id = $2";
}

/// What a letter names.
#[derive(Debug, Clone)]
pub struct FailedWhere {
    pub instance: String,
    pub instance_slug: String,
    pub workspace: String,
    pub workspace_slug: String,
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
    ) -> Result<Option<FailedWhere>, StorageFault> {
        let row = self.fetch_optional(NAMES, values![workspace, instance]).await?;
        row.map(|row| {
            Ok(FailedWhere {
                instance: row.get(0)?,
                instance_slug: row.get(1)?,
                workspace: row.get(2)?,
                workspace_slug: row.get(3)?,
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
        let work: Work<()> = Box::new(move |tx| {
            let mail = mail.clone();
            Box::pin(async move {
                tx.audit_nothing();
                Ok(queue_for_account(tx, account, mail).await?)
            })
        });
        self.write(permit, work).await
    }
}
