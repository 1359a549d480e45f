//! The program: configuration, wiring, and the arms of the command line.
//!
//! Nothing is decided here. What may be done is `domain`'s, what is done `app`'s; this crate puts the parts together.

mod failure;
mod output;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::{ArgMatches, Command};

use failure::Ended;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn command() -> Command {
    Command::new("stoa")
        .version(VERSION)
        .about("Runs a team's applications on its own servers, and says person by person who may do what")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            settings::with_flags(Command::new("serve"))
                .about("Serves the page, the API, git and the applications"),
        )
        .subcommand(
            settings::with_flags(Command::new("migrate"))
                .about("Brings the records' schema up to date, and ends"),
        )
        .subcommand(Command::new("openapi").about("Prints the description of the API (OpenAPI 3.1)"))
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let outcome = match matches.subcommand() {
        Some(("serve", flags)) => with_runtime(flags, serve::serve),
        Some(("migrate", flags)) => with_runtime(flags, serve::migrate),
        Some(("openapi", _)) => print_openapi(),
        _ => Err(Ended::said("this isn't a command of stoa; see stoa --help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(ended) => {
            output::complain(&format!("stoa: {ended}"));
            ExitCode::FAILURE
        }
    }
}

fn with_runtime<F>(flags: &ArgMatches, work: impl FnOnce(settings::Settings) -> F) -> Result<(), Ended>
where
    F: Future<Output = Result<(), Ended>>,
{
    let settings = settings::gather(flags, environment())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work(settings))
}

/// The environment, as far as it is text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn print_openapi() -> Result<(), Ended> {
    let (_, registered) = stoa_http::routes::all(VERSION).into_parts();
    let document = stoa_http::openapi::document(&registered, VERSION);
    output::say(&serde_json::to_string_pretty(&document)?);
    Ok(())
}
