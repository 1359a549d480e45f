//! The program: configuration, wiring, and the arms of the command line.
//!
//! Nothing is decided here. What may be done is `domain`'s, what is done `app`'s; this crate puts the parts together.

mod admin;
mod agent;
mod audit;
mod check;
mod client;
mod doctor;
mod failure;
mod instances;
mod keeping;
mod misread;
mod output;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

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
        .subcommand(agent::command())
        .subcommand(
            settings::with_flags_below(Command::new("migrate"))
                .about("Brings the records' schema up to date, or moves them to PostgreSQL, and ends")
                .arg(Arg::new("to").long("to").value_name("URL|-").help(
                    "Moves everything to this empty PostgreSQL: postgres://…, or - to read it from standard input",
                )),
        )
        .subcommand(
            settings::with_flags_below(Command::new("backup"))
                .about("Backs the records and the hosted repositories up, while Stoa runs or not")
                .arg(Arg::new("file").required(true).value_name("FILE|-").help("A new file, or - for standard output")),
        )
        .subcommand(
            settings::with_flags_below(Command::new("restore"))
                .about("Brings a backup back, into an empty data directory that holds the master key")
                .arg(Arg::new("file").required(true).value_name("FILE|-").help("A file that stoa backup wrote, or - for standard input"))
                .arg(
                    Arg::new("unproved")
                        .long("unproved")
                        .action(ArgAction::SetTrue)
                        .help("Takes a backup of an earlier Stoa, which doesn't prove who wrote it"),
                ),
        )
        .subcommand(
            settings::with_flags(Command::new("doctor")).about("Says what this machine has and lacks"),
        )
        .subcommand(
            Command::new("check")
                .about("Says what a deployment would make of a folder's stoa.toml")
                .arg(Arg::new("folder").default_value(".")),
        )
        .subcommand(
            Command::new("instances")
                .about("Instances of this machine")
                .subcommand_required(true)
                .subcommand(
                    settings::with_flags_below(Command::new("stop"))
                        .about("Ends what goes on while Stoa doesn't run")
                        .arg(
                            Arg::new("all")
                                .long("all")
                                .required(true)
                                .action(ArgAction::SetTrue)
                                .help("Every instance of this machine: one alone is stopped on its page, or by stoa instance stop"),
                        )
                        .arg(
                            Arg::new("state")
                                .long("state")
                                .value_name("DIR")
                                .help("The folder of stoa agent, where this machine's control plane is elsewhere"),
                        ),
                ),
        )
        .subcommand(admin::command())
        .subcommand(audit::command())
        .subcommand(Command::new("openapi").about("Prints the description of the API (OpenAPI 3.1)"))
        .subcommand(
            Command::new("completions").about("Prints what a shell needs to complete commands").arg(
                Arg::new("shell").required(true).value_parser(clap::value_parser!(clap_complete::Shell)),
            ),
        )
        .subcommands(client::commands())
}

fn main() -> ExitCode {
    // Stages of a sandbox, the reading of a picture and git's hook: started by Stoa itself, and quick.
    let mut arguments = std::env::args();
    if arguments.nth(1).as_deref() == Some("init") {
        return init(&arguments.collect::<Vec<_>>());
    }
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(stoa_adapters::logo::ARGUMENT) {
        return ended(stoa_adapters::logo::run(&arguments.next().unwrap_or_default()));
    }
    if stoa_http::git::hook::is_called() {
        return stoa_http::git::hook::run();
    }
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return misread::misread(&error),
    };
    if let Some(code) = matches.subcommand().and_then(|(name, arguments)| client::run(name, arguments)) {
        return code;
    }
    if let Some(("audit", arguments)) = matches.subcommand()
        && let Some((_, arguments)) = arguments.subcommand()
    {
        let text = |name: &str| arguments.get_one::<String>(name).map(String::as_str);
        return audit::verify(text("file").unwrap_or("-"), text("holds"));
    }
    let outcome = match matches.subcommand() {
        Some(("serve", flags)) => with_runtime(flags, serve::serve),
        Some(("agent", flags)) => run(agent::agent(flags)),
        Some(("migrate", flags)) => {
            with_runtime(flags, |settings| keeping::migrate(settings, word(flags, "to")))
        }
        Some(("backup", flags)) => {
            with_runtime(flags, |settings| keeping::backup(settings, word(flags, "file").unwrap_or_default()))
        }
        Some(("restore", flags)) => with_runtime(flags, |settings| {
            keeping::restore(settings, word(flags, "file").unwrap_or_default(), flags.get_flag("unproved"))
        }),
        Some(("doctor", flags)) => with_runtime(flags, doctor::doctor),
        Some(("check", arguments)) => check::check(std::path::Path::new(
            arguments.get_one::<String>("folder").map_or(".", String::as_str),
        )),
        Some(("instances", arguments)) => match arguments.subcommand() {
            Some((_, flags)) => {
                with_runtime(flags, |settings| instances::stop_all(settings, word(flags, "state")))
            }
            None => Err(Ended::said("see stoa instances --help")),
        },
        Some(("admin", arguments)) => match arguments.subcommand() {
            Some((name, flags)) => admin::wish(name, flags)
                .and_then(|wish| with_runtime(flags, |settings| admin::admin(settings, wish))),
            None => Err(Ended::said("see stoa admin --help")),
        },
        Some(("openapi", _)) => print_openapi(),
        Some(("completions", arguments)) => {
            print_completions(arguments);
            Ok(())
        }
        _ => Err(Ended::said("this isn't a command of stoa; see stoa --help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(ended) => {
            let verb = matches.subcommand().and_then(|(_, arguments)| arguments.subcommand());
            let is_for_scripts = verb.is_some_and(|(_, flags)| {
                flags.try_get_one::<bool>("json").ok().flatten().copied().unwrap_or(false)
            });
            if is_for_scripts {
                output::complain_json(&output::problem_json("failed", "Failed", &ended.to_string()));
            } else {
                output::complain(&format!("stoa: {ended}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            output::complain(&sentence);
            ExitCode::FAILURE
        }
    }
}

fn word(arguments: &ArgMatches, name: &str) -> Option<String> {
    arguments.get_one::<String>(name).cloned()
}

fn init(arguments: &[String]) -> ExitCode {
    match stoa_agent::init::run(arguments) {
        Ok(status) => ExitCode::from(status),
        Err(sentence) => {
            output::complain(&sentence);
            ExitCode::from(125)
        }
    }
}

fn with_runtime<F>(flags: &ArgMatches, work: impl FnOnce(settings::Settings) -> F) -> Result<(), Ended>
where
    F: Future<Output = Result<(), Ended>>,
{
    let settings = settings::gather(flags, environment())?;
    run(work(settings))
}

fn run(work: impl Future<Output = Result<(), Ended>>) -> Result<(), Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // Threads that wait for the end of a sandbox would wait for ever: sandboxes outlive this process.
    runtime.shutdown_background();
    outcome
}

/// The environment, as far as it is text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn print_completions(arguments: &ArgMatches) {
    let Some(shell) = arguments.get_one::<clap_complete::Shell>("shell") else { return };
    let mut text = Vec::new();
    clap_complete::generate(*shell, &mut command(), "stoa", &mut text);
    output::say(String::from_utf8_lossy(&text).trim_end());
}

fn print_openapi() -> Result<(), Ended> {
    let (_, registered) = stoa_http::routes::all(VERSION).into_parts();
    let document = stoa_http::openapi::document(&registered, VERSION);
    output::say(&serde_json::to_string_pretty(&document)?);
    Ok(())
}
