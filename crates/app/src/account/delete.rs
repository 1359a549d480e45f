//! Deleting one's own account.

use stoa_domain::email::EmailAddress;
use stoa_domain::{AccountPermit, Refusal};

use crate::{App, Failure};

impl App {
    /// Deletes the account, by its address typed once more.
    ///
    /// # Errors
    /// `Invalid` for another address; `LastOwnerOf`; `Conflict` for the last administrator.
    pub async fn delete_account(&self, permit: AccountPermit, confirm: &str) -> Result<(), Failure> {
        let own = self.store().find_account(permit.actor().account).await?.ok_or(Refusal::Unauthenticated)?;
        let typed = EmailAddress::parse(confirm);
        if typed.as_ref().map(EmailAddress::canonical) != Some(own.email_canonical.as_str()) {
            return Err(Refusal::invalid(
                "confirm",
                "mismatch",
                "Type your own e-mail address to delete your account.",
            )
            .into());
        }
        let notice = self
            .last_notice(
                &own.email_canonical,
                "Your account was deleted",
                "Your account was deleted, and you are no longer a member of any workspace. What you did keeps your \
                 name in the workspaces' logs.",
            )
            .await?;
        Ok(self.store().delete_account(permit, notice).await?)
    }
}
