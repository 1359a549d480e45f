//! The copy of an SQLite database by SQLite's own backup call, beside the application that uses it and behind the same
//! walls as it has: what is in the file is read with no more rights than the application's own.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

/// What it ends with where there is no database yet.
pub const NOT_THERE: u8 = 3;
/// And where what is there isn't one, or isn't whole.
pub const UNSOUND: u8 = 4;

/// How long others may hold it.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// The command that isn't a program's: process 1 does it itself, when it has become the instance's user.
pub(crate) fn command(path: &str, into: &str) -> Vec<String> {
    [ITSELF, "copy-database", path, into].map(str::to_owned).to_vec()
}

pub(super) const ITSELF: &str = "/.stoa/init";

/// What came of it, where the command is that one.
pub(super) fn asked_for(command: &[String]) -> Option<Result<u8, String>> {
    match command {
        [program, verb, path, into] if program == ITSELF && verb == "copy-database" => {
            Some(copy(Path::new("/data"), path, Path::new(into)))
        }
        _ => None,
    }
}

/// Copies the database at `path` below `data`. A link on the way is refused.
///
/// # Errors
/// A sentence.
pub(super) fn copy(data: &Path, path: &str, into: &Path) -> Result<u8, String> {
    if opened(data, path)?.is_none() {
        return Ok(NOT_THERE);
    }
    match copied(&data.join(path), into, PATIENCE) {
        Ok(None) => Ok(0),
        Ok(Some(damage)) => unsound(&format!("The database is damaged: {damage}")),
        Err(rusqlite::Error::SqliteFailure(error, said)) => {
            use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
            let said = said.unwrap_or_else(|| error.to_string());
            match error.code {
                NotADatabase | DatabaseCorrupt => unsound(&format!("The database is damaged: {said}")),
                _ => Err(format!("the database can't be copied: {said}")),
            }
        }
        Err(error) => Err(format!("the database can't be copied: {error}")),
    }
}

fn unsound(sentence: &str) -> Result<u8, String> {
    // Standard error is read by whoever started this.
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{sentence}").map_err(|error| error.to_string())?;
    Ok(UNSOUND)
}

/// What is there, where it is a plain file with nothing but folders on the way.
pub(crate) fn opened(data: &Path, path: &str) -> Result<Option<File>, String> {
    let folder = File::open(data).map_err(|error| format!("the data folder can't be opened: {error}"))?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .mode(Mode::empty())
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        );
    match openat2(&folder, path, how) {
        Ok(file) => {
            let file = File::from(file);
            let about = file.metadata().map_err(|error| error.to_string())?;
            if about.is_file() { Ok(Some(file)) } else { Err(format!("{path} isn't a file")) }
        }
        Err(nix::errno::Errno::ENOENT) => Ok(None),
        Err(nix::errno::Errno::ELOOP | nix::errno::Errno::EXDEV) => {
            Err(format!("{path} leads through a link; a database is copied from where it is"))
        }
        Err(errno) => Err(format!("{path} can't be opened: {errno}")),
    }
}

/// `Some` with what isn't sound about the copy. `patience` is how long others may hold it.
pub(super) fn copied(from: &Path, into: &Path, patience: Duration) -> rusqlite::Result<Option<String>> {
    // Writable: what an application left behind that was killed is put right by whoever opens it next.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(patience)?;
    let mut copy = Connection::open(into)?;
    let backup = Backup::new(&source, &mut copy)?;
    let mut tries = patience.as_millis() / PAUSE.as_millis();
    loop {
        // All in one step: one state of the database, whatever is written to it meanwhile.
        match backup.step(-1)? {
            StepResult::Done => break,
            _ if tries > 0 => {
                tries -= 1;
                std::thread::sleep(PAUSE);
            }
            _ => return Err(busy()),
        }
    }
    drop(backup);
    let said: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    // Whoever restores it by hand finds one file and nothing beside it.
    copy.close().map_err(|(_, error)| error)?;
    Ok((said != "ok").then_some(said))
}

fn busy() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    rusqlite::Error::SqliteFailure(code, Some("others held it for too long".to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn made(place: &Path, name: &str) -> Connection {
        let database = Connection::open(place.join(name)).unwrap();
        database
            .execute_batch("CREATE TABLE orders (text); INSERT INTO orders VALUES ('one'), ('two')")
            .unwrap();
        database
    }

    fn count(file: &Path) -> i64 {
        let copy = Connection::open(file).unwrap();
        copy.query_row("SELECT COUNT(*) FROM orders", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_committed_is_in_the_copy_though_it_is_open_and_written_to() {
        let place = tempfile::tempdir().unwrap();
        let database = made(place.path(), "shop.db");
        database.pragma_update(None, "journal_mode", "wal").unwrap();
        database
            .execute_batch("INSERT INTO orders VALUES ('three'); BEGIN; INSERT INTO orders VALUES ('four')")
            .unwrap();
        let into = place.path().join("copy");
        assert_eq!(copy(place.path(), "shop.db", &into), Ok(0));
        assert_eq!(count(&into), 3, "what is committed, and nothing else");
        database.execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn a_link_a_folder_and_a_pipe_are_no_database() {
        let place = tempfile::tempdir().unwrap();
        let (data, outside) = (place.path().join("data"), place.path().join("outside"));
        std::fs::create_dir_all(data.join("folder")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        drop(made(&outside, "others.db"));
        std::os::unix::fs::symlink(outside.join("others.db"), data.join("link.db")).unwrap();
        std::os::unix::fs::symlink(&outside, data.join("way")).unwrap();
        nix::unistd::mkfifo(&data.join("pipe.db"), Mode::S_IRWXU).unwrap();
        let into = place.path().join("copy");
        for path in ["link.db", "way/others.db", "pipe.db", "folder"] {
            assert!(copy(&data, path, &into).is_err(), "{path}");
            assert!(!into.exists(), "{path}");
        }
        assert_eq!(copy(&data, "none.db", &into), Ok(NOT_THERE));
    }

    #[test]
    fn what_isnt_a_database_is_said_to_be_damaged() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("shop.db"), vec![7; 8192]).unwrap();
        assert_eq!(copy(place.path(), "shop.db", &place.path().join("copy")), Ok(UNSOUND));
    }
}
