//! Names of an instance's environment variables.

/// Of one instance.
pub const MOST_VARIABLES: usize = 500;

/// Longest value, in bytes.
pub const LONGEST_VALUE: usize = 32 * 1024;

/// # Errors
/// A sentence that says what is wrong with the name.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let mut bytes = name.bytes();
    let first_good = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first_good || name.len() > 128 || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("A variable's name is made of letters, digits and _, and doesn't begin with a digit.");
    }
    if name.starts_with("STOA_") || name == "PORT" {
        return Err("PORT and names that begin with STOA_ are set by Stoa.");
    }
    Ok(())
}

/// # Errors
/// A sentence that says what is wrong with the value.
pub fn check_value(value: &str) -> Result<(), &'static str> {
    if value.len() > LONGEST_VALUE {
        return Err("A value has at most 32 KiB.");
    }
    if value.contains('\0') {
        return Err("A value can't contain a zero byte.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_a_process_can_have() {
        for wrong in ["", "1A", "A-B", "A=B", "A B", "PORT", "STOA_URL", "Ä"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
        for right in ["A", "_x", "GREETING", "path2"] {
            assert!(check_name(right).is_ok(), "{right}");
        }
        assert!(check_value("a\0b").is_err());
    }
}
