//! What is remembered between the two halves of a ceremony: of a second factor, a passkey or a sign-in provider. It
//! counts once, for minutes, and is known by the hash of a secret that only the asking browser has.

use stoa_domain::{AccountId, SystemPermit, Timestamp, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO ceremonies (token_hash, account_id, kind, state, expires_at) VALUES ($1, $2, $3, $4, $5)";
    FIND = "SELECT account_id, state FROM ceremonies WHERE token_hash = $1 AND kind = $2 AND expires_at > $3";
    TAKE = "DELETE FROM ceremonies WHERE token_hash = $1 AND kind = $2 AND expires_at > $3
        RETURNING account_id, state";
    SWEEP = "DELETE FROM ceremonies WHERE expires_at <= $1";
}

/// Which ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CeremonyKind {
    /// An authenticator's secret that waits for its first code.
    Totp,
    /// A passkey that is being made.
    PasskeyNew,
    /// A passkey that is being used.
    PasskeyUse,
    /// Somebody who was sent to the sign-in provider.
    Provider,
    /// Somebody whom the provider has named, and whose second factor is due.
    ProviderFactor,
}

impl CeremonyKind {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::PasskeyNew => "passkey_new",
            Self::PasskeyUse => "passkey_use",
            Self::Provider => "provider",
            Self::ProviderFactor => "provider_factor",
        }
    }
}

#[derive(Clone)]
pub struct NewCeremony {
    pub token_hash: Vec<u8>,
    pub account: Option<AccountId>,
    pub kind: CeremonyKind,
    /// Sealed for this row.
    pub state: Vec<u8>,
    pub expires_at: Timestamp,
}

fn system(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn begin_ceremony(&self, new: NewCeremony) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(
                    INSERT,
                    values![new.token_hash, new.account, new.kind.key(), new.state, new.expires_at],
                )
                .await?;
                Ok(())
            })
        });
        self.write(system("ceremony.begin"), work).await
    }

    /// Ends a ceremony and gives its sealed state, once; `None` where there is none, it is another's, or it is too
    /// late.
    ///
    /// # Errors
    /// A fault.
    pub async fn take_ceremony(
        &self,
        token_hash: Vec<u8>,
        kind: CeremonyKind,
    ) -> Result<Option<(Option<AccountId>, Vec<u8>)>, Failure> {
        let work: Work<_> = Box::new(move |tx| {
            let token_hash = token_hash.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let row = tx.fetch_optional(TAKE, values![token_hash, kind.key(), now]).await?;
                row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
            })
        });
        self.write(system("ceremony.take"), work).await
    }

    /// The sealed state of a ceremony that may be tried more than once: a code that was mistyped doesn't end it.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_ceremony(
        &self,
        token_hash: &[u8],
        kind: CeremonyKind,
    ) -> Result<Option<(Option<AccountId>, Vec<u8>)>, StorageFault> {
        let row = self.fetch_optional(FIND, values![token_hash, kind.key(), self.now()]).await?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    }

    /// Removes what is past its time.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_ceremonies(&self) -> Result<(), Failure> {
        self.sweep("ceremony.sweep", SWEEP, values![self.now()]).await
    }
}
