//! Keeping an installation: backing it up, bringing it back, and moving it to the other database.

mod archive;
mod backup;
mod migrate;
mod moved;
mod place;
mod proof;
mod restore;

pub use backup::backup;
pub use migrate::migrate;
pub use moved::{refuse_moved, settle_unfinished};
pub use place::refuse_half_restored;
pub use restore::restore;

use stoa_adapters::clock::SystemClock;
use stoa_adapters::repositories::GitRepositories;
use stoa_app::ports::Clock as _;

use crate::failure::Ended;
use crate::output::say;
use crate::settings::Settings;

/// Why whoever reads these records may also need another file.
fn about_the_key(settings: &Settings) -> String {
    format!(
        "The master key isn't in it: it lies in {}. Keep a copy of that file, apart from the backup: without it nothing that is sealed can be read again.",
        settings.master_key_file.display()
    )
}

/// What an operator has to set from now on, where the records are in PostgreSQL.
fn on_postgres(needs_local_server: bool) {
    say(
        "From now on, start Stoa with STOA_DATABASE_URL set to this address, in the environment or the settings file.",
    );
    if needs_local_server {
        say("This machine is a server: set STOA_LOCAL_SERVER=true as well, or its instances aren't reached.");
    }
}

fn repositories(settings: &Settings) -> Result<GitRepositories, Ended> {
    GitRepositories::new(settings.repositories_dir.clone())
        .map_err(|error| Ended::because(&settings.repositories_dir.display().to_string(), error))
}

/// `2 repositories`, `2 repositories and 3 without a commit`: of the latter there is nothing to keep.
fn repositories_counted(with_commits: i64, empty: i64) -> String {
    let counted = counted(with_commits, "repository", "repositories");
    if empty > 0 { format!("{counted} and {empty} without a commit") } else { counted }
}

fn now() -> Result<jiff::Timestamp, Ended> {
    jiff::Timestamp::from_microsecond(SystemClock.now().micros())
        .map_err(|error| Ended::because("the clock tells no time", error))
}

/// `1 account`, `3 accounts`.
pub fn counted(count: i64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

/// A full disk is what a person can do something about, however it was met.
fn written(what: &str, error: std::io::Error) -> Ended {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Ended::said(format!("{what}: the disk is full. Make room, or name a place on another disk"))
        }
        _ => Ended::because(what, error),
    }
}
