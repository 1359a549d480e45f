//! One's own sessions: entering the password again, listing, ending.

use stoa_domain::{AccountPermit, Conflict, Credential, Refusal, Secret, SessionId};
use stoa_storage::attempt::Limit;
use stoa_storage::second_factor::FactorUse;
use stoa_storage::session::ListedSession;

use crate::second_factor::{BegunPasskey, ShownFactor};
use crate::{App, Failure};

const CONFIRMATIONS: Limit = Limit { count: 10, seconds: 900 };

impl App {
    /// The session behind a permit.
    ///
    /// # Errors
    /// `TokenMayNot` where there is none.
    pub(crate) fn session_of(permit: &AccountPermit) -> Result<SessionId, Refusal> {
        match permit.actor().credential {
            Credential::Session(id) => Ok(id),
            Credential::Token(_) | Credential::Job => Err(Refusal::TokenMayNot),
        }
    }

    /// Checks the account's password, which came in `field`. A try counts before it is looked at, so that many at once aren't more than are
    /// allowed; the right one forgets those before it.
    pub(crate) async fn check_own_password(
        &self,
        permit: &AccountPermit,
        field: &'static str,
        password: Secret,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        // Of each session: who holds another one doesn't keep the owner out.
        let bucket = format!("confirm:session:{}", Self::session_of(permit)?);
        let found = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        if found.password_hash.is_none() {
            return Err(Refusal::Conflict(Conflict::NoPassword).into());
        }
        self.count(bucket.clone(), CONFIRMATIONS).await?;
        let verified =
            self.outside().passwords.verify(password, found.password_hash, self.new_salt()).await?;
        if !verified.matches {
            return Err(Refusal::invalid(field, "wrong", "This isn't your password.").into());
        }
        Ok(self.store().clear_attempts(bucket).await?)
    }

    /// For ten minutes this session may change the account. An account with a second factor shows it too.
    ///
    /// # Errors
    /// `Invalid` for a wrong password; `SecondFactorDue`.
    pub async fn confirm_session(
        &self,
        permit: AccountPermit,
        password: Secret,
        shown: ShownFactor,
    ) -> Result<(), Failure> {
        let session = Self::session_of(&permit)?;
        self.check_own_password(&permit, "password", password).await?;
        let account = permit.actor().account;
        let address = permit.actor().address.clone().unwrap_or_default();
        let factor = self.prove_factor(account, shown, &address).await?;
        let is_shown = !matches!(factor, FactorUse::None);
        self.store().confirm_session(permit, session, factor).await?;
        if is_shown {
            self.forget_factor_attempts(account, &address).await?;
        }
        Ok(())
    }

    /// What a passkey is asked, to be shown with the password at [`App::confirm_session`].
    ///
    /// # Errors
    /// `Conflict` where the account has none.
    pub async fn begin_confirming(&self, permit: AccountPermit) -> Result<BegunPasskey, Failure> {
        Self::session_of(&permit)?;
        self.ask_for_passkey(permit.actor().account).await
    }

    /// # Errors
    /// A fault.
    pub async fn sign_out(&self, permit: AccountPermit) -> Result<(), Failure> {
        let session = Self::session_of(&permit)?;
        Ok(self.store().end_session(permit, session).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn end_session(&self, permit: AccountPermit, id: &str) -> Result<(), Failure> {
        let id = id.parse::<SessionId>().map_err(|_| Refusal::NotFound)?;
        Ok(self.store().end_session(permit, id).await?)
    }

    /// One's sessions, newest first, older than the one that is named; and which of them is asking.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_sessions(
        &self,
        permit: AccountPermit,
        before: Option<SessionId>,
        limit: i64,
    ) -> Result<(Vec<ListedSession>, Option<SessionId>), Failure> {
        let sessions = self.store().list_sessions(permit.actor().account, before, limit).await?;
        Ok((sessions, Self::session_of(&permit).ok()))
    }
}
