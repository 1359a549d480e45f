//! The invitation as a letter.

use stoa_domain::Secret;
use stoa_domain::email::EmailAddress;
use stoa_storage::workspace::WorkspaceRecord;

use crate::Fault;
use crate::mail::{Button, Look, Words, framed};
use crate::ports::Letter;

/// In the workspace's look. `logo` is a PNG, `message` what the inviter wrote.
pub(crate) fn letter_of(
    workspace: &WorkspaceRecord,
    logo: Option<Vec<u8>>,
    inviter: &str,
    email: &EmailAddress,
    message: Option<&str>,
    link: Secret,
) -> Result<Letter, Fault> {
    let name = &workspace.name;
    let words = Words {
        subject: format!("{inviter} invites you to {name}"),
        title: format!("Join {name}"),
        paragraphs: vec![format!(
            "{inviter} invites you to the workspace {name}. The link works once, for 7 days."
        )],
        quote: message.map(str::to_owned),
        button: Some(Button { words: "Accept the invitation".to_owned(), link }),
        notes: vec![
            format!(
                "The invitation is for {}. If you have no account with this address yet, you make one there.",
                email.as_shown()
            ),
            "If you didn't expect this mail, you can ignore it: nothing happens without the link.".to_owned(),
        ],
    };
    framed(email.canonical(), Look::of(workspace, logo), &words)
}
