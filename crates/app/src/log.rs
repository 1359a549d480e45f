//! Reading and following logs. The lines stand on the machine; nothing here keeps them.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use stoa_domain::Permit;
use stoa_domain::permission::instance as may;

use crate::ports::{LogLine, LogQuery, LogStretch};
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
        query.limit = Some(query.limit.unwrap_or(USUAL).min(MOST));
        self.open_log(permit, query).await
    }

    /// All lines that fit, however many, the oldest first.
    ///
    /// # Errors
    /// As `read_logs`.
    pub async fn download_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        self.open_log(permit, LogQuery { limit: None, follow: false, ..query }).await
    }

    /// How many lines of which level stand where, and in which of them a text is.
    ///
    /// # Errors
    /// As `read_logs`.
    pub async fn outline_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
        find: Option<String>,
    ) -> Result<BoxStream<'static, Result<LogStretch, Failure>>, Failure> {
        let instance = *permit.target();
        self.check_deployment(&permit, &query).await?;
        let stretches = self.outside().machines.log_outline(instance, query, find).await?;
        Ok(stretches.map(|stretch| stretch.map_err(Failure::from)).boxed())
    }

    async fn open_log(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        let instance = *permit.target();
        self.check_deployment(&permit, &query).await?;
        let lines = self.outside().machines.logs(instance, query).await?;
        Ok(lines.map(|line| line.map_err(Failure::from)).boxed())
    }

    async fn check_deployment(
        &self,
        permit: &Permit<may::ReadLogs>,
        query: &LogQuery,
    ) -> Result<(), Failure> {
        if let Some(deployment) = query.deployment {
            self.store().load_deployment(permit.workspace(), *permit.target(), deployment).await?;
        }
        Ok(())
    }
}
