//! The installation's one row, and its first account.

use stoa_domain::{AccountId, Actor, OpenPermit, Refusal, SessionId, SystemPermit, WorkspaceId};

use crate::account::{NewAccount, insert_account};
use crate::failure::{Failure, StorageFault};
use crate::server::lock_installation;
use crate::session::{NewSession, insert_session};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    FIND = "SELECT key_check, epoch FROM installation WHERE id = 1";
    INSERT = "INSERT INTO installation (id, key_check, epoch, audit_seq, audit_hash, created_at)
        VALUES (1, $1, 1, 0, $2, $3) ON CONFLICT (id) DO NOTHING";
    ANY_ACCOUNT = "SELECT id FROM accounts LIMIT 1";
}

/// The installation's row.
#[derive(Debug, Clone)]
pub struct Installation {
    /// A known text, sealed with the master key.
    pub key_check: Vec<u8>,
    pub epoch: i64,
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_installation(&self) -> Result<Option<Installation>, StorageFault> {
        let row = self.fetch_optional(FIND, vec![]).await?;
        row.map(|row| Ok(Installation { key_check: row.get(0)?, epoch: row.get(1)? })).transpose()
    }

    /// Makes the row, where there is none. Another replica may have been first: read it again afterwards.
    ///
    /// # Errors
    /// A fault.
    pub async fn create_installation(&self, key_check: Vec<u8>) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "installation.create", None, None);
        let work: Work<()> = Box::new(move |tx| {
            let key_check = key_check.clone();
            Box::pin(async move {
                let now = tx.now();
                tx.execute(INSERT, values![key_check, vec![0_u8; 32], now]).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn has_accounts(&self) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(ANY_ACCOUNT, vec![]).await?.is_some())
    }

    /// The first account, administrator of the installation, signed in.
    ///
    /// # Errors
    /// `Conflict` where an account exists.
    pub async fn set_up(
        &self,
        permit: OpenPermit,
        account: NewAccount,
        session: NewSession,
    ) -> Result<(AccountId, SessionId), Failure> {
        let work: Work<_> = Box::new(move |tx| {
            let (account, session) = (account.clone(), session.clone());
            Box::pin(async move {
                // Two first set-ups at once take turns.
                lock_installation(tx).await?;
                if tx.fetch_optional(ANY_ACCOUNT, vec![]).await?.is_some() {
                    return Err(Refusal::Conflict(stoa_domain::Conflict::AlreadySetUp).into());
                }
                let id = account.id;
                let actor: Actor = session.actor(id, account.name.clone());
                insert_account(tx, account).await?;
                let session_id = insert_session(tx, id, session).await?;
                tx.audit_actor(actor);
                Ok((id, session_id))
            })
        });
        self.write(permit, work).await
    }
}
