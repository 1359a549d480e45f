//! All machines that this process reaches: the one that it stands on, and others by their links.
//!
//! Here is what the proxy asks too: how an instance answers, by the word of the machine that it is on and of no other.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use stoa_agent::client::Client;
use stoa_agent::link::{self, Identity};
use stoa_agent::protocol::{InstanceState, InstanceView, VisitNoted, VisitsNoted};
use stoa_app::Fault;
use stoa_app::machine::MachinePlace;
use stoa_app::ports::{BoxedWire, Fleet, IsPlaced, Knocking, Link, LinkEnd, LinkRefusal, Reached};
use stoa_domain::{InstanceId, MachineId, Secret};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::AgentMachines;

/// Visitors who wait to be told of; more than that aren't written down.
const VISITS: usize = 4096;
/// An agent whose link broke has dialled again by then, unless it is away.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// Told of at once.
const AT_ONCE: usize = 256;

/// The machines of this process. Cheap to clone.
#[derive(Clone)]
pub struct Machinery {
    inner: Arc<Inner>,
}

struct Inner {
    /// None where this process stands on no server.
    own: Option<Client>,
    links: Mutex<HashMap<MachineId, Linked>>,
    /// Ways to machines by other replicas.
    ways: Mutex<HashMap<MachineId, Linked>>,
    /// Since when those machines aren't reached that somebody asked for.
    left: Mutex<HashMap<MachineId, Instant>>,
    /// Rises with each link that is taken up.
    numbers: AtomicU64,
    /// Moves whenever the way to an instance elsewhere has changed.
    changes: watch::Sender<u64>,
}

/// A machine that is linked.
#[derive(Clone)]
struct Linked {
    number: u64,
    client: Client,
    is_placed: IsPlaced,
    routes: Arc<Mutex<HashMap<InstanceId, (InstanceState, u64)>>>,
    visits: mpsc::Sender<VisitNoted>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reached(client: Client) -> Reached {
    let machines = Arc::new(AgentMachines::new(client));
    Reached { machine: machines.clone(), desks: machines }
}

impl Machinery {
    /// `own`: the machine that this process stands on, where that is a server.
    #[must_use]
    pub fn new(own: Option<Client>) -> Self {
        let inner = Inner {
            own,
            links: Mutex::default(),
            ways: Mutex::default(),
            left: Mutex::default(),
            numbers: AtomicU64::new(1),
            changes: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    fn linked(&self, machine: MachineId) -> Option<Linked> {
        let open = |linked: &&Linked| !linked.client.is_closed();
        let own = lock(&self.inner.links).get(&machine).filter(open).cloned();
        own.or_else(|| lock(&self.inner.ways).get(&machine).filter(open).cloned())
    }

    /// Whether any way leads to a machine elsewhere now.
    #[must_use]
    pub fn is_reached(&self, machine: MachineId) -> bool {
        self.linked(machine).is_some()
    }

    /// Whether no way leads to a machine elsewhere, and has led there for so long that nobody needs to wait for one.
    #[must_use]
    pub fn is_away(&self, machine: MachineId, now: Instant) -> bool {
        let is_reached = self.is_reached(machine);
        let mut left = lock(&self.inner.left);
        if is_reached {
            left.remove(&machine);
            return false;
        }
        // Nobody knows for how long one was away that this process hasn't had a link of: from now on it is counted.
        now.saturating_duration_since(*left.entry(machine).or_insert(now)) >= BACK_WITHIN
    }

    /// How an instance on a machine elsewhere answers, and a number that changes with what answers. `None`: it isn't known
    /// there, or the machine is away.
    #[must_use]
    pub fn route(&self, machine: MachineId, instance: InstanceId) -> Option<(InstanceState, u64)> {
        let linked = self.linked(machine)?;
        lock(&linked.routes).get(&instance).copied()
    }

    /// Moves whenever the way to an instance elsewhere has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// A new connection to an application elsewhere.
    ///
    /// # Errors
    /// Where its machine is away, or it doesn't run.
    pub async fn open(&self, machine: MachineId, instance: InstanceId) -> io::Result<BoxedWire> {
        let linked = self.linked(machine).ok_or(io::ErrorKind::NotConnected)?;
        let opened = linked.client.open_application(instance).await;
        Ok(Box::new(opened.map_err(io::Error::other)?))
    }

    /// Has a visitor of an instance elsewhere counted and written down. It never waits.
    pub fn note(&self, machine: MachineId, instance: InstanceId, status: u16, line: String) {
        if let Some(linked) = self.linked(machine) {
            // Where so many come at once that they can't be told of, some aren't.
            let _ = linked.visits.try_send(VisitNoted { instance: instance.uuid(), status, line });
        }
    }

    /// Takes a machine up that answers on this connection. What it was reached by before ends.
    fn attach(
        &self,
        machine: MachineId,
        client: &Client,
        is_placed: IsPlaced,
        all: &Mutex<HashMap<MachineId, Linked>>,
    ) -> u64 {
        let number = self.inner.numbers.fetch_add(1, Ordering::Relaxed);
        let (visits, waiting) = mpsc::channel(VISITS);
        let routes = Arc::default();
        let linked = Linked { number, client: client.clone(), is_placed, routes, visits };
        let follows = linked.clone();
        let before = lock(all).insert(machine, linked);
        lock(&self.inner.left).remove(&machine);
        if let Some(before) = before {
            before.client.end();
        }
        let (own, of_visits) = (self.clone(), client.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = own.follow_routes(&follows) => {}
                () = follows.client.ended() => {}
            }
        });
        tokio::spawn(async move {
            tokio::select! {
                () = tell_visits(&of_visits, waiting) => {}
                () = of_visits.ended() => {}
            }
        });
        number
    }

