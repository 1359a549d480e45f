//! Certificates by ACME, for whoever speaks TLS here: what an authority is asked, what it is shown as proof, and what is
//! served. When which host is asked for is in [`issue`].

mod issue;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use stoa_domain::certificate::Trouble;
use stoa_domain::{InstanceId, Secret, Timestamp, WorkspaceId};

pub use stoa_storage::certificate::{CertificateScope, CertificateState};

use crate::ports::SealedPlace;
use crate::{App, Failure, Fault};

/// Longest token of a challenge that is looked up (RFC 8555 wants at least 22 letters of base64url).
const LONGEST_TOKEN: usize = 256;

/// What a certificate authority issued.
pub struct Issued {
    /// PEM, the host's own first.
    pub chain: String,
    /// PEM.
    pub key: Secret,
    pub begins_at: Timestamp,
    pub ends_at: Timestamp,
}

/// Why none was issued.
#[derive(Debug, Clone)]
pub struct IssueProblem {
    /// Never `Dns` or `Waits`: then nobody was asked.
    pub trouble: Trouble,
    /// A sentence without its full stop, without secrets.
    pub detail: String,
    /// Seconds for which the authority wants to be left alone.
    pub retry_after: Option<i64>,
    /// The authority doesn't know the account that was brought along.
    pub is_account_unknown: bool,
}

impl IssueProblem {
    #[must_use]
    pub fn away(detail: impl Into<String>) -> Self {
        Self { trouble: Trouble::Away, detail: detail.into(), retry_after: None, is_account_unknown: false }
    }
}

/// Keeps what an authority is told, before it is asked for: the account that was made, and answers to challenges, which
/// every process of the installation has to find.
pub trait KeepsForAuthority: Send + Sync + 'static {
    fn account(&self, credentials: Secret) -> BoxFuture<'_, Result<(), IssueProblem>>;
    /// What is answered where the authority asks for a token.
    fn challenge(&self, token: String, answer: String) -> BoxFuture<'_, Result<(), IssueProblem>>;
}

/// A certificate authority. It is the operator's choice, and nobody else's.
pub trait Certificates: Send + Sync + 'static {
    /// Its directory: accounts are made there, and count nowhere else.
    fn directory(&self) -> &str;
    /// Proves by HTTP that a host leads here, and has its certificate issued.
    fn issue(
        &self,
        host: String,
        account: Option<Secret>,
        keeps: Arc<dyn KeepsForAuthority>,
    ) -> BoxFuture<'_, Result<Issued, IssueProblem>>;
}

fn place(table: &'static str, column: &'static str, row: &str) -> SealedPlace {
    SealedPlace { workspace: WorkspaceId::INSTALLATION, table, column, row: row.to_owned(), version: 1 }
}

impl App {
    /// What a certificate authority is answered that asks a host for a token. Nothing secret: it is what the token's own
    /// account is known by.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_challenge(&self, host: &str, token: &str) -> Result<Option<String>, Failure> {
        let is_token = !token.is_empty()
            && token.len() <= LONGEST_TOKEN
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !is_token || self.outside().certificates.is_none() {
            return Ok(None);
        }
        Ok(self.store().find_challenge(host, token).await?)
    }

    /// Hosts that have a certificate and serve, and since when they have it.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_certificates(
        &self,
        scope: &CertificateScope,
    ) -> Result<Vec<(String, Option<Timestamp>)>, Failure> {
        Ok(self.store().list_certificates(scope).await?)
    }

    /// The chain and the key of a host, in PEM: for whoever speaks TLS here, and nobody else.
    ///
    /// # Errors
    /// A fault.
    pub async fn open_certificate(&self, host: &str) -> Result<Option<(String, Secret)>, Failure> {
        let Some((chain, sealed)) = self.store().find_certificate(host).await? else { return Ok(None) };
        let key: Result<Secret, Fault> =
            self.open_alone(&place("certificates", "private_key", host), &sealed);
        Ok(Some((chain, key?)))
    }

    /// How the certificates of an instance's hosts stand; none where no authority is asked.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn certificate_states(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<CertificateState>, Failure> {
        if self.outside().certificates.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.store().list_certificate_states(workspace, instance).await?)
    }

    /// What keeps the page's own host from having a certificate, or a newer one; `None` where nothing does.
    ///
    /// # Errors
    /// A fault.
    pub async fn trouble_of_public_certificate(&self) -> Result<Option<String>, Failure> {
        if self.outside().certificates.is_none() {
            return Ok(None);
        }
        let host = self.public_host();
        let state = self.store().find_certificate_state(&host).await?;
        Ok(state.and_then(|state| {
            let (problem, ends_at) = (state.problem?, state.ends_at);
            Some(match ends_at {
                None => format!("{host} has no certificate yet: {problem}."),
                Some(_) => format!("The certificate of {host} couldn't be renewed: {problem}."),
            })
        }))
    }
}
