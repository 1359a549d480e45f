//! The log: to standard error, filtered as the operator says.

use tracing_subscriber::EnvFilter;

use crate::failure::Ended;

/// # Errors
/// Where the filter isn't one.
pub fn start(filter: &str, as_json: bool) -> Result<(), Ended> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| Ended::because("STOA_LOG isn't a filter", error))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for a terminal; a file would keep them as noise.
    let log = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let started = if as_json { log.json().try_init() } else { log.try_init() };
    started.map_err(|error| Ended::said(format!("the log can't be started: {error}")))
}
