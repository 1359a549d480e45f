//! The proof that the installation is administered: by an administrator who is signed in, or on the machine itself.
//!
//! It opens no workspace: what is in one, an administrator sees and does as its member.

use std::sync::Arc;

use crate::actor::{Actor, Via};
use crate::ids::{AccountId, WorkspaceId};
use crate::permission::Resource;
use crate::permit::{AccountPermit, Authority, Recheck};
use crate::refusal::Refusal;
use crate::standing::Access;

/// What an administrator may do, and who it is. Made by `decide_administrator`, or for whoever commands the machine.
#[must_use = "a permit that isn't used was decided for nothing"]
#[derive(Debug)]
pub struct AdministratorPermit(By);

#[derive(Debug)]
enum By {
    Account(AccountPermit),
    Machine { operation: &'static str, system_user: String },
}

impl AdministratorPermit {
    pub(crate) fn of(account: AccountPermit) -> Self {
        Self(By::Account(account))
    }

    /// For whoever can read the data directory: on the machine there is nothing left to keep from them. `system_user` is
    /// the name that the operating system knows them by.
    pub fn on_the_machine(operation: &'static str, system_user: String) -> Self {
        Self(By::Machine { operation, system_user })
    }

    /// The account that administers; `None` on the machine.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match &self.0 {
            By::Account(permit) => Some(permit.actor().account),
            By::Machine { .. } => None,
        }
    }

    /// Who acted on the machine, by the operating system's name.
    #[must_use]
    pub fn system_user(&self) -> Option<&str> {
        match &self.0 {
            By::Account(_) => None,
            By::Machine { system_user, .. } => Some(system_user),
        }
    }
}

impl Authority for AdministratorPermit {
    fn workspace(&self) -> WorkspaceId {
        WorkspaceId::INSTALLATION
    }

    fn actor(&self) -> Option<&Actor> {
        match &self.0 {
            By::Account(permit) => Some(permit.actor()),
            By::Machine { .. } => None,
        }
    }

    fn via(&self) -> Via {
        match &self.0 {
            By::Account(permit) => permit.via(),
            By::Machine { .. } => Via::Command,
        }
    }

    fn operation(&self) -> &'static str {
        match &self.0 {
            By::Account(permit) => permit.operation(),
            By::Machine { operation, .. } => operation,
        }
    }

    fn resource(&self) -> Option<Resource> {
        None
    }

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn recheck(&self) -> Recheck {
        match &self.0 {
            By::Account(permit) => permit.recheck(),
            By::Machine { .. } => Recheck::Nothing,
        }
    }

    fn again(&self, access: Arc<Access>) -> Result<(), Refusal> {
        match &self.0 {
            By::Account(permit) => permit.again(access),
            By::Machine { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ActionSet;
    use crate::actor::Credential;
    use crate::decide::decide_administrator;
    use crate::ids::SessionId;
    use crate::refusal::TokenWithout;
    use crate::standing::{AccountStanding, TokenLimits};

    fn standing(is_admin: bool, limits: Option<TokenLimits>) -> AccountStanding {
        AccountStanding {
            actor: Actor {
                account: AccountId::new(uuid::Uuid::from_u128(1)),
                name: "Olga".to_owned(),
                via: Via::Page,
                credential: Credential::Session(SessionId::new(uuid::Uuid::from_u128(2))),
                address: None,
            },
            is_admin,
            revision: 1,
            limits,
            confirmed: true,
            viewing: None,
        }
    }

    #[test]
    fn only_an_administrator_administers_and_never_by_a_narrowed_token() {
        let may =
            |is_admin, limits| decide_administrator(&standing(is_admin, limits), "account.disable").is_ok();
        assert!(may(true, None) && may(true, Some(TokenLimits::default())));
        assert!(!may(false, None) && !may(false, Some(TokenLimits::default())));
        for narrowed in [
            TokenLimits { actions: Some(ActionSet::ALL), workspaces: None },
            TokenLimits { actions: None, workspaces: Some(Vec::new()) },
        ] {
            assert!(!may(true, Some(narrowed.clone())));
            // Whoever administers isn't told to find somebody who does.
            let told = decide_administrator(&standing(true, Some(narrowed)), "account.disable").err();
            assert_eq!(told, Some(Refusal::TokenNarrowed(TokenWithout::Administration)));
        }
    }

    #[test]
    fn what_is_done_on_the_machine_is_told_apart() {
        let permit = AdministratorPermit::on_the_machine("account.disable", "root".to_owned());
        assert_eq!(
            (permit.via(), permit.account(), permit.system_user()),
            (Via::Command, None, Some("root"))
        );
    }
}
