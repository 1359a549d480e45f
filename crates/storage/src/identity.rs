//! Identities: who an account is to a sign-in provider.

use stoa_domain::{AccountId, Actor, Authority, Conflict, Refusal, Timestamp};

use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    FIND = "SELECT i.account_id FROM identities i JOIN accounts a ON a.id = i.account_id
        WHERE i.issuer = $1 AND i.subject = $2 AND a.status = 'active'";
    OF_ACCOUNT = "SELECT email, created_at FROM identities WHERE account_id = $1 AND issuer = $2
        ORDER BY created_at, subject LIMIT 1";
    TAKEN = "SELECT account_id FROM identities WHERE issuer = $1 AND (subject = $2 OR account_id = $3)";
    INSERT = "INSERT INTO identities (issuer, subject, account_id, email, created_at) VALUES ($1, $2, $3, $4, $5)";
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

    /// Links the account to the provider's somebody. `actor` where the authority doesn't know who it is yet.
    ///
    /// # Errors
    /// `Conflict` where either is linked already.
    pub async fn link_identity<A: Authority + 'static>(
        &self,
        permit: A,
        account: AccountId,
        new: Identity,
        actor: Option<Actor>,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let (new, actor, notice) = (new.clone(), actor.clone(), notice.clone());
            Box::pin(async move {
                let taken = || Failure::from(Refusal::Conflict(Conflict::IdentityTaken));
                let now = tx.now();
                let values = values![new.issuer.clone(), new.subject.clone(), account];
                if tx.fetch_optional(TAKEN, values).await?.is_some() {
                    return Err(taken());
                }
                tx.audit_second(new.email.clone());
                if let Some(actor) = actor {
                    tx.audit_actor(actor);
                }
                let linked =
                    tx.execute(INSERT, values![new.issuer, new.subject, account, new.email, now]).await;
                match linked {
                    // Two at once: the schema settles it.
                    Err(fault) if fault.is_unique_violation() => return Err(taken()),
                    other => other.map(drop)?,
                }
                if let Some(notice) = notice {
                    mail::queue_for_account(tx, account, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `NotFound` where the account isn't linked.
    pub async fn unlink_identity(
        &self,
        permit: stoa_domain::AccountPermit,
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
                    mail::queue_for_account(tx, account, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }
}
