//! Letters as they lie in the queue: sealed, for they carry links.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use stoa_domain::{MailId, Secret, WorkspaceId};
use stoa_storage::mail::{ClaimedMail, NewMail};

use crate::ports::{InlineImage, Letter, SealedPlace};
use crate::{App, Failure, Fault};

/// What is sealed of a letter.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Whole {
        /// Not there in what version 0.1.0 wrote.
        #[serde(default)]
        sender: Option<String>,
        subject: String,
        text: String,
        html: String,
        images: Vec<KeptImage>,
    },
    /// As version 0.1.0 wrote them: subject, text, HTML.
    Earlier([String; 3]),
}

#[derive(Serialize, Deserialize)]
struct KeptImage {
    id: String,
    /// Base64.
    png: String,
}

/// The place for which a queued letter is sealed.
fn place(workspace: Option<WorkspaceId>, mail: MailId) -> SealedPlace {
    let workspace = workspace.unwrap_or(WorkspaceId::INSTALLATION);
    SealedPlace { workspace, table: "mails", column: "content", row: mail.to_string(), version: 1 }
}

fn written(letter: &Letter) -> Result<Secret, Fault> {
    let images = letter
        .images
        .iter()
        .map(|image| KeptImage { id: image.id.clone(), png: STANDARD.encode(&image.png) });
    let kept = Kept::Whole {
        sender: letter.sender.clone(),
        subject: letter.subject.clone(),
        text: letter.text.clone(),
        html: letter.html.clone(),
        images: images.collect(),
    };
    Ok(Secret::new(serde_json::to_vec(&kept).map_err(Fault::new)?))
}

fn read(to: String, secret: &Secret) -> Result<Letter, Fault> {
    let (sender, subject, text, html, images) =
        match serde_json::from_slice(secret.reveal()).map_err(Fault::new)? {
            Kept::Whole { sender, subject, text, html, images } => (sender, subject, text, html, images),
            Kept::Earlier([subject, text, html]) => (None, subject, text, html, Vec::new()),
        };
    let mut opened = Vec::with_capacity(images.len());
    for KeptImage { id, png } in images {
        opened.push(InlineImage { id, png: STANDARD.decode(png).map_err(Fault::new)? });
    }
    Ok(Letter { to, sender, subject, text, html, images: opened })
}

impl App {
    /// Whether a mail server is configured.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.outside().mail.is_some()
    }

    /// A letter sealed for the queue, to be put there in the transaction of what it tells. It is sealed with its
    /// workspace's key; one of no workspace, with a key of its own that the master key wraps.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn seal_letter(
        &self,
        workspace: Option<WorkspaceId>,
        kind: &'static str,
        letter: &Letter,
    ) -> Result<NewMail, Failure> {
        let id = MailId::new(self.new_uuid());
        let (place, secret) = (place(workspace, id), written(letter)?);
        let content = match workspace {
            Some(workspace) => {
                let wrapped = self.store().load_wrapped_key(workspace, 1).await?;
                self.outside().vault.seal(&wrapped, &place, &secret)?
            }
            None => self.seal_alone(&place, &secret)?,
        };
        Ok(NewMail { id, kind, recipient: letter.to.clone(), content })
    }

    pub(super) async fn open_letter(&self, claimed: &ClaimedMail) -> Result<Letter, Failure> {
        let place = place(claimed.workspace, claimed.id);
        let secret = match claimed.workspace {
            Some(workspace) => {
                let wrapped = self.store().load_wrapped_key(workspace, 1).await?;
                self.outside().vault.open(&wrapped, &place, &claimed.content)?
            }
            None => self.open_alone(&place, &claimed.content)?,
        };
        Ok(read(claimed.recipient.clone(), &secret)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_out_of_the_queue_as_it_went_in() {
        let image = InlineImage { id: "logo@stoa".to_owned(), png: vec![0, 255, 7] };
        let [subject, text, html] = ["Join", "text", "<p>html</p>"].map(str::to_owned);
        let (to, sender) = ("a@example.com".to_owned(), Some("Acme".to_owned()));
        let letter = Letter { to, sender, subject, text, html, images: vec![image] };
        let opened = read(letter.to.clone(), &written(&letter).unwrap()).unwrap();
        assert_eq!(opened.sender, letter.sender);
        assert!(opened.subject == letter.subject && opened.text == letter.text && opened.html == letter.html);
        assert_eq!(opened.images.first().map(|image| image.png.clone()), Some(vec![0, 255, 7]));
    }

    #[test]
    fn a_letter_that_waited_through_an_upgrade_is_still_read() {
        let earlier = Secret::from_text(r#"["Join","text","<p>html</p>"]"#.to_owned());
        let opened = read("a@example.com".to_owned(), &earlier).unwrap();
        assert!(opened.subject == "Join" && opened.html == "<p>html</p>" && opened.images.is_empty());
    }
}
