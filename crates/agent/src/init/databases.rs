//! The copies of all SQLite databases that stand in an application's data, as [`super::database`] makes one: known by how
//! they begin, whatever they are called and whoever made them.

use std::io::{self, Read as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::database::{ITSELF, copied, opened};
use crate::machine::plain;

/// So many are copied. Others are left as they are.
pub const MOST: usize = 100;

/// So many files are looked at.
const MOST_FILES: usize = 1_000_000;

/// How long others may hold one of them: there may be many.
const PATIENCE: Duration = Duration::from_secs(10);

/// What each begins with.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Its pages are at least so large.
const LEAST_PAGE: u64 = 512;

/// What stands beside a database while it is used, and belongs to it.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What is to be copied.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// One that was copied already.
    pub but: Option<String>,
    /// An application's own patterns: what they leave out needs no copy.
    pub exclude: Vec<String>,
    /// Bytes that the copies may take.
    pub room: u64,
}

/// What is told of one, as a line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// The path below the data, and the number by which the copy is called.
    Copied(String, usize),
    /// It can't be copied.
    Left(String),
    /// There are more.
    More,
    /// That was all.
    Over,
}

/// The command that isn't a program's.
///
/// # Errors
/// Where it can't be put into words.
pub(crate) fn command(wanted: &Wanted) -> io::Result<Vec<String>> {
    Ok(vec![ITSELF.to_owned(), "copy-databases".to_owned(), serde_json::to_string(wanted)?])
}

/// What came of it, where the command is that one.
pub(super) fn asked_for(command: &[String]) -> Option<Result<u8, String>> {
    match command {
        [program, verb, wanted] if program == ITSELF && verb == "copy-databases" => {
            let copy = || {
                let wanted = serde_json::from_str(wanted)?;
                copy(Path::new("/data"), Path::new("/cache"), &wanted, &mut io::stdout().lock())
            };
            Some(copy().map(|()| 0).map_err(|error| format!("databases can't be looked for: {error}")))
        }
        _ => None,
    }
}

