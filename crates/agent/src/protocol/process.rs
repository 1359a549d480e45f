//! What runs of an instance, and what is run at its times. Times are microseconds of UTC.

use serde::{Deserialize, Serialize};

/// The application first; empty where nothing runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessesView {
    pub processes: Vec<ProcessView>,
    pub schedules: Vec<ScheduleView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessView {
    /// Empty for the application itself.
    pub name: String,
    pub is_running: bool,
    /// Since when.
    pub began: Option<i64>,
    /// How often it has ended by itself.
    pub ends: u64,
    /// How it ended the last time: `status 1`, `signal SIGKILL`.
    pub last_end: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleView {
    pub name: String,
    /// Five fields, in UTC.
    pub cron: String,
    /// When it is run next; `None` while the instance doesn't run.
    pub next: Option<i64>,
    /// The last ones, the newest first.
    pub runs: Vec<RunView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunView {
    pub began: i64,
    /// `None`: it goes on.
    pub ended: Option<i64>,
    pub outcome: Option<RunOutcome>,
    /// `status 1`, or why it couldn't be started.
    pub end: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    Succeeded,
    Failed,
    OutOfTime,
    Stopped,
}
