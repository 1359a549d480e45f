//! What administrators change: an account's status, an ownerless workspace's owner; on the machine a password too.

use stoa_domain::{AccountId, AdministratorPermit, MemberId, Refusal};

use super::{AdministeredWorkspace, SeenAccount};
use crate::{App, Failure};

impl App {
    /// Disables or enables an account.
    ///
    /// # Errors
    /// `NotFound`; `LastAdministrator`.
    pub async fn set_account_status(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        active: bool,
    ) -> Result<SeenAccount, Failure> {
        self.store().set_account_status(permit, account, active).await?;
        self.load_administered_account(account).await
    }

    /// Names an owner for a workspace, by its id or slug, that has none who is active.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`; `HasOwner`.
    pub async fn name_owner(
        &self,
        permit: AdministratorPermit,
        workspace: &str,
        account: AccountId,
    ) -> Result<AdministeredWorkspace, Failure> {
        let workspace = self.find_named_workspace(workspace).await?;
        let member = MemberId::new(self.new_uuid());
        self.store().name_owner(permit, workspace, account, member).await?;
        Ok(self.store().find_administered_workspace(workspace).await?.ok_or(Refusal::NotFound)?)
    }

    /// Makes an account an administrator, or a plain account again.
    ///
    /// # Errors
    /// `NotFound`; `LastAdministrator`.
    pub async fn set_administrator(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        is_admin: bool,
    ) -> Result<SeenAccount, Failure> {
        self.store().set_administrator(permit, account, is_admin).await?;
        self.load_administered_account(account).await
    }

    /// Sets an account's password, and ends all of its sessions. The password was hashed by whoever asks: it goes nowhere
    /// in the clear.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what isn't such a hash.
    pub async fn reset_password(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
        hash: String,
    ) -> Result<SeenAccount, Failure> {
        if !hash.starts_with("$argon2id$") {
            return Err(Refusal::invalid("password", "invalid", "This isn't the hash of a password.").into());
        }
        self.store().reset_password(permit, account, hash).await?;
        self.load_administered_account(account).await
    }
}
