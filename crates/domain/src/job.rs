//! Work that goes on after the answer.

use crate::instance::closed_set;

closed_set! {
    JobKind {
        Deploy = "deploy",
        Start = "start",
        Stop = "stop",
        RestartSoft = "restart_soft",
        RestartHard = "restart_hard",
        Backup = "backup",
        Restore = "restore",
        Delete = "delete",
    }
}

closed_set! {
    JobStatus {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl JobKind {
    /// Whether a new release comes of it, with a deployment that tells of it.
    #[must_use]
    pub const fn deploys(self) -> bool {
        matches!(self, Self::Deploy | Self::Restore)
    }

    /// Whether one that is carried out, and is at that step by the word of its machine, can be cancelled yet: what its
    /// instance runs is being ended, or is another already.
    #[must_use]
    pub fn can_be_cancelled_at(self, step: &str) -> bool {
        match self {
            Self::Stop => step != "stop",
            Self::Deploy | Self::Restore => !matches!(step, "switch" | "settle"),
            Self::Delete => false,
            Self::Start | Self::RestartSoft | Self::RestartHard | Self::Backup => true,
        }
    }

    /// Whether one that is taken up again at that step goes on though whoever began it may not any more: what it would
    /// leave is half of an instance.
    #[must_use]
    pub fn goes_on_at(self, step: &str) -> bool {
        self == Self::Delete && matches!(step, "stop" | "delete")
    }

    #[must_use]
    pub const fn of_restart(mode: crate::instance::RestartMode) -> Self {
        match mode {
            crate::instance::RestartMode::Soft => Self::RestartSoft,
            crate::instance::RestartMode::Hard => Self::RestartHard,
        }
    }
}

impl JobStatus {
    /// Nothing changes any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}
