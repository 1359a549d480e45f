//! How much was used when: of a machine, and by an instance. One figure stands for one stretch; `null` where nothing was
//! measured.

use serde::{Deserialize, Serialize};

/// As it stands behind the `?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsQuery {
    /// `hour`, `day` or `week`: up to now.
    pub range: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineMetricsView {
    /// Microseconds of UTC: when the first stretch began.
    pub from: i64,
    /// Hundredths of a percent of all processors.
    pub processor: Vec<Option<u64>>,
    /// Bytes.
    pub memory: Vec<Option<u64>>,
    pub disk: Vec<Option<u64>>,
    /// Bytes in a second.
    pub received: Vec<Option<u64>>,
    pub sent: Vec<Option<u64>>,
    /// How much there is.
    pub processors: u32,
    pub whole_memory: u64,
    pub whole_disk: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceMetricsView {
    /// Microseconds of UTC: when the first stretch began.
    pub from: i64,
    /// Thousandths of one processor.
    pub processor: Vec<Option<u64>>,
    /// Bytes that its processes have for themselves.
    pub memory: Vec<Option<u64>>,
    /// Bytes of its data.
    pub disk: Vec<Option<u64>>,
    /// Thousandths of one in a second: all requests of visitors, and those answered with 500 or more.
    pub requests: Vec<Option<u64>>,
    pub errors: Vec<Option<u64>>,
    /// What it may use; of the processor `null` where that is all that there is.
    pub most_processor: Option<u64>,
    pub most_memory: u64,
    pub most_disk: u64,
}
