//! The mark beside records that were moved to PostgreSQL. Without it, whatever isn't told the new address would go on
//! with the old file as if nothing had happened: a nightly backup would keep stale records for years. Beside it, for as
//! long as they are being moved, what becomes the mark: a process that is killed leaves it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use stoa_storage::keeping;

use super::place::sync_folder_of;
use crate::failure::Ended;
use crate::serve::DATABASE;
use crate::settings::Settings;

/// Of a mark, so much is read.
const LONGEST: u64 = 4096;

fn mark(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{DATABASE}.moved"))
}

/// What becomes the mark once everything is moved.
fn unfinished(data_dir: &Path) -> PathBuf {
    mark(data_dir).with_extension("moving")
}

/// A mark that is made before anything is moved, so that a full disk or a folder that can't be written is met then.
pub struct Mark {
    made: PathBuf,
    name: PathBuf,
    where_to: String,
}

impl Mark {
    /// `where_to`: as people are told, without a password. `at`: RFC 3339.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn make(data_dir: &Path, where_to: &str, at: &str) -> io::Result<Self> {
        let (name, made) = (mark(data_dir), unfinished(data_dir));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&made)?;
        writeln!(file, "{where_to}, since {at}")?;
        writeln!(
            file,
            "The records in {DATABASE} beside this file are those of before. Remove this file to go on with them all the same."
        )?;
        file.sync_all()?;
        Ok(Self { made, name, where_to: where_to.to_owned() })
    }

    /// From now on every command is told where the records are.
    ///
    /// # Errors
    /// Where that couldn't be written: whoever moves them has to see to it.
    pub fn set(self) -> Result<(), Ended> {
        fs::rename(&self.made, &self.name).and_then(|()| sync_folder_of(&self.name)).map_err(|error| {
            Ended::said(format!(
                "the records were moved, and are in {} now, but {} can't be written ({error}): move the old file away, or commands that aren't told the new address go on with it",
                self.where_to,
                self.name.display()
            ))
        })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Nothing was moved, or it has its name already.
        if let Err(error) = stoa_agent::folders::remove_file(&self.made) {
            crate::output::complain(&format!("{} can't be removed: {error}", self.made.display()));
        }
    }
}

/// Refuses to go on with records that were moved away.
///
/// # Errors
/// Then, with where they are.
pub fn refuse_moved(data_dir: &Path) -> Result<(), Ended> {
    let name = mark(data_dir);
    let Some(where_to) = where_to(&name)? else { return Ok(()) };
    Err(Ended::said(format!(
        "the records were moved: they are in {where_to}. Set STOA_DATABASE_URL to it, in the environment or in the file that --config names; {} holds those of before. To go on with them all the same, remove {}",
        data_dir.join(DATABASE).display(),
        name.display()
    )))
}

/// Settles what a move that was killed has left, for whoever holds the folder's lock and has opened the records. What is
/// to be said of it.
///
/// # Errors
/// Where it can't be read or removed.
pub fn settle_unfinished(settings: &Settings, are_moved_there: bool) -> Result<Option<String>, Ended> {
    let left = unfinished(&settings.data_dir);
    let Some(to) = where_to(&left)? else { return Ok(None) };
    let unwritable = |error: io::Error| Ended::because(&left.display().to_string(), error);
    let address = settings.database_url.as_ref().and_then(|url| url.reveal_text());
    let is_there = match address {
        // It was killed between its last two steps: these are the ones that were moved.
        Some(address) => {
            are_moved_there && to.starts_with(&format!("{}, since ", keeping::name_of(address)?))
        }
        None => false,
    };
    if is_there {
        fs::rename(&left, mark(&settings.data_dir)).map_err(unwritable)?;
        sync_folder_of(&left).map_err(unwritable)?;
        return Ok(None);
    }
    stoa_agent::folders::remove_file(&left).map_err(unwritable)?;
    Ok(address.is_none().then(|| {
        format!(
            "moving the records was cut off: to {to}. Those here are whole, and go on. That database has to be empty before they are moved again"
        )
    }))
}

/// The line of a mark that says where the records are; none where there is no mark. What can't be read is one as well.
fn where_to(name: &Path) -> Result<Option<String>, Ended> {
    let mut text = String::new();
    match fs::File::open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Ended::because(&name.display().to_string(), error)),
        Ok(file) => _ = file.take(LONGEST).read_to_string(&mut text),
    }
    let line: String =
        text.lines().next().unwrap_or_default().chars().filter(|letter| !letter.is_control()).collect();
    Ok(Some(if line.is_empty() { "PostgreSQL".to_owned() } else { line }))
}
