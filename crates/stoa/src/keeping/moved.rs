//! The mark beside records that were moved to PostgreSQL. Without it, whatever isn't told the new address would go on
//! with the old file as if nothing had happened: a nightly backup would keep stale records for years.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::place::sync_folder_of;
use crate::failure::Ended;
use crate::serve::DATABASE;

/// Of a mark, so much is read.
const LONGEST: u64 = 4096;

fn mark(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{DATABASE}.moved"))
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
        let name = mark(data_dir);
        let made = name.with_extension("moving");
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
    let mut text = String::new();
    match fs::File::open(&name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Ended::because(&name.display().to_string(), error)),
        // What can't be read is a mark as well.
        Ok(file) => _ = file.take(LONGEST).read_to_string(&mut text),
    }
    let line: String =
        text.lines().next().unwrap_or_default().chars().filter(|letter| !letter.is_control()).collect();
    let where_to = if line.is_empty() { "PostgreSQL".to_owned() } else { line };
    Err(Ended::said(format!(
        "the records were moved: they are in {where_to}. Set STOA_DATABASE_URL to it, in the environment or in the file that --config names; {} holds those of before. To go on with them all the same, remove {}",
        data_dir.join(DATABASE).display(),
        name.display()
    )))
}
