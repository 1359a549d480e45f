//! Invitations: an address asked into a workspace by a link.

mod accept;
mod letter;

pub use accept::{Accepted, LinkPage, NewPerson};
pub(crate) use letter::letter_of;
pub use stoa_storage::invitation::InvitationRecord;

use futures_util::future::BoxFuture;
use stoa_domain::email::{EmailAddress, what_is_wrong};
use stoa_domain::invitation::parse_message;
use stoa_domain::permission::invitation as may;
use stoa_domain::{AccountId, FieldProblem, InvitationId, Permit, Refusal, Secret, WorkspaceId};
use stoa_storage::attempt::Limit;
use stoa_storage::invitation::{NewInvitation, NewLink};

use crate::secrets::hash_of;
use crate::{App, Failure, search};

const A_MINUTE: Limit = Limit { count: 30, seconds: 60 };
const A_DAY: Limit = Limit { count: 100, seconds: 24 * 3600 };
/// Of one account, in however many workspaces; to one address from one account, and from all.
const BY_ACCOUNT: Limit = Limit { count: 200, seconds: 24 * 3600 };
const BY_ACCOUNT_TO_ONE: Limit = Limit { count: 10, seconds: 24 * 3600 };
const TO_ONE: Limit = Limit { count: 30, seconds: 24 * 3600 };

/// An invitation that was just made or resent; the link only where no mail carries it.
pub struct Invited {
    pub invitation: InvitationRecord,
    pub link: Option<Secret>,
}

impl App {
    /// Invites one address, with a message where there is one.
    ///
    /// # Errors
    /// `Invalid`, `AlreadyMember`, `InvitationPending`, `TooManyRequests`.
    pub async fn invite(
        &self,
        permit: Permit<may::Create>,
        email: &str,
        message: Option<&str>,
    ) -> Result<Invited, Failure> {
        let mut problems = Vec::new();
        let parsed = EmailAddress::parse(email);
        if parsed.is_none() {
            problems.push(FieldProblem::new("email", "invalid", what_is_wrong(email)));
        }
        let message = parse_message(message.unwrap_or_default());
        if let Err(detail) = message {
            problems.push(FieldProblem::new("message", "invalid", detail));
        }
        let (Some(email), Ok(message)) = (parsed, message) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let workspace = permit.workspace();
        for (window, limit) in [("minute", A_MINUTE), ("day", A_DAY)] {
            self.count(format!("invite:workspace:{workspace}:{window}"), limit).await?;
        }
        let letters = self.count_letter(permit.actor().account, &email).await?;
        let inviter = &permit.actor().name;
        let (link, shown) = self.new_link(workspace, inviter, &email, message.as_deref()).await?;
        let id = InvitationId::new(self.new_uuid());
        let new = NewInvitation { id, email, message, link };
        let invitation = match self.store().create_invitation(permit, new).await {
            Ok(invitation) => invitation,
            Err(failure) => {
                // No letter went, so that none counts against whom it was for.
                self.store().give_attempt_back(letters).await?;
                return Err(failure.into());
            }
        };
        Ok(Invited { invitation, link: shown })
    }

    /// An invitation carries its sender's words to whomever they name: nobody's mailbox is filled, from however many
    /// workspaces. Answers where letters were counted.
    async fn count_letter(&self, account: AccountId, to: &EmailAddress) -> Result<Vec<String>, Failure> {
        let one: String = hash_of(to.canonical()).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let mut buckets = Vec::new();
        for (bucket, limit) in [
            (format!("invite:account:{account}:minute"), A_MINUTE),
            (format!("invite:account:{account}:day"), BY_ACCOUNT),
            (format!("invite:account:{account}:to:{one}"), BY_ACCOUNT_TO_ONE),
            (format!("invite:to:{one}"), TO_ONE),
        ] {
            self.count(bucket.clone(), limit).await?;
            buckets.push(bucket);
        }
        // The sender has tried all the same.
        Ok(buckets.split_off(1))
    }

    /// A link, sealed into a letter where a mail server is configured, else to be shown once.
    async fn new_link(
        &self,
        workspace: WorkspaceId,
        inviter: &str,
        email: &EmailAddress,
        message: Option<&str>,
    ) -> Result<(NewLink, Option<Secret>), Failure> {
        let secret = self.new_secret("");
        let token = secret.text.reveal_text().unwrap_or_default();
        let address = format!("{}/invitations/{token}", self.settings().public_url);
        if self.outside().mail.is_none() {
            return Ok((NewLink { token_hash: secret.hash, mail: None }, Some(Secret::from_text(address))));
        }
        let look = self.store().load_workspace(workspace).await?;
        let logo = self.uploaded_logo(workspace).await?;
        let letter = letter_of(&look, logo, inviter, email, message, Secret::from_text(address))?;
        let mail = self.seal_letter(Some(workspace), "invitation", &letter).await?;
        Ok((NewLink { token_hash: secret.hash, mail: Some(mail) }, None))
    }

    /// Those with `search` in their address, oldest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_invitations(
        &self,
        permit: Permit<may::List>,
        after: InvitationId,
        search: Option<&str>,
        limit: i64,
    ) -> Result<Vec<InvitationRecord>, Failure> {
        let workspace = permit.workspace();
        let Some(wanted) = search.map(str::to_lowercase) else {
            return Ok(self.store().list_invitations(workspace, after, limit).await?);
        };
        let read = |after, size| -> BoxFuture<'_, _> {
            Box::pin(async move { Ok(self.store().list_invitations(workspace, after, size).await?) })
        };
        search::search(
            after,
            limit,
            read,
            |one: &InvitationRecord| one.id,
            |one| one.email.to_lowercase().contains(&wanted),
        )
        .await
    }

    /// A new link; the old one ends.
    ///
    /// # Errors
    /// The refusal of an invitation that was accepted or revoked; `TooManyRequests`.
    pub async fn resend_invitation(&self, permit: Permit<may::Resend>) -> Result<Invited, Failure> {
        let workspace = permit.workspace();
        self.count(format!("invite:workspace:{workspace}:minute"), A_MINUTE).await?;
        let found = self.store().load_invitation(workspace, *permit.target()).await?;
        let email = EmailAddress::parse(&found.email).ok_or(Refusal::NotFound)?;
        self.count_letter(permit.actor().account, &email).await?;
        let inviter = &permit.actor().name;
        let (link, shown) = self.new_link(workspace, inviter, &email, found.message.as_deref()).await?;
        let invitation = self.store().resend_invitation(permit, link).await?;
        Ok(Invited { invitation, link: shown })
    }

    /// # Errors
    /// The refusal of an invitation that was accepted or revoked before.
    pub async fn revoke_invitation(&self, permit: Permit<may::Revoke>) -> Result<(), Failure> {
        Ok(self.store().revoke_invitation(permit).await?)
    }
}
