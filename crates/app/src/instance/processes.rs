//! What runs of an instance. It stands on the machine; nothing here keeps it.

use stoa_domain::Permit;
use stoa_domain::permission::instance as may;

use crate::ports::InstanceProcesses;
use crate::{App, Failure};

impl App {
    /// What runs of an instance, and what is run at its times with what came of it: names and outcomes, nothing that
    /// they wrote.
    ///
    /// # Errors
    /// `ServerAway`, or a fault.
    pub async fn view_processes(
        &self,
        permit: Permit<may::ViewProcesses>,
    ) -> Result<InstanceProcesses, Failure> {
        let reached = self.machine_of(*permit.target()).await?;
        let found = reached.machine.processes(*permit.target()).await?;
        // One that was never deployed isn't held there.
        Ok(found.unwrap_or_default())
    }
}
