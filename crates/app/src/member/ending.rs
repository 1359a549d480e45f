//! Grants that end: they stop counting at their moment by themselves; this takes them away then, and tells the pages.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::{App, Failure};

/// The longest time without a look: what another replica wrote may not have been heard of.
const LONGEST: Duration = Duration::from_secs(30);

/// What is read as ended is ended: never a moment early.
const AFTER: Duration = Duration::from_millis(2);

impl App {
    /// Takes away what is over by now. Doing it twice does no harm.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_grants(&self) -> Result<(), Failure> {
        loop {
            let ended = self.store().list_ended_grants().await?;
            if ended.is_empty() {
                return Ok(());
            }
            for (workspace, member) in ended {
                self.store().end_grants(workspace, member).await?;
            }
        }
    }

    /// Ends grants as their moments come, until it is asked to stop.
    pub async fn run_grants(&self, stop: CancellationToken) {
        let mut changes = self.store().changes();
        loop {
            let pause = match self.end_what_is_over().await {
                Ok(pause) => pause,
                Err(failure) => {
                    tracing::warn!(
                        ?failure,
                        "grants that are over are told of later; they don't count any more"
                    );
                    LONGEST / 10
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = until_access_changes(&mut changes) => {}
            }
        }
    }

    /// How long until the next one is.
    async fn end_what_is_over(&self) -> Result<Duration, Failure> {
        self.end_grants().await?;
        let Some(next) = self.store().next_end_of_a_grant().await? else { return Ok(LONGEST) };
        let micros = next.micros().saturating_sub(self.store().now().micros());
        Ok((Duration::from_micros(u64::try_from(micros).unwrap_or(0)) + AFTER).min(LONGEST))
    }
}

/// Until somebody's access was changed: it may end sooner than what was known.
async fn until_access_changes(
    changes: &mut tokio::sync::broadcast::Receiver<std::sync::Arc<stoa_storage::Touched>>,
) {
    loop {
        match changes.recv().await {
            Ok(touched) if touched.members.is_empty() => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
