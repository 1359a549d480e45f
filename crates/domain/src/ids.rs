//! One identifier type per noun, each a UUIDv7. Where a new one comes from is the caller's business.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self).ok_or(NotAnId)
            }
        }
    )*};
}

/// The text isn't an identifier in its one accepted form: 36 characters, hyphenated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

fn parse(text: &str) -> Option<Uuid> {
    if text.len() != 36 {
        return None;
    }
    Uuid::try_parse(text).ok()
}

identifiers! {
    AccountId, SessionId, TokenId, WorkspaceId, LogoId, MemberId, InvitationId, MachineId, ServerId, ProjectId,
    InstanceId, DeploymentId, ReleaseId, JobId, EventId, AuditEventId, MailId, ReplicaId, PresetId, PasskeyId,
    ConnectSessionId, TerminalId, BackupId, BackupRepositoryId, BackupPlaceId, SettingsChangeId,
}

impl WorkspaceId {
    /// The installation's own chain of audit events stands under this id; no workspace ever has it.
    pub const INSTALLATION: Self = Self(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(text.parse::<InstanceId>().map(|id| id.to_string()), Ok(text.to_owned()));
        for wrong in
            ["", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}", "shop"]
        {
            assert!(wrong.parse::<InstanceId>().is_err(), "{wrong}");
        }
    }
}
