//! What an agent and its control plane say to each other: headers, bodies, frames and problems.
//!
//! HTTP/2 with JSON bodies in which unknown fields are refused, and streams of one JSON text per line. Both ends use
//! these types, whether a pipe in memory or a link lies between them. Nothing here knows members or permissions.

mod backup;
mod command;
pub mod desk;
pub mod frame;
pub mod header;
mod instance;
mod log;
mod machine;
mod metrics;
mod mirror;
mod operation;
pub mod piece;
mod problem;
mod process;
mod visit;

pub use backup::{BackupView, BeginBackup, BeginRestore, REPOSITORY, RepositoryAccess, RepositoryPlace};
pub use command::{
    Commanded, EndSession, ListUsers, OpenSession, OpenedView, SessionCookie, UserView, UsersView,
};
pub use header::{Fence, Lease, Order, Valid};
pub use instance::{
    InstanceState, InstanceView, InstancesView, PutInstance, SecretText, Variable, WantedHealth,
    WantedLimits, Wish,
};
pub use log::{LineView, LogQuery, StretchView, TellSecrets};
pub use machine::{AbilitiesView, EnforcedBy, EnforcementView, HelloView, MachineView, ProgramsView};
pub use metrics::{InstanceMetricsView, MachineMetricsView, MetricsQuery};
pub use mirror::{MirrorQuery, MirrorView};
pub use operation::{
    BeginDeployment, Event, EventView, EventsQuery, Mode, Nothing, OperationState, OperationView,
    RestartInstance, SwitchRelease,
};
pub use problem::{Code, Problem};
pub use process::{ProcessView, ProcessesView, RunOutcome, RunView, ScheduleView};
pub use visit::{VisitNoted, VisitsNoted};

/// The protocol that is spoken here. It rises with each change that the other side has to know of.
pub const PROTOCOL: u32 = 1;
