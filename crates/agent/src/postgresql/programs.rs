//! Where PostgreSQL's programs are on this machine. Each version has a folder of its own.

use std::path::{Path, PathBuf};

/// Older ones can't drop a database that is in use.
const OLDEST: u32 = 13;

/// The programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    pub version: u32,
    folder: PathBuf,
}

impl Programs {
    /// The path of one, which is the same inside of sandboxes: they see all of /usr.
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Those that are installed, the newest last.
    pub fn find() -> Vec<Self> {
        Self::below(Path::new("/usr"))
    }

    /// As Debian, and as PostgreSQL's own packages for other systems put them.
    fn below(usr: &Path) -> Vec<Self> {
        let mut found = Vec::new();
        let debian = numbered(&usr.join("lib/postgresql"), "");
        for (version, folder) in debian.into_iter().chain(numbered(usr, "pgsql-")) {
            let folder = folder.join("bin");
            let is_whole = ["initdb", "postgres", "psql", "pg_dump", "pg_restore"]
                .iter()
                .all(|name| folder.join(name).is_file());
            if is_whole && version >= OLDEST {
                found.push(Self { version, folder });
            }
        }
        found.sort_by_key(|programs| programs.version);
        found
    }
}

/// Folders whose names are a word and a number.
fn numbered(place: &Path, word: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let one = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let version = name.to_str()?.strip_prefix(word)?.parse().ok()?;
        Some((version, entry.path()))
    };
    entries.filter_map(Result::ok).filter_map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_is_whole_is_found() {
        let usr = tempfile::tempdir().unwrap();
        let install = |folder: &str, names: &[&str]| {
            let folder = usr.path().join(folder).join("bin");
            std::fs::create_dir_all(&folder).unwrap();
            for name in names {
                std::fs::write(folder.join(name), "").unwrap();
            }
        };
        let all = ["initdb", "postgres", "psql", "pg_dump", "pg_restore"];
        install("lib/postgresql/15", &all);
        install("lib/postgresql/9", &all);
        // The client's programs alone.
        install("lib/postgresql/17", &["psql", "pg_dump", "pg_restore"]);
        install("pgsql-16", &all);
        install("lib/postgresql/unknown", &all);
        let found: Vec<u32> = Programs::below(usr.path()).iter().map(|programs| programs.version).collect();
        assert_eq!(found, [15, 16]);
        assert_eq!(Programs::below(&usr.path().join("nothing")), []);
    }
}
