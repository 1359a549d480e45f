//! Links that went by mail: to set a password anew, and to change or confirm an address. Of their secret only the hash
//! is kept; each counts once.

use stoa_domain::{AccountId, AccountPermit, Actor, Authority, Conflict, OpenPermit, Refusal, Timestamp};

use crate::account::{self, Ending};
use crate::failure::{Failure, StorageFault};
use crate::mail::{self, NewMail};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO mailed_links (token_hash, account_id, kind, email_canonical, email, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT l.account_id, l.email_canonical, l.email, a.email, a.name, a.email_verified_at FROM mailed_links l
        JOIN accounts a ON a.id = l.account_id
        WHERE l.token_hash = $1 AND l.kind = $2 AND l.used_at IS NULL AND l.expires_at > $3 AND a.status = 'active'
            AND (l.kind <> 'reset' OR l.email_canonical = a.email_canonical)";
    PENDING = "SELECT COALESCE(email, email_canonical), expires_at FROM mailed_links
        WHERE account_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3 ORDER BY expires_at DESC LIMIT 1";
    TAKE = "DELETE FROM mailed_links WHERE token_hash = $1 AND kind = $2 AND account_id = $3 AND expires_at > $4";
    REVOKE = "DELETE FROM mailed_links WHERE account_id = $1 AND kind = $2";
    SWEEP = "DELETE FROM mailed_links WHERE expires_at <= $1";
    RESET = "UPDATE accounts SET password_hash = $2, revision = revision + 1,
            email_verified_at = COALESCE(email_verified_at, $3)
        WHERE id = $1 AND status = 'active' AND email_canonical = $4";
    TAKEN = "SELECT id FROM accounts WHERE email_canonical = $1 AND id <> $2";
    IS_PROVED = "SELECT email_verified_at FROM accounts WHERE id = $1";
    SET_EMAIL = "UPDATE accounts SET email = $2, email_canonical = $3, email_verified_at = $4 WHERE id = $1";
}

/// What a link is for: the kind of its letter too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    Reset,
    EmailChange,
}

impl LinkKind {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::EmailChange => "email_change",
        }
    }
}

#[derive(Clone)]
pub struct NewMailedLink {
    pub token_hash: Vec<u8>,
    pub account: AccountId,
    pub kind: LinkKind,
    pub email_canonical: String,
    pub email: String,
    pub expires_at: Timestamp,
    pub mail: NewMail,
}

/// A link that counts.
#[derive(Debug, Clone)]
pub struct MailedLink {
    pub account: AccountId,
    /// The account's name.
    pub name: String,
    /// What it was mailed to.
    pub email_canonical: String,
    pub email: String,
    /// The account's address now, and whether anybody ever showed that it is theirs.
    pub current_email: String,
    pub is_proved: bool,
}

/// Whether the account's address was shown to be its own before.
pub(crate) async fn is_proved(tx: &mut Tx<'_>, account: AccountId) -> Result<bool, StorageFault> {
    let row = tx.fetch_one(IS_PROVED, values![account]).await?;
    Ok(row.get::<Option<Timestamp>>(0)?.is_some())
}

/// Ends every link of the kind, and the letter that waits with one. Answers how many there were.
pub(crate) async fn revoke(tx: &mut Tx<'_>, account: AccountId, kind: LinkKind) -> Result<u64, StorageFault> {
    mail::void_of_account(tx, account, kind.key()).await?;
    tx.execute(REVOKE, values![account, kind.key()]).await
}

impl Store {
    /// A new link, which ends the older ones of its kind; its mail is queued with it.
    ///
    /// # Errors
    /// A fault.
    pub async fn mail_link<A: Authority + 'static>(
        &self,
        permit: A,
        new: NewMailedLink,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                revoke(tx, new.account, new.kind).await?;
                tx.execute(
                    INSERT,
                    values![
                        new.token_hash,
                        new.account,
                        new.kind.key(),
                        new.email_canonical,
                        new.email,
                        new.expires_at
                    ],
                )
                .await?;
                Ok(mail::queue_for_account(tx, new.account, None, new.mail).await?)
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn find_mailed_link(
        &self,
        token_hash: &[u8],
        kind: LinkKind,
    ) -> Result<Option<MailedLink>, StorageFault> {
        let row = self.fetch_optional(FIND, values![token_hash, kind.key(), self.now()]).await?;
        row.map(|row| {
            let email_canonical: String = row.get(1)?;
            Ok(MailedLink {
                account: row.get(0)?,
                email: row.get::<Option<String>>(2)?.unwrap_or_else(|| email_canonical.clone()),
                email_canonical,
                current_email: row.get(3)?,
                name: row.get(4)?,
                is_proved: row.get::<Option<Timestamp>>(5)?.is_some(),
            })
        })
        .transpose()
    }

