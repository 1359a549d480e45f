//! Hosts, as the proxy asks for them. Nobody is behind such a question yet, so it takes no permit and tells nothing
//! that a visitor is shown.

pub use stoa_storage::host::{HostRecord, HostedInstance};

use crate::{App, Failure};

impl App {
    /// Whose a host is. `host` is in its normal form (`stoa_domain::host::normal`).
    ///
    /// # Errors
    /// A fault.
    pub async fn find_host(&self, host: &str) -> Result<Option<HostRecord>, Failure> {
        Ok(self.store().find_host(host).await?)
    }
}
