//! The address of an account: changed or confirmed by a link that went to it.

use stoa_domain::email::EmailAddress;
use stoa_domain::{AccountPermit, Refusal};
use stoa_storage::attempt::Limit;
use stoa_storage::mailed_link::{LinkKind, NewMailedLink};

use crate::mail::Words;
use crate::secrets::hash_of;
use crate::{App, Failure};

const LINK_SECONDS: i64 = 24 * 3600;
const MAILED: Limit = Limit { count: 10, seconds: 3600 };

impl App {
    /// Mails a link to the address: followed by this account, it makes the address the account's, or confirms it.
    ///
    /// # Errors
    /// `MailUnavailable`, `Invalid`, `TooManyRequests`. Whether the address is somebody's isn't told.
    pub async fn ask_for_email(&self, permit: AccountPermit, email: &str) -> Result<(), Failure> {
        self.needs_mail()?;
        let Some(email) = EmailAddress::parse(email) else {
            return Err(Refusal::invalid("email", "invalid", "This isn't an e-mail address.").into());
        };
        let account = permit.actor().account;
        let bucket = format!("email:account:{account}");
        if let Some(retry_after) = self.store().count_attempt(bucket, MAILED).await? {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        let confirms = own.email_canonical == email.canonical();
        let secret = self.new_secret("");
        let what = if confirms {
            "Confirm that this address is yours."
        } else {
            "This address becomes the one that your account is known by. The old one is told of it."
        };
        let words = Words {
            subject: format!("Confirm your address – Stoa at {}", self.host()),
            title: "Confirm your address".to_owned(),
            paragraphs: vec![
                format!("{} entered this address for an account at {}.", own.name, self.host()),
                what.to_owned(),
                "The link works once, for 24 hours, for whoever is signed in to that account.".to_owned(),
            ],
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

    /// Follows such a link, as the account that asked for it.
    ///
    /// # Errors
    /// `NotFound` where it doesn't count any more, `WrongAccount`, `Conflict` where the address is another account's.
    pub async fn confirm_email(&self, permit: AccountPermit, token: &str) -> Result<(), Failure> {
        let bucket = format!("email:open:{}", permit.actor().account);
        if let Some(retry_after) = self.store().count_attempt(bucket, MAILED).await? {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        let hash = hash_of(token);
        let found = self.store().find_mailed_link(&hash, LinkKind::EmailChange).await?;
        let link = found.ok_or(Refusal::NotFound)?;
        if link.account != permit.actor().account {
            return Err(Refusal::WrongAccount.into());
        }
        let before = EmailAddress::parse(&link.current_email);
        let notice = match before {
            Some(before) if before.canonical() != link.email_canonical => {
                let sentence = format!(
                    "Your account is known by {} from now on, and no more by this address.",
                    link.email
                );
                self.notice(before.canonical(), "Your address was changed", &sentence).await?
            }
            _ => None,
        };
        Ok(self.store().set_email(permit, hash, link, notice).await?)
    }
}
