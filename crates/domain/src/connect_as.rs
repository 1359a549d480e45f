//! Connect as: what a session as one of an application's users is bound to, and why there is none.

/// Seconds for which a link works.
pub const TICKET_SECONDS: i64 = 60;
/// Seconds for which the browser may come to the session's own host with what it was given for it.
pub const CODE_SECONDS: i64 = 10;
/// Seconds that a session lasts at most.
pub const SESSION_SECONDS: i64 = 60 * 60;

/// Characters of a reason.
pub const LONGEST_REASON: usize = 500;
/// Characters of an application's own id of a user.
pub const LONGEST_USER: usize = 200;

/// What the label of a session's own host begins with, and how many letters follow.
const PREFIX: &str = "as-";
const LETTERS: usize = 16;

/// A label of random bytes. 26 to the 16th of them: nobody guesses one.
#[must_use]
pub fn label(random: [u8; LETTERS]) -> String {
    let letters = random.iter().map(|byte| char::from(b'a' + byte % 26));
    PREFIX.chars().chain(letters).collect()
}

/// Whether a label has the form of a session's host. No instance is given such a one.
#[must_use]
pub fn is_label(label: &str) -> bool {
    label
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.len() == LETTERS && rest.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The label of a session's host below the domain of instances; `None` of every other host.
#[must_use]
pub fn label_of<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let label = host.strip_suffix(domain)?.strip_suffix('.')?;
    is_label(label).then_some(label)
}

/// The reason as it is kept: in one line, without what can't be seen.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn parse_reason(text: &str) -> Result<String, &'static str> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.is_empty() {
        return Err("Give a reason: it is written to the audit log.");
    }
    if folded.chars().count() > LONGEST_REASON {
        return Err("A reason has at most 500 characters.");
    }
    if folded.chars().any(|letter| letter.is_control() || crate::branch::is_invisible(letter)) {
        return Err("A reason is plain text: it can't contain characters that aren't visible.");
    }
    Ok(folded)
}

/// Why nobody connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectRefusal {
    /// The application doesn't say how.
    NoWay,
    /// The machine says that nothing there can be asked.
    NotPossible(String),
    /// The application's command failed; `quote` repeats what it wrote, for whoever may read its logs.
    Failed { sentence: String, quote: Option<String> },
    /// The link was used already.
    TicketUsed,
    /// The link is more than a minute old.
    TicketExpired,
    /// The link is another account's.
    TicketOfAnother,
    /// As many go on as one account may have.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host;

    #[test]
    fn a_label_has_a_form_that_no_instances_has() {
        let made = label([0, 25, 26, 255, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(made, "as-azavefghijklmnop");
        assert!(is_label(&made));
        for other in ["as-", "as-abc", "as-abcdefghijklmno1", "as-abcdefghijklmn-p", "is-abcdefghijklmnop"] {
            assert!(!is_label(other), "{other}");
        }
        assert_eq!(label_of("as-abcdefghijklmnop.localhost", "localhost"), Some("as-abcdefghijklmnop"));
        for other in
            ["as-abcdefghijklmnop", "x.as-abcdefghijklmnop.localhost", "as-abcdefghijklmnoplocalhost"]
        {
            assert_eq!(label_of(other, "localhost"), None, "{other}");
        }
        assert_eq!(host::normal("AS-abcdefghijklmnop.localhost:80"), "as-abcdefghijklmnop.localhost");
    }

    #[test]
    fn a_reason_is_plain_text_in_one_line() {
        assert_eq!(parse_reason("  Ticket 4182:\n discount "), Ok("Ticket 4182: discount".to_owned()));
        assert!(parse_reason(" \n ").is_err());
        assert!(parse_reason(&"x".repeat(501)).is_err() && parse_reason(&"é".repeat(500)).is_ok());
        assert!(parse_reason("a\u{202e}b").is_err() && parse_reason("a\u{1b}[31m").is_err());
    }
}