    /// Forgets a link that has ended. How it was that it did.
    fn detach(&self, machine: MachineId, number: u64) -> LinkEnd {
        let mut links = lock(&self.inner.links);
        let end = match links.get(&machine) {
            Some(linked) if linked.number == number => {
                links.remove(&machine);
                LinkEnd::Broken
            }
            Some(_) => LinkEnd::Replaced,
            None => LinkEnd::Broken,
        };
        drop(links);
        if end == LinkEnd::Broken {
            lock(&self.inner.left).insert(machine, Instant::now());
        }
        self.moved();
        end
    }

    fn moved(&self) {
        self.inner.changes.send_modify(|number| *number += 1);
    }

    /// Keeps up with how the instances of a machine answer, for as long as it is waited for.
    async fn follow_routes(&self, linked: &Linked) {
        loop {
            if let Err(error) = self.follow_routes_once(linked).await {
                tracing::debug!(error = %error.chain(), "the ways to instances can't be followed");
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }

    async fn follow_routes_once(&self, linked: &Linked) -> Result<(), Fault> {
        // First the changes, then the whole: so none falls between the two.
        let mut changes = std::pin::pin!(linked.client.changes().await.map_err(Fault::new)?);
        let route = |view: &InstanceView| (InstanceId::new(view.id), (view.state, view.generation));
        let mut all = HashMap::new();
        for (instance, now) in linked.client.instances().await.map_err(Fault::new)?.iter().map(route) {
            if (linked.is_placed)(instance).await? {
                all.insert(instance, now);
            }
        }
        *lock(&linked.routes) = all;
        self.moved();
        while let Some(change) = changes.next().await {
            let (instance, now) = route(&change.map_err(Fault::new)?);
            let is_kept = lock(&linked.routes).contains_key(&instance);
            if is_kept || (linked.is_placed)(instance).await? {
                lock(&linked.routes).insert(instance, now);
                self.moved();
            }
        }
        Ok(())
    }
}

async fn tell_visits(client: &Client, mut waiting: mpsc::Receiver<VisitNoted>) {
    let mut visits = Vec::with_capacity(AT_ONCE);
    while waiting.recv_many(&mut visits, AT_ONCE).await > 0 {
        let noted = VisitsNoted { visits: std::mem::take(&mut visits) };
        if let Err(error) = client.note_visits(&noted).await {
            tracing::debug!(%error, "a machine can't be told of visitors");
        }
    }
}

impl Fleet for Machinery {
    fn reach(&self, place: MachinePlace) -> BoxFuture<'_, Option<Reached>> {
        Box::pin(async move {
            match place {
                MachinePlace::Here => self.inner.own.clone().map(reached),
                MachinePlace::Elsewhere(machine, _) => {
                    self.linked(machine).map(|linked| reached(linked.client))
                }
                MachinePlace::Nowhere => None,
            }
        })
    }

    fn new_identity(&self) -> Result<Secret, Fault> {
        Identity::make("Stoa").map_err(Fault::new)
    }

    fn fingerprint(&self, identity: &Secret) -> Result<Vec<u8>, Fault> {
        Ok(Identity::parse(identity).map_err(Fault::new)?.fingerprint().to_vec())
    }

    fn answer(&self, wire: BoxedWire, identity: Secret) -> BoxFuture<'_, Result<Box<dyn Knocking>, Fault>> {
        Box::pin(async move {
            let identity = Identity::parse(&identity).map_err(Fault::new)?;
            let knocking = link::answer(wire, &identity).await.map_err(Fault::new)?;
            Ok(Box::new(AtTheDoor { machinery: self.clone(), knocking }) as Box<dyn Knocking>)
        })
    }

