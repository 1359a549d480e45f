//! `stoa agent`: what acts on a machine, for a control plane elsewhere that it dials.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use stoa_adapters::clock::SystemRng;
use stoa_agent::link::{self, Identity, Joining, Known, LinkError, Refusal};
use stoa_agent::machine::Agent;
use stoa_agent::router;
use stoa_app::ports::Rng as _;
use stoa_domain::Secret;
use tokio::time::Instant;

use crate::failure::Ended;
use crate::instances::counted;
use crate::output::say;
use crate::serve::{self, SOCKET};

/// Where an agent keeps everything, unless it is said.
pub const STATE: &str = "/var/lib/stoa-agent";

/// Its key and certificate, for its owner alone.
const KEY: &str = "link.key";

/// Between two tries to open a link: twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub fn command() -> Command {
    Command::new("agent")
        .about("Runs instances on this machine, as a server of an installation elsewhere")
        .arg(Arg::new("join").long("join").value_name("URL|-").help(
            "Joins an installation, by the address that an owner was shown; - reads it from standard input",
        ))
        .arg(
            Arg::new("state")
                .long("state")
                .value_name("DIR")
                .default_value(STATE)
                .help("Where releases, data, logs and the agent's key lie"),
        )
        .arg(Arg::new("instance_egress_allow").long("instance-egress-allow").value_name("LIST").help(
            "host:port list of private addresses that instances may reach. Also STOA_INSTANCE_EGRESS_ALLOW",
        ))
        .arg(Arg::new("log").long("log").value_name("FILTER").help("Tracing filter [info]. Also STOA_LOG"))
        .arg(
            Arg::new("log_format")
                .long("log-format")
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .help("text, or json for machines [text]. Also STOA_LOG_FORMAT"),
        )
}

/// A flag, or its variable.
fn setting(flags: &ArgMatches, name: &str) -> Option<String> {
    let given = flags.get_one::<String>(name).cloned();
    given.or_else(|| std::env::var(format!("STOA_{}", name.to_uppercase())).ok())
}

/// Answers what the control plane asks, until it is asked to end or its server was removed.
///
/// # Errors
/// Where it may not, or can't, be this machine's agent.
pub async fn agent(flags: &ArgMatches) -> Result<(), Ended> {
    let filter = setting(flags, "log").unwrap_or_else(|| "info".to_owned());
    serve::log::start(&filter, setting(flags, "log_format").as_deref() == Some("json"))?;
    let state = flags.get_one::<String>("state").map_or_else(|| PathBuf::from(STATE), PathBuf::from);
    let joining = flags.get_one::<String>("join").map(|text| read_address(text)).transpose()?;
    let _lock = serve::lock::take(&state)?;
    serve::descriptors::raise()?;
    let Some((known, token)) = settle(&state, joining)? else {
        tell_removed(&state);
        return Ok(());
    };
    let identity = Identity::load(&state.join(KEY))?;
    let allowed = setting(flags, "instance_egress_allow").unwrap_or_default();
    let allowed = allowed.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned);
    let agent = serve::start_agent(state.clone(), allowed.collect(), true).await?;
    router::listen(router::router(agent.clone()), &state.join(SOCKET))
        .map_err(|error| Ended::because("the agent can't listen on its socket", error))?;
    let asked = serve::asked_to_end()?;
    let mut linking = Linking { state: &state, known, token, identity, agent: agent.clone(), is_told: false };
    let outcome = tokio::select! {
        () = asked => Ok(()),
        ended = linking.run() => ended,
    };
    tell_what_goes_on(&agent, &state);
    outcome
}

