//! Accounts: the first one, and what each may change of itself.

mod delete;
mod email;
mod letter;
mod reset;

pub use email::{EmailLink, PendingEmail};

use stoa_domain::email::{EmailAddress, what_is_wrong};
use stoa_domain::name::Name;
use stoa_domain::{AccountId, AccountPermit, FieldProblem, Refusal, Secret, decide_open, password};
use stoa_storage::account::{AccountRecord, NewAccount};
use stoa_storage::attempt::Limit;
use stoa_storage::workspace::MyWorkspace;
use subtle::ConstantTimeEq as _;

use crate::secrets::hash_of;
use crate::session::{SignedIn, Visitor, counted};
use crate::{App, Failure};

const SETUPS: Limit = Limit { count: 10, seconds: 60 };

pub struct SetUp {
    pub token: String,
    pub name: String,
    pub email: String,
    pub password: Secret,
}

/// An account as it sees itself.
pub struct OwnAccount {
    pub account: AccountRecord,
    pub workspaces: Vec<MyWorkspace>,
    pub may_create_workspaces: bool,
}

#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    pub name: Option<String>,
    pub mail_on_failure: Option<bool>,
    /// The name and the wish for mails that it was made from.
    pub expected: Option<(String, bool)>,
}

/// A password that may be one for whoever has this address and name.
pub(crate) fn check_password(
    field: &str,
    secret: &Secret,
    (email, name): (&str, &str),
    problems: &mut Vec<FieldProblem>,
) {
    let check = |text: &str| password::check(text, email, name);
    let checked = secret.reveal_text().map_or(Err("A password is text."), check);
    if let Err(detail) = checked {
        problems.push(FieldProblem::new(field, "weak", detail));
    }
}

pub(crate) fn check_name(field: &str, text: &str, problems: &mut Vec<FieldProblem>) -> Option<Name> {
    Name::parse(text).map_err(|detail| problems.push(FieldProblem::new(field, "invalid", detail))).ok()
}

impl App {
    /// Whether the installation waits for its first account.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_setup_needed(&self) -> Result<bool, Failure> {
        Ok(!self.store().has_accounts().await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Where it doesn't.
    pub async fn ping(&self) -> Result<(), Failure> {
        Ok(self.store().ping().await?)
    }

    /// Makes the first account, administrator of the installation, and signs it in.
    ///
    /// # Errors
    /// `Conflict` when an account exists; `NotFound` for a wrong token.
    pub async fn set_up(&self, wish: SetUp, visitor: Visitor) -> Result<SignedIn, Failure> {
        if self.store().has_accounts().await? {
            return Err(Refusal::Conflict(stoa_domain::Conflict::AlreadySetUp).into());
        }
        self.count(format!("setup:{}", counted(&visitor.address)), SETUPS).await?;
        let right = self
            .settings()
            .setup_token_hash
            .as_ref()
            .is_some_and(|kept| hash_of(&wish.token).ct_eq(kept).into());
        if !right {
            return Err(Refusal::invalid(
                "token",
                "wrong",
                "This set-up link isn't the one that Stoa printed at its last start.",
            )
            .into());
        }
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let email = EmailAddress::parse(&wish.email);
        if email.is_none() {
            problems.push(FieldProblem::new("email", "invalid", what_is_wrong(&wish.email)));
        }
        check_password("password", &wish.password, (&wish.email, &wish.name), &mut problems);
        let (Some(name), Some(email), true) = (name, email, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let password_hash = self.outside().passwords.hash(wish.password, self.new_salt()).await?;
        let account = NewAccount {
            id: AccountId::new(self.new_uuid()),
            name: name.into_string(),
            email: email.as_shown().to_owned(),
            email_canonical: email.canonical().to_owned(),
            email_verified: false,
            password_hash,
            is_admin: true,
        };
        let (session, secret) = self.new_session(visitor);
        let (account, session) =
            self.store().set_up(decide_open("installation.set_up", None), account, session).await?;
        Ok(SignedIn { account, session, secret, recovery_codes_left: None })
    }

    /// The account as its own request sees it: a token may be narrowed to some of its workspaces.
    ///
    /// # Errors
    /// A fault.
    pub async fn view_own_account(&self, permit: &AccountPermit) -> Result<OwnAccount, Failure> {
        let own = self.load_own_account(permit.actor().account).await?;
        let workspaces = crate::workspace::as_seen_by(permit, own.workspaces).collect();
        // A narrowed token of an administrator's administers nothing.
        let may_create_workspaces = self.may_create_workspaces(permit.is_admin());
        Ok(OwnAccount { workspaces, may_create_workspaces, ..own })
    }

    /// # Errors
    /// A fault.
    pub async fn load_own_account(&self, account: AccountId) -> Result<OwnAccount, Failure> {
        let found = self.store().find_account_with_workspaces(account).await?;
        let (account, workspaces) = found.ok_or(Refusal::Unauthenticated)?;
        let may_create_workspaces = self.may_create_workspaces(account.is_admin);
        Ok(OwnAccount { account, workspaces, may_create_workspaces })
    }

    /// # Errors
    /// `Invalid`, `PreconditionFailed`.
    pub async fn change_account(&self, permit: AccountPermit, change: AccountChange) -> Result<(), Failure> {
        let mut problems = Vec::new();
        let name = change.name.as_deref().and_then(|name| check_name("name", name, &mut problems));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let AccountChange { mail_on_failure, expected, .. } = change;
        Ok(self
            .store()
            .change_account(permit, name.map(Name::into_string), mail_on_failure, expected)
            .await?)
    }

    /// Changes the password; all other sessions end, and with `and_tokens` every access token.
    ///
    /// # Errors
    /// `Invalid` for a wrong old password, a weak new one or the same again.
    pub async fn change_password(
        &self,
        permit: AccountPermit,
        old: Secret,
        new: Secret,
        and_tokens: bool,
    ) -> Result<(), Failure> {
        let session = Self::session_of(&permit)?;
        let own = self.store().find_account(permit.actor().account).await?.ok_or(Refusal::Unauthenticated)?;
        let mut problems = Vec::new();
        check_password("new_password", &new, (&own.email, &own.name), &mut problems);
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let is_same = bool::from(old.reveal().ct_eq(new.reveal()));
        self.check_own_password(&permit, "old_password", old).await?;
        if is_same {
            let sentence = "This is the password that you have. Choose another one.";
            return Err(Refusal::invalid("new_password", "same", sentence).into());
        }
        let hash = self.outside().passwords.hash(new, self.new_salt()).await?;
        let sentence = if and_tokens {
            "The password of your account was changed. All other sessions were ended, and its access tokens deleted."
        } else {
            "The password of your account was changed. All other sessions were ended."
        };
        let notice = self.notice(&own.email_canonical, "Your password was changed", sentence).await?;
        Ok(self.store().set_password(permit, hash, session, and_tokens, notice).await?)
    }
}
