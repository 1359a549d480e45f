//! Invitations: how long they last and what state one is in.

use crate::refusal::Refusal;
use crate::time::Timestamp;

/// Seconds for which a link works: 7 days.
pub const LIFETIME_SECONDS: i64 = 7 * 24 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
    Expired,
}

impl InvitationStatus {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// *Expired* isn't stored: it is pending and past its time.
    #[must_use]
    pub fn of(stored: &str, expires_at: Timestamp, now: Timestamp) -> Self {
        match stored {
            "accepted" => Self::Accepted,
            "revoked" => Self::Revoked,
            _ if expires_at <= now => Self::Expired,
            _ => Self::Pending,
        }
    }

    /// # Errors
    /// The refusal of an invitation that isn't pending, or of a link that a resend has replaced.
    pub fn usable(self, link_ended: bool) -> Result<(), Refusal> {
        match self {
            Self::Accepted => Err(Refusal::InvitationUsed),
            Self::Revoked => Err(Refusal::InvitationRevoked),
            _ if link_ended => Err(Refusal::InvitationReplaced),
            Self::Expired => Err(Refusal::InvitationExpired),
            Self::Pending => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pending_invitation_by_its_newest_link_is_usable() {
        let at = Timestamp::from_micros;
        assert_eq!(InvitationStatus::of("pending", at(10), at(10)), InvitationStatus::Expired);
        assert_eq!(InvitationStatus::of("pending", at(10), at(9)), InvitationStatus::Pending);
        assert!(InvitationStatus::Pending.usable(false).is_ok());
        assert_eq!(InvitationStatus::Pending.usable(true), Err(Refusal::InvitationReplaced));
        assert_eq!(InvitationStatus::Accepted.usable(true), Err(Refusal::InvitationUsed));
    }
}
