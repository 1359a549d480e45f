//! Passkeys. What an authenticator told of itself is sealed; its identifier is known by its hash.

use stoa_domain::{AccountId, AccountPermit, Conflict, PasskeyId, Refusal, ResourceKind, Timestamp};

use super::{changed, keep_an_owners, keep_first_codes, take_ceremony};
use crate::account;
use crate::ceremony::CeremonyKind;
use crate::failure::{Failure, StorageFault};
use crate::mail::NewMail;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    LIST = "SELECT id, name, credential, created_at, last_used_at FROM passkeys
        WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    INSERT = "INSERT INTO passkeys (id, account_id, name, credential_hash, credential, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    IS_KNOWN = "SELECT id FROM passkeys WHERE credential_hash = $1";
    COUNT = "SELECT COUNT(*) FROM passkeys WHERE account_id = $1";
    RENAME = "UPDATE passkeys SET name = $3 WHERE id = $1 AND account_id = $2";
    REMOVE = "DELETE FROM passkeys WHERE id = $1 AND account_id = $2 RETURNING name";
    USED = "UPDATE passkeys SET credential = $3, last_used_at = $4 WHERE id = $1 AND account_id = $2";
}

/// Passkeys of one account at most.
pub(super) const MOST: i64 = 50;

#[derive(Clone)]
pub struct PasskeyRecord {
    pub id: PasskeyId,
    pub name: String,
    /// Sealed for this row.
    pub credential: Vec<u8>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone)]
pub struct NewPasskey {
    pub id: PasskeyId,
    pub name: String,
    pub credential_hash: Vec<u8>,
    pub credential: Vec<u8>,
}

fn read(row: &Row) -> Result<PasskeyRecord, StorageFault> {
    Ok(PasskeyRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        credential: row.get(2)?,
        created_at: row.get(3)?,
        last_used_at: row.get(4)?,
    })
}

pub(super) async fn used(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: PasskeyId,
    credential: Vec<u8>,
) -> Result<u64, StorageFault> {
    let now = tx.now();
    tx.execute(USED, values![id, account, credential, now]).await
}

impl Store {
    /// Oldest first, after the one that is named.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_passkeys(
        &self,
        account: AccountId,
        after: Option<PasskeyId>,
        limit: i64,
    ) -> Result<Vec<PasskeyRecord>, StorageFault> {
        let after = after.unwrap_or(PasskeyId::new(uuid::Uuid::nil()));
        self.fetch_all(LIST, values![account, after, limit]).await?.iter().map(read).collect()
    }

    /// Keeps a passkey whose ceremony has ended, and recovery codes where there are none. Answers whether the codes
    /// are now the account's. Every other session ends.
    ///
    /// # Errors
    /// `Invalid` where the ceremony is over, or there are too many; `Conflict` for an authenticator that is known.
    pub async fn add_passkey(
        &self,
        permit: AccountPermit,
        ceremony: Vec<u8>,
        new: NewPasskey,
        codes: Vec<Vec<u8>>,
        notice: Option<NewMail>,
    ) -> Result<bool, Failure> {
        let (account, keep) = (permit.actor().account, account::session_of(&permit));
        let work: Work<bool> = Box::new(move |tx| {
            let (ceremony, new, codes, notice) =
                (ceremony.clone(), new.clone(), codes.clone(), notice.clone());
            Box::pin(async move {
                let now = tx.now();
                take_ceremony(tx, account, CeremonyKind::PasskeyNew, ceremony).await?;
                if tx.fetch_optional(IS_KNOWN, values![new.credential_hash.clone()]).await?.is_some() {
                    return Err(Refusal::Conflict(Conflict::PasskeyKnown).into());
                }
                if tx.fetch_one(COUNT, values![account]).await?.get::<i64>(0)? >= MOST {
                    return Err(Refusal::invalid(
                        "name",
                        "too_many",
                        "An account has at most 50 passkeys. Remove one that you don't use.",
                    )
                    .into());
                }
                tx.audit_second(new.name.clone());
                tx.execute(
                    INSERT,
                    values![new.id, account, new.name, new.credential_hash, new.credential, now],
                )
                .await?;
                let is_first = keep_first_codes(tx, account, codes).await?;
                changed(tx, account, notice).await?;
                // Whoever is signed in elsewhere never showed it. After the revision: a sign-in that read the one before is
                // waited for, and ended.
                account::end_sessions_but(tx, account, keep).await?;
                Ok(is_first)
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `NotFound` where the account has no such passkey.
    pub async fn rename_passkey(
        &self,
        permit: AccountPermit,
        id: PasskeyId,
        name: String,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                tx.audit_second(name.clone());
                match tx.execute(RENAME, values![id, account, name]).await? {
                    0 => Err(Refusal::NotFound.into()),
                    _ => Ok(()),
                }
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `NotFound` where the account has no such passkey; `LastSecondFactorOf` as where an authenticator is removed.
    pub async fn remove_passkey(
        &self,
        permit: AccountPermit,
        id: PasskeyId,
        notice: Option<NewMail>,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let notice = notice.clone();
            Box::pin(async move {
                let gone = tx.fetch_optional(REMOVE, values![id, account]).await?;
                let name: String = gone.ok_or(Refusal::NotFound)?.get(0)?;
                tx.audit_resource(ResourceKind::Account, account.uuid(), "");
                tx.audit_second(name);
                keep_an_owners(tx, account).await?;
                Ok(changed(tx, account, notice).await?)
            })
        });
        self.write(permit, work).await
    }
}
