//! Keeping house: what is removed when its time has passed.

use crate::{App, Failure};

/// Seconds for which events are kept: a day.
const EVENTS_SECONDS: i64 = 24 * 3600;

/// Seconds after which no limit counts an attempt any more: the longest window is a day.
const ATTEMPTS_SECONDS: i64 = 2 * 24 * 3600;

/// Seconds for which it is kept to whom a mail went, and how: 30 days. Its content goes when it is sent.
const MAILS_SECONDS: i64 = 30 * 24 * 3600;

impl App {
    /// Removes what is past its time. To be called once in a while; doing it twice does no harm.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep(&self) -> Result<(), Failure> {
        self.write_held_refusals(false).await?;
        self.store().sweep_events(self.store().now().plus_seconds(-EVENTS_SECONDS)).await?;
        self.store().sweep_sessions().await?;
        self.store().sweep_once().await?;
        self.store().sweep_attempts(self.store().now().plus_seconds(-ATTEMPTS_SECONDS)).await?;
        self.store().sweep_ceremonies().await?;
        self.store().sweep_mailed_links().await?;
        self.store().sweep_mails(self.store().now().plus_seconds(-MAILS_SECONDS)).await?;
        self.store().sweep_connect_sessions().await?;
        self.store().sweep_certificates().await?;
        Ok(self.store().sweep_hosts().await?)
    }

    /// Writes refusals down that were counted instead: those held back for a minute, or `all`.
    ///
    /// # Errors
    /// A fault.
    pub async fn write_held_refusals(&self, all: bool) -> Result<(), Failure> {
        Ok(self.store().write_held_refusals(all).await?)
    }
}
