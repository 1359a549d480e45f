//! What machines say of themselves, asked at most every two seconds, and what they say of their instances.

mod link;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_domain::instance::InstanceStatus;
use stoa_domain::{InstanceId, MachineId, Refusal, ServerId, WorkspaceId};
use stoa_storage::job::carry::Observed;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::job::work::observed;
use crate::ports::{InstanceOnMachine, IsPlaced, MachineFacts, MachineState, Reached};
use crate::{App, Failure, Fault};

pub use link::{AT_ONCE as LINKS_AT_ONCE, LinkPlace, LinkPlaces};
pub use stoa_storage::machine::MachinePlace;

const FRESH: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);
const UNKNOWN_THERE: &str = "Its server doesn't have it any more. Deploy it again.";

/// The last answers, so that a list of a thousand instances asks each machine once.
#[derive(Default)]
pub(crate) struct KnownFacts(Mutex<HashMap<MachinePlace, (Instant, MachineFacts)>>);

/// What is known of several machines.
#[derive(Default)]
pub(crate) struct FactsOf(HashMap<MachinePlace, Option<MachineFacts>>);

impl FactsOf {
    pub fn of(&self, place: MachinePlace) -> Option<&MachineFacts> {
        self.0.get(&place).and_then(Option::as_ref)
    }

    /// Whether work can be begun there.
    ///
    /// # Errors
    /// `ServerAway`, `NoSandbox`.
    pub fn can_work(&self, place: MachinePlace) -> Result<(), Refusal> {
        can_work(place, self.of(place))
    }
}

/// This process's own machine is given work also while it says nothing: it is about to.
fn can_work(place: MachinePlace, facts: Option<&MachineFacts>) -> Result<(), Refusal> {
    match facts {
        None if place != MachinePlace::Here => Err(Refusal::ServerAway),
        None => Ok(()),
        Some(facts) => facts.no_sandbox.clone().map_or(Ok(()), |text| Err(Refusal::NoSandbox(text))),
    }
}

impl App {
    /// # Errors
    /// `ServerAway` where no way leads there now.
    pub(crate) async fn reach(&self, place: MachinePlace) -> Result<Reached, Refusal> {
        if let Some(reached) = self.outside().fleet.reach(place).await {
            return Ok(reached);
        }
        match self.reach_through(place).await {
            Ok(reached) => reached.ok_or(Refusal::ServerAway),
            Err(failure) => {
                tracing::warn!(?failure, "the replica that has a machine's link can't be asked");
                Err(Refusal::ServerAway)
            }
        }
    }

    /// Makes a way to a machine, should there be one: for whoever can't wait for it.
    pub async fn find_way(&self, place: MachinePlace) {
        // Whether there is one is seen by whoever asks next.
        let _ = self.reach(place).await;
    }

    /// By another replica, which has its link or stands on it.
    async fn reach_through(&self, place: MachinePlace) -> Result<Option<Reached>, Failure> {
        let MachinePlace::Elsewhere(machine, Some(_)) = place else { return Ok(None) };
        let Some(address) = self.store().find_holder(machine).await? else { return Ok(None) };
        let identity = self.agent_identity().await?;
        let is_placed = self.is_placed_on(machine);
        Ok(self.outside().fleet.reach_through(machine, address, identity, is_placed).await)
    }

    /// What a machine elsewhere is believed about.
    fn is_placed_on(&self, machine: MachineId) -> IsPlaced {
        let store = self.store().clone();
        Arc::new(move |instance| {
            let store = store.clone();
            Box::pin(async move {
                let place = store.find_place_of_instance(instance).await.map_err(Fault::new)?;
                Ok(place.and_then(elsewhere) == Some(machine))
            })
        })
    }

    /// The machine of an instance.
    ///
    /// # Errors
    /// `NotFound` where the instance is gone, `ServerAway`, or a fault.
    pub(crate) async fn machine_of(&self, instance: InstanceId) -> Result<Reached, Failure> {
        let place = self.store().find_place_of_instance(instance).await?.ok_or(Refusal::NotFound)?;
        Ok(self.reach(place).await?)
    }

