//! Where somebody is signed in: a file in their own configuration folder, which nobody else may read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::failed::Failed;
use super::variable;

#[derive(Default, Serialize, Deserialize)]
pub struct Kept {
    /// The address that is asked where none is named.
    pub current: Option<String>,
    #[serde(default)]
    pub sites: BTreeMap<String, Site>,
}

/// What is kept of one installation.
#[derive(Serialize, Deserialize)]
pub struct Site {
    pub token: String,
    /// By which the token is ended; none where it was made elsewhere.
    pub token_id: Option<String>,
    pub email: Option<String>,
    /// The one that is meant where none is named.
    pub workspace: Option<String>,
}

fn place() -> Result<PathBuf, Failed> {
    let folder = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config")));
    folder.map(|folder| folder.join("stoa/login.json")).ok_or_else(|| {
        Failed::Other("neither XDG_CONFIG_HOME nor HOME says where to keep the token".to_owned())
    })
}

impl Kept {
    /// What is kept; nothing where nobody has signed in.
    pub fn read() -> Result<Self, Failed> {
        let file = place()?;
        let unreadable = |error: String| Failed::Other(format!("{} can't be read: {error}", file.display()));
        match fs::metadata(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error.to_string())),
            Ok(about) if about.permissions().mode() & 0o077 != 0 => {
                return Err(Failed::Other(format!(
                    "{} holds access tokens and may be read by others: run chmod 600 on it",
                    file.display()
                )));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))
    }

    /// Whole or not at all.
    pub fn write(&self) -> Result<(), Failed> {
        let file = place()?;
        let unwritable =
            |error: io::Error| Failed::Other(format!("{} can't be written: {error}", file.display()));
        if let Some(folder) = file.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unwritable)?;
        }
        let beside = file.with_extension(format!("{}.new", std::process::id()));
        let mut open = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .map_err(unwritable)?;
        let written =
            open.write_all(serde_json::to_string_pretty(self)?.as_bytes()).and_then(|()| open.sync_all());
        written.and_then(|()| fs::rename(&beside, &file)).map_err(|error| {
            // What isn't whole goes; that it couldn't be written is what is told.
            let _ = fs::remove_file(&beside);
            unwritable(error)
        })
    }
}
