//! Identities: who an account is to a sign-in provider.

use stoa_domain::{
    AccountId, AccountPermit, Actor, Conflict, Refusal, Resource, ResourceKind, Timestamp, WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT i.account_id FROM identities i JOIN accounts a ON a.id = i.account_id
        WHERE i.issuer = $1 AND i.subject = $2 AND a.status = 'active'";
    OF_ACCOUNT = "SELECT email, created_at FROM identities WHERE account_id = $1 AND issuer = $2
        ORDER BY created_at, subject LIMIT 1";
    TAKEN = "SELECT account_id FROM identities WHERE issuer = $1 AND (subject = $2 OR account_id = $3)";
    INSERT = "INSERT INTO identities (issuer, subject, account_id, email, created_at) VALUES ($1, $2, $3, $4, $5)";
    /// What the link rests on is the account's at this moment: the row is held by what the write rests on.
    HAS_ADDRESS = "SELECT id FROM accounts WHERE id = $1 AND email_canonical = $2 AND email_verified_at IS NOT NULL";
    REMOVE = "DELETE FROM identities WHERE account_id = $1 AND issuer = $2";
}

/// Somebody as a provider names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    /// As the provider knew it when it was linked: to be shown, never compared.
    pub email: String,
}

/// What an account's page shows of it.
#[derive(Debug, Clone)]
pub struct OwnIdentity {
    pub email: String,
    pub created_at: Timestamp,
}

/// A link to be made, and the mail that tells of it.
#[derive(Clone)]
pub struct NewLink {
    pub identity: Identity,
    /// The address that both sides have verified, in its canonical form.
    pub email_canonical: String,
    pub notice: Option<NewMail>,
}

async fn link_in(tx: &mut Tx<'_>, account: AccountId, link: NewLink) -> Result<(), Failure> {
    let taken = || Failure::from(Refusal::Conflict(Conflict::IdentityTaken));
    let now = tx.now();
    if tx.fetch_optional(HAS_ADDRESS, values![account, link.email_canonical]).await?.is_none() {
        return Err(Refusal::Conflict(Conflict::OtherEmailAtProvider).into());
    }
    let Identity { issuer, subject, email } = link.identity;
    if tx.fetch_optional(TAKEN, values![issuer.clone(), subject.clone(), account]).await?.is_some() {
        return Err(taken());
    }
    match tx.execute(INSERT, values![issuer, subject, account, email, now]).await {
        // Two at once: the schema settles it.
        Err(fault) if fault.is_unique_violation() => return Err(taken()),
        other => other.map(drop)?,
    }
    if let Some(notice) = link.notice {
        mail::queue_for_account(tx, account, None, notice).await?;
    }
    Ok(())
}

/// Links in the write that signs in: whoever didn't get in by it is linked to nothing.
pub(crate) async fn link_signing_in(tx: &mut Tx<'_>, actor: Actor, link: NewLink) -> Result<(), Failure> {
    let (account, email) = (actor.account, link.identity.email.clone());
    link_in(tx, account, link).await?;
    let event = NewAuditEvent {
        workspace: WorkspaceId::INSTALLATION,
        via: actor.via,
        actor: Some(actor),
        action: "account.link_provider".to_owned(),
        resource: Some(Resource { kind: ResourceKind::Account, id: account.uuid() }),
        resource_name: None,
        second_name: Some(email),
        outcome: Outcome::Done,
        repeated: 1,
        detail: "{}".to_owned(),
    };
    Ok(tx.audit_also(&event).await?)
}

impl Store {
    /// The active account that the provider's somebody is.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<AccountId>, StorageFault> {
        self.fetch_optional(FIND, values![issuer, subject]).await?.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_own_identity(
        &self,
        account: AccountId,
        issuer: &str,
    ) -> Result<Option<OwnIdentity>, StorageFault> {
        let row = self.fetch_optional(OF_ACCOUNT, values![account, issuer]).await?;
        row.map(|row| Ok(OwnIdentity { email: row.get(0)?, created_at: row.get(1)? })).transpose()
    }

    /// Links the account that asks to the provider's somebody.
    ///
    /// # Errors
    /// `Conflict` where either is linked already.
    pub async fn link_identity(&self, permit: AccountPermit, link: NewLink) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let link = link.clone();
            Box::pin(async move {
                tx.audit_second(link.identity.email.clone());
                link_in(tx, account, link).await
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `NotFound` where the account isn't linked.
    pub async fn unlink_identity(
        &self,
        permit: AccountPermit,
        issuer: String,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let (issuer, notice) = (issuer.clone(), notice.clone());
            Box::pin(async move {
                if tx.execute(REMOVE, values![account, issuer]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                if let Some(notice) = notice {
                    mail::queue_for_account(tx, account, None, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
