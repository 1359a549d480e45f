//! What the outside says of itself: machines and what they hold, Stoa's own folders, the DNS.

use std::net::IpAddr;

use futures_util::future::BoxFuture;
use stoa_domain::settings::EnforcedBy;
use stoa_domain::{InstanceId, ReleaseId};

use crate::failure::Fault;

/// How an instance is on its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineState {
    Running,
    Starting,
    /// And why, where nobody wished for that.
    Stopped {
        sentence: Option<String>,
    },
    Failed {
        sentence: String,
    },
}

#[derive(Debug, Clone)]
pub struct InstanceOnMachine {
    pub instance: InstanceId,
    pub state: MachineState,
    pub release: Option<ReleaseId>,
}

/// What a machine says of itself.
#[derive(Debug, Clone, Default)]
pub struct MachineFacts {
    pub version: String,
    pub processors: u32,
    /// 0 to 100.
    pub processor_used: f32,
    pub memory: u64,
    pub memory_used: u64,
    pub disk: u64,
    pub disk_used: u64,
    pub uptime_seconds: u64,
    /// Why no instance can run there, and what to install.
    pub no_sandbox: Option<String>,
    /// Why instances there reach nothing outside.
    pub no_outgoing: Option<String>,
    /// By what limits are enforced.
    pub limits_by: String,
    /// The same, limit by limit; `None` where the machine doesn't say.
    pub enforcement: Option<Enforcement>,
    /// `None` where the machine doesn't say.
    pub programs: Option<Programs>,
}

/// Which programs applications find on a machine, inside of their sandboxes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Programs {
    pub python: bool,
    /// Whether `python3 -m venv` makes environments with pip.
    pub venv: bool,
    pub node: bool,
    pub npm: bool,
    /// Which makes databases for instances.
    pub postgresql: bool,
}

/// What Stoa's own folders take, and what is left.
#[derive(Debug, Clone, Default)]
pub struct DiskUse {
    /// Bytes that can still be written where the records lie.
    pub free: u64,
    /// Each with its name and its bytes.
    pub folders: Vec<(String, u64)>,
}

/// The folders that Stoa keeps its things in.
pub trait DataFolders: Send + Sync + 'static {
    fn disk_use(&self) -> BoxFuture<'_, Result<DiskUse, Fault>>;
}

/// By what each limit is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforcement {
    pub memory: EnforcedBy,
    pub processor: EnforcedBy,
    pub processes: EnforcedBy,
    pub disk: EnforcedBy,
}

/// What the DNS said when it was asked for the texts of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// All of them; none where there is no such name, or no text.
    Found(Vec<String>),
    /// It didn't answer, or not so that it can be believed.
    NoAnswer,
}

/// Names, as everybody sees them.
pub trait Names: Send + Sync + 'static {
    fn texts(&self, name: String) -> BoxFuture<'_, Texts>;
    /// All its addresses, of both kinds; none where there is no such name. `None`: it didn't answer.
    fn addresses(&self, name: String) -> BoxFuture<'_, Option<Vec<IpAddr>>>;
}
