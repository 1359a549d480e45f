//! Logs: what is asked of one, and its lines.

use serde::{Deserialize, Serialize};

/// As it stands behind the `?`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// The id of a deployment; without one it is the application's log.
    pub source: Option<String>,
    /// Microseconds of UTC.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Text that a line has to contain, without regard to case.
    pub query: Option<String>,
    /// The position of a line: those behind it.
    pub after: Option<String>,
    pub limit: Option<usize>,
    /// Goes on with what comes.
    #[serde(default)]
    pub follow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineView {
    /// Segment and offset: stable, for links and for going on.
    pub position: String,
    /// Microseconds of UTC.
    pub at: i64,
    pub stream: String,
    pub text: String,
}
