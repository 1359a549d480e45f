//! Logs: what is asked of one, its lines, and what there is of it.

use stoa_domain::{DeploymentId, Secret, Timestamp};

/// One line of a log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Segment and offset: stable, for links and for going on.
    pub position: String,
    pub at: Timestamp,
    pub stream: String,
    pub level: Option<String>,
    pub text: String,
}

/// Which of an instance's logs, but for those of its deployments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogSource {
    /// What the application writes, and what its init says of it.
    #[default]
    Application,
    /// What its init says of it alone.
    Init,
    /// What visitors asked of it.
    Proxy,
}

#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    pub source: LogSource,
    /// That of a deployment instead.
    pub deployment: Option<DeploymentId>,
    pub query: Option<String>,
    /// `error`, `warn`, `info`, `debug`; all where none is named.
    pub levels: Vec<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Positions: of the line behind which, before which, and with which it begins; and of the last one.
    pub after: Option<String>,
    pub before: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub limit: Option<usize>,
    pub follow: bool,
    /// The revision of the settings whose secrets are to be left out.
    pub secrets: i64,
}

/// What stands in no line of an instance's logs.
pub struct KnownSecrets {
    /// Of the settings, of which they are at least.
    pub revision: i64,
    pub secrets: Vec<Secret>,
}

/// Lines of a log that follow each other, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStretch {
    /// Of its first line that fits.
    pub position: String,
    /// When its first line was written, and its last.
    pub at: Timestamp,
    pub until: Timestamp,
    /// How many fit.
    pub lines: u64,
    /// Errors, warnings, information, and what is for debugging, whatever levels are wanted.
    pub levels: [u64; 4],
    /// Which of those that fit hold what is to be found, from 0; and how many do.
    pub found: Vec<u32>,
    pub hits: u64,
}
