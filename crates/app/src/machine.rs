//! What the machine says of itself, asked at most every two seconds, and what it says of its instances.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_domain::InstanceId;
use stoa_domain::instance::InstanceStatus;
use stoa_storage::job::carry::Observed;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::job::work::observed;
use crate::ports::{InstanceOnMachine, MachineFacts, MachineState};
use crate::{App, Failure};

const FRESH: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);
const UNKNOWN_THERE: &str = "Its server doesn't have it any more. Deploy it again.";

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

    /// Takes over, until `stop`, what the machine says of its instances: an application that ends by itself, one that
    /// is started again, what happened while Stoa didn't run.
    pub async fn follow_machine(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.follow_machine_once() => match outcome {
                    Ok(()) => tracing::debug!("the machine's changes ended"),
                    Err(failure) => tracing::warn!(?failure, "the machine's changes can't be followed"),
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn follow_machine_once(&self) -> Result<(), Failure> {
        // First the changes, then the whole: so none falls between the two.
        let mut changes = self.outside().machines.changes().await?;
        self.compare_instances().await?;
        let there = self.outside().machines.instances().await?;
        self.tell_all_secrets(&there.iter().map(|on| on.instance).collect::<Vec<_>>()).await?;
        while let Some(change) = changes.next().await {
            self.take_over(change).await?;
        }
        Ok(())
    }

    /// Compares all instances with what the machine says of them.
    ///
    /// # Errors
    /// A fault.
    pub async fn compare_instances(&self) -> Result<(), Failure> {
        let there = self.outside().machines.instances().await?;
        let known: HashSet<InstanceId> = there.iter().map(|on| on.instance).collect();
        for on in there {
            self.take_over(on).await?;
        }
        let mut after = InstanceId::new(uuid::Uuid::nil());
        loop {
            let running = self.store().list_running_instances(after).await?;
            let Some(last) = running.last() else { return Ok(()) };
            after = *last;
            for instance in running.iter().filter(|instance| !known.contains(instance)) {
                let reason = Some(UNKNOWN_THERE.to_owned());
                let lost = Observed { status: InstanceStatus::Failed, reason };
                self.store().observe_instance(*instance, lost).await?;
            }
        }
    }

    async fn take_over(&self, on: InstanceOnMachine) -> Result<(), Failure> {
        // What starts is settled in a moment.
        if on.state != MachineState::Starting {
            self.store().observe_instance(on.instance, observed(on.state)).await?;
        }
        Ok(())
    }
}
