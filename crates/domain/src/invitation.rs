//! Invitations: how long they last and what state one is in.

use unicode_normalization::UnicodeNormalization;

use crate::branch::is_invisible;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// Seconds for which a link works: 7 days.
pub const LIFETIME_SECONDS: i64 = 7 * 24 * 3600;

/// Longest message to whoever is invited, in characters.
pub const LONGEST_MESSAGE: usize = 1_000;

/// A message as it is kept: plain text in lines that end with `\n`, without anything that can't be seen, trimmed, with
/// one empty line at most between others. `None` where nothing is left of it.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn parse_message(text: &str) -> Result<Option<String>, &'static str> {
    let mut kept = String::new();
    let mut was_empty = true;
    for line in text.nfc().collect::<String>().lines() {
        let line = line.replace('\t', " ");
        let line = line.trim();
        // A zero-width joiner makes one picture of several, and reorders nothing.
        if line.chars().any(|c| c.is_control() || is_invisible(c) && c != '\u{200d}') {
            return Err("A message can't contain characters that aren't visible.");
        }
        if line.is_empty() && was_empty {
            continue;
        }
        was_empty = line.is_empty();
        kept.push_str(line);
        kept.push('\n');
    }
    let kept = kept.trim();
    if kept.chars().count() > LONGEST_MESSAGE {
        return Err("A message has at most 1,000 characters.");
    }
    Ok((!kept.is_empty()).then(|| kept.to_owned()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
    Expired,
}

/// How one of an invitation's links stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// The newest one, which works.
    Newest,
    /// A later one works in its stead.
    Replaced,
    /// It ended with all others when Stoa was restored from a backup, and no later one was sent.
    Voided,
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
    /// The refusal of an invitation that isn't pending, or of a link that works no more.
    pub fn usable(self, link: LinkState) -> Result<(), Refusal> {
        match (self, link) {
            (Self::Accepted, _) => Err(Refusal::InvitationUsed),
            (Self::Revoked, _) => Err(Refusal::InvitationRevoked),
            (_, LinkState::Replaced) => Err(Refusal::InvitationReplaced),
            (_, LinkState::Voided) => Err(Refusal::InvitationVoided),
            (Self::Expired, LinkState::Newest) => Err(Refusal::InvitationExpired),
            (Self::Pending, LinkState::Newest) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_plain_lines() {
        let kept = |text: &str| parse_message(text).map(Option::unwrap_or_default);
        assert_eq!(kept("  Hello\tAnna \r\n\r\n\r\n\r\nwelcome. ").as_deref(), Ok("Hello Anna\n\nwelcome."));
        assert_eq!(parse_message(" \n \t "), Ok(None));
        for wrong in ["a\u{0}b", "a\u{1b}[31mb", "abc\u{202e}def", "a\u{200b}b"] {
            assert!(parse_message(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse_message(&"é".repeat(LONGEST_MESSAGE)).is_ok());
        assert!(parse_message(&"é".repeat(LONGEST_MESSAGE + 1)).is_err());
    }

    #[test]
    fn only_a_pending_invitation_by_its_newest_link_is_usable() {
        let at = Timestamp::from_micros;
        assert_eq!(InvitationStatus::of("pending", at(10), at(10)), InvitationStatus::Expired);
        assert_eq!(InvitationStatus::of("pending", at(10), at(9)), InvitationStatus::Pending);
        assert!(InvitationStatus::Pending.usable(LinkState::Newest).is_ok());
        let replaced = InvitationStatus::Pending.usable(LinkState::Replaced);
        assert_eq!(replaced, Err(Refusal::InvitationReplaced));
        assert_eq!(InvitationStatus::Accepted.usable(LinkState::Replaced), Err(Refusal::InvitationUsed));
        // A restore ends links and lets their invitations expire: what is told is what ended them.
        for status in [InvitationStatus::Pending, InvitationStatus::Expired] {
            assert_eq!(status.usable(LinkState::Voided), Err(Refusal::InvitationVoided));
        }
    }
}
