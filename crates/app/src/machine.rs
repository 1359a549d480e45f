//! What the machine says of itself, asked at most every two seconds, and what it says of its instances.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::App;
use crate::ports::MachineFacts;

const FRESH: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);

/// The last answer, so that a list of a thousand instances asks once.
#[derive(Default)]
pub(crate) struct KnownFacts(Mutex<Option<(Instant, MachineFacts)>>);

impl App {
    /// `None` while the machine can't be asked.
    pub(crate) async fn machine_facts(&self) -> Option<MachineFacts> {
        let known = self.known_facts().0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((asked_at, facts)) = known
            && asked_at.elapsed() < FRESH
        {
            return Some(facts);
        }
        let asked_at = Instant::now();
        match tokio::time::timeout(PATIENCE, self.outside().machines.facts()).await {
            Ok(Ok(facts)) => {
                let mut known = self.known_facts().0.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((asked_at, facts.clone()));
                Some(facts)
            }
            Ok(Err(fault)) => {
                tracing::debug!(?fault, "the machine can't be asked");
                None
            }
            Err(_) => {
                tracing::debug!("the machine doesn't answer");
                None
            }
        }
    }

    /// Why no process can be started on the machine, where that is so.
    pub(crate) async fn no_sandbox(&self) -> Option<String> {
        self.machine_facts().await.and_then(|facts| facts.no_sandbox)
    }
}