fn read_address(text: &str) -> Result<Joining, Ended> {
    if text != "-" {
        return Ok(Joining::parse(text)?);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(Joining::parse(&line)?)
}

/// Which installation this machine is to be linked with, and by which token it joins where it hasn't yet. `None`: with none,
/// because its server was removed. That is no failure, by which a service manager would start it for ever.
fn settle(state: &Path, joining: Option<Joining>) -> Result<Option<(Known, Option<Secret>)>, Ended> {
    let known = link::known(state)?;
    if known.as_ref().is_some_and(|known| known.is_removed) {
        return if joining.is_some() { Err(Ended::said(removed(state))) } else { Ok(None) };
    }
    match (joining, known) {
        (None, None) => Err(Ended::said(
            "this machine has joined no installation. Run the command that a server's page shows: stoa agent --join …",
        )),
        (None, Some(known)) => Ok(Some((known, None))),
        (Some(joining), Some(known)) if known.has_joined => {
            if joining.fingerprint != known.fingerprint {
                return Err(Ended::said(format!(
                    "this machine has joined {} already, and belongs to one installation alone. Name another folder with --state to be a server of two",
                    known.origin
                )));
            }
            // It may be reached at another address by now.
            let known = Known { origin: joining.origin, ..known };
            link::remember(state, &known)?;
            Ok(Some((known, None)))
        }
        (Some(Joining { origin, token, fingerprint }), _) => {
            let known = Known { origin, fingerprint, has_joined: false, is_removed: false };
            // Before anybody is told the token: what it lets in is known again after a crash.
            link::remember(state, &known)?;
            Ok(Some((known, Some(token))))
        }
    }
}

/// How to be rid of what a server that was removed left.
fn removed(state: &Path) -> String {
    format!(
        "the server of this machine was removed: it takes no work any more, and what runs goes on. To end it: stoa instances stop --all --state {0}. Then remove {0}, with all data and backups in it",
        state.display()
    )
}

/// The same to whoever started it, or reads what it said.
fn tell_removed(state: &Path) {
    say(&removed(state).replacen("the", "The", 1));
}

fn tell_what_goes_on(agent: &Agent, state: &Path) {
    match agent.count_running() {
        0 => {}
        count => say(&format!(
            "{}. Stop with: stoa instances stop --all --state {}",
            counted(count, "goes on running", "go on running"),
            state.display()
        )),
    }
}

struct Linking<'s> {
    state: &'s Path,
    known: Known,
    token: Option<Secret>,
    identity: Identity,
    agent: Agent,
    /// Whether somebody at the terminal knows that it is linked, or isn't yet.
    is_told: bool,
}

impl Linking<'_> {
    /// Keeps a link open, until its server is removed. It fails where it never can be.
    async fn run(&mut self) -> Result<(), Ended> {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let error = match link::dial(&self.known, &self.identity, self.token.as_ref()).await {
                Ok(dialled) => {
                    self.welcomed()?;
                    tracing::info!(machine = %dialled.machine, "linked");
                    dialled.serve(router::router(self.agent.clone())).await.err().map(LinkError::from)
                }
                Err(LinkError::Refused(Refusal::Removed)) => {
                    link::remember(self.state, &Known { is_removed: true, ..self.known.clone() })?;
                    tell_removed(self.state);
                    return Ok(());
                }
                Err(error) => {
                    self.give_up_on(&error)?;
                    Some(error)
                }
            };
            // One that has held for a while has begun anew.
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            let error = error.map_or_else(|| "it ended".to_owned(), |error| Ended::from(error).to_string());
            tracing::warn!(error, seconds = pause.as_secs(), "there is no link; it is tried again");
            tokio::time::sleep(with_jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn welcomed(&mut self) -> Result<(), Ended> {
        if !self.known.has_joined {
            self.known.has_joined = true;
            link::remember(self.state, &self.known)?;
        }
        // It has worked, and never will again.
        self.token = None;
        if !self.is_told {
            say(&format!("This machine is linked with {}", self.known.origin));
            self.is_told = true;
        }
        Ok(())
    }

    /// Whether trying again is of no use.
    fn give_up_on(&mut self, error: &LinkError) -> Result<(), Ended> {
        let has_joined = self.known.has_joined;
        match error {
            LinkError::Refused(Refusal::TokenUsed) => Err(Ended::said(
                "another machine has joined by this command already. Add another server for this one",
            )),
            LinkError::Refused(Refusal::TokenUnknown) => Err(Ended::said(
                "this command counts no more: it is older than 15 minutes, or was made anew. Make it anew on the server's page",
            )),
            LinkError::Refused(Refusal::Unknown) if !has_joined => Err(Ended::said(
                "this machine hasn't joined yet. Run the command that the server's page shows: stoa agent --join …",
            )),
            LinkError::OtherInstallation if !has_joined => Err(Ended::said(
                "the installation at this address isn't the one that the command is of: its certificate is another. Nothing was sent to it",
            )),
            _ => {
                if !self.is_told && !has_joined {
                    say(&format!("{} isn't reached yet; trying again", self.known.origin));
                    self.is_told = true;
                }
                Ok(())
            }
        }
    }
}

/// Not all machines come back at the same moment.
fn with_jitter(pause: Duration) -> Duration {
    let mut byte = [0];
    SystemRng.fill(&mut byte);
    pause.mul_f64(0.5 + f64::from(byte[0]) / 510.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_longer_than_it_is_said_to_be() {
        for _ in 0..1000 {
            let pause = with_jitter(LONGEST_PAUSE);
            assert!(pause >= LONGEST_PAUSE / 2 && pause <= LONGEST_PAUSE, "{pause:?}");
        }
    }
}
