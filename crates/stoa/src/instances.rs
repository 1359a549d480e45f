//! `stoa instances stop --all`: ends what goes on running on this machine when Stoa itself doesn't run.

use crate::failure::Ended;
use crate::output::say;
use crate::serve;
use crate::settings::Settings;

/// # Errors
/// Where Stoa runs: then the page stops instances, and writes down that they are.
pub async fn stop_all(settings: Settings) -> Result<(), Ended> {
    if !serve::agent_folder(&settings).is_dir() {
        say("No instance was ever started here.");
        return Ok(());
    }
    let _lock = serve::take_lock(&settings).map_err(|error| {
        Ended::because(
            "instances can be stopped here only while Stoa doesn't run; use the page, or end it first",
            error,
        )
    })?;
    let agent = serve::look_at_agent(&settings).await?;
    let count = agent.stop_all().await?;
    say(&format!(
        "{}. The next start of Stoa starts them again.",
        counted(count, "is stopped", "are stopped")
    ));
    Ok(())
}

/// `1 instance is stopped`, `3 instances are stopped`.
pub fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 { format!("1 instance {one}") } else { format!("{count} instances {more}") }
}
