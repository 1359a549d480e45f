//! What a password must be: 10 to 128 characters, and not one of the commonest.

pub const SHORTEST: usize = 10;
pub const LONGEST: usize = 128;

/// Those of the 10,000 commonest passwords that are long enough to pass the length rule, one a line, in
/// lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// # Errors
/// A sentence that says what to do instead.
pub fn check(password: &str) -> Result<(), &'static str> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err("A password has at least 10 characters.");
    }
    if length > LONGEST {
        return Err("A password has at most 128 characters.");
    }
    let lower = password.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return Err("This is one of the passwords that are tried first. Choose another.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_ones_are_refused() {
        assert!(check("short").is_err());
        assert!(check(&"x".repeat(129)).is_err());
        assert!(check("Qwertyuiop").is_err());
        assert!(check("correct horse battery").is_ok());
        // Counted in characters, not bytes.
        assert!(check("ÄÖÜäöüßñéø").is_ok());
    }
}
