//! What is answered where something isn't done.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// Why. The other side switches on this and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    UnknownInstance,
    /// No operation has this id, or it is so long over that it was forgotten.
    UnknownOperation,
    /// The repository has no such backup.
    UnknownBackup,
    /// Nobody holds the desk, or it has no working copy yet.
    NoDesk,
    /// The mirror doesn't have the commit that a working copy is to be made of.
    UnknownCommit,
    /// No such file, terminal or branch in the desk.
    Missing,
    /// It is other than whoever asks takes it for.
    Changed,
    /// Something in the desk stands in the way; the sentence says what.
    Conflict,
    /// Larger than is taken.
    TooLarge,
    /// As much is under way as there can be.
    Busy,
    /// An order with a higher fence was seen.
    Fenced,
    /// The secrets of this revision have to be told before a log is read.
    OldSecrets,
    /// The time in which the command might start is over.
    Late,
    /// This machine can make no sandbox.
    NoSandbox,
    DiskFull,
    /// What is stored of a backup can't be read whole.
    Damaged,
    /// The request isn't what the route takes.
    Invalid,
    /// The machine failed at it.
    Failed,
}

impl Code {
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnknownInstance
            | Self::UnknownOperation
            | Self::NoDesk
            | Self::UnknownCommit
            | Self::UnknownBackup
            | Self::Missing => StatusCode::NOT_FOUND,
            Self::Fenced | Self::OldSecrets | Self::NoSandbox | Self::Conflict => StatusCode::CONFLICT,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::GONE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed | Self::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::UnknownInstance => "unknown_instance",
            Self::UnknownOperation => "unknown_operation",
            Self::UnknownBackup => "unknown_backup",
            Self::NoDesk => "no_desk",
            Self::UnknownCommit => "unknown_commit",
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Fenced => "fenced",
            Self::OldSecrets => "old_secrets",
            Self::Late => "late",
            Self::NoSandbox => "no_sandbox",
            Self::DiskFull => "disk_full",
            Self::Damaged => "damaged",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::UnknownInstance => "Unknown instance",
            Self::UnknownOperation => "Unknown operation",
            Self::UnknownBackup => "Unknown backup",
            Self::NoDesk => "No desk",
            Self::UnknownCommit => "Unknown commit",
            Self::Missing => "Missing",
            Self::Changed => "Changed",
            Self::Conflict => "In the way",
            Self::TooLarge => "Too large",
            Self::Busy => "Busy",
            Self::Fenced => "Fenced",
            Self::OldSecrets => "Old secrets",
            Self::Late => "Late",
            Self::NoSandbox => "No sandbox",
            Self::DiskFull => "Disk full",
            Self::Damaged => "Damaged",
            Self::Invalid => "Not valid",
            Self::Failed => "Failed",
        }
    }
}

/// The problem object (RFC 9457), with the same fields as the API's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// A sentence. It holds nothing secret: never a value of a body.
    pub detail: String,
    pub code: Code,
}

impl Problem {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("about:blank#{}", code.key()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.into(),
            code,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.key(), self.detail)
    }
}
