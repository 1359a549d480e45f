//! Administering the installation: what administrators see and do on the page, and `stoa admin` on the machine.

mod change;
mod state;

pub use state::InstallationState;
pub use stoa_storage::administration::{
    AdministeredAccount, AdministeredWorkspace, MailTrouble, NamedWorkspace, OwnerOfWorkspace, RecordsState,
    ReplicaState,
};

use futures_util::future::BoxFuture;
use stoa_domain::email::EmailAddress;
use stoa_domain::{
    AccountId, AccountStanding, AdministratorPermit, Refusal, WorkspaceId, decide_administrator,
};

use crate::{App, Failure, search};

/// An account, and what would lose its owner with it.
pub struct SeenAccount {
    pub account: AdministeredAccount,
    /// Workspaces that have no other active owner.
    pub last_owner_of: Vec<NamedWorkspace>,
}

impl App {
    /// Decides whether the account administers the installation. A refusal is written into its audit log.
    ///
    /// # Errors
    /// `AdministratorRequired`.
    pub async fn authorize_administrator(
        &self,
        account: &AccountStanding,
        operation: &'static str,
    ) -> Result<AdministratorPermit, Refusal> {
        let decided = decide_administrator(account, operation);
        if let Err(refusal) = &decided {
            self.record_refusal(WorkspaceId::INSTALLATION, &account.actor, operation, None, refusal).await;
        }
        decided
    }

    /// Workspaces by name, those with `search` in their name, their slug, or an owner's name or address.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_administered_workspaces(
        &self,
        _: &AdministratorPermit,
        after: (&str, WorkspaceId),
        search: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AdministeredWorkspace>, Failure> {
        let Some(wanted) = search.map(str::to_lowercase) else {
            return Ok(self.store().list_administered_workspaces(after, limit).await?);
        };
        let after = (after.0.to_owned(), after.1);
        let read = |(name, id): (String, WorkspaceId), size| -> BoxFuture<'_, _> {
            Box::pin(async move { Ok(self.store().list_administered_workspaces((&name, id), size).await?) })
        };
        let mark = |one: &AdministeredWorkspace| (one.name.clone(), one.id);
        search::search(after, limit, read, mark, |one| {
            let owners = one.owners.iter().flat_map(|owner| [&owner.name, &owner.email]);
            has(&wanted, [&one.name, &one.slug].into_iter().chain(owners))
        })
        .await
    }

    /// Accounts by name, those with `search` in their name or address.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_administered_accounts(
        &self,
        _: &AdministratorPermit,
        after: (&str, AccountId),
        search: Option<&str>,
        limit: i64,
    ) -> Result<Vec<SeenAccount>, Failure> {
        let found = match search.map(str::to_lowercase) {
            None => self.store().list_administered_accounts(after, limit).await?,
            Some(wanted) => {
                let after = (after.0.to_owned(), after.1);
                let read = |(name, id): (String, AccountId), size| -> BoxFuture<'_, _> {
                    Box::pin(
                        async move { Ok(self.store().list_administered_accounts((&name, id), size).await?) },
                    )
                };
                let mark = |one: &AdministeredAccount| (one.name.clone(), one.id);
                search::search(after, limit, read, mark, |one| {
                    has(&wanted, [&one.name, &one.email].into_iter())
                })
                .await?
            }
        };
        let mut seen = Vec::with_capacity(found.len());
        for account in found {
            seen.push(self.with_what_it_owns(account).await?);
        }
        Ok(seen)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn view_administered_account(
        &self,
        _: &AdministratorPermit,
        account: AccountId,
    ) -> Result<SeenAccount, Failure> {
        self.load_administered_account(account).await
    }

    async fn load_administered_account(&self, account: AccountId) -> Result<SeenAccount, Failure> {
        let found = self.store().find_administered_account(account).await?.ok_or(Refusal::NotFound)?;
        self.with_what_it_owns(found).await
    }

    async fn with_what_it_owns(&self, account: AdministeredAccount) -> Result<SeenAccount, Failure> {
        // Who is in no workspace owns none: not asked for.
        let owns = account.is_active && account.workspaces > 0;
        let last_owner_of = if owns { self.store().list_last_owned(account.id).await? } else { Vec::new() };
        Ok(SeenAccount { account, last_owner_of })
    }

    /// The account that a word names: its id, or its address in any writing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find_named_account(&self, word: &str) -> Result<AccountId, Failure> {
        if let Ok(id) = word.parse::<AccountId>() {
            return Ok(id);
        }
        let email = EmailAddress::parse(word).ok_or(Refusal::NotFound)?;
        Ok(self.store().find_account_id(email.canonical()).await?.ok_or(Refusal::NotFound)?)
    }

    /// The workspace that a word names: its id or its slug.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) async fn find_named_workspace(&self, word: &str) -> Result<WorkspaceId, Failure> {
        Ok(self.store().find_workspace_id(word).await?.ok_or(Refusal::NotFound)?)
    }
}

fn has<'t>(wanted: &str, mut texts: impl Iterator<Item = &'t String>) -> bool {
    texts.any(|text| text.to_lowercase().contains(wanted))
}
