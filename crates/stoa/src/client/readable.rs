//! Values that can be read as nothing, whatever the installation holds: they are refused before anything is asked. Whether
//! what can be read is right, the server says.

use super::arguments::ACTIONS;
use super::listed;

/// Why a value can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

fn unreadable(why: impl Into<String>) -> Unreadable {
    Unreadable(why.into())
}

pub fn a_time(text: &str) -> Result<String, Unreadable> {
    match text.parse::<jiff::Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(unreadable("a time is written like 2026-11-24T12:00:00Z")),
    }
}

/// A time of the day.
pub fn a_clock_time(text: &str) -> Result<String, Unreadable> {
    let is_below = |digits: &str, end: u8| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number && digits.parse::<u8>().is_ok_and(|number| number < end)
    };
    match text.split_once(':') {
        Some((hour, minute)) if is_below(hour, 24) && is_below(minute, 60) => Ok(text.to_owned()),
        _ => Err(unreadable("a time of the day is written like 02:00")),
    }
}

/// A word that is none would be taken away without a word, or be refused without saying what there is.
fn an_action(word: &str) -> Result<(), Unreadable> {
    if ACTIONS.contains(&word) {
        return Ok(());
    }
    Err(unreadable(format!("{word} isn't an action. There are: {}", ACTIONS.join(", "))))
}

pub fn some_actions(text: &str) -> Result<String, Unreadable> {
    listed(text).try_for_each(an_action)?;
    Ok(text.to_owned())
}

/// An action, or one thing of a list.
pub fn a_grant(word: &str) -> Result<String, Unreadable> {
    match word.split_once(':') {
        None => an_action(word)?,
        Some(("project" | "instance" | "server", slug)) if !slug.is_empty() => {}
        Some(_) => {
            let forms = "has to be an action, or project:, instance: or server: and a slug";
            return Err(unreadable(format!("{word}: {forms}")));
        }
    }
    Ok(word.to_owned())
}

/// When a grant ends.
pub fn an_end(pair: &str) -> Result<String, Unreadable> {
    let (word, time) =
        pair.split_once('=').ok_or_else(|| unreadable(format!("{pair}: has to be WORD=TIME")))?;
    a_grant(word)?;
    if !time.trim().is_empty() {
        a_time(time.trim())?;
    }
    Ok(pair.to_owned())
}
