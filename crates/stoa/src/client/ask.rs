//! Asking the person before the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::Desk;
use super::failed::Failed;

/// A line. Where standard input isn't a terminal it is read from there without a word.
pub fn line(prompt: &str) -> Result<String, Failed> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        write!(out, "{prompt}")?;
        out.flush()?;
    }
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failed::Usage("what is on standard input isn't text".to_owned()),
        _ => error.into(),
    });
    if read? == 0 {
        return Err(Failed::Usage(format!(
            "{} is needed on standard input",
            prompt.trim_end_matches([':', ' '])
        )));
    }
    Ok(text.trim().to_owned())
}

/// A line that isn't shown.
pub fn secret(prompt: &str) -> Result<String, Failed> {
    if io::stdin().is_terminal() { Ok(rpassword::prompt_password(prompt)?) } else { line(prompt) }
}

impl Desk {
    /// Lets a name be typed before something is taken away for good.
    pub fn confirm(&self, what: &str, name: &str) -> Result<(), Failed> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failed::Usage(format!(
                "{what}: there is no terminal to ask on. Say --yes if that is meant"
            )));
        }
        let typed = line(&format!("{what}. Type {name} to go on: "))?;
        if typed == name {
            Ok(())
        } else {
            Err(Failed::Other("that isn't the name: nothing was changed".to_owned()))
        }
    }
}
