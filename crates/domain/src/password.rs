//! What a password must be: 10 to 128 characters, not one of the commonest, and not what everybody knows of whose it is.

pub const SHORTEST: usize = 10;
pub const LONGEST: usize = 128;

/// Those of the 10,000 commonest passwords that are long enough to pass the length rule, one a line, in
/// lower case.
const COMMON: &str = include_str!("common_passwords.txt");

/// Letters and digits alone, without regard to case: in whatever way something is written, it is guessed.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `email` and `name` are those of whose password it is.
///
/// # Errors
/// A sentence that says what to do instead.
pub fn check(password: &str, email: &str, name: &str) -> Result<(), &'static str> {
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
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local);
    let plain_password = plain(password);
    if !plain_password.is_empty() && [email, local, name].iter().any(|known| plain(known) == plain_password) {
        return Err("This is the account's own name or address, which is tried first. Choose another.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_ones_are_refused() {
        let check = |password: &str| check(password, "anna@example.com", "Anna");
        assert!(check("short").is_err());
        assert!(check(&"x".repeat(129)).is_err());
        assert!(check("Qwertyuiop").is_err());
        assert!(check("correct horse battery").is_ok());
        // Counted in characters, not bytes.
        assert!(check("ÄÖÜäöüßñéø").is_ok());
        assert!(check("!!!!!!!!!!!!").is_ok());
    }

    #[test]
    fn what_everybody_knows_of_somebody_is_no_password_of_theirs() {
        let check = |password: &str| check(password, "Anna.Huber-Maier@example.com", "Anna Huber");
        for known in [
            "anna.huber-maier@example.com",
            "Anna.Huber-Maier@Example.com",
            "anna.huber-maier",
            "annahubermaier",
            "Anna Huber",
            "anna-huber",
            "ANNA  HUBER!",
        ] {
            assert!(check(known).is_err_and(|said| said.contains("own name or address")), "{known}");
        }
        for other in ["anna huber 1987 in graz", "maier@example.com", "somebody else entirely"] {
            assert_eq!(check(other), Ok(()), "{other}");
        }
    }
}
