//! Where machines are, and how each is reached: the one that this process stands on, and others by their links.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use stoa_domain::{InstanceId, MachineId, Secret};
use stoa_storage::machine::MachinePlace;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Desks, Machines};
use crate::failure::Fault;

/// Bytes to and from somebody who says to be an agent.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<W: AsyncRead + AsyncWrite + Send + Unpin> Wire for W {}

pub type BoxedWire = Box<dyn Wire>;

/// Whether the records place an instance on the machine that speaks of it. Of what they don't, nothing is kept: a machine
/// may name as many as it likes.
pub type IsPlaced = Arc<dyn Fn(InstanceId) -> BoxFuture<'static, Result<bool, Fault>> + Send + Sync>;

/// A machine that can be asked and told things.
#[derive(Clone)]
pub struct Reached {
    pub machine: Arc<dyn Machines>,
    pub desks: Arc<dyn Desks>,
}

/// Why a link isn't taken up, as the agent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRefusal {
    /// Nobody knows its certificate, and it brings no token.
    Unknown,
    /// The token isn't one, or not any more.
    TokenUnknown,
    /// Another machine has joined by it.
    TokenUsed,
    /// Its server was removed.
    Removed,
    /// Something of the control plane's own failed: it may come again.
    Failed,
}

/// How a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEnd {
    Broken,
    /// The same machine came by another one.
    Replaced,
}

/// A link that was taken up.
pub struct Link {
    pub reached: Reached,
    /// Done once it has ended.
    pub ended: BoxFuture<'static, LinkEnd>,
}

/// Somebody at the door, whose certificate has been shown to be its own.
pub trait Knocking: Send {
    /// SHA-256 of it.
    fn certificate(&self) -> Vec<u8>;
    fn token(&self) -> Option<&Secret>;
    fn refuse(self: Box<Self>, why: LinkRefusal) -> BoxFuture<'static, ()>;
    /// From here on the machine is reached by it, and by no link that it had before.
    fn take_up(
        self: Box<Self>,
        machine: MachineId,
        is_placed: IsPlaced,
    ) -> BoxFuture<'static, Result<Link, Fault>>;
}

pub trait Fleet: Send + Sync + 'static {
    /// `None` where no way leads to it now. It doesn't wait for one.
    fn reach(&self, place: MachinePlace) -> BoxFuture<'_, Option<Reached>>;
    /// A key with its certificate, by which agents are to know the installation.
    ///
    /// # Errors
    /// A fault.
    fn new_identity(&self) -> Result<Secret, Fault>;
    /// SHA-256 of its certificate.
    ///
    /// # Errors
    /// A fault.
    fn fingerprint(&self, identity: &Secret) -> Result<Vec<u8>, Fault>;
    /// Shows who we are, and hears who it is.
    fn answer(&self, wire: BoxedWire, identity: Secret) -> BoxFuture<'_, Result<Box<dyn Knocking>, Fault>>;
    /// Reaches a machine through the replica that has its link, or stands on it, at that one's internal address.
    fn reach_through(
        &self,
        machine: MachineId,
        address: String,
        identity: Secret,
        is_placed: IsPlaced,
    ) -> BoxFuture<'_, Option<Reached>>;
    /// Answers another replica that asks for a machine which is reached here: who it is, and then whatever it asks of that,
    /// for as long as what comes back is waited for. `None`: nobody that is answered.
    fn answer_replica(
        &self,
        wire: BoxedWire,
        place: MachinePlace,
        identity: Secret,
    ) -> BoxFuture<'_, Option<BoxFuture<'static, ()>>>;
    /// Ends the link of a machine, where there is one.
    fn end(&self, machine: MachineId);
}
