//! How a secret is written by others: by libraries that put it into URLs, JSON, headers and dumps. Whoever keeps secrets
//! out of what is shown or sent looks for all of these.

use zeroize::Zeroizing;

/// One of them. It is wiped when it is dropped.
pub type Written = Zeroizing<Vec<u8>>;

/// From this length on a secret is also looked for in base64 and in hex: shorter ones are in everything.
pub const LONG: usize = 8;

/// Besides letters and digits, what stands as it is in a URL, and what stands for a blank: every library has its own.
const KEPT: [(&[u8], &str); 11] = [
    // None: the strictest.
    (b"", "%20"),
    // RFC 3986, `quote` of Python without safe ones, `rawurlencode` of PHP.
    (b"-_.~", "%20"),
    // `quote` of Python.
    (b"-_.~/", "%20"),
    // `quote_plus` of Python, `QueryEscape` of Go.
    (b"-_.~", "+"),
    // `urlencode` of PHP.
    (b"-_.", "+"),
    // Forms of HTML, `URLSearchParams`, Java.
    (b"*-._", "+"),
    // `encodeURIComponent`.
    (b"-_.!~*'()", "%20"),
    // `encodeURI`.
    (b"-_.!~*'();,/?:@&=+$#", "%20"),
    // `PathEscape` of Go.
    (b"-_.~$&+=:@", "%20"),
    // Paths and queries of the URL standard.
    (b"-_.~!$%&'()*+,/:;=@[\\]|", "%20"),
    (b"-_.~!$%&()*+,/:;=?@[\\]^`{|}", "%20"),
];

/// Which characters JSON has as `\u…`, besides those that it must.
const ESCAPED: [fn(char) -> bool; 5] = [
    |_| false,
    |letter| !letter.is_ascii(),
    |letter| "<>&".contains(letter),
    |letter| "<>&'".contains(letter) || !letter.is_ascii(),
    |letter| "<>&'+`\"".contains(letter) || !letter.is_ascii(),
];

/// A secret as it is, encoded for URLs and for JSON, in base64 and in hex; and the password of one that is a URL, in all of
/// these. None of them is empty, and none stands twice.
#[must_use]
pub fn forms(secret: &[u8]) -> Vec<Written> {
    let secret = secret.trim_ascii();
    let mut forms = Vec::new();
    add_forms(secret, &mut forms);
    if let Some(password) = std::str::from_utf8(secret).ok().and_then(password_of) {
        add_forms(password.as_bytes(), &mut forms);
        add_forms(&decoded(password.as_bytes()), &mut forms);
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_unstable_by(|one, other| one.as_slice().cmp(other.as_slice()));
    forms.dedup();
    forms
}

fn add_forms(secret: &[u8], forms: &mut Vec<Written>) {
    forms.push(Zeroizing::new(secret.to_vec()));
    for (kept, blank) in KEPT {
        forms.extend([false, true].map(|is_upper| in_url(secret, kept, blank, is_upper)));
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        for escaped in ESCAPED {
            for (slash, is_upper) in [("/", false), ("/", true), ("\\/", false), ("\\/", true)] {
                forms.push(in_json(text, escaped, slash, is_upper));
            }
        }
    }
    if secret.len() >= LONG {
        for before in 0..3 {
            let encoded = in_base64(secret, before);
            let for_urls = encoded.iter().map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            });
            forms.push(Zeroizing::new(for_urls.collect()));
            forms.push(encoded);
        }
        forms.extend([false, true].map(|is_upper| {
            Zeroizing::new(secret.iter().flat_map(|byte| digits(*byte, is_upper)).collect())
        }));
    }
}

fn digits(byte: u8, is_upper: bool) -> [u8; 2] {
    let all: &[u8; 16] = if is_upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    [all[usize::from(byte >> 4)], all[usize::from(byte & 15)]]
}

/// Nothing of a secret is left where a text grew: there is room from the beginning.
fn room(secret: &[u8], each: usize) -> Written {
    Zeroizing::new(Vec::with_capacity(secret.len() * each))
}

fn in_url(secret: &[u8], kept: &[u8], blank: &str, is_upper: bool) -> Written {
    let mut text = room(secret, 3);
    for byte in secret {
        match byte {
            b' ' => text.extend_from_slice(blank.as_bytes()),
            byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => text.push(*byte),
            byte => {
                text.push(b'%');
                text.extend_from_slice(&digits(*byte, is_upper));
            }
        }
    }
    text
}

