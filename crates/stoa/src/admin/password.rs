//! Asking for a new password: twice at a terminal, else one line of standard input. It leaves this process as a hash.

use std::io::{self, BufRead as _, IsTerminal as _};

use stoa_adapters::clock::SystemRng;
use stoa_app::passwords::Passwords;
use stoa_app::ports::Rng as _;
use stoa_domain::{Secret, password};

use crate::failure::Ended;

/// For the account that has this address.
///
/// # Errors
/// Where none can be read, or it is refused: the same rules hold as on the page.
pub fn ask(email: &str) -> Result<String, Ended> {
    let text = if io::stdin().is_terminal() { from_terminal(email)? } else { from_input(email)? };
    let mut salt = [0; 16];
    SystemRng.fill(&mut salt);
    let passwords = Passwords::new(1).map_err(|fault| Ended::said(format!("{fault:?}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let hashed = runtime.block_on(passwords.hash(Secret::from_text(text), salt));
    hashed.map_err(|failure| Ended::said(format!("the password can't be hashed: {failure:?}")))
}

fn from_terminal(email: &str) -> Result<String, Ended> {
    let first = rpassword::prompt_password("New password: ")?;
    // One that isn't taken needn't be typed twice.
    password::check(&first, email, "").map_err(Ended::said)?;
    if rpassword::prompt_password("Once more: ")? != first {
        return Err(Ended::said("the two aren't the same. Nothing was changed"));
    }
    Ok(first)
}

fn from_input(email: &str) -> Result<String, Ended> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    password::check(&text, email, "").map_err(Ended::said)?;
    Ok(text)
}
