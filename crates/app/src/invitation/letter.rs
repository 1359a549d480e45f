//! The invitation as a letter, in HTML and in plain text.

use stoa_domain::email::EmailAddress;
use stoa_storage::workspace::WorkspaceRecord;

use crate::ports::Letter;

/// Text that can stand in HTML, in an element or in an attribute with double quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Black or white, whichever is read better on the colour.
fn label_on(color: &str) -> &'static str {
    let channel = |at: usize| {
        let value = color.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    if 1.05 / (luminance + 0.05) >= 4.5 { "#ffffff" } else { "#000000" }
}

/// The link stands alone in its line of the plain text, and is the first address there.
pub(crate) fn letter_of(
    workspace: &WorkspaceRecord,
    inviter: &str,
    email: &EmailAddress,
    link: &str,
) -> Letter {
    let name = &workspace.name;
    let text = format!(
        "{inviter} invites you to the workspace {name}.\n\n\
         Follow this link to join. It works once, for 7 days:\n\n{link}\n\n\
         The invitation is for {address}. Whoever has no account yet makes one there.\n\
         If you didn't expect this mail, you can ignore it: nothing happens without the link.\n",
        address = email.as_shown(),
    );
    let (name, inviter, address, link) =
        (escaped(name), escaped(inviter), escaped(email.as_shown()), escaped(link));
    let (color, label) = (&workspace.primary_color, label_on(&workspace.primary_color));
    let initials: String = workspace
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect::<String>()
        .to_uppercase();
    let initials = escaped(&initials);
    let html = format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title></head>
<body style="margin:0;padding:32px 16px;background:#f7f7f9;font-family:system-ui,sans-serif;color:#17181c">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="480" cellpadding="0" cellspacing="0" style="max-width:480px;width:100%;background:#ffffff;border:1px solid #e7e7eb;border-radius:14px">
<tr><td style="padding:32px">
<table role="presentation" cellpadding="0" cellspacing="0"><tr>
<td width="36" height="36" align="center" style="background:{color};color:{label};border-radius:8px;font-weight:600;font-size:14px">{initials}</td>
<td style="padding-left:12px;font-size:16px;font-weight:600">{name}</td></tr></table>
<p style="font-size:20px;line-height:28px;font-weight:600;margin:24px 0 8px">Join {name}</p>
<p style="font-size:14px;line-height:21px;margin:0 0 24px;color:#4d505b">{inviter} invites you to the workspace. The link works once, for 7 days.</p>
<p style="margin:0 0 24px"><a href="{link}" style="display:inline-block;background:{color};color:{label};text-decoration:none;font-weight:600;font-size:14px;padding:10px 18px;border-radius:6px">Accept the invitation</a></p>
<p style="font-size:12px;line-height:18px;margin:0 0 16px;color:#666975">Or copy this address into a browser:<br><span style="word-break:break-all;color:#4d505b">{link}</span></p>
<p style="font-size:12px;line-height:18px;margin:0;color:#666975">The invitation is for {address}. If you didn't expect this mail, you can ignore it: nothing happens without the link.</p>
</td></tr></table></td></tr></table></body></html>
"#
    );
    // A subject is one line, whatever the name.
    let subject = format!("{} invites you to {}", inviter_line(&inviter), workspace.name);
    Letter { to: email.canonical().to_owned(), subject, text, html }
}

fn inviter_line(escaped_name: &str) -> String {
    escaped_name
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn workspace(name: &str) -> WorkspaceRecord {
        WorkspaceRecord {
            id: stoa_domain::WorkspaceId::INSTALLATION,
            slug: "acme".to_owned(),
            name: name.to_owned(),
            primary_color: "#ffee00".to_owned(),
            revision: 1,
            created_at: stoa_domain::Timestamp::from_micros(0),
            has_logo: false,
        }
    }

    #[test]
    fn the_link_is_the_first_address_and_alone_in_its_line() {
        let email = EmailAddress::parse("tester@example.com").unwrap();
        let link = "http://localhost:8080/invitations/abc";
        let letter = letter_of(&workspace("Acme <b>"), "Jo & Co", &email, link);
        let line = letter.text.lines().find(|line| line.contains("http")).unwrap();
        assert_eq!(line, link);
        assert!(letter.html.contains("Acme &lt;b&gt;") && letter.html.contains("Jo &amp; Co"));
        assert!(!letter.html.contains("<b>"));
        assert_eq!(letter.subject, "Jo & Co invites you to Acme <b>");
    }

    #[test]
    fn a_label_is_read_on_any_colour() {
        assert_eq!(label_on("#ffee00"), "#000000");
        assert_eq!(label_on("#102040"), "#ffffff");
    }
}
