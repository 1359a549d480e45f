//! What a link leads to, and accepting it.

use stoa_domain::{AccountId, AccountPermit, AccountStanding, MemberId, Refusal, Secret, decide_open};
use stoa_storage::account::NewAccount;
use stoa_storage::attempt::Limit;
use stoa_storage::invitation::LinkedInvitation;

use crate::account::{check_name, check_password};
use crate::secrets::hash_of;
use crate::session::{SignedIn, Visitor, counted};
use crate::{App, Failure};

const ACCEPTS: Limit = Limit { count: 60, seconds: 60 };

/// What the page behind a link shows.
pub struct LinkPage {
    pub invitation: LinkedInvitation,
    /// Only where the link went by mail, or to whoever is signed in with that address.
    pub account_exists: Option<bool>,
}

/// Somebody who has no account yet.
pub struct NewPerson {
    pub name: String,
    pub password: Secret,
}

/// The workspace that was joined, and the session where one was made.
pub struct Accepted {
    pub workspace: stoa_storage::workspace::WorkspaceRecord,
    pub signed_in: Option<SignedIn>,
}

impl App {
    /// # Errors
    /// `NotFound` for an unknown link, else the refusal of one that has ended.
    pub async fn view_link(
        &self,
        token: &str,
        asking: Option<&AccountStanding>,
        address: &str,
    ) -> Result<LinkPage, Failure> {
        self.count_accept(address).await?;
        let found = self.store().find_invitation_by_link(&hash_of(token)).await?.ok_or(Refusal::NotFound)?;
        found.status.usable(found.link)?;
        let holder = self.store().find_account_by_email(&found.email_canonical).await?;
        let is_holder = match (&holder, asking) {
            (Some(holder), Some(asking)) => holder.id == asking.actor.account,
            _ => false,
        };
        let account_exists = (found.by_mail || is_holder).then_some(holder.is_some());
        Ok(LinkPage { invitation: found, account_exists })
    }

    async fn count_accept(&self, address: &str) -> Result<(), Failure> {
        let bucket = format!("accept:address:{}", counted(address));
        self.count(bucket, ACCEPTS).await
    }

    /// Accepts as whoever is signed in, once [`App::view_link`] has counted the try and answered the link's state.
    ///
    /// # Errors
    /// The link's own state first; `WrongAccount`.
    pub async fn accept_invitation(&self, permit: AccountPermit, token: &str) -> Result<Accepted, Failure> {
        let member = MemberId::new(self.new_uuid());
        let own = self.store().find_account(permit.actor().account).await?.ok_or(Refusal::Unauthenticated)?;
        let notice = if own.email_verified_at.is_none() {
            let first =
                "You accepted an invitation that was mailed to you, which shows that this address is yours.";
            self.proof_notice(&own.email_canonical, first).await?
        } else {
            None
        };
        let workspace = self.store().accept_invitation(permit, hash_of(token), member, notice).await?;
        Ok(Accepted { workspace: self.store().load_workspace(workspace).await?, signed_in: None })
    }

    /// Accepts by making an account with the invited address, once [`App::view_link`] has counted the try.
    ///
    /// # Errors
    /// The link's own state first; `Unauthenticated` where the address has an account; `Invalid`.
    pub async fn accept_as_new(
        &self,
        token: &str,
        person: NewPerson,
        visitor: Visitor,
    ) -> Result<Accepted, Failure> {
        let found = self.store().find_invitation_by_link(&hash_of(token)).await?.ok_or(Refusal::NotFound)?;
        found.status.usable(found.link)?;
        // Before the password is looked at: whoever has an account is told nothing by it, and nothing changes.
        if self.store().find_account_by_email(&found.email_canonical).await?.is_some() {
            return Err(Refusal::Unauthenticated.into());
        }
        let mut problems = Vec::new();
        let name = check_name("name", &person.name, &mut problems);
        check_password("password", &person.password, (&found.email, &person.name), &mut problems);
        let (Some(name), true) = (name, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let password_hash = self.outside().passwords.hash(person.password, self.new_salt()).await?;
        let account = NewAccount {
            id: AccountId::new(self.new_uuid()),
            name: name.into_string(),
            email: found.email,
            email_canonical: found.email_canonical,
            email_verified: false,
            password_hash,
            is_admin: false,
        };
        let account_id = account.id;
        let (session, secret) = self.new_session(visitor);
        let permit = decide_open("invitation.accept", Some(found.workspace));
        let member = MemberId::new(self.new_uuid());
        let (workspace, session) =
            self.store().accept_with_new_account(permit, hash_of(token), member, account, session).await?;
        let workspace = self.store().load_workspace(workspace).await?;
        Ok(Accepted {
            workspace,
            signed_in: Some(SignedIn { account: account_id, session, secret, recovery_codes_left: None }),
        })
    }
}
