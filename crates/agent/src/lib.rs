//! What acts on a machine: builds, sandboxes, releases, logs.
//!
//! It has no members and no permissions. It does what the control plane asks, for its own machine, and refuses what is
//! late. It never sees the control plane's records.

pub mod client;
pub mod files;
pub mod folders;
pub mod git;
pub mod init;
pub mod link;
pub mod logs;
pub mod machine;
mod metrics;
mod postgresql;
pub mod protocol;
mod restic;
pub mod router;
pub mod sandbox;
pub mod stoa_toml;