    fn reach_through(
        &self,
        machine: MachineId,
        address: String,
        identity: Secret,
        is_placed: IsPlaced,
    ) -> BoxFuture<'_, Option<Reached>> {
        Box::pin(async move {
            let identity = Identity::parse(&identity).ok()?;
            let opened = match link::through(address.trim_end_matches('/'), machine, &identity).await {
                Ok(stream) => Client::connect_by_link(stream).await.map_err(|error| error.to_string()),
                Err(error) => Err(Fault::new(error).chain()),
            };
            match opened {
                Ok(client) => {
                    self.attach(machine, &client, is_placed, &self.inner.ways);
                    let (own, ended) = (self.clone(), client.clone());
                    tokio::spawn(async move {
                        ended.ended().await;
                        own.moved();
                    });
                    Some(reached(client))
                }
                Err(error) => {
                    tracing::debug!(error, %machine, "no way leads to a machine by another replica");
                    None
                }
            }
        })
    }

    fn answer_replica(
        &self,
        wire: BoxedWire,
        place: MachinePlace,
        identity: Secret,
    ) -> BoxFuture<'_, Option<BoxFuture<'static, ()>>> {
        Box::pin(async move {
            let identity = Identity::parse(&identity).ok()?;
            let stream = link::answer_replica(wire, &identity).await.ok()?;
            // By a way of this process's own: what is asked isn't sent in a circle.
            let to = match place {
                MachinePlace::Here => self.inner.own.clone(),
                MachinePlace::Elsewhere(machine, _) => {
                    lock(&self.inner.links).get(&machine).map(|linked| linked.client.clone())
                }
                MachinePlace::Nowhere => None,
            }?;
            Some(Box::pin(async move {
                if let Err(error) = link::hand_on(stream, to).await {
                    tracing::debug!(%error, "another replica has gone");
                }
            }) as BoxFuture<'static, ()>)
        })
    }

    fn end(&self, machine: MachineId) {
        if let Some(linked) = lock(&self.inner.links).get(&machine) {
            linked.client.end();
        }
    }
}

struct AtTheDoor {
    machinery: Machinery,
    knocking: link::Knocking<BoxedWire>,
}

impl Knocking for AtTheDoor {
    fn certificate(&self) -> Vec<u8> {
        self.knocking.certificate.to_vec()
    }

    fn token(&self) -> Option<&Secret> {
        self.knocking.token.as_ref()
    }

    fn refuse(self: Box<Self>, why: LinkRefusal) -> BoxFuture<'static, ()> {
        let why = match why {
            LinkRefusal::Unknown => link::Refusal::Unknown,
            LinkRefusal::TokenUnknown => link::Refusal::TokenUnknown,
            LinkRefusal::TokenUsed => link::Refusal::TokenUsed,
            LinkRefusal::Removed => link::Refusal::Removed,
            LinkRefusal::Failed => link::Refusal::Failed,
        };
        Box::pin(async move {
            if let Err(error) = self.knocking.refuse(why).await {
                tracing::debug!(%error, "whoever was refused had gone already");
            }
        })
    }

    fn take_up(
        self: Box<Self>,
        machine: MachineId,
        is_placed: IsPlaced,
    ) -> BoxFuture<'static, Result<Link, Fault>> {
        Box::pin(async move {
            let Self { machinery, knocking } = *self;
            let stream = knocking.welcome(machine).await.map_err(Fault::new)?;
            let client = Client::connect_by_link(stream).await.map_err(Fault::new)?;
            let number = machinery.attach(machine, &client, is_placed, &machinery.inner.links);
            let reached = reached(client.clone());
            let ended = Box::pin(async move {
                client.ended().await;
                machinery.detach(machine, number)
            });
            Ok(Link { reached, ended })
        })
    }
}
