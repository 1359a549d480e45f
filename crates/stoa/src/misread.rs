//! A command line that makes no sense, told to scripts: one sentence, of which nothing has to be read by its layout. To
//! people clap tells it, with the lines of help that they look at.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::client::{USAGE, Unreadable};
use crate::output;

/// Also where it was help that was asked for.
pub fn misread(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        output::complain_json(&output::problem_json("usage", "Not understood", &sentence(error)));
        return ExitCode::from(USAGE);
    }
    error.exit()
}

/// The words of an error's context, in the order in which it has them.
fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        Some(ContextValue::Number(number)) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn joined(words: &[String], last: &str) -> String {
    match words {
        [first @ .., end] if !first.is_empty() => format!("{} {last} {end}", first.join(", ")),
        _ => words.concat(),
    }
}

fn sentence(error: &clap::Error) -> String {
    let what = joined(&words(error, ContextKind::InvalidArg), "and");
    let value = joined(&words(error, ContextKind::InvalidValue), "and");
    let meant = |kind| match words(error, kind).as_slice() {
        [] => String::new(),
        near => format!(" Did you mean {}?", joined(near, "or")),
    };
    let told = match error.kind() {
        ErrorKind::UnknownArgument => {
            format!("There is no {what} here.{}", meant(ContextKind::SuggestedArg))
        }
        ErrorKind::InvalidSubcommand => format!(
            "There is no command {}.{}",
            joined(&words(error, ContextKind::InvalidSubcommand), "and"),
            meant(ContextKind::SuggestedSubcommand)
        ),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "It isn't said what to do.".to_owned()
        }
        ErrorKind::MissingRequiredArgument => match words(error, ContextKind::InvalidArg).len() {
            1 => format!("{what} is missing."),
            _ => format!("{what} are missing."),
        },
        ErrorKind::InvalidValue if value.is_empty() => format!("{what} needs a value."),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let takes = joined(&words(error, ContextKind::ValidValue), "or");
            let takes = if takes.is_empty() { String::new() } else { format!(" It takes {takes}.") };
            // What our own rules say of it.
            let why = std::error::Error::source(error).and_then(|why| why.downcast_ref::<Unreadable>());
            let end = why.map_or_else(|| ".".to_owned(), |why| format!(": {why}."));
            format!("{value} is no value of {what}{end}{takes}{}", meant(ContextKind::SuggestedValue))
        }
        ErrorKind::TooManyValues => format!("{what} doesn't take {value} as well."),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{what} doesn't have as many values as it takes.")
        }
        ErrorKind::ArgumentConflict => match words(error, ContextKind::PriorArg).as_slice() {
            // The same once more.
            [] => format!("{what} is there twice."),
            [one] if *one == what => format!("{what} is there twice."),
            others => format!("{what} doesn't go together with {}.", joined(others, "and")),
        },
        ErrorKind::InvalidUtf8 => "Something in it isn't text.".to_owned(),
        _ => "It isn't understood.".to_owned(),
    };
    format!("{told} See --help.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::sentence;

    fn said(line: &str) -> String {
        sentence(&crate::command().try_get_matches_from(line.split(' ')).unwrap_err())
    }

    #[test]
    fn each_is_one_plain_sentence() {
        for (line, told) in [
            ("stoa workspace list --jsno", "There is no --jsno here. Did you mean --json? See --help."),
            ("stoa workspace lst", "There is no command lst. Did you mean list? See --help."),
            ("stoa frobnicate --json", "There is no command frobnicate. See --help."),
            ("stoa workspace show --json --json", "--json is there twice. See --help."),
            ("stoa login --days", "--days <COUNT> needs a value. See --help."),
            (
                "stoa login https://stoa.example --days many",
                "many is no value of --days <COUNT>. See --help.",
            ),
            (
                "stoa login https://stoa.example --days 9999",
                "9999 is no value of --days <COUNT>. See --help.",
            ),
            (
                "stoa login https://stoa.example --days 3 --with-token",
                "--days <COUNT> doesn't go together with --with-token. See --help.",
            ),
            (
                "stoa instance logs shop --since yesterday",
                "yesterday is no value of --since <TIME>: a time is written like 2026-11-24T12:00:00Z. See --help.",
            ),
            ("stoa login", "<URL> is missing. See --help."),
            ("stoa workspace", "It isn't said what to do. See --help."),
        ] {
            assert_eq!(said(line), told, "{line}");
        }
    }
}
