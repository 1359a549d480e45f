//! Reading and following logs. The lines stand on the machine; nothing here keeps them.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use stoa_domain::Permit;
use stoa_domain::permission::instance as may;

use crate::ports::{LogLine, LogQuery};
use crate::{App, Failure};

/// Most lines of one answer, and how many where nothing is said.
const MOST: usize = 10_000;
const USUAL: usize = 1_000;

impl App {
    /// The lines of the application's log, or of a deployment's. Whoever sends them on asks again and again whether it
    /// may (`leases`); this only begins.
    ///
    /// # Errors
    /// `NotFound` for a deployment that isn't the instance's, or a fault.
    pub async fn read_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        mut query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        let instance = *permit.target();
        if let Some(deployment) = query.deployment {
            self.store().load_deployment(permit.workspace(), instance, deployment).await?;
        }
        query.limit = Some(query.limit.unwrap_or(USUAL).min(MOST));
        let lines = self.outside().machines.logs(instance, query).await?;
        Ok(lines.map(|line| line.map_err(Failure::from)).boxed())
    }
}
