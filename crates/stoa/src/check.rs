//! `stoa check`: what a deployment would say of a folder's `stoa.toml`, on the developer's own machine.

use std::path::Path;

use stoa_agent::stoa_toml::KnownBy;

use crate::failure::Ended;
use crate::output::say;

/// # Errors
/// The sentence that the deployment would fail with.
pub fn check(folder: &Path) -> Result<(), Ended> {
    if !folder.is_dir() {
        return Err(Ended::said(format!("there is no folder {}", folder.display())));
    }
    let (application, known_by) =
        stoa_agent::stoa_toml::read_whole(folder).map_err(|problem| Ended::said(problem.sentence))?;
    if let Some(sentence) = known_by.sentence(&application) {
        say(&sentence);
    }
    if let KnownBy::Recognised(recognised) = known_by {
        say(&format!("\n{}", recognised.toml));
    }
    say(&format!("Runs: {}", application.started().trim_start_matches("$ ")));
    for process in &application.processes {
        say(&format!("Also runs {}: {}", process.name, process.command.join(" ")));
    }
    for command in &application.build.commands {
        say(&format!("Builds with: {}", command.join(" ")));
    }
    if !application.release.command.is_empty() {
        say(&format!("Before the switch: {}", application.release.command.join(" ")));
    }
    say(&format!(
        "Listens on port {}, is well when `{}` answers.",
        application.port, application.health.path
    ));
    Ok(())
}
