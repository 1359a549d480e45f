//! Certificates by ACME: how each stands, the account that asks for them, and what proves for a moment that a host
//! leads here. Which is asked for when is in [`tries`].

pub mod tries;

use stoa_domain::certificate::Trouble;
use stoa_domain::{InstanceId, SystemPermit, Timestamp, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::page::word;
use crate::row::Row;
use crate::store::Store;
use crate::values;

crate::statements! {
    ACCOUNT = "SELECT credentials FROM acme_accounts WHERE directory = $1";
    KEEP_ACCOUNT = "INSERT INTO acme_accounts (directory, credentials, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (directory) DO UPDATE SET credentials = excluded.credentials";
    FORGET_ACCOUNT = "DELETE FROM acme_accounts WHERE directory = $1";
    KEEP_CHALLENGE = "INSERT INTO acme_challenges (token, host, answer, expires_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (token) DO UPDATE SET host = excluded.host, answer = excluded.answer,
            expires_at = excluded.expires_at";
    CHALLENGE = "SELECT answer FROM acme_challenges WHERE token = $1 AND host = $2 AND expires_at > $3";
    /// What is served: a domain whose proof is gone isn't, though it may be proved again.
    LIST = "SELECT c.host, c.issued_at FROM certificates c LEFT JOIN hosts h ON h.host = c.host
        WHERE c.chain IS NOT NULL AND (c.host = $1 OR (h.instance_id IS NOT NULL
            AND ((h.kind = 'given' AND $2) OR (h.kind = 'own' AND h.verified_at IS NOT NULL)))) ORDER BY c.host";
    FIND = "SELECT chain, private_key FROM certificates WHERE host = $1 AND chain IS NOT NULL";
    OF_INSTANCE = "SELECT c.host, c.ends_at, c.trouble, c.problem, c.next_at FROM hosts h JOIN certificates c ON c.host = h.host
        WHERE h.workspace_id = $1 AND h.instance_id = $2 ORDER BY c.host";
    OF_HOST = "SELECT host, ends_at, trouble, problem, next_at FROM certificates WHERE host = $1";
}

/// How the certificate of a host stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    pub host: String,
    /// `None` until there is one.
    pub ends_at: Option<Timestamp>,
    /// What keeps it from having one, or a newer one.
    pub trouble: Option<Trouble>,
    /// The same in a sentence.
    pub problem: Option<String>,
    /// When it is tried next.
    pub next_at: Timestamp,
}

/// Which hosts are to have one.
#[derive(Debug, Clone)]
pub struct CertificateScope {
    /// The page's own, where it has no certificate of the operator's.
    pub public: Option<String>,
    /// Whether those that instances are given, too.
    pub given: bool,
}

fn read(row: &Row) -> Result<CertificateState, StorageFault> {
    let has_trouble = row.get::<Option<String>>(2)?.is_some();
    Ok(CertificateState {
        host: row.get(0)?,
        ends_at: row.get(1)?,
        trouble: if has_trouble { Some(word(row, 2, Trouble::from_key)?) } else { None },
        problem: row.get(3)?,
        next_at: row.get(4)?,
    })
}

fn system(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

impl Store {
    /// Sealed.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_acme_account(&self, directory: &str) -> Result<Option<Vec<u8>>, StorageFault> {
        let row = self.fetch_optional(ACCOUNT, values![directory]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn keep_acme_account(&self, directory: String, credentials: Vec<u8>) -> Result<(), Failure> {
        let now = self.now();
        self.sweep("certificate.account", KEEP_ACCOUNT, values![directory, credentials, now]).await
    }

    /// # Errors
    /// A fault.
    pub async fn forget_acme_account(&self, directory: String) -> Result<(), Failure> {
        self.sweep("certificate.account", FORGET_ACCOUNT, values![directory]).await
    }

    /// # Errors
    /// A fault.
    pub async fn keep_challenge(
        &self,
        host: String,
        token: String,
        answer: String,
        until: Timestamp,
    ) -> Result<(), Failure> {
        self.sweep("certificate.challenge", KEEP_CHALLENGE, values![token, host, answer, until]).await
    }

    /// # Errors
    /// A fault.
    pub async fn find_challenge(&self, host: &str, token: &str) -> Result<Option<String>, StorageFault> {
        let row = self.fetch_optional(CHALLENGE, values![token, host, self.now()]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Hosts that have one and serve, and since when they have it.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_certificates(
        &self,
        scope: &CertificateScope,
    ) -> Result<Vec<(String, Option<Timestamp>)>, StorageFault> {
        let public = scope.public.as_deref().unwrap_or_default();
        let rows = self.fetch_all(LIST, values![public, scope.given]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// The chain in PEM, and the key, sealed.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_certificate(&self, host: &str) -> Result<Option<(String, Vec<u8>)>, StorageFault> {
        let row = self.fetch_optional(FIND, values![host]).await?;
        let read = |row: Row| -> Result<_, StorageFault> {
            Ok((row.get(0)?, row.get::<Option<Vec<u8>>>(1)?.unwrap_or_default()))
        };
        row.map(read).transpose()
    }

    /// How the certificates of an instance's hosts stand.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_certificate_states(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<CertificateState>, StorageFault> {
        let rows = self.fetch_all(OF_INSTANCE, values![workspace, instance]).await?;
        rows.iter().map(read).collect()
    }

    /// How the certificate of one host stands; `None` where none is wanted.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_certificate_state(&self, host: &str) -> Result<Option<CertificateState>, StorageFault> {
        let row = self.fetch_optional(OF_HOST, values![host]).await?;
        row.as_ref().map(read).transpose()
    }
}
