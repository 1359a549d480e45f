//! Letters to accounts: links that prove an address, and notices of what changed.

use stoa_domain::{Refusal, Secret};
use stoa_storage::mail::NewMail;

use crate::mail::{Button, Look, Words, framed};
use crate::{App, Failure};

/// What ends where an address is proved for the first time.
pub(crate) const BEFORE_THE_PROOF: &str = "Nobody had shown before that this address is yours. So what was made before was \
    removed, in case somebody else made it: access tokens, passkeys, the authenticator app, the link to a sign-in provider \
    and all other sessions. Make anew what you use.";

impl App {
    /// Tells an account of a change; `None` where no mail is sent.
    pub(crate) async fn notice(
        &self,
        to: &str,
        title: &str,
        sentence: &str,
    ) -> Result<Option<NewMail>, Failure> {
        let remedy =
            "If it wasn't you, sign in and change your password at once, or ask whoever administers it.";
        self.notice_with(to, title, &[sentence], remedy).await
    }

    /// The same, to somebody for whom there is nothing to sign in to any more.
    pub(crate) async fn last_notice(
        &self,
        to: &str,
        title: &str,
        sentence: &str,
    ) -> Result<Option<NewMail>, Failure> {
        self.notice_with(to, title, &[sentence], "If it wasn't you, ask whoever administers it at once.")
            .await
    }

    /// Tells an account that its address is proved for the first time, and what ended with it.
    pub(crate) async fn proof_notice(&self, to: &str, first: &str) -> Result<Option<NewMail>, Failure> {
        let remedy = "If somebody else knows the account's password, change it at once.";
        self.notice_with(to, "Your address is confirmed", &[first, BEFORE_THE_PROOF], remedy).await
    }

    pub(crate) async fn notice_with(
        &self,
        to: &str,
        title: &str,
        sentences: &[&str],
        remedy: &str,
    ) -> Result<Option<NewMail>, Failure> {
        if !self.sends_mail() {
            return Ok(None);
        }
        let words = Words {
            subject: format!("{title} – Stoa at {}", self.host()),
            title: title.to_owned(),
            paragraphs: sentences.iter().map(|&sentence| sentence.to_owned()).collect(),
            notes: vec![format!("This is about your account on the Stoa at {}. {remedy}", self.host())],
            ..Words::default()
        };
        let letter = framed(to, Look::stoa(), &words)?;
        Ok(Some(self.seal_letter(None, "notice", &letter).await?))
    }

    /// A letter with a link that works once.
    ///
    /// # Errors
    /// `MailUnavailable`.
    pub(crate) async fn link_letter(
        &self,
        kind: &'static str,
        to: &str,
        path: &str,
        token: &Secret,
        button: &str,
        words: Words,
    ) -> Result<NewMail, Failure> {
        self.needs_mail()?;
        let token = token.reveal_text().unwrap_or_default();
        let link = Secret::from_text(format!("{}{path}{token}", self.settings().public_url));
        let button = Some(Button { words: button.to_owned(), link });
        let letter = framed(to, Look::stoa(), &Words { button, ..words })?;
        self.seal_letter(None, kind, &letter).await
    }

    /// # Errors
    /// `MailUnavailable`.
    pub(crate) fn needs_mail(&self) -> Result<(), Refusal> {
        if self.sends_mail() { Ok(()) } else { Err(Refusal::MailUnavailable) }
    }

    /// How people know this installation.
    pub(crate) fn host(&self) -> &str {
        let url = &self.settings().public_url;
        url.split_once("://").map_or(url.as_str(), |(_, host)| host)
    }
}