    /// The address that a link waits at to become the account's, or to be confirmed, and until when.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_pending_email(
        &self,
        account: AccountId,
    ) -> Result<Option<(String, Timestamp)>, StorageFault> {
        let values = values![account, LinkKind::EmailChange.key(), self.now()];
        let row = self.fetch_optional(PENDING, values).await?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    }

    /// Ends the link that waits.
    ///
    /// # Errors
    /// `NotFound` where none does.
    pub async fn take_email_back(&self, permit: AccountPermit) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                match revoke(tx, account, LinkKind::EmailChange).await? {
                    0 => Err(Refusal::NotFound.into()),
                    _ => Ok(()),
                }
            })
        });
        self.write(permit, work).await
    }

    /// Sets the password by a mailed link, which proves the address, and ends every session and access token. Where it
    /// is the first proof, nothing stays of what could have been made by somebody else.
    ///
    /// # Errors
    /// `NotFound` where the link doesn't count any more.
    pub async fn reset_password_by_link(
        &self,
        permit: OpenPermit,
        token_hash: Vec<u8>,
        link: MailedLink,
        actor: Actor,
        password_hash: String,
        notice: NewMail,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let (token_hash, link, actor, hash, notice) =
                (token_hash.clone(), link.clone(), actor.clone(), password_hash.clone(), notice.clone());
            Box::pin(async move {
                let now = tx.now();
                let account = link.account;
                let is_proved = is_proved(tx, account).await?;
                if tx.execute(TAKE, values![token_hash, LinkKind::Reset.key(), account, now]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                if tx.execute(RESET, values![account, hash, now, link.email_canonical]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                let because = if is_proved { "password_reset" } else { "address_proved" };
                let ending = Ending { account, via: actor.via, actor: Some(actor.clone()), because };
                tx.audit_actor(actor);
                for kind in [LinkKind::Reset, LinkKind::EmailChange] {
                    revoke(tx, account, kind).await?;
                }
                account::end_sessions(tx, account).await?;
                ending.tokens(tx).await?;
                if !is_proved {
                    account::tell_memberships(tx, account).await?;
                    ending.everything_before_the_proof(tx, None).await?;
                }
                Ok(mail::queue_for_account(tx, account, None, notice).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Changes or confirms the address by a mailed link. Where it is the first proof, nothing stays of what could have
    /// been made by somebody else, but the session that asks. `notices` tell of it.
    ///
    /// # Errors
    /// `NotFound` where the link doesn't count any more; `Conflict` where the address is another account's.
    pub async fn set_email(
        &self,
        permit: AccountPermit,
        token_hash: Vec<u8>,
        link: MailedLink,
        notices: Vec<NewMail>,
    ) -> Result<(), Failure> {
        let actor = permit.actor().clone();
        let (account, keep) = (actor.account, account::session_of(&permit));
        let ending = Ending { account, via: actor.via, actor: Some(actor), because: "address_proved" };
        let work: Work<()> = Box::new(move |tx| {
            let (token_hash, link, notices) = (token_hash.clone(), link.clone(), notices.clone());
            let ending = ending.clone();
            Box::pin(async move {
                let now = tx.now();
                let kind = LinkKind::EmailChange;
                let is_proved = is_proved(tx, account).await?;
                if tx.execute(TAKE, values![token_hash, kind.key(), account, now]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                let taken = || Failure::from(Refusal::Conflict(Conflict::EmailTaken));
                if tx.fetch_optional(TAKEN, values![link.email_canonical.clone(), account]).await?.is_some() {
                    return Err(taken());
                }
                let set =
                    tx.execute(SET_EMAIL, values![account, link.email, link.email_canonical, now]).await;
                match set {
                    // Two at once: the schema settles it.
                    Err(fault) if fault.is_unique_violation() => return Err(taken()),
                    other => other.map(drop)?,
                }
                // A link to the address of before proves nothing any more.
                revoke(tx, account, LinkKind::Reset).await?;
                tx.touched.accounts.push(account);
                account::tell_memberships(tx, account).await?;
                if !is_proved {
                    ending.everything_before_the_proof(tx, keep).await?;
                }
                for notice in notices {
                    mail::queue_for_account(tx, account, None, notice).await?;
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Removes links that are past their time.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_mailed_links(&self) -> Result<(), Failure> {
        self.sweep("mailed_link.sweep", SWEEP, values![self.now()]).await
    }
}
