//! E-mail addresses: as they were written, and in the one form by which two are compared.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Bytes of an address, by RFC 5321.
const LONGEST: usize = 254;

/// An address: `shown` as the person wrote it, `canonical` for every comparison and for sending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    shown: String,
    canonical: String,
}

impl EmailAddress {
    /// Accepts `local@domain` with an ASCII local part and a domain of at least two labels (or `localhost`).
    /// Full-width and look-alike letters in the local part aren't folded but refused, so that an address is
    /// never quietly another one; a domain becomes punycode by UTS 46.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shown: String = text.trim().nfc().collect();
        if shown.len() > LONGEST {
            return None;
        }
        let (local, domain) = shown.rsplit_once('@')?;
        let local_good = !local.is_empty()
            && local.len() <= 64
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            // A mail program may take it for an option.
            && !local.starts_with('-');
        if !local_good || domain.contains(['(', ')', '[', ']', ' ']) || !plain(domain) {
            return None;
        }
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let domain_good = domain.len() <= 253
            && (domain == "localhost" || domain.contains('.'))
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if !domain_good {
            return None;
        }
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        // A domain in other letters is longer in the form that is sent.
        if canonical.len() > LONGEST {
            return None;
        }
        Some(Self { shown, canonical })
    }

    #[must_use]
    pub fn as_shown(&self) -> &str {
        &self.shown
    }

    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// No character that compatibility folding would turn into another: `ａ.example` isn't `a.example`.
fn plain(domain: &str) -> bool {
    domain.nfkc().eq(domain.nfc()) && !domain.contains(is_unseen)
}

/// Letters without a shape, which a domain's form for sending leaves out: two addresses would look the same, and be one.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{2064}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// An address in the letters by which mails are sent, where it is written in others: it may look like another one.
#[must_use]
pub fn in_plain_letters(shown: &str) -> Option<String> {
    if shown.is_ascii() {
        return None;
    }
    // One that isn't taken any more is told letter by letter.
    let escaped = || {
        shown.chars().flat_map(|letter| {
            let plain = letter.is_ascii().then_some(letter);
            let number = (!letter.is_ascii()).then(|| format!("(U+{:04X})", u32::from(letter)));
            plain.into_iter().chain(number.into_iter().flat_map(|text| text.chars().collect::<Vec<_>>()))
        })
    };
    Some(EmailAddress::parse(shown).map_or_else(|| escaped().collect(), |email| email.canonical))
}

/// What is said of a text that isn't an address.
#[must_use]
pub fn what_is_wrong(text: &str) -> &'static str {
    match text.trim().rsplit_once('@') {
        Some((local, _)) if !local.is_ascii() => {
            "Before the @ Stoa takes a-z, 0-9 and the signs of plain addresses, no other letters."
        }
        Some((_, domain)) if domain.contains(is_unseen) => {
            "There is a letter in it that can't be seen. Type the address anew."
        }
        _ => "This isn't an e-mail address.",
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_differs_and_the_address_is_one() {
        let a = EmailAddress::parse(" Tester@Example.COM ").map(|e| e.canonical().to_owned());
        assert_eq!(a.as_deref(), Some("tester@example.com"));
        let b = EmailAddress::parse("jo@bücher.example").map(|e| e.canonical().to_owned());
        assert_eq!(b.as_deref(), Some("jo@xn--bcher-kva.example"));
    }

    #[test]
    fn an_address_is_no_longer_in_the_form_that_is_sent() {
        let domain = ["\u{22a}e"; 24].join(".");
        assert!(domain.len() < 200 && EmailAddress::parse(&format!("a@{domain}")).is_some());
        let local = "a".repeat(60);
        assert!(local.len() + domain.len() < 253, "as it is written it would do");
        assert_eq!(EmailAddress::parse(&format!("{local}@{domain}")), None);
    }

    #[test]
    fn an_address_in_other_letters_is_told_in_plain_ones() {
        assert_eq!(in_plain_letters("bob@example.com"), None);
        assert_eq!(in_plain_letters("bob@ex\u{430}mple.com").as_deref(), Some("bob@xn--exmple-4nf.com"));
        assert_eq!(in_plain_letters("a@exam\u{200b}ple.com").as_deref(), Some("a@exam(U+200B)ple.com"));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        assert!(what_is_wrong("jos\u{e9}@example.com").starts_with("Before the @"));
        assert!(what_is_wrong("a@exam\u{ad}ple.com").contains("can't be seen"));
        assert_eq!(what_is_wrong("nobody"), "This isn't an e-mail address.");
    }

    #[test]
    fn what_only_looks_like_an_address_is_refused() {
        for wrong in [
            "",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a b@c.example",
            "tеster@example.com",
            "ｔester@example.com",
            "a@ｂ.example",
            "a@b..example",
            "-a@b.example",
            "a@b.example\r\nBcc: x@y.example",
            "a..b@c.example",
            "a@[127.0.0.1]",
            "a@exam\u{200b}ple.com",
            "a@exam\u{ad}ple.com",
            "a@exam\u{2060}ple.com",
        ] {
            assert!(EmailAddress::parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
