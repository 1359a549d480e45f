//! A forgotten password: a link by mail, once, for an hour. Who asks learns nothing of who has an account.

use stoa_domain::email::{EmailAddress, what_is_wrong};
use stoa_domain::{Actor, Credential, FieldProblem, Refusal, Secret, Via, decide_open};
use stoa_storage::attempt::Limit;
use stoa_storage::mailed_link::{LinkKind, MailedLink, NewMailedLink};

use super::check_password;
use super::letter::BEFORE_THE_PROOF;
use crate::mail::Words;
use crate::secrets::hash_of;
use crate::session::{Visitor, counted};
use crate::{App, Failure};

const RESET_SECONDS: i64 = 3600;

/// Asking, by the address that asks; the mails that one address gets; opening links.
const ASKED: Limit = Limit { count: 20, seconds: 3600 };
const MAILED: Limit = Limit { count: 5, seconds: 3600 };
const OPENED: Limit = Limit { count: 60, seconds: 60 };

impl App {
    /// Mails a link, if an account has this address. The answer, and its time, are the same where none has: everything
    /// that could tell them apart happens after it.
    ///
    /// # Errors
    /// `MailUnavailable`, `Invalid`, `TooManyRequests`: each without regard to whether there is an account.
    pub async fn ask_for_reset(&self, email: &str, visitor: &Visitor) -> Result<(), Failure> {
        self.needs_mail()?;
        let Some(email) = EmailAddress::parse(email) else {
            return Err(Refusal::invalid("email", "invalid", what_is_wrong(email)).into());
        };
        let bucket = format!("reset:address:{}", counted(&visitor.address));
        self.count(bucket, ASKED).await?;
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(failure) = app.mail_reset(email).await {
                tracing::error!(?failure, "a link to set a password anew wasn't queued");
            }
        });
        Ok(())
    }

    async fn mail_reset(&self, email: EmailAddress) -> Result<(), Failure> {
        let found = self.store().find_account_by_email(email.canonical()).await?;
        let Some(account) = found.filter(|account| account.is_active) else { return Ok(()) };
        let bucket = format!("reset:account:{}", account.id);
        if self.store().count_attempt(bucket, MAILED).await?.is_some() {
            // Nobody's mailbox is filled by others; the links that were sent still work.
            return Ok(());
        }
        let secret = self.new_secret("");
        let words = Words {
            subject: format!("Set a new password – Stoa at {}", self.host()),
            title: "Set a new password".to_owned(),
            paragraphs: vec![
                format!(
                    "Somebody, probably you, asked for a new password for your account at {}.",
                    self.host()
                ),
                "The link works once, for an hour. A new password signs the account out everywhere, and deletes its \
                 access tokens."
                    .to_owned(),
            ],
            notes: vec![
                "If it wasn't you, you can ignore this mail: nothing changes without the link.".to_owned(),
            ],
            ..Words::default()
        };
        let to = account.email_canonical.as_str();
        let mail =
            self.link_letter("reset", to, "/reset/", &secret.text, "Set a new password", words).await?;
        let link = NewMailedLink {
            token_hash: secret.hash,
            account: account.id,
            kind: LinkKind::Reset,
            email_canonical: account.email_canonical,
            email: account.email,
            expires_at: self.store().now().plus_seconds(RESET_SECONDS),
            mail,
        };
        Ok(self.store().mail_link(decide_open("account.ask_for_reset", None), link).await?)
    }

    async fn load_reset(&self, token: &str, visitor: &Visitor) -> Result<MailedLink, Failure> {
        let bucket = format!("reset:open:{}", counted(&visitor.address));
        self.count(bucket, OPENED).await?;
        let found = self.store().find_mailed_link(&hash_of(token), LinkKind::Reset).await?;
        Ok(found.ok_or(Refusal::NotFound)?)
    }

    /// For whom a link is.
    ///
    /// # Errors
    /// `NotFound` where it doesn't count any more; `TooManyRequests`.
    pub async fn view_reset(&self, token: &str, visitor: &Visitor) -> Result<String, Failure> {
        Ok(self.load_reset(token, visitor).await?.email)
    }

    /// Sets the password and ends every session and access token. It signs nobody in: a second factor is asked for as ever.
    ///
    /// # Errors
    /// `NotFound` where the link doesn't count any more; `Invalid` for a weak password; `TooManyRequests`.
    pub async fn reset_password_by_link(
        &self,
        token: &str,
        password: Secret,
        visitor: Visitor,
    ) -> Result<(), Failure> {
        // The link's own state first.
        let link = self.load_reset(token, &visitor).await?;
        let mut problems: Vec<FieldProblem> = Vec::new();
        check_password("password", &password, (&link.email, &link.name), &mut problems);
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let hash = self.outside().passwords.hash(password, self.new_salt()).await?;
        let set = "A new password was set by a link that was mailed to you. You were signed out everywhere, and your \
                   access tokens were deleted.";
        let sentences: &[&str] = if link.is_proved { &[set] } else { &[set, BEFORE_THE_PROOF] };
        let remedy = "If it wasn't you, ask whoever administers it at once.";
        let notice = self
            .notice_with(&link.email_canonical, "Your password was changed", sentences, remedy)
            .await?
            .ok_or(Refusal::MailUnavailable)?;
        let actor = Actor {
            account: link.account,
            name: link.name.clone(),
            via: Via::Page,
            credential: Credential::Job,
            address: Some(visitor.address),
        };
        let permit = decide_open("account.reset_password", None);
        Ok(self.store().reset_password_by_link(permit, hash_of(token), link, actor, hash, notice).await?)
    }
}
