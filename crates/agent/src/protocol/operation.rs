//! Work on an instance: what it is begun with, and how it goes on.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A new release from a commit that the project's mirror has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginDeployment {
    pub deployment: Uuid,
    /// The id that the release gets.
    pub release: Uuid,
    /// Forty hexadecimal digits in lower case.
    pub commit: String,
}

/// Back to a release that was kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchRelease {
    pub deployment: Uuid,
    pub release: Uuid,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestartInstance {
    pub mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its processes, in the sandbox that is there.
    Soft,
    /// A new sandbox.
    Hard,
}

/// The body of an order that needs no words.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// It waits for other work on the instance.
    Waiting,
    Running,
    Succeeded,
    Cancelled,
    Failed,
}

/// A piece of work. Its id is the job's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationView {
    pub id: Uuid,
    pub instance: Uuid,
    pub state: OperationState,
    /// The last that was begun.
    pub step: Option<String>,
    /// 0 to 100, where it can be told.
    pub progress: Option<u8>,
    /// How many events there are so far.
    pub events: usize,
}

/// What happened in an operation. All but `step` and `stored` are its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    Step {
        name: String,
        progress: Option<u8>,
    },
    /// A backup is stored, read back and found whole. `size` are the bytes of what was read, `added` what came to the
    /// repository for it; `warning`, for everybody who sees the backup, is what isn't as it should be about it.
    Stored {
        backup: Uuid,
        snapshot: String,
        size: u64,
        added: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<String>,
    },
    /// `size` is the release's, in bytes; `connect_as` how one connects as a user of it, or `none`, where it was deployed.
    Succeeded {
        release: Option<Uuid>,
        size: u64,
        #[serde(default)]
        connect_as: Option<String>,
    },
    Cancelled,
    /// `sentence` is for everybody who sees the instance; `quote`, which may repeat a log, for whoever may read it.
    Failed {
        code: String,
        sentence: String,
        quote: Option<String>,
    },
}

impl Event {
    #[must_use]
    pub fn is_outcome(&self) -> bool {
        !matches!(self, Self::Step { .. } | Self::Stored { .. })
    }
}

/// Numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventView {
    pub number: usize,
    pub event: Event,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// The number of the last event that is known already.
    #[serde(default)]
    pub after: usize,
}
