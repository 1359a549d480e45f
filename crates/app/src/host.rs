//! Hosts, as the proxy asks for them. Nobody is behind such a question yet, so it takes no permit and tells nothing
//! that a visitor is shown.

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
