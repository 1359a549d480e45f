//! What a machine says of itself.

use serde::{Deserialize, Serialize};

/// The first answer on a connection: whom one has before oneself. It stays the same while the agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelloView {
    pub protocol: u32,
    /// Of the program.
    pub version: String,
    pub abilities: AbilitiesView,
}

/// What the machine can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbilitiesView {
    /// Why no instance can run there, and what to install.
    pub no_sandbox: Option<String>,
    /// Why instances there reach nothing outside.
    pub no_outgoing: Option<String>,
    /// By what limits are enforced.
    pub limits_by: String,
    /// The same, limit by limit.
    #[serde(default)]
    pub enforcement: Option<EnforcementView>,
}

/// By what each limit is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnforcementView {
    pub memory: EnforcedBy,
    pub processor: EnforcedBy,
    pub processes: EnforcedBy,
    pub disk: EnforcedBy,
}

/// What stands behind a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnforcedBy {
    /// The kernel, for all processes of the sandbox together.
    ControlGroups,
    /// Limits of the kernel on each process, and a look each second at all together.
    Watch,
    /// A limit of the kernel on the user that the instance has.
    User,
    /// Counted again and again, and stopped where it is more.
    Count,
    Nothing,
}

/// Which programs applications find inside of their sandboxes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramsView {
    /// `python3`.
    pub python: bool,
    /// Whether `python3 -m venv` makes environments with pip.
    pub venv: bool,
    pub node: bool,
    pub npm: bool,
    /// The server's own, which makes databases for instances.
    pub postgresql: bool,
}

/// Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineView {
    pub processors: u32,
    /// 0 to 100, since the last time that was asked.
    pub processor_used: f32,
    pub memory: u64,
    pub memory_used: u64,
    pub disk: u64,
    pub disk_used: u64,
    pub uptime_seconds: u64,
    #[serde(default)]
    pub programs: Option<ProgramsView>,
}
