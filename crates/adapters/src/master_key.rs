//! The key that wraps all others: a file of its own, which only Stoa's user may read.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const BYTES: usize = 32;

/// Why the master key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the master key {0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("the master key {0} may be read by others: run chmod 600 on it")]
    Open(PathBuf),
    #[error("the master key {0} isn't 32 bytes in base64")]
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
            let mode = open.metadata().map_err(unreadable)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(KeyError::Open(file.to_owned()));
            }
            let mut text = Zeroizing::new(String::new());
            open.read_to_string(&mut text).map_err(unreadable)?;
            let bytes = Zeroizing::new(
                STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed(file.to_owned()))?,
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
    use super::*;

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
        fs::write(&file, "short").unwrap();
        assert!(matches!(load(&file, true), Err(KeyError::Malformed(_))));
    }
}
