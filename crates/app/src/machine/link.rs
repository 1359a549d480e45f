//! Links of machines elsewhere: who is let in, and what holds while one is there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_domain::{AtOnce, MachineId, Refusal, Secret, WorkspaceId};
use stoa_storage::machine::{Joined, KnownMachine};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::MachinePlace;
use crate::ports::{BoxedWire, Link, LinkEnd, LinkRefusal, SealedPlace};
use crate::secrets::hash_of;
use crate::session::network_of;
use crate::{App, Failure, Fault};

/// Links that are set up at once, and for how long one may be: whoever knocks is nobody yet.
pub const AT_ONCE: usize = 32;
/// Of them, those of one address.
const OF_ADDRESS: usize = 4;
const SET_UP: Duration = Duration::from_secs(10);

/// How often it is written down that a machine is there, and looked whether it still may be.
const SEEN_EACH: Duration = Duration::from_secs(20);

/// The places of links that are being set up: of agents, and of other replicas, so that neither waits for whoever knocks
/// as the other.
pub struct LinkPlaces {
    agents: Arc<Semaphore>,
    replicas: Arc<Semaphore>,
    of: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Default for LinkPlaces {
    fn default() -> Self {
        let places = || Arc::new(Semaphore::new(AT_ONCE));
        Self { agents: places(), replicas: places(), of: Arc::default() }
    }
}

/// One of them. It is given back once the link is there, or isn't.
pub struct LinkPlace {
    until: Instant,
    _permit: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

impl LinkPlace {
    fn of(places: &Arc<Semaphore>, of_address: Option<OfAddress>) -> Result<Self, Refusal> {
        let permit = places.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::TooMuchAtOnce { what: AtOnce::Links, most: AT_ONCE })?;
        Ok(Self { until: Instant::now() + SET_UP, _permit: permit, _of_address: of_address })
    }
}

/// One of the places of an address.
struct OfAddress {
    of: Arc<Mutex<HashMap<IpAddr, usize>>>,
    whose: IpAddr,
}

impl OfAddress {
    fn enter(of: &Arc<Mutex<HashMap<IpAddr, usize>>>, address: IpAddr) -> Result<Self, Refusal> {
        let whose = network_of(address);
        let mut counts = of.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(whose).or_default();
        if *count >= OF_ADDRESS {
            return Err(Refusal::TooMuchAtOnce { what: AtOnce::Links, most: OF_ADDRESS });
        }
        *count += 1;
        Ok(Self { of: of.clone(), whose })
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut counts = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.whose) {
            Some(count) if *count > 1 => *count -= 1,
            _ => _ = counts.remove(&self.whose),
        }
    }
}

fn identity_place() -> SealedPlace {
    SealedPlace {
        workspace: WorkspaceId::INSTALLATION,
        table: "installation",
        column: "agent_identity",
        row: "1".to_owned(),
        version: 1,
    }
}

