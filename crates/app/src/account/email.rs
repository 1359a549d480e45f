//! The address of an account: changed or confirmed by a link that went to it.

use stoa_domain::email::{EmailAddress, what_is_wrong};
use stoa_domain::{AccountPermit, Refusal, Timestamp};
use stoa_storage::attempt::Limit;
use stoa_storage::mailed_link::{LinkKind, MailedLink, NewMailedLink};

use crate::mail::Words;
use crate::secrets::hash_of;
use crate::{App, Failure};

const LINK_SECONDS: i64 = 24 * 3600;
const MAILED: Limit = Limit { count: 10, seconds: 3600 };
const OPENED: Limit = Limit { count: 30, seconds: 3600 };

/// An address that a mailed link waits at.
pub struct PendingEmail {
    pub email: String,
    pub expires_at: Timestamp,
}

/// What a mailed link would do.
pub struct EmailLink {
    pub email: String,
    /// Nobody showed before that the account's address is theirs: what was made before ends with it.
    pub is_first_proof: bool,
}

impl App {
    /// Mails a link to the address: followed by this account, it makes the address the account's, or confirms it.
    ///
    /// # Errors
    /// `MailUnavailable`, `Invalid` also for the address that is confirmed already, `TooManyRequests`. Whether the address is somebody's isn't told.
    pub async fn ask_for_email(&self, permit: AccountPermit, email: &str) -> Result<(), Failure> {
        if !self.sends_mail() {
            let refusal = if permit.is_admin() { Refusal::MailUnset } else { Refusal::MailUnavailable };
            return Err(refusal.into());
        }
        let Some(email) = EmailAddress::parse(email) else {
            return Err(Refusal::invalid("email", "invalid", what_is_wrong(email)).into());
        };
        let account = permit.actor().account;
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        let confirms = own.email_canonical == email.canonical();
        if confirms && own.email_verified_at.is_some() {
            let sentence = "This is your address, and it is confirmed already. No mail was sent.";
            return Err(Refusal::invalid("email", "confirmed_already", sentence).into());
        }
        let bucket = format!("email:account:{account}");
        self.count(bucket, MAILED).await?;
        let secret = self.new_secret("");
        let what = if confirms {
            "Confirm that this address is yours."
        } else {
            "This address becomes the one that your account is known by. The old one is told of it."
        };
        let mut paragraphs = vec![
            format!("{} entered this address for an account at {}.", own.name, self.host()),
            what.to_owned(),
            "The link works once, for 24 hours, for whoever is signed in to that account.".to_owned(),
        ];
        if own.email_verified_at.is_none() {
            let ends = "It is the first proof of an address. What was made before ends with it, should somebody else have \
                        made it: access tokens, the second factor, sign-ins elsewhere.";
            paragraphs.push(ends.to_owned());
        }
        let words = Words {
            subject: format!("Confirm your address – Stoa at {}", self.host()),
            title: "Confirm your address".to_owned(),
            paragraphs,
            notes: vec![
                "If you know nothing of it, you can ignore this mail: nothing changes without the link."
                    .to_owned(),
            ],
            ..Words::default()
        };
        let (to, path) = (email.canonical(), "/account/email/");
        let mail =
            self.link_letter("email_change", to, path, &secret.text, "Confirm this address", words).await?;
        let link = NewMailedLink {
            token_hash: secret.hash,
            account,
            kind: LinkKind::EmailChange,
            email_canonical: email.canonical().to_owned(),
            email: email.as_shown().to_owned(),
            expires_at: self.store().now().plus_seconds(LINK_SECONDS),
            mail,
        };
        Ok(self.store().mail_link(permit, link).await?)
    }

    /// The address that a mailed link waits at, and until when.
    ///
    /// # Errors
    /// A fault.
    pub async fn view_pending_email(&self, permit: AccountPermit) -> Result<Option<PendingEmail>, Failure> {
        let found = self.store().find_pending_email(permit.actor().account).await?;
        Ok(found.map(|(email, expires_at)| PendingEmail { email, expires_at }))
    }

    /// The link counts no more; the address stays as it is.
    ///
    /// # Errors
    /// `NotFound` where none waits.
    pub async fn take_email_back(&self, permit: AccountPermit) -> Result<(), Failure> {
        Ok(self.store().take_email_back(permit).await?)
    }

    /// Which address a link is for, to whoever asked for it.
    ///
    /// # Errors
    /// As [`App::confirm_email`].
    pub async fn view_email_link(&self, permit: AccountPermit, token: &str) -> Result<EmailLink, Failure> {
        let link = self.load_email_link(&permit, token).await?;
        Ok(EmailLink { email: link.email, is_first_proof: !link.is_proved })
    }

    async fn load_email_link(&self, permit: &AccountPermit, token: &str) -> Result<MailedLink, Failure> {
        let bucket = format!("email:open:{}", permit.actor().account);
        self.count(bucket, OPENED).await?;
        let found = self.store().find_mailed_link(&hash_of(token), LinkKind::EmailChange).await?;
        let link = found.ok_or(Refusal::NotFound)?;
        if link.account != permit.actor().account {
            return Err(Refusal::LinkOfAnother.into());
        }
        Ok(link)
    }

    /// Follows such a link, as the account that asked for it.
    ///
    /// # Errors
    /// `NotFound` where it doesn't count any more, `LinkOfAnother`, `Conflict` where the address is another account's.
    pub async fn confirm_email(&self, permit: AccountPermit, token: &str) -> Result<(), Failure> {
        let link = self.load_email_link(&permit, token).await?;
        let before = EmailAddress::parse(&link.current_email);
        let mut notices = Vec::new();
        if let Some(before) = before.filter(|before| before.canonical() != link.email_canonical) {
            let sentence =
                format!("Your account now has the address {}. This one no longer belongs to it.", link.email);
            notices
                .extend(self.last_notice(before.canonical(), "Your address was changed", &sentence).await?);
        }
        if !link.is_proved {
            let first =
                format!("Your account is known by {}, and you have shown that it is yours.", link.email);
            notices.extend(self.proof_notice(&link.email_canonical, &first).await?);
        }
        Ok(self.store().set_email(permit, hash_of(token), link, notices).await?)
    }
}