/// Copies each below `data`. No link is followed.
///
/// # Errors
/// Where it can't be told.
fn copy(data: &Path, into: &Path, wanted: &Wanted, tell: &mut impl Write) -> io::Result<()> {
    let mut say = |told: &Told| {
        serde_json::to_writer(&mut *tell, told)?;
        tell.write_all(b"\n")?;
        tell.flush()
    };
    let (mut room, mut count) = (wanted.room, 0);
    let is_whole = each_database(data, wanted, |path| {
        if count == MOST {
            return Ok(false);
        }
        let name = into.join(count.to_string());
        let told = match copy_one(&data.join(&path), &name, &mut room) {
            Ok(()) => Told::Copied(path, count),
            Err(why) => {
                writeln!(io::stderr(), "{path}: {why}")?;
                for end in ["", BESIDE[0], BESIDE[1], BESIDE[2]] {
                    remove(&into.join(format!("{count}{end}")))?;
                }
                Told::Left(path)
            }
        };
        count += 1;
        say(&told).map(|()| true)
    })?;
    if !is_whole {
        say(&Told::More)?;
    }
    say(&Told::Over)
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy_one(from: &Path, into: &Path, room: &mut u64) -> Result<(), String> {
    let about = std::fs::symlink_metadata(from).map_err(|error| error.to_string())?;
    // What was written to it lately stands beside it.
    let mut beside = from.as_os_str().to_owned();
    beside.push(BESIDE[0]);
    let size = about.len() + std::fs::symlink_metadata(beside).map_or(0, |about| about.len());
    *room = room.checked_sub(size).ok_or("the disk has too little room for a copy of it")?;
    match copied(from, into, PATIENCE) {
        Ok(None) => {}
        Ok(Some(damage)) => return Err(damage),
        Err(error) => return Err(error.to_string()),
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(about.mode() & 0o777);
    std::fs::set_permissions(into, mode).map_err(|error| error.to_string())
}

/// Calls with the path of each, until that says it is enough. Whether all were seen.
fn each_database(
    data: &Path,
    wanted: &Wanted,
    mut found: impl FnMut(String) -> io::Result<bool>,
) -> io::Result<bool> {
    let but = wanted.but.as_deref().map(plain);
    let (mut folders, mut files) = (vec![PathBuf::new()], 0);
    while let Some(folder) = folders.pop() {
        // What the application can't read itself has no database that it uses.
        let Ok(entries) = std::fs::read_dir(data.join(&folder)) else { continue };
        for entry in entries {
            let Ok(entry) = entry else { break };
            files += 1;
            if files > MOST_FILES {
                return Ok(false);
            }
            let path = folder.join(entry.file_name());
            // Another's letters can't be told; nor can one that is gone again.
            let (Some(text), Ok(kind)) = (path.to_str(), entry.file_type()) else { continue };
            let is_left_out = wanted.exclude.iter().any(|pattern| leaves_out(pattern, text));
            if is_left_out || but.as_deref() == Some(text) || text.chars().any(char::is_control) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && is_database(data, text) && !found(text.to_owned())? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn is_database(data: &Path, path: &str) -> bool {
    let size = std::fs::symlink_metadata(data.join(path)).map_or(0, |about| about.len());
    // Of most files their size says that they are none.
    if size < LEAST_PAGE || !size.is_multiple_of(LEAST_PAGE) {
        return false;
    }
    let mut beginning = [0; 16];
    match opened(data, path) {
        Ok(Some(mut file)) => file.read_exact(&mut beginning).is_ok() && &beginning == HEADER,
        _ => false,
    }
}

/// Whether a pattern of an application's names this path, or a folder above it. One that isn't plain enough leaves nothing
/// out here: a copy too many is made, which isn't stored.
fn leaves_out(pattern: &str, path: &str) -> bool {
    let name = pattern.trim_end_matches('/');
    if name.is_empty() || name.contains(['[', '\\']) || name.contains("**") {
        return false;
    }
    if !name.contains('/') {
        return path.rsplit('/').next().is_some_and(|last| fits(name, last));
    }
    let (mut parts, mut of_path) = (name.trim_start_matches('/').split('/'), path.split('/'));
    parts.all(|part| of_path.next().is_some_and(|one| fits(part, one)))
}

/// Whether a name is as a pattern of letters, `*` and `?` says.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut of_name) = (0, 0);
    // Behind the last star, and where in the name what it stands for ends.
    let mut star: Option<(usize, usize)> = None;
    while of_name < name.len() {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                at += 1;
                star = Some((at, of_name));
            }
            (Some(letter), _) if *letter == '?' || *letter == name[of_name] => {
                at += 1;
                of_name += 1;
            }
            (_, Some((behind, end))) => {
                star = Some((behind, end + 1));
                (at, of_name) = (behind, end + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn made(file: &Path) -> Connection {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let database = Connection::open(file).unwrap();
        database.execute_batch("CREATE TABLE orders (text); INSERT INTO orders VALUES ('one')").unwrap();
        database
    }

    fn told(data: &Path, into: &Path, wanted: &Wanted) -> Vec<Told> {
        let mut lines = Vec::new();
        copy(data, into, wanted, &mut lines).unwrap();
        let mut told: Vec<Told> =
            lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        told.sort_by_key(|one| format!("{one:?}"));
        told
    }

    fn paths(told: &[Told]) -> Vec<&str> {
        told.iter()
            .filter_map(|one| if let Told::Copied(path, _) = one { Some(path.as_str()) } else { None })
            .collect()
    }

    #[test]
    fn all_are_found_by_how_they_begin_and_what_isnt_one_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let (data, into) = (place.path().join("data"), place.path().join("into"));
        std::fs::create_dir(&into).unwrap();
        let open = made(&data.join("deep/er/events.bin"));
        open.pragma_update(None, "journal_mode", "wal").unwrap();
        open.execute_batch("INSERT INTO orders VALUES ('two')").unwrap();
        drop(made(&data.join("main.db")));
        drop(made(&data.join("cache/some.db")));
        drop(made(&data.join("a.tmp")));
        drop(made(&place.path().join("outside/others.db")));
        std::os::unix::fs::symlink(place.path().join("outside/others.db"), data.join("link.db")).unwrap();
        std::os::unix::fs::symlink(place.path().join("outside"), data.join("way")).unwrap();
        std::fs::write(data.join("notes.txt"), vec![b'x'; 4096]).unwrap();
        let damaged = [HEADER.as_slice(), &[7; 4080]].concat();
        std::fs::write(data.join("damaged.db"), damaged).unwrap();
        let exclude = ["/cache/", "*.tmp"].map(str::to_owned).to_vec();
        let wanted = Wanted { but: Some("./main.db".to_owned()), exclude, room: u64::MAX };
        let found = told(&data, &into, &wanted);
        assert_eq!(paths(&found), ["deep/er/events.bin"]);
        assert_eq!(found[1..], [Told::Left("damaged.db".to_owned()), Told::Over]);
        let Told::Copied(_, number) = &found[0] else { unreachable!() };
        let copy = Connection::open(into.join(number.to_string())).unwrap();
        let count: i64 = copy.query_row("SELECT COUNT(*) FROM orders", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2, "what is in its log, too");

        let found = told(&data, &into, &Wanted { room: 100, ..Wanted::default() });
        assert_eq!((paths(&found).len(), found.len()), (0, 6), "none has room: {found:?}");
    }

    #[test]
    fn no_more_are_copied_than_can_be() {
        let place = tempfile::tempdir().unwrap();
        let (data, into) = (place.path().join("data"), place.path().join("into"));
        std::fs::create_dir(&into).unwrap();
        drop(made(&data.join("0.db")));
        for number in 1..=MOST {
            std::fs::copy(data.join("0.db"), data.join(format!("{number}.db"))).unwrap();
        }
        let found = told(&data, &into, &Wanted { room: u64::MAX, ..Wanted::default() });
        assert_eq!((paths(&found).len(), &found[MOST..]), (MOST, [Told::More, Told::Over].as_slice()));
    }

    #[test]
    fn patterns_leave_out_what_restic_would() {
        for (pattern, path) in [
            ("*.tmp", "deep/a.tmp"),
            ("cache/", "cache"),
            ("cache/", "deep/cache"),
            ("/cache", "cache"),
            ("a/*/c", "a/b/c"),
            ("a?.db", "ab.db"),
            ("*a*a*b*", "xaxab"),
        ] {
            assert!(leaves_out(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.tmp", "a.tmp.db"),
            ("/cache", "deep/cache"),
            ("a/b", "a/c"),
            ("[a].db", "a.db"),
            ("", "a"),
            ("/", "a"),
        ] {
            assert!(!leaves_out(pattern, path), "{pattern} {path}");
        }
    }
}
