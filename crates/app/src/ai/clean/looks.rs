//! What looks like a secret: by what it begins with, by the name before it, by where it stands, by how it is mixed.

use super::{Mask, Removed};

/// What keys and tokens of known makers begin with, and letters behind it at least.
const BEGINNINGS: &[(&str, usize)] = &[
    ("sk-", 16),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("whsec_", 8),
    ("gsk_", 16),
    ("xai-", 16),
    ("hf_", 16),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 10),
    ("glptt-", 10),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xapp-", 8),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 16),
    ("npm_", 20),
    ("pypi-", 20),
    ("dckr_pat_", 10),
    ("dop_v1_", 16),
    ("shpat_", 16),
    ("stoa_", 16),
    ("hvs.", 16),
    ("tskey-", 10),
    ("SG.", 20),
    ("ATATT", 20),
    ("AGE-SECRET-KEY-", 10),
    // A signed web token: a JSON object in base64.
    ("eyJ", 20),
];

/// Parts of names behind which a secret stands.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "privatekey",
    "private-key",
    "credential",
    "session_id",
    "sessionid",
    "signature",
    "connection_string",
    "bearer",
];

/// Headers whose whole rest of the line is one.
const HEADERS: &[&str] = &["authorization", "cookie"];

/// Words behind such a name that tell what is wrong, and are no secret.
const TELLING: &[&str] = &[
    "invalid",
    "missing",
    "expired",
    "required",
    "unexpected",
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "not",
    "is",
    "was",
    "has",
    "no",
    "empty",
    "wrong",
    "rejected",
    "denied",
    "mismatch",
    "must",
    "cannot",
    "failed",
    "authentication",
];

/// Ways to sign in that stand before what is signed in with.
const SCHEMES: &[&str] = &["bearer", "basic", "token", "digest", "negotiate", "apikey"];

pub(super) fn mark(text: &str, mask: &mut Mask) {
    private_keys(text, mask);
    let mut from = 0;
    for line in text.split('\n') {
        let mut take = |at: usize, to: usize, what| mask.take(from + at, from + to, what);
        addresses(line, &mut take);
        named(line, &mut take);
        words(line, &mut take);
        from += line.len() + 1;
    }
}

/// From the first line of a private key to its last; one that never ends goes on to the end.
fn private_keys(text: &str, mask: &mut Mask) {
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        let head = text[at..].split('\n').next().unwrap_or_default();
        if !head.contains("PRIVATE KEY") {
            from = at + 11;
            continue;
        }
        let end = text[at..].find("-----END ").map(|end| at + end);
        let to = end.map_or(text.len(), |end| {
            let behind = text[end + 9..].find("-----").map_or(text.len(), |behind| end + 9 + behind + 5);
            behind.max(end + 9)
        });
        mask.take(at, to, Removed::PrivateKey);
        from = to;
    }
}

/// User and password in URLs.
fn addresses(line: &str, take: &mut impl FnMut(usize, usize, Removed)) {
    let mut from = 0;
    while let Some(at) = line[from..].find("://").map(|at| from + at + 3) {
        from = at;
        let rest = &line[at..];
        let whole = &rest[..end_of(rest, |letter| letter.is_whitespace() || "\"'<>`".contains(letter))];
        let authority = &whole[..end_of(whole, |letter| "/?#".contains(letter))];
        let user_end = authority.rfind('@').or_else(|| {
            // A password with a slash of its own: what stands behind the colon isn't a port.
            let (_, behind) = authority.split_once(':')?;
            let is_port = behind.bytes().all(|byte| byte.is_ascii_digit());
            if is_port { None } else { whole.rfind('@') }
        });
        let Some(user_end) = user_end else { continue };
        match whole[..user_end].find(':') {
            Some(colon) => take(at + colon + 1, at + user_end, Removed::Password),
            None => take(at, at + user_end, Removed::Token),
        }
    }
}

fn end_of(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    text.find(is_end).unwrap_or(text.len())
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Values behind names that say what they are: `password=…`, `"api_key": "…"`, `--token …`, `Authorization: …`.
fn named(line: &str, take: &mut impl FnMut(usize, usize, Removed)) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_of_name(bytes[at]) {
            at += 1;
            continue;
        }
        let end = (at..bytes.len()).find(|to| !is_of_name(bytes[*to])).unwrap_or(bytes.len());
        let name = &line[at..end];
        let Some(what) = named_by(name) else {
            at = end;
            continue;
        };
        at = end;
        let Some(start) = value_start(line, end, name.starts_with("--")) else { continue };
        let is_header = HEADERS.iter().any(|header| name.to_ascii_lowercase().ends_with(header));
        let (from, to) = value(line, start, is_header);
        let word = line[from..to].trim_end_matches(['.', '!', ':']).to_ascii_lowercase();
        if from < to && !TELLING.contains(&word.as_str()) {
            take(from, to, what);
            at = to;
        }
    }
}

