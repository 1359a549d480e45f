//! What may be said of a bucket of an S3-compatible storage.

/// Letters of the parts of a key at most.
const LONGEST_KEY: usize = 256;

/// A bucket's name as each such storage takes it, in a path and in a host's name.
///
/// # Errors
/// What a name is.
pub fn check_bucket(name: &str) -> Result<(), &'static str> {
    const SENTENCE: &str = "A bucket's name has 3 to 63 small letters, digits, dots and hyphens, and begins and ends with a letter or digit.";
    let is_end = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let is_name = (3..=63).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && !name.contains("..")
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    if is_name { Ok(()) } else { Err(SENTENCE) }
}

/// # Errors
/// What a region is.
pub fn check_region(region: &str) -> Result<(), &'static str> {
    let is_region = (1..=64).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_region { Ok(()) } else { Err("A region is a word such as eu-central-1.") }
}

/// Either part of a key: the one that names it, and the secret one. Both stand in a line of a file, in headers too.
///
/// # Errors
/// What it is.
pub fn check_key_part(part: &str) -> Result<(), &'static str> {
    let is_part = (1..=LONGEST_KEY).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_graphic());
    if is_part { Ok(()) } else { Err("It has 1 to 256 letters, digits and signs, without spaces.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_as_it_may_be_in_a_path() {
        for name in ["abc", "stoa-backups", "a.b-c.9", &"a".repeat(63)] {
            assert!(check_bucket(name).is_ok(), "{name}");
        }
        for name in ["ab", "Abc", "-abc", "abc-", "a..b", "a/b", "a b", "../x", "a?b", "", &"a".repeat(64)] {
            assert!(check_bucket(name).is_err(), "{name}");
        }
    }

    #[test]
    fn keys_and_regions_hold_nothing_that_ends_a_line() {
        assert!(check_region("eu-central-1").is_ok() && check_key_part("AKIA/+=9").is_ok());
        for part in ["", "two words", "line\nline", "\u{e4}", &"x".repeat(257)] {
            assert!(check_key_part(part).is_err() && check_region(part).is_err(), "{part:?}");
        }
    }
}
