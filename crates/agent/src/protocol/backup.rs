//! Backups: where they are kept, and what is done with them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SecretText;

/// Where the repository of an instance's backups is, and what opens it. It has no `Debug`, and comes with each request:
/// the agent keeps nothing of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryAccess {
    pub password: SecretText,
    pub place: RepositoryPlace,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RepositoryPlace {
    /// On the agent's own disk.
    Disk {},
    /// On an S3-compatible server.
    S3 {
        /// `https://host/bucket/prefix`.
        url: String,
        /// All that its host may be dialled at: looked up and checked by who asks.
        addresses: Vec<IpAddr>,
        key_id: String,
        key: SecretText,
        region: Option<String>,
    },
}

/// A backup of an instance as it is now.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginBackup {
    pub backup: Uuid,
    pub repository: RepositoryAccess,
    /// What is stored as `settings.json`: a JSON text of the control plane's own.
    pub settings: String,
}

/// A backup brought back into an instance.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginRestore {
    pub backup: Uuid,
    /// The instance that the backup is of: its repository is opened.
    pub of: Uuid,
    pub repository: RepositoryAccess,
    /// The backup that is made first of what is replaced.
    pub safety: Option<BeginBackup>,
    pub deployment: Uuid,
    /// The release that runs afterwards: made of the commit, or kept.
    pub release: Uuid,
    /// Forty hexadecimal digits in lower case. `None`: the release is kept.
    pub commit: Option<String>,
    /// Bytes that the backup takes when it is brought back.
    pub size: u64,
}

/// A backup that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupView {
    pub backup: Uuid,
    pub snapshot: String,
}

/// The header by which the access to a repository comes with a request that has no body of its own: JSON in base64url
/// without padding.
pub const REPOSITORY: &str = "stoa-repository";
