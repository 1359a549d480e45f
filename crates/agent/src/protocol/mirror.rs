//! Mirrors of repositories, to which commits are brought before they are deployed.

use serde::{Deserialize, Serialize};

/// Commits that were brought, newest first and not all of them: what a pack needs not hold again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorView {
    pub heads: Vec<String>,
}

/// As it stands behind the `?` where a pack is put.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorQuery {
    /// Which commit the pack brings, with all it needs.
    pub commit: String,
}
