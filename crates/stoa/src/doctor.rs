//! `stoa doctor`: what this machine has and lacks for running instances.

use stoa_agent::sandbox::Sandboxes;

use crate::failure::Ended;
use crate::output::say;
use crate::serve::tls;
use crate::settings::Settings;

/// # Errors
/// Where something is missing without which nothing runs.
pub async fn doctor(settings: Settings) -> Result<(), Ended> {
    let sandboxes = Sandboxes::new(std::env::current_exe()?, Vec::new());
    let abilities = sandboxes.abilities();
    let line = |name: &str, problem: &Option<String>| match problem {
        None => say(&format!("ok       {name}")),
        Some(problem) => say(&format!("missing  {name}: {problem}")),
    };
    line("sandbox", &abilities.no_sandbox);
    line("outgoing network", &abilities.no_outgoing);
    say(&format!("ok       limits, by {}", abilities.limits_by));
    let git = std::process::Command::new("git").arg("--version").output();
    let git_problem =
        git.err().map(|error| format!("git can't be run ({error}). Install it: apt-get install git"));
    line("git", &git_problem);
    say(&format!(
        "mail     {}",
        if settings.mail.is_some() { "configured" } else { "not configured: links are shown to copy" }
    ));
    say(&format!("address  {}", settings.origin()));
    tell_of_tls(&settings)?;
    for note in settings.notes() {
        say(&format!("note     {}", note.detail));
    }
    match (&abilities.no_sandbox, git_problem) {
        (None, None) => Ok(()),
        _ => Err(Ended::said("something is missing without which no instance runs")),
    }
}

/// The certificate's files, as a start would meet them.
fn tell_of_tls(settings: &Settings) -> Result<(), Ended> {
    let Some(wanted) = tls::Wanted::of(settings) else { return Ok(()) };
    match tls::load(&wanted) {
        Ok(certificate) => {
            let ends = certificate.ends_at.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
            let ends = ends
                .map_or_else(String::new, |at| format!(", its certificate ends {}", at.strftime("%Y-%m-%d")));
            say(&format!("ok       TLS on {}{ends}", wanted.listen()));
            for note in certificate.notes {
                say(&format!("note     {note}"));
            }
            Ok(())
        }
        Err(error) => {
            say(&format!("missing  TLS: {error}"));
            Err(Ended::said("Stoa doesn't start with this certificate"))
        }
    }
}
