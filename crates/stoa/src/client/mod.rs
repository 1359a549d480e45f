//! The client: the same program as whoever uses an installation from a terminal or a script.
//!
//! It knows the public API and nothing else: no other crate of Stoa's is imported here. What it prints for scripts are
//! the API's own objects; for people, tables and sentences.

mod account;
mod arguments;
mod ask;
mod backup;
mod call;
mod commit;
mod connect;
mod deployment;
mod failed;
mod instance;
mod invite;
mod job;
mod kept;
mod logs;
mod member;
mod merge;
mod permission;
mod process;
mod project;
mod readable;
mod remote;
mod server;
mod settings;
mod show;
mod workspace;

use std::process::ExitCode;

use clap::ArgMatches;
use serde_json::Value;

pub use arguments::commands;
use call::{Call, Whence};
use failed::{Failed, Problem};
use kept::Kept;
pub use readable::Unreadable;
pub use show::address;

/// Said where no workspace was chosen.
const WHICH: &str = "which workspace? Name it with --workspace, or once for all: stoa workspace use SLUG";

/// Ends a command that makes no sense whatever the server holds, as clap's own do: a word that is missing or unknown, a
/// value that can't be read, nobody signed in. What the server refuses, what isn't there, and what fails ends with 1.
pub const USAGE: u8 = 2;

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
            let is_for_scripts = flag(innermost(matches), "json");
            if is_for_scripts {
                crate::output::complain_json(&failed.as_json());
            } else {
                crate::output::complain(&format!("stoa: {failed}"));
            }
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
        let desk = Desk::of(innermost(arguments))?;
        let outcome = match name {
            "workspace" => workspace::run(&desk, verb, arguments).await,
            "member" => member::run(&desk, verb, arguments).await,
            "invite" => invite::run(&desk, verb, arguments).await,
            "permission" => permission::run(&desk, verb, arguments).await,
            "server" => server::run(&desk, verb, arguments).await,
            "project" => project::run(&desk, verb, arguments).await,
            _ => instance::run(&desk, verb, arguments).await,
        };
        match outcome {
            Err(Failed::Refused(problem)) if problem.code == "not_found" => {
                Err(Failed::Refused(desk.missing(name, innermost(arguments), problem).await))
            }
            other => other,
        }
    })
}

/// The arguments of the last verb: some nouns have nouns of their own.
fn innermost(mut arguments: &ArgMatches) -> &ArgMatches {
    while let Some((_, inner)) = arguments.subcommand() {
        arguments = inner;
    }
    arguments
}

/// The words of a list with commas between.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
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
        let kept_token = || site.map(|site| (site.token.clone(), Whence::Kept));
        let given = variable("STOA_TOKEN").map(|token| (token, Whence::Given));
        let Some((token, whence)) = given.or_else(kept_token) else {
            return Err(Failed::Usage(format!("you aren't signed in at {url}. Sign in: stoa login {url}")));
        };
        let workspace = text(arguments, "workspace").map(str::to_owned);
        Ok(Self {
            call: Call::new(url)?.with_token(token, whence),
            workspace: workspace.or_else(|| site.and_then(|site| site.workspace.clone())),
            json: flag(arguments, "json"),
            yes: flag(arguments, "yes"),
            waits: !flag(arguments, "no-wait"),
        })
    }

    /// The path of something in the workspace, from words that are made fit for it.
    fn path(&self, words: &[&str]) -> Result<String, Failed> {
        let workspace = self.workspace.as_deref().ok_or_else(|| Failed::Usage(WHICH.to_owned()))?;
        Ok(call::path(&[&["workspaces", workspace], words].concat()))
    }

    /// Says what it is that isn't there, which the API doesn't: the workspace, or the thing in it.
    async fn missing(&self, noun: &str, arguments: &ArgMatches, mut problem: Problem) -> Problem {
        let mut asked = Vec::new();
        if noun != "workspace"
            && let Some(workspace) = &self.workspace
        {
            asked.push(("workspace", workspace.as_str(), call::path(&["workspaces", workspace])));
        }
        if let Some(which) = text(arguments, "which") {
            match noun {
                "workspace" => asked.push((noun, which, call::path(&["workspaces", which]))),
                "project" | "server" | "instance" => {
                    if let Ok(path) = self.path(&[&format!("{noun}s"), which]) {
                        asked.push((noun, which, path));
                    }
                }
                _ => {}
            }
        }
        for (noun, which, path) in asked {
            let answer = self.call.get(&path).await;
            if matches!(answer, Err(Failed::Refused(told)) if told.code == "not_found") {
                problem.detail = format!("No {noun} {which}. See stoa {noun} list");
                break;
            }
        }
        problem
    }

    /// What is said of a list that is empty. An owner sees everything: there is nothing yet, and `first` makes it.
    async fn nothing(&self, found: &Value, noun: &str, first: &str, is_filtered: bool) -> String {
        if self.json || show::items(found).next().is_some() {
            return String::new();
        }
        if is_filtered {
            return format!("No {noun} matches.");
        }
        let workspace = self.workspace.as_deref().unwrap_or_default();
        match self.call.get(&call::path(&["workspaces", workspace])).await {
            Ok(found) if field(&found.body, "role") == "owner" => format!("No {noun} yet. {first}"),
            _ => format!("You may see no {noun}."),
        }
    }

    /// Prints an answer: as it is, or as people read it.
    fn print(&self, answer: &Value, as_text: impl FnOnce(&Value)) -> Result<(), Failed> {
        if self.json {
            crate::output::say_json(&serde_json::to_string_pretty(answer)?);
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
