//! Logs: what is asked of one, its lines, and its outline.

use serde::{Deserialize, Serialize};

use super::SecretText;

/// As it stands behind the `?`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// The id of a deployment, `init` or `proxy`; without one it is the application's log.
    pub source: Option<String>,
    /// Microseconds of UTC.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Text that a line has to contain, without regard to case.
    pub query: Option<String>,
    /// Levels with commas between; all where none is named.
    pub levels: Option<String>,
    /// The position of a line: those behind it, those before it, those from it on.
    pub after: Option<String>,
    pub before: Option<String>,
    pub begin: Option<String>,
    /// The position of the last line.
    pub end: Option<String>,
    pub limit: Option<usize>,
    /// Goes on with what comes.
    #[serde(default)]
    pub follow: bool,
    /// Of an outline: the text whose places are told.
    pub find: Option<String>,
    /// The revision of the settings whose secrets are to be left out, at least: refused where a lower one was told.
    pub secrets: Option<i64>,
}

/// Which values the records call secret: they stand in no line that is read. It has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TellSecrets {
    /// Of the settings: what is told of a lower one counts for nothing.
    pub revision: i64,
    pub secrets: Vec<SecretText>,
    /// By whom has just connected: it holds whatever was told before.
    #[serde(default)]
    pub anew: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineView {
    /// Segment and offset: stable, for links and for going on.
    pub position: String,
    /// Microseconds of UTC.
    pub at: i64,
    pub stream: String,
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    pub text: String,
}

/// Lines that follow each other, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StretchView {
    /// Of its first line that fits.
    pub position: String,
    /// Microseconds of UTC: of its first and its last line.
    pub at: i64,
    pub until: i64,
    /// How many fit.
    pub lines: u64,
    /// How many there are of errors, warnings, information and what is for debugging, whatever levels are wanted.
    pub levels: [u64; 4],
    /// Which of those that fit hold what is to be found, from 0; and how many do.
    pub found: Vec<u32>,
    pub hits: u64,
}
