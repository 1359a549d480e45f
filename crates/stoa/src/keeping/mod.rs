//! Keeping an installation: backing it up, bringing it back, and moving it to the other database.

mod archive;
mod backup;
mod migrate;
mod place;
mod restore;

pub use backup::backup;
pub use migrate::migrate;
pub use place::refuse_half_restored;
pub use restore::restore;

use stoa_adapters::repositories::GitRepositories;

use crate::failure::Ended;
use crate::settings::Settings;

/// Why whoever reads these records may also need another file.
fn about_the_key(settings: &Settings) -> String {
    format!(
        "The master key isn't in it: it lies in {}. Keep a copy of that file, apart from the backup: without it nothing that is sealed can be read again.",
        settings.master_key_file.display()
    )
}

fn repositories(settings: &Settings) -> Result<GitRepositories, Ended> {
    GitRepositories::new(settings.repositories_dir.clone())
        .map_err(|error| Ended::because(&settings.repositories_dir.display().to_string(), error))
}

/// `1 account`, `3 accounts`.
fn counted(count: i64, one: &str, more: &str) -> String {
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
