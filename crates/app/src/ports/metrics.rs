//! How much was used when, as a machine tells it.

use stoa_domain::Timestamp;

/// One figure for each stretch of a range; `None` where nothing was measured.
pub type Figures = Vec<Option<u64>>;

/// Of a whole machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineMetrics {
    /// When the first stretch began.
    pub from: Timestamp,
    /// Hundredths of a percent of all processors.
    pub processor: Figures,
    /// Bytes.
    pub memory: Figures,
    pub disk: Figures,
    /// Bytes in a second.
    pub received: Figures,
    pub sent: Figures,
    /// How much there is.
    pub processors: u32,
    pub whole_memory: u64,
    pub whole_disk: u64,
}

/// Of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceMetrics {
    /// When the first stretch began.
    pub from: Timestamp,
    /// Thousandths of one processor.
    pub processor: Figures,
    /// Bytes.
    pub memory: Figures,
    pub disk: Figures,
    /// Thousandths of one in a second: all requests, and those answered with an error.
    pub requests: Figures,
    pub errors: Figures,
    /// What it may use; `None` where its machine doesn't hold it yet.
    pub most: Option<Most>,
}

/// What an instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Thousandths of one processor; `None`: all that there is.
    pub processor: Option<u64>,
    /// Bytes.
    pub memory: u64,
    pub disk: u64,
}