fn in_json(secret: &str, escaped: fn(char) -> bool, slash: &str, is_upper: bool) -> Written {
    let mut text = room(secret.as_bytes(), 6);
    for letter in secret.chars() {
        let short = match letter {
            _ if escaped(letter) => None,
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '/' => Some(slash),
            _ => None,
        };
        if let Some(short) = short {
            text.extend_from_slice(short.as_bytes());
        } else if letter.is_ascii_control() || escaped(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.extend_from_slice(b"\\u");
                text.extend(unit.to_be_bytes().into_iter().flat_map(|byte| digits(byte, is_upper)));
            }
        } else {
            text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    text
}

/// What is the secret's alone in base64 (RFC 4648), where so many bytes stand before it.
fn in_base64(secret: &[u8], before: usize) -> Written {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let byte = |at: usize| at.checked_sub(before).and_then(|at| secret.get(at)).copied();
    let bits = |letter: usize| {
        let (at, within) = (letter * 6 / 8, letter * 6 % 8);
        let pair = u16::from_be_bytes([byte(at).unwrap_or(0), byte(at + 1).unwrap_or(0)]);
        usize::from(pair >> (10 - within)) & 63
    };
    // Letters whose six bits are all the secret's.
    let (first, end) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
    let mut text = room(secret, 2);
    text.extend((first..end).map(|letter| LETTERS[bits(letter)]));
    text
}

/// `scheme://user:password@host`.
fn password_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

fn decoded(text: &[u8]) -> Written {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut plain = room(text, 1);
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        let pair = behind.first().and_then(digit).zip(behind.get(1).and_then(digit));
        match (byte, pair) {
            (b'%', Some((high, low))) => {
                plain.push(high * 16 + low);
                rest = &behind[2..];
            }
            (byte, _) => {
                plain.push(*byte);
                rest = behind;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(secret: &str, written: &str) -> bool {
        forms(secret.as_bytes()).iter().any(|form| form.as_slice() == written.as_bytes())
    }

    #[test]
    fn what_libraries_keep_and_encode_is_known() {
        let secret = "a-b_c.d~e f/g+h&i";
        for written in [
            "a-b_c.d~e f/g+h&i",
            "a%2Db%5Fc%2Ed%7Ee%20f%2Fg%2Bh%26i",
            "a-b_c.d~e%20f%2Fg%2Bh%26i",
            "a-b_c.d~e%20f%2fg%2bh%26i",
            "a-b_c.d~e%20f/g%2Bh%26i",
            "a-b_c.d~e+f%2Fg%2Bh%26i",
            "a-b_c.d%7Ee+f%2Fg%2Bh%26i",
            "a-b_c.d~e%20f/g+h&i",
            "a-b_c.d~e f\\/g+h&i",
            "a-b_c.d~e f/g+h\\u0026i",
            "a-b_c.d~e f/g\\u002Bh\\u0026i",
        ] {
            assert!(has(secret, written), "{written}");
        }
        assert!(has("gr\u{fc}\u{df}\u{1f511}", "gr\\u00fc\\u00df\\ud83d\\udd11"));
        assert!(has("a\"b\\c\nd", "a\\\"b\\\\c\\nd"));
    }

    #[test]
    fn base64_is_known_wherever_it_begins_and_in_both_alphabets() {
        // As `base64` writes them, but for what is shared with other letters.
        assert!(has("?>xy~~zz", "Pz54eX5+en") && has("?>xy~~zz", "Pz54eX5-en"));
        assert!(has("longlong", "bG9uZ2xvbm") && has("longlong", "xvbmdsb25n"));
        assert!(has("longlong", "6c6f6e676c6f6e67") && has("j0ngl0ng", "6A306E676C306E67"));
        assert!(!has("short", "c2hvcn"));
    }

    #[test]
    fn the_password_of_a_url_is_a_secret_in_all_forms() {
        let url = "postgres://app:pa%24s-w%2Frd@db/x";
        for written in [url, "pa%24s-w%2Frd", "pa$s-w/rd", "pa%24s-w/rd", "cGEkcy13L3Jk"] {
            assert!(has(url, written), "{written}");
        }
    }
}
