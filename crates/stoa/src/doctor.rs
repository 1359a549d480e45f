//! `stoa doctor`: what this machine has and lacks for running instances.

use stoa_agent::sandbox::Sandboxes;
use stoa_storage::keeping;

use crate::failure::Ended;
use crate::instances::counted;
use crate::output::say;
use crate::serve::{self, tls};
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
    let restic = std::process::Command::new("restic").arg("version").output();
    let restic_problem = restic
        .err()
        .map(|error| format!("instances can't be backed up ({error}). Install it: apt-get install restic"));
    line("restic", &restic_problem);
    say(&format!(
        "mail     {}",
        if settings.mail.is_some() { "configured" } else { "not configured: links are shown to copy" }
    ));
    say(&format!("address  {}", settings.origin()));
    let records = tell_of_records(&settings).await;
    tell_of_tls(&settings)?;
    for note in settings.notes() {
        say(&format!("note     {}", note.detail));
    }
    records?;
    match (&abilities.no_sandbox, git_problem) {
        (None, None) => Ok(()),
        _ => Err(Ended::said("something is missing without which no instance runs")),
    }
}

/// Whether records are where the settings say, without changing them.
async fn tell_of_records(settings: &Settings) -> Result<(), Ended> {
    if !settings.data_dir.is_dir() {
        say(&format!(
            "missing  data folder: there is no {}. Name it with --data-dir, or let the first start make it",
            settings.data_dir.display()
        ));
        return Err(Ended::said("there is no data folder"));
    }
    let place = match serve::place_of_records(settings) {
        Ok(place) => place,
        Err(ended) => {
            say(&format!("missing  records: {ended}"));
            return Err(Ended::said("Stoa doesn't start with these settings"));
        }
    };
    let version = match keeping::version_of(&place).await {
        Ok(0) => {
            say("records  none yet: the first start makes them");
            return Ok(());
        }
        Ok(version) => version,
        Err(fault) => {
            say(&format!("missing  records: {fault}"));
            return Err(Ended::said("the records can't be read"));
        }
    };
    say(&format!("ok       records, version {version}"));
    match keeping::hosts_elsewhere(&place, &settings.instance_domain).await {
        Ok(0) => {}
        Ok(count) => say(&format!(
            "note     {} not below {}, but where STOA_INSTANCE_DOMAIN was when they were made. They keep that address: let it go on leading here",
            counted(usize::try_from(count).unwrap_or(usize::MAX), "is", "are"),
            settings.instance_domain
        )),
        Err(fault) => say(&format!("note     the addresses of instances can't be read: {fault}")),
    }
    if settings.tls.as_ref().is_some_and(|tls| tls.acme.is_some()) {
        let host = settings.public_url.host_str().unwrap_or_default();
        match keeping::trouble_of_certificate(&place, host).await {
            Ok(None) => {}
            Ok(Some(problem)) => say(&format!("note     no newer certificate for {host}: {problem}")),
            Err(_) => say("note     nothing is known of certificates before the next start"),
        }
    }
    Ok(())
}

/// The certificate's files, as a start would meet them.
fn tell_of_tls(settings: &Settings) -> Result<(), Ended> {
    if let Some(acme) = settings.tls.as_ref().and_then(|tls| tls.acme.as_ref()) {
        say(&format!(
            "note     certificates come from {}, which asks each name for proof by HTTP: port 80 has to lead to {}",
            acme.directory, settings.listen
        ));
    }
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