fn named_by(name: &str) -> Option<Removed> {
    let lower = name.to_ascii_lowercase();
    if lower.contains("cookie") {
        return Some(Removed::Cookie);
    }
    if lower.contains("password") || lower.contains("passwd") || lower.contains("pwd") {
        return Some(Removed::Password);
    }
    let is_shouted_key = name.ends_with("_KEY") && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_named = is_shouted_key
        || NAMES.iter().any(|part| lower.contains(part))
        || HEADERS.iter().any(|header| lower.ends_with(header));
    is_named.then_some(Removed::Token)
}

/// Where the value of a name begins that ends here: behind a closing quote, blanks, and `=`, `:` or `=>`; for an option
/// of a program a blank is enough.
fn value_start(line: &str, end: usize, is_option: bool) -> Option<usize> {
    let rest = &line[end..];
    let unquoted = rest.trim_start_matches(['"', '\'', '`', ']']);
    let blank = unquoted.trim_start();
    let behind = blank.strip_prefix("=>").or_else(|| blank.strip_prefix([':', '=']));
    match behind {
        Some(behind) => Some(line.len() - behind.trim_start().len()),
        None if is_option && blank.len() < unquoted.len() => Some(line.len() - blank.len()),
        None => None,
    }
}

/// The value that begins here, without its quotes and without the way to sign in before it.
fn value(line: &str, start: usize, to_the_end: bool) -> (usize, usize) {
    let rest = &line[start..];
    if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'' | '`')) {
        let inner = &rest[1..];
        return (start + 1, start + 1 + inner.find(quote).unwrap_or(inner.len()));
    }
    if to_the_end {
        let end = end_of(rest, |letter| matches!(letter, '"' | '\'' | '`'));
        return (start, start + rest[..end].trim_end().len());
    }
    let is_end = |letter: char| letter.is_whitespace() || ",;&)}]\"'<>|`".contains(letter);
    let end = end_of(rest, is_end);
    // A full stop ends the sentence, not the secret.
    let end = rest[..end].trim_end_matches('.').len();
    let behind = rest[end..].trim_start();
    if SCHEMES.contains(&rest[..end].to_ascii_lowercase().as_str()) && !behind.is_empty() {
        let from = line.len() - behind.len();
        return (from, from + end_of(behind, is_end));
    }
    (start, start + end)
}

/// Single words: those with a known beginning, and those that nobody would type.
fn words(line: &str, take: &mut impl FnMut(usize, usize, Removed)) {
    let bytes = line.as_bytes();
    let is_of_word =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'=');
    let mut at = 0;
    while at < bytes.len() {
        if !is_of_word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = (at..bytes.len()).find(|to| !is_of_word(bytes[*to])).unwrap_or(bytes.len());
        let word = &line[at..end];
        // Behind a `=` a word of its own begins.
        let inner = word.rfind('=').filter(|equals| equals + 1 < word.len()).map_or(0, |equals| equals + 1);
        let begins = BEGINNINGS.iter().find_map(|(beginning, least)| {
            let found = [0, inner].into_iter().find(|from| word[*from..].starts_with(beginning))?;
            (word.len() - found - beginning.len() >= *least).then_some(found)
        });
        match begins {
            Some(found) => take(at + found, end, Removed::Token),
            None => unlikely(line, at, end, take),
        }
        at = end;
    }
}

/// The parts of a word between dots that are too well mixed, or too long in hex.
fn unlikely(line: &str, from: usize, to: usize, take: &mut impl FnMut(usize, usize, Removed)) {
    let mut at = from;
    for part in line[from..to].split(['.', '=']) {
        let is_digest = ["sha1:", "sha256:", "sha384:", "sha512:", "sha512-", "sha256-"]
            .iter()
            .any(|name| line[..at].ends_with(name) || part.starts_with(name));
        if !is_digest && (is_mixed(part) || is_long_hex(part)) {
            take(at, at + part.len(), Removed::Token);
        }
        at += part.len() + 1;
    }
}

/// Capital and small letters and digits change places all the time, as in what a machine has made.
fn is_mixed(part: &str) -> bool {
    if part.len() < 20 {
        return false;
    }
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0_usize,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let classes: Vec<usize> = part.bytes().map(class).collect();
    let count = |wanted: usize| classes.iter().filter(|class| **class == wanted).count();
    let changes = classes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    count(0) >= 2 && count(1) >= 2 && count(2) >= 2 && changes * 5 >= part.len() * 2
}

/// Keys are written so; so are digests, but of those only a commit's length says what it is.
fn is_long_hex(part: &str) -> bool {
    let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_both =
        part.bytes().any(|byte| byte.is_ascii_digit()) && part.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hex && has_both && part.len() >= 32 && part.len() != 40
}
