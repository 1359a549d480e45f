//! The client: the same program as whoever uses an installation from a terminal or a script.
//!
//! It knows the public API and nothing else: no other crate of Stoa's is imported here. What it prints for scripts are
//! the API's own objects; for people, tables and sentences.

mod account;
mod arguments;
mod ask;
mod call;
mod deployment;
mod failed;
mod instance;
mod invite;
mod job;
mod kept;
mod logs;
mod member;
mod permission;
mod project;
mod server;
mod show;
mod workspace;

use std::process::ExitCode;

use clap::ArgMatches;
use serde_json::Value;

pub use arguments::commands;
use call::Call;
use failed::Failed;
use kept::Kept;

/// Ends a command that was used in a wrong way, as clap's own do.
const USAGE: u8 = 2;

/// What a command works with: whom it asks, about which workspace, and how it answers.
struct Desk {
    call: Call,
    workspace: Option<String>,
    /// The API's objects instead of tables.
    json: bool,
    /// Doesn't ask.
    yes: bool,
    /// Follows what goes on after its answer.
    waits: bool,
}

/// Carries a command out. `None` where it isn't one of the client's.
pub fn run(name: &str, matches: &ArgMatches) -> Option<ExitCode> {
    let outcome = match name {
        "login" | "logout" | "workspace" | "member" | "invite" | "permission" | "server" | "project"
        | "instance" => carry_out(name, matches),
        _ => return None,
    };
    Some(match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            crate::output::complain(&format!("stoa: {failed}"));
            match failed {
                Failed::Usage(_) => ExitCode::from(USAGE),
                _ => ExitCode::FAILURE,
            }
        }
    })
}

fn carry_out(name: &str, matches: &ArgMatches) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match name {
            "login" => return account::login(matches).await,
            "logout" => return account::logout(matches).await,
            _ => {}
        }
        let Some((verb, arguments)) = matches.subcommand() else {
            return Err(Failed::Usage(format!("see stoa {name} --help")));
        };
        let desk = Desk::of(arguments)?;
        match name {
            "workspace" => workspace::run(&desk, verb, arguments).await,
            "member" => member::run(&desk, verb, arguments).await,
            "invite" => invite::run(&desk, verb, arguments).await,
            "permission" => permission::run(&desk, verb, arguments).await,
            "server" => server::run(&desk, verb, arguments).await,
            "project" => project::run(&desk, verb, arguments).await,
            _ => instance::run(&desk, verb, arguments).await,
        }
    })
}

/// An argument's text.
fn text<'a>(arguments: &'a ArgMatches, name: &str) -> Option<&'a str> {
    arguments.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// One that clap has demanded.
fn needed<'a>(arguments: &'a ArgMatches, name: &str) -> Result<&'a str, Failed> {
    text(arguments, name).ok_or_else(|| Failed::Usage(format!("{name} is missing")))
}

fn flag(arguments: &ArgMatches, name: &str) -> bool {
    arguments.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
}

impl Desk {
    fn of(arguments: &ArgMatches) -> Result<Self, Failed> {
        let kept = Kept::read()?;
        let given = text(arguments, "url").map(str::to_owned).or_else(|| variable("STOA_URL"));
        let url = match given.or_else(|| kept.current.clone()) {
            Some(url) => call::base(&url)?,
            None => {
                return Err(Failed::Usage(
                    "you aren't signed in anywhere. Sign in: stoa login URL".to_owned(),
                ));
            }
        };
        let site = kept.sites.get(url.as_str());
        let Some(token) = variable("STOA_TOKEN").or_else(|| site.map(|site| site.token.clone())) else {
            return Err(Failed::Usage(format!("you aren't signed in at {url}. Sign in: stoa login {url}")));
        };
        let workspace = text(arguments, "workspace").map(str::to_owned);
        Ok(Self {
            call: Call::new(url)?.with_token(token),
            workspace: workspace.or_else(|| site.and_then(|site| site.workspace.clone())),
            json: flag(arguments, "json"),
            yes: flag(arguments, "yes"),
            waits: !flag(arguments, "no-wait"),
        })
    }

    /// The path of something in the workspace, from words that are made fit for it.
    fn path(&self, words: &[&str]) -> Result<String, Failed> {
        let workspace = self.workspace.as_deref().ok_or_else(|| {
            Failed::Usage(
                "which workspace? Name it with --workspace, or once for all: stoa workspace use SLUG"
                    .to_owned(),
            )
        })?;
        Ok(call::path(&[&["workspaces", workspace], words].concat()))
    }

    /// Prints an answer: as it is, or as people read it.
    fn print(&self, answer: &Value, as_text: impl FnOnce(&Value)) -> Result<(), Failed> {
        if self.json {
            crate::output::say(&serde_json::to_string_pretty(answer)?);
        } else {
            as_text(answer);
        }
        Ok(())
    }

    /// A sentence for people; scripts see from the end of the program that all went well.
    fn say(&self, sentence: &str) {
        if !self.json {
            crate::output::say(sentence);
        }
    }
}

/// An environment variable that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A field's text, or nothing.
fn field<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// A field as it may be put into a sentence on a terminal.
fn told(value: &Value, name: &str) -> String {
    show::defused(field(value, name), false)
}
