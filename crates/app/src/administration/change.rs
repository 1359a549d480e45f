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

    /// Removes an account's authenticator, passkeys and recovery codes, and ends all of its sessions: for whoever lost
    /// them. The account is told by mail.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where there is none to remove.
    pub async fn remove_second_factor(
        &self,
        permit: AdministratorPermit,
        account: AccountId,
    ) -> Result<SeenAccount, Failure> {
        let found = self.store().find_account(account).await?.ok_or(Refusal::NotFound)?;
        let notice = self
            .notice(
                &found.email_canonical,
                "Your second factor was removed",
                "Whoever runs this installation removed the second factor of your account: authenticator app, passkeys \
                 and recovery codes. You were signed out everywhere. Set one up again under Account, Security.",
            )
            .await?;
        self.store().remove_second_factor(permit, account, notice).await?;
        self.load_administered_account(account).await
    }

    /// Sets an account's password, and ends all of its sessions and access tokens. The password was hashed by whoever asks: it goes nowhere
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
