//! What a deployment can be.

use crate::instance::closed_set;

closed_set! {
    /// Why a deployment was made.
    DeploymentCause {
        Push = "push",
        Merge = "merge",
        Owner = "owner",
        Settings = "settings",
        Rollback = "rollback",
        Restore = "restore",
        Create = "create",
    }
}

closed_set! {
    DeploymentStatus {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
        Superseded = "superseded",
    }
}
