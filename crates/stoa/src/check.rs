//! `stoa check`: what a deployment would say of a folder's `stoa.toml`, on the developer's own machine.

use std::path::Path;

use crate::failure::Ended;
use crate::output::say;

/// # Errors
/// The sentence that the deployment would fail with.
pub fn check(folder: &Path) -> Result<(), Ended> {
    if !folder.is_dir() {
        return Err(Ended::said(format!("there is no folder {}", folder.display())));
    }
    let application = stoa_agent::stoa_toml::read(folder).map_err(|problem| Ended::said(problem.sentence))?;
    say(&format!("Runs: {}", application.run.command.join(" ")));
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
