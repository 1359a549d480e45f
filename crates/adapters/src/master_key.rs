//! The key that wraps all others: a file of its own, which only Stoa's user may read.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const BYTES: usize = 32;

/// Bytes of a key's file at most, with the space around it.
const LONGEST: u64 = 1024;

/// Why the master key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the master key {0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error(
        "the master key {0} may be read by others: run chmod 600 on it. What root owns and only the service's group may read, with mode 0440 or 0640, is right as well"
    )]
    Open(PathBuf),
    #[error(
        "the master key {0} isn't one: a key file is one line of text, 32 bytes in base64 (44 characters), such as `head -c 32 /dev/urandom | base64` writes. Where there are records already, bring back the file that they were made with"
    )]
    Malformed(PathBuf),
    #[error(
        "the master key {0} is missing, and the records were made with one: bring it back, or they can't be read"
    )]
    Missing(PathBuf),
    #[error("the master key {0} can't be written: {1}")]
    Unwritable(PathBuf, std::io::Error),
}

/// Reads the key. Where there is none and `may_make` says so, makes one.
///
/// # Errors
/// Where the file is missing, malformed, or readable by others. It is never replaced.
pub fn load(file: &Path, may_make: bool) -> Result<Zeroizing<[u8; BYTES]>, KeyError> {
    match OpenOptions::new().read(true).open(file) {
        Ok(mut open) => {
            let unreadable = |error| KeyError::Unreadable(file.to_owned(), error);
            if !is_private(&open.metadata().map_err(unreadable)?) {
                return Err(KeyError::Open(file.to_owned()));
            }
            let mut text = Zeroizing::new(Vec::new());
            // A file that isn't meant may be of any length: no more of it is read than shows that it is no key.
            (&mut open).take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
            let bytes = Zeroizing::new(
                STANDARD.decode(text.trim_ascii()).map_err(|_| KeyError::Malformed(file.to_owned()))?,
            );
            let key: [u8; BYTES] =
                bytes.as_slice().try_into().map_err(|_| KeyError::Malformed(file.to_owned()))?;
            Ok(Zeroizing::new(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_make => make(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(KeyError::Missing(file.to_owned())),
        Err(error) => Err(KeyError::Unreadable(file.to_owned(), error)),
    }
}

/// Whether nobody reads it but who runs this: it is theirs alone, or it is root's, who reads everything anyway, and of a
/// group that they are in. So orchestrators hand secrets on.
fn is_private(about: &fs::Metadata) -> bool {
    is_private_to(about.mode(), about.uid(), || {
        let own = [nix::unistd::getegid(), nix::unistd::getgid()];
        let more = nix::unistd::getgroups().unwrap_or_default();
        own.into_iter().chain(more).any(|group| group.as_raw() == about.gid())
    })
}

fn is_private_to(mode: u32, owner: u32, is_in_group: impl Fn() -> bool) -> bool {
    const ROOT: u32 = 0;
    match mode & 0o077 {
        0 => true,
        // Read, and nothing else, by the group alone.
        0o040 => owner == ROOT && is_in_group(),
        _ => false,
    }
}

fn make(file: &Path) -> Result<Zeroizing<[u8; BYTES]>, KeyError> {
    let unwritable = |error| KeyError::Unwritable(file.to_owned(), error);
    let mut key = Zeroizing::new([0_u8; BYTES]);
    getrandom::fill(&mut *key).map_err(|error| unwritable(std::io::Error::other(error.to_string())))?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut open =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(unwritable)?;
    let text = Zeroizing::new(STANDARD.encode(*key) + "\n");
    open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).map_err(unwritable)?;
    Ok(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_of_roots_may_be_read_by_the_group_that_this_runs_in_and_by_nobody_else() {
        for mode in [0o100_440, 0o100_640] {
            assert!(is_private_to(mode, 0, || true), "{mode:o}");
            assert!(!is_private_to(mode, 0, || false) && !is_private_to(mode, 1000, || true), "{mode:o}");
        }
        for mode in [0o100_660, 0o100_644, 0o100_604, 0o100_450] {
            assert!(!is_private_to(mode, 0, || true), "{mode:o}");
        }
        assert!(is_private_to(0o100_600, 1000, || false) && is_private_to(0o100_400, 0, || false));
    }

    #[test]
    fn a_key_is_made_once_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master.key");
        assert!(matches!(load(&file, false), Err(KeyError::Missing(_))));
        let made = load(&file, true).unwrap();
        assert_eq!(*load(&file, true).unwrap(), *made);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&file, true), Err(KeyError::Open(_))));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        for wrong in [&b"short"[..], b"\x00\xff\xfe binary", &[b'A'; 5000], b""] {
            fs::write(&file, wrong).unwrap();
            let refused = load(&file, true).unwrap_err();
            assert!(matches!(refused, KeyError::Malformed(_)), "{refused:?}");
            let told = refused.to_string();
            let place = file.display().to_string();
            assert!(told.contains(&place) && told.contains("32 bytes in base64"), "{told}");
            assert!(!told.contains("binary") && !told.contains("short") && !told.contains("AAAA"), "{told}");
        }
        fs::write(&file, format!("  {}\n\n", STANDARD.encode(*made))).unwrap();
        assert_eq!(*load(&file, true).unwrap(), *made);
    }
}
