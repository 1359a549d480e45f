//! Visitors of applications, as the proxy tells of them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitsNoted {
    pub visits: Vec<VisitNoted>,
}

/// One who was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitNoted {
    pub instance: Uuid,
    /// Of the answer.
    pub status: u16,
    /// For the log of what visitors asked.
    pub line: String,
}
