//! Requests that wait while an instance restarts or switches, and how many there may be at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stoa_app::host::HostedInstance;
use stoa_domain::InstanceId;
use stoa_domain::instance::InstanceStatus;
use tokio::time::Instant;

use super::{At, Notice, Proxy, RouteState};

/// How long a request waits at most.
const LONGEST: Duration = Duration::from_secs(30);
/// How long it waits for a machine to tell of an instance that is on record as running.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// Requests that wait for one instance at once.
const MOST_HELD: usize = 1_000;
/// Requests of one instance at once: so that one busy instance doesn't take every descriptor of the process.
const MOST_OPEN: usize = 4_000;
/// A route is asked again this often, should a hint be lost.
const EACH: Duration = Duration::from_millis(200);

/// The requests of every instance, counted.
#[derive(Default)]
pub(super) struct Requests {
    counts: Mutex<HashMap<InstanceId, OfInstance>>,
}

#[derive(Default, Clone, Copy)]
struct OfInstance {
    open: usize,
    held: usize,
}

impl OfInstance {
    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Open => &mut self.open,
            Kind::Held => &mut self.held,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Open,
    Held,
}

/// A request's place among them, given back when dropped.
pub(super) struct Place {
    requests: Arc<Requests>,
    instance: InstanceId,
    kind: Kind,
}

impl Requests {
    pub(super) fn enter(self: &Arc<Self>, instance: InstanceId) -> Option<Place> {
        self.take(instance, Kind::Open, MOST_OPEN)
    }

    fn take(self: &Arc<Self>, instance: InstanceId, kind: Kind, most: usize) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(instance).or_default().of(kind);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { requests: self.clone(), instance, kind })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.requests.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_instance) = counts.get_mut(&self.instance) {
            let count = of_instance.of(self.kind);
            *count = count.saturating_sub(1);
            if of_instance.open == 0 && of_instance.held == 0 {
                counts.remove(&self.instance);
            }
        }
    }
}

/// One request's patience.
pub(super) struct Patience {
    until: Instant,
    /// Until then a machine that says nothing may still speak.
    told_by: Instant,
    place: Option<Place>,
}

impl Patience {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { until: now + LONGEST, told_by: now + TOLD_WITHIN, place: None }
    }
}

impl Proxy {
    /// Waits until the instance takes requests, and says by which of its running forms; or what to tell the visitor.
    /// Of a body that comes with the request nothing is read meanwhile, but for what the connection's buffer holds.
    pub(super) async fn until_served(
        &self,
        instance: &HostedInstance,
        patience: &mut Patience,
    ) -> Result<u64, Notice> {
        let mut changes = self.applications.changes();
        loop {
            changes.mark_unchanged();
            let route = self.applications.route(At::of(instance));
            match route.state {
                RouteState::Running => {
                    patience.place = None;
                    return Ok(route.generation);
                }
                RouteState::Waiting => {}
                RouteState::Starting => return Err(Notice::Starting),
                // It never ran where already its first deployment failed: nobody has switched it off.
                RouteState::Stopped if instance.status == InstanceStatus::Failed => {
                    return Err(Notice::Failed);
                }
                RouteState::Stopped => return Err(Notice::Stopped),
                RouteState::Failed => return Err(Notice::Failed),
                // Right after the control plane has started, its machines have yet to say what they run; and one whose link
                // broke dials again in a moment.
                RouteState::Unknown => match of_record(instance) {
                    Notice::Unreachable if Instant::now() < patience.told_by => {}
                    notice => return Err(notice),
                },
                RouteState::Away => return Err(of_record(instance)),
            }
            if patience.place.is_none() {
                let place = self.requests.take(instance.id, Kind::Held, MOST_HELD);
                patience.place = Some(place.ok_or(Notice::Crowded)?);
            }
            if Instant::now() >= patience.until {
                return Err(Notice::Crowded);
            }
            self.until_changed(&mut changes, patience.until).await;
        }
    }

    /// Waits for a change of any route, or a moment.
    async fn until_changed(&self, changes: &mut tokio::sync::watch::Receiver<u64>, until: Instant) {
        let until = until.min(Instant::now() + EACH);
        // A port that has ended gives no hints: then the moment passes.
        let changed = async {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }

    /// A moment between two tries at an application that doesn't answer.
    pub(super) async fn a_moment(&self) {
        let mut changes = self.applications.changes();
        changes.mark_unchanged();
        self.until_changed(&mut changes, Instant::now() + EACH / 4).await;
    }
}

/// What the records say of an instance that no machine tells of.
fn of_record(instance: &HostedInstance) -> Notice {
    match instance.status {
        InstanceStatus::Deploying => Notice::Starting,
        _ if instance.is_busy => Notice::Starting,
        InstanceStatus::Stopped | InstanceStatus::Deleting => Notice::Stopped,
        InstanceStatus::Failed => Notice::Failed,
        InstanceStatus::Running => Notice::Unreachable,
    }
}
