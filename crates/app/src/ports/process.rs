//! What a machine says of the processes of an instance.

use stoa_domain::Timestamp;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceProcesses {
    /// The application first; empty where nothing runs.
    pub processes: Vec<InstanceProcess>,
    pub schedules: Vec<InstanceSchedule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProcess {
    /// `None`: the application itself.
    pub name: Option<String>,
    pub is_running: bool,
    /// Since when.
    pub began: Option<Timestamp>,
    /// How often it has ended by itself.
    pub ends: u64,
    /// How it ended the last time: `status 1`, `signal SIGKILL`.
    pub last_end: Option<String>,
}

/// A command that is run at its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSchedule {
    pub name: String,
    /// Five fields, in UTC.
    pub cron: String,
    /// `None` while the instance doesn't run.
    pub next_at: Option<Timestamp>,
    /// The last ones, the newest first.
    pub runs: Vec<ScheduleRun>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRun {
    pub began: Timestamp,
    /// `None`: it goes on.
    pub ended: Option<Timestamp>,
    pub outcome: Option<RunOutcome>,
    /// `status 1`, or why it couldn't be started.
    pub end: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    Succeeded,
    Failed,
    OutOfTime,
    /// With the instance, for a restart or for another release.
    Stopped,
}

impl RunOutcome {
    pub const ALL: &[Self] = &[Self::Succeeded, Self::Failed, Self::OutOfTime, Self::Stopped];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::OutOfTime => "out_of_time",
            Self::Stopped => "stopped",
        }
    }
}
