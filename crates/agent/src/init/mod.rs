//! `stoa init`: what stands between the machine and an application.
//!
//! Two stages of one program. `outside` makes the network namespace and becomes bubblewrap; `inside` is process 1 of
//! the sandbox, `desk` that of a member's desk. Process 1 holds the sockets and the processes with the agent and the control plane dead. It knows no
//! HTTP, asks for nothing, and reads nothing that an application wrote but its output.

mod connections;
mod control;
pub(crate) mod database;
pub(crate) mod databases;
mod desk;
mod files;
mod inside;
mod output;
mod outside;
mod process;
pub(crate) mod schedules;
mod sockets;
mod terminal;
mod turns;

use serde::{Deserialize, Serialize};

pub use control::{Control, ProcessStatus, Status};
pub use desk::{DeskRequest, OpenTerminal, RunProgram};
pub(crate) use output::now;
pub use outside::{Outgoing, Outside};
pub use schedules::{ScheduleOutcome, ScheduleRun, ScheduleStatus};
pub use sockets::{connect, listen};

/// The numbers of the descriptors that are handed on from stage to stage.
pub(crate) mod descriptor {
    /// What it is to do: JSON, read to its end.
    pub const ORDERS: i32 = 3;
    /// The listening socket of the application.
    pub const APPLICATION: i32 = 4;
    /// The listening socket of its control.
    pub const CONTROL: i32 = 5;
    /// The folder of the log.
    pub const LOG: i32 = 6;
    /// Kept open for as long as the sandbox lives: its end ends the network.
    pub const LIFE: i32 = 7;

    /// The first stage's own orders, and what bubblewrap reads and writes.
    pub const OUTSIDE: i32 = 8;
    pub const FILTER: i32 = 9;
    pub const ABOUT: i32 = 10;

    /// For a single command: its end says that whoever wanted it is gone.
    pub const STARTER: i32 = 11;

    /// What the first stage becomes, when that is known: a line of JSON.
    pub const COMMAND: i32 = 12;
    pub const LAST: i32 = COMMAND;
}

/// A process of the application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Process {
    /// Empty for the application itself.
    pub name: String,
    pub command: Vec<String>,
    /// Number of the signal by which it is asked to end.
    pub stop_signal: i32,
    pub stop_seconds: u64,
}

/// A command that is run at its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    pub name: String,
    pub command: Vec<String>,
    /// Five fields, in UTC.
    pub cron: String,
    /// How long it may take.
    pub seconds: u64,
}

/// What process 1 is to do. It comes by a descriptor: nothing of it is ever in a list of processes.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    /// Whom to become, where it is started as root.
    pub user: Option<u32>,
    /// Processes at most of that user.
    pub processes_limit: u64,
    pub environment: Vec<(String, String)>,
    pub working_folder: String,
    pub port: u16,
    /// The application first. For a single command just that one.
    pub processes: Vec<Process>,
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    /// What this sandbox is called in the log.
    #[serde(default)]
    pub sandbox: Option<String>,
    /// Run the one process, end with its status, and listen to nothing.
    pub once: bool,
    /// Names of the variables whose values are never written to the log.
    #[serde(default)]
    pub masked: Vec<String>,
    /// What else is never written there: all that is or was secret of the instance. What becomes so later is told by the
    /// control socket.
    #[serde(default)]
    pub masked_values: Vec<String>,
}

/// The program's arm: `arguments` are those after `init`.
///
/// # Errors
/// A sentence about what failed.
pub fn run(arguments: &[String]) -> Result<u8, String> {
    match arguments {
        [stage] if stage == "outside" => outside::run(),
        [stage, wait, program, rest @ ..] if stage == "network" => outside::network(wait, program, rest),
        [stage] if stage == "inside" => inside::run(),
        [stage, rest @ ..] if stage == "static" => files::run(rest),
        [stage] if stage == "desk" => desk::run(),
        _ => Err("stoa init is started by Stoa itself, not by hand".to_owned()),
    }
}
