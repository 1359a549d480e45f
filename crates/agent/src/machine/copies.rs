//! Sound copies of the SQLite databases that an application keeps besides the one that it names, or without naming one. A
//! backup has them where they were, in place of the files.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::Agent;
use super::backup::LONGEST_COPY;
use super::deploy::KEPT_FREE;
use super::facts::free_space;
use super::instance::Instance;
use super::operation::Operation;
use super::release;
use super::start::{Unwell, common_environment};
use crate::folders;
use crate::init::database::opened;
use crate::init::databases::{self, BESIDE, MOST, Told, Wanted};
use crate::restic::{Instead, exactly};
use crate::sandbox::{Ended, Mounts, OutputLine};
use crate::stoa_toml::Application;

/// What was found, and what came of it.
#[derive(Default)]
pub(super) struct Found {
    /// Where each copy is, and where it belongs below the data folder.
    copies: Vec<(PathBuf, String)>,
    /// Those that no sound copy could be made of.
    pub left: Vec<String>,
    /// Why there may be more than were copied.
    pub rest: Option<Rest>,
}

/// Why databases are left that nobody names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// There are too many of them, or there is no room for them.
    TooMany,
    /// The instance's memory didn't do for copying them.
    Memory,
    Time,
    /// Who copies them ended before it was through.
    Failed,
}

impl Found {
    /// Those whose files are where they were: what is gone meanwhile, or is a link by now, isn't put there again.
    pub fn instead(&self, data: &Path) -> Vec<Instead> {
        let is_there = |path: &str| matches!(opened(data, path), Ok(Some(_)));
        let there = self.copies.iter().filter(|(_, path)| is_there(path));
        there
            .map(|(copy, path)| Instead { outside: copy.clone(), inside: format!("/backup/data/{path}") })
            .collect()
    }
}

/// What stands beside these, as restic's patterns: it is in the copies.
pub(super) fn beside(instead: &[Instead]) -> Vec<String> {
    let each = |one: &Instead| {
        let file = exactly(&one.inside);
        BESIDE.map(|end| format!("{file}{end}"))
    };
    instead.iter().flat_map(each).collect()
}

impl Agent {
    /// What copies an application's SQLite databases into a folder, which is `/cache` to it: in a sandbox of its own, as the
    /// instance's user and with nothing more than the application has. The files are the application's, and may be anything.
    /// How it ended, and what came of what it said.
    pub(super) async fn run_copier<H: Future<Output: Default + Send + 'static> + Send + 'static>(
        &self,
        instance: &Instance,
        operation: &Operation,
        words: &[String],
        into: &Path,
        hears: impl FnOnce(mpsc::Receiver<OutputLine>) -> H,
    ) -> Result<(Ended, H::Output), Unwell> {
        let nothing = into.with_file_name("nothing");
        let user = self.user(&instance.form());
        folders::make_private(&nothing)?;
        release::make_own(into, user)?;
        let data = self.inner.folders.data(instance.id);
        release::make_own(&data, user)?;
        let mounts = Mounts {
            app: &nothing,
            is_app_writable: false,
            data: Some(&data),
            cache: Some(into),
            database: None,
        };
        let (sender, lines) = mpsc::channel::<OutputLine>(16);
        let listening = tokio::spawn(hears(lines));
        let environment = common_environment();
        let cancel = &operation.cancel;
        let ended =
            self.run_once(instance, mounts, words, environment, "/tmp", LONGEST_COPY, cancel, sender).await?;
        Ok((ended, listening.await.unwrap_or_default()))
    }

    /// Those beside the one that an application names. What can't be copied is stored as it is.
    pub(super) async fn copy_databases(
        &self,
        instance: &Instance,
        operation: &Operation,
        application: &Application,
        place: &Path,
    ) -> Result<Found, Unwell> {
        let into = place.join("databases");
        let words = databases::command(&Wanted {
            but: application.sqlite.clone(),
            exclude: application.exclude.clone(),
            room: free_space(&self.inner.folders).saturating_sub(KEPT_FREE),
        })?;
        let hears = |lines| hear(lines, into.clone());
        let (ended, mut found) = self.run_copier(instance, operation, &words, &into, hears).await?;
        match ended {
            Ended::Cancelled => return Err(Unwell::Cancelled),
            Ended::DiskFull => return Err(Unwell::because("disk_full", "The disk of the server is full")),
            Ended::Status(0) => {}
            // Somebody killed it, and may do it no other time: a backup isn't to be less for it.
            Ended::Killed(_) | Ended::Status(129..) => {
                let how = ended.in_words().unwrap_or_default();
                let sentence = format!("What copies the application's SQLite databases {how}");
                return Err(Unwell::because("failed", sentence));
            }
            // What it had copied by then is sound.
            Ended::Status(_) => found.rest = Some(Rest::Failed),
            Ended::OutOfMemory => found.rest = Some(Rest::Memory),
            Ended::OutOfTime => found.rest = Some(Rest::Time),
        }
        if found.rest.is_some() || !found.left.is_empty() {
            let left = found.left.len();
            tracing::warn!(instance = %instance.id, left, "databases are stored as the files that they are");
        }
        Ok(found)
    }
}

/// Takes what is told. It comes from process 1, which has no more rights than the application.
async fn hear(mut lines: mpsc::Receiver<OutputLine>, into: PathBuf) -> Found {
    let mut found = Found { rest: Some(Rest::Failed), ..Found::default() };
    let mut is_whole = true;
    while let Some(line) = lines.recv().await {
        let Ok(told) = serde_json::from_slice::<Told>(&line.text) else { continue };
        match told {
            Told::Copied(path, number) if number < MOST && found.copies.len() < MOST && is_plain(&path) => {
                let copy = into.join(number.to_string());
                if std::fs::symlink_metadata(&copy).is_ok_and(|about| about.is_file()) {
                    found.copies.push((copy, path));
                } else {
                    found.left.push(path);
                }
            }
            Told::Left(path) if found.left.len() < MOST => found.left.push(path),
            Told::Copied(..) | Told::Left(_) | Told::More => is_whole = false,
            Told::Over => found.rest = (!is_whole).then_some(Rest::TooMany),
        }
    }
    found
}

/// Whether it leads to a place below a folder, and nowhere else.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
