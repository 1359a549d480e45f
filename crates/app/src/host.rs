//! Hosts, as the proxy asks for them. Nobody is behind such a question yet, so it takes no permit and tells nothing
//! that a visitor is shown.

use stoa_domain::{InstanceId, WorkspaceId};
use stoa_storage::attempt::Limit;

pub use stoa_storage::host::{HostRecord, HostedInstance};

use crate::{App, Failure};

/// A visitor's code comes back once. It is remembered for longer than any is valid.
const CODE: Limit = Limit { count: 1, seconds: 300 };

impl App {
    /// Whose a host is. `host` is in its normal form (`stoa_domain::host::normal`).
    ///
    /// # Errors
    /// A fault.
    pub async fn find_host(&self, host: &str) -> Result<Option<HostRecord>, Failure> {
        Ok(self.store().find_host(host).await?)
    }

    /// The URL of an instance at a host that it is served at: its own, or a domain whose proof is found. `None` for every
    /// other.
    ///
    /// # Errors
    /// A fault.
    pub async fn url_at_host(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        host: &str,
    ) -> Result<Option<String>, Failure> {
        let found = self.store().find_host(host).await?.filter(|record| record.workspace == workspace);
        let is_its = found.and_then(|record| record.instance).is_some_and(|own| own.id == instance);
        Ok(is_its.then(|| self.settings().url_of(host)))
    }

    /// Takes the code by which a visitor comes back from the public host. `false` where it was taken before, by
    /// whichever process of the installation. `nonce` is what tells it from every other code.
    ///
    /// # Errors
    /// A fault.
    pub async fn take_visit_code(&self, nonce: &[u8; 16]) -> Result<bool, Failure> {
        let name = uuid::Uuid::from_bytes(*nonce).simple();
        Ok(self.store().count_attempt(format!("visit:code:{name}"), CODE).await?.is_none())
    }
}
