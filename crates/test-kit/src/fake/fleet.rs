//! Machines in memory: the control plane's own, and others that are linked when a test says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use stoa_adapters::machines::Machinery;
use stoa_app::Fault;
use stoa_app::machine::MachinePlace;
use stoa_app::ports::{BoxedWire, Fleet, IsPlaced, Knocking, Reached};
use stoa_domain::{InstanceId, MachineId, Secret};
use tokio::time::Instant;

use super::desks::FakeDesks;
use super::machines::FakeMachines;

pub struct FakeFleet {
    own: Reached,
    linked: Mutex<HashMap<MachineId, Reached>>,
    ended: Mutex<Vec<MachineId>>,
    /// For what is the same of real ones.
    real: Machinery,
}

impl FakeFleet {
    pub fn new(machines: Arc<FakeMachines>, desks: Arc<FakeDesks>) -> Self {
        let own = Reached { machine: machines, desks };
        let (linked, ended) = (Mutex::default(), Mutex::default());
        Self { own, linked, ended, real: Machinery::new(None) }
    }

    /// From now on this machine is reached.
    pub fn link(&self, machine: MachineId, machines: Arc<FakeMachines>) {
        let reached = Reached { machine: machines, desks: self.own.desks.clone() };
        self.linked.lock().unwrap().insert(machine, reached);
    }

    /// From now on it isn't.
    pub fn cut_off(&self, machine: MachineId) {
        self.linked.lock().unwrap().remove(&machine);
    }

    /// Whether it is known how an instance answers there, by the word of a machine that has a link.
    pub fn knows(&self, machine: MachineId, instance: InstanceId) -> bool {
        self.real.route(machine, instance).is_some()
    }

    /// Whether nobody needs to wait for a link of a machine at a moment.
    pub fn is_away(&self, machine: MachineId, at: Instant) -> bool {
        self.real.is_away(machine, at)
    }

    /// Machines whose links were ended on purpose.
    pub fn ended(&self) -> Vec<MachineId> {
        self.ended.lock().unwrap().clone()
    }
}

impl Fleet for FakeFleet {
    fn reach(&self, place: MachinePlace) -> BoxFuture<'_, Option<Reached>> {
        Box::pin(async move {
            match place {
                MachinePlace::Here => Some(self.own.clone()),
                MachinePlace::Elsewhere(machine, _) => {
                    let faked = self.linked.lock().unwrap().get(&machine).cloned();
                    match faked {
                        Some(faked) => Some(faked),
                        None => self.real.reach(place).await,
                    }
                }
                MachinePlace::Nowhere => None,
            }
        })
    }

    fn new_identity(&self) -> Result<Secret, Fault> {
        self.real.new_identity()
    }

    fn fingerprint(&self, identity: &Secret) -> Result<Vec<u8>, Fault> {
        self.real.fingerprint(identity)
    }

    fn answer(&self, wire: BoxedWire, identity: Secret) -> BoxFuture<'_, Result<Box<dyn Knocking>, Fault>> {
        self.real.answer(wire, identity)
    }

    fn reach_through(
        &self,
        _: MachineId,
        _: String,
        _: Secret,
        _: IsPlaced,
    ) -> BoxFuture<'_, Option<Reached>> {
        Box::pin(async { None })
    }

    fn answer_replica(
        &self,
        wire: BoxedWire,
        place: MachinePlace,
        identity: Secret,
    ) -> BoxFuture<'_, Option<BoxFuture<'static, ()>>> {
        self.real.answer_replica(wire, place, identity)
    }

    fn end(&self, machine: MachineId) {
        self.cut_off(machine);
        self.real.end(machine);
        self.ended.lock().unwrap().push(machine);
    }
}