impl App {
    /// The key and the certificate by which agents know this installation, the same for all replicas. Made at first need.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn agent_identity(&self) -> Result<Secret, Failure> {
        if self.store().find_agent_identity().await?.is_none() {
            let made = self.outside().fleet.new_identity()?;
            let sealed = self.seal_alone(&identity_place(), &made)?;
            self.store().keep_agent_identity(sealed).await?;
        }
        // Read again: another replica may have been first.
        let sealed = self.store().find_agent_identity().await?;
        let sealed = sealed.ok_or_else(|| Fault::new("an identity that was just made isn't there"))?;
        Ok(self.open_alone(&identity_place(), &sealed)?)
    }

    /// A place for a link of an agent that is about to be set up, and where it comes from, unless that is where everybody
    /// comes from.
    ///
    /// # Errors
    /// `TooMuchAtOnce`.
    pub fn enter_link(&self, from: Option<IpAddr>) -> Result<LinkPlace, Refusal> {
        let places = self.link_places();
        let of_address = from.map(|address| OfAddress::enter(&places.of, address)).transpose()?;
        LinkPlace::of(&places.agents, of_address)
    }

    /// The same for a replica, which asks for many machines at once.
    ///
    /// # Errors
    /// `TooMuchAtOnce`.
    pub fn enter_replica(&self) -> Result<LinkPlace, Refusal> {
        LinkPlace::of(&self.link_places().replicas, None)
    }

    /// Answers whoever opened a link, and follows its machine for as long as the link is there.
    pub async fn answer_link(&self, wire: BoxedWire, place: LinkPlace) {
        let set_up = tokio::time::timeout_at(place.until, self.set_up_link(wire)).await;
        drop(place);
        match set_up {
            Ok(Ok(Some((machine, link)))) => self.hold_link(machine, link).await,
            Ok(Ok(None)) => {}
            Ok(Err(failure)) => tracing::info!(?failure, "a link wasn't set up"),
            Err(_) => tracing::info!("a link wasn't set up in time"),
        }
    }

    /// Answers another replica, which asks for a machine that is reached here.
    pub async fn answer_replica(&self, wire: BoxedWire, machine: MachineId, place: LinkPlace) {
        let set_up = async {
            let at = self.store().find_place_of_machine(machine).await?;
            let identity = self.agent_identity().await?;
            Ok::<_, Failure>(self.outside().fleet.answer_replica(wire, at, identity).await)
        };
        let set_up = tokio::time::timeout_at(place.until, set_up).await;
        drop(place);
        match set_up {
            Ok(Ok(Some(asked))) => asked.await,
            Ok(Ok(None)) => {
                tracing::info!("somebody who isn't a replica was refused, or asked for what isn't here")
            }
            Ok(Err(failure)) => tracing::warn!(?failure, "another replica can't be answered"),
            Err(_) => tracing::info!("another replica was too slow"),
        }
    }

    async fn set_up_link(&self, wire: BoxedWire) -> Result<Option<(MachineId, Link)>, Failure> {
        let identity = self.agent_identity().await?;
        let knocking = self.outside().fleet.answer(wire, identity).await?;
        let (certificate, token) = (knocking.certificate(), knocking.token().cloned());
        let let_in = match self.let_in(certificate, token).await {
            Ok(let_in) => let_in,
            Err(failure) => {
                knocking.refuse(LinkRefusal::Failed).await;
                return Err(failure);
            }
        };
        match let_in {
            Ok(machine) => Ok(Some((machine, knocking.take_up(machine, self.is_placed_on(machine)).await?))),
            Err(why) => {
                tracing::info!(?why, "an agent was refused");
                knocking.refuse(why).await;
                Ok(None)
            }
        }
    }

    /// By its certificate, where it is known; else by its token, which ends with it.
    async fn let_in(
        &self,
        certificate: Vec<u8>,
        token: Option<Secret>,
    ) -> Result<Result<MachineId, LinkRefusal>, Failure> {
        match self.store().find_machine_by_certificate(&certificate).await? {
            Some(KnownMachine { is_removed: true, .. }) => return Ok(Err(LinkRefusal::Removed)),
            Some(known) => return Ok(Ok(known.id)),
            None => {}
        }
        let Some(token) = token.as_ref().and_then(Secret::reveal_text) else {
            return Ok(Err(LinkRefusal::Unknown));
        };
        let machine = MachineId::new(self.new_uuid());
        Ok(match self.store().join_machine(hash_of(token), certificate, machine).await? {
            Joined::Taken(machine) => Ok(machine),
            Joined::Used => Err(LinkRefusal::TokenUsed),
            Joined::Unknown => Err(LinkRefusal::TokenUnknown),
        })
    }

    async fn hold_link(&self, machine: MachineId, link: Link) {
        match self.store().machine_linked(machine).await {
            Ok(true) => {}
            Ok(false) => return self.outside().fleet.end(machine),
            Err(failure) => {
                tracing::warn!(?failure, %machine, "it can't be written down that a machine is linked");
                return self.outside().fleet.end(machine);
            }
        }
        tracing::info!(%machine, "a machine is linked");
        let place = MachinePlace::Elsewhere(machine, None);
        let end = tokio::select! {
            end = link.ended => end,
            () = self.follow(place) => LinkEnd::Broken,
            () = self.see_machine(machine) => LinkEnd::Broken,
        };
        if end == LinkEnd::Replaced {
            return;
        }
        tracing::info!(%machine, "a machine's link has ended");
        let mut written = self.store().machine_unlinked(machine).await;
        // It may have come by another one just before that was written.
        if self.reach(place).await.is_ok() {
            written = self.store().machine_linked(machine).await.map(drop);
        }
        if let Err(failure) = written {
            tracing::warn!(?failure, %machine, "it can't be written down that a machine is away");
        }
    }

    /// Until its server was removed, by whichever process: then its link ends.
    async fn see_machine(&self, machine: MachineId) {
        loop {
            tokio::time::sleep(SEEN_EACH).await;
            match self.store().machine_seen(machine).await {
                Ok(true) => {}
                Ok(false) => return self.outside().fleet.end(machine),
                Err(failure) => {
                    tracing::warn!(?failure, %machine, "it can't be written down when a machine was there")
                }
            }
        }
    }
}