    /// `None` while the machine can't be asked.
    pub(crate) async fn machine_facts(&self, place: MachinePlace) -> Option<MachineFacts> {
        let reached = self.reach(place).await.ok()?;
        let known = self.known_facts().0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some((asked_at, facts)) = known
            && asked_at.elapsed() < FRESH
        {
            return Some(facts);
        }
        let asked_at = Instant::now();
        match tokio::time::timeout(PATIENCE, reached.machine.facts()).await {
            Ok(Ok(facts)) => {
                let mut known = self.known_facts().0.lock().unwrap_or_else(PoisonError::into_inner);
                known.retain(|_, (asked_at, _)| asked_at.elapsed() < FRESH);
                known.insert(place, (asked_at, facts.clone()));
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

    /// Of several machines, asked at once: one that says nothing holds up no other.
    pub(crate) async fn facts_of(&self, places: impl IntoIterator<Item = MachinePlace>) -> FactsOf {
        let places: HashSet<MachinePlace> = places.into_iter().collect();
        let asked = places.into_iter().map(|place| async move { (place, self.machine_facts(place).await) });
        FactsOf(futures_util::future::join_all(asked).await.into_iter().collect())
    }

    /// Whether work can be begun on the machine of an instance.
    ///
    /// # Errors
    /// `ServerAway`, `NoSandbox`, or a fault.
    pub(crate) async fn needs_machine(&self, instance: InstanceId) -> Result<(), Failure> {
        let place = self.store().find_place_of_instance(instance).await?.ok_or(Refusal::NotFound)?;
        Ok(can_work(place, self.machine_facts(place).await.as_ref())?)
    }

    /// The same of a server.
    ///
    /// # Errors
    /// `NotFound`, `ServerAway`, `NoSandbox`, or a fault.
    pub(crate) async fn needs_server(&self, workspace: WorkspaceId, server: ServerId) -> Result<(), Failure> {
        let place = self.store().find_place_of_server(workspace, server).await?.ok_or(Refusal::NotFound)?;
        Ok(can_work(place, self.machine_facts(place).await.as_ref())?)
    }

    /// Takes over, until `stop`, what this process's own machine says of its instances: an application that ends by
    /// itself, one that is started again, what happened while Stoa didn't run.
    pub async fn follow_machine(&self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow(MachinePlace::Here) => {}
        }
    }

    /// The same of any machine, for as long as it is waited for.
    async fn follow(&self, place: MachinePlace) {
        loop {
            match self.follow_once(place).await {
                Ok(()) => tracing::debug!("the machine's changes ended"),
                Err(Failure::Refused(Refusal::ServerAway)) => tracing::debug!("no machine is to be followed"),
                Err(failure) => tracing::warn!(?failure, "the machine's changes can't be followed"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn follow_once(&self, place: MachinePlace) -> Result<(), Failure> {
        let reached = self.reach(place).await?;
        // First the changes, then the whole: so none falls between the two.
        let mut changes = reached.machine.changes().await?;
        self.compare_with(place, &reached).await?;
        let there = reached.machine.instances().await?;
        self.tell_all_secrets(place, &there.iter().map(|on| on.instance).collect::<Vec<_>>()).await?;
        while let Some(change) = changes.next().await {
            self.take_over(place, change).await?;
        }
        Ok(())
    }

    /// Compares all instances of this process's own machine with what it says of them.
    ///
    /// # Errors
    /// A fault.
    pub async fn compare_instances(&self) -> Result<(), Failure> {
        let reached = self.reach(MachinePlace::Here).await?;
        self.compare_with(MachinePlace::Here, &reached).await
    }

    async fn compare_with(&self, place: MachinePlace, reached: &Reached) -> Result<(), Failure> {
        let there = reached.machine.instances().await?;
        let known: HashSet<InstanceId> = there.iter().map(|on| on.instance).collect();
        for on in there {
            self.take_over(place, on).await?;
        }
        let mut after = InstanceId::new(uuid::Uuid::nil());
        loop {
            let running = self.store().list_running_instances(elsewhere(place), after).await?;
            let Some(last) = running.last() else { return Ok(()) };
            after = *last;
            for instance in running.iter().filter(|instance| !known.contains(instance)) {
                let reason = Some(UNKNOWN_THERE.to_owned());
                let lost = Observed { status: InstanceStatus::Failed, reason };
                self.store().observe_instance(elsewhere(place), *instance, lost).await?;
            }
        }
    }

    async fn take_over(&self, place: MachinePlace, on: InstanceOnMachine) -> Result<(), Failure> {
        // What starts is settled in a moment.
        if on.state != MachineState::Starting {
            self.store().observe_instance(elsewhere(place), on.instance, observed(on.state)).await?;
        }
        Ok(())
    }
}

/// Which machine's word it is; `None`: that of this process's own.
fn elsewhere(place: MachinePlace) -> Option<MachineId> {
    match place {
        MachinePlace::Elsewhere(machine, _) => Some(machine),
        MachinePlace::Here | MachinePlace::Nowhere => None,
    }
}
