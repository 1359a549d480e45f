//! What a machine keeps of the installation that it has joined: where it is, and by what it is known.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stoa_domain::Secret;

use crate::folders;

/// The file below the agent's folder.
const FILE: &str = "link.json";

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("{0}")]
    Said(&'static str),
    #[error("what is kept of the installation can't be read or written")]
    Io(#[from] io::Error),
}

/// The address by which a machine joins, as an owner was given it.
pub struct Joining {
    /// `https://stoa.example`, without a final slash.
    pub origin: String,
    pub token: Secret,
    pub fingerprint: [u8; 32],
}

impl Joining {
    /// `https://<host>/join/<token>#<fingerprint>`.
    ///
    /// # Errors
    /// Where it isn't one, or not whole.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let text = text.trim();
        let (address, fingerprint) = text.split_once('#').unwrap_or((text, ""));
        let fingerprint = hex(fingerprint).ok_or(StateError::Said(
            "the address isn't whole: behind # it has to end with 64 letters and digits, by which the installation is known. Copy it anew, with all of it",
        ))?;
        let wrong = StateError::Said("this isn't the address of a server's command: https://…/join/…#…");
        let Some((origin, token)) = address.split_once("/join/") else { return Err(wrong) };
        let is_token = !token.is_empty()
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let is_origin = ["https://", "http://"].iter().any(|scheme| {
            origin
                .strip_prefix(scheme)
                .is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '@']))
        });
        if !is_token || !is_origin {
            return Err(wrong);
        }
        Ok(Self { origin: origin.to_owned(), token: Secret::from_text(token.to_owned()), fingerprint })
    }
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// An installation that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub origin: String,
    pub fingerprint: [u8; 32],
    /// Whether it has taken this machine in; until then only somebody with a token is.
    pub has_joined: bool,
    /// Whether it has said that the server was removed.
    pub is_removed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    origin: String,
    fingerprint: String,
    has_joined: bool,
    is_removed: bool,
}

/// # Errors
/// Where what is kept can't be read.
pub fn known(state: &Path) -> Result<Option<Known>, StateError> {
    let text = match std::fs::read(state.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bad = || StateError::Said("the file link.json of the agent's folder can't be read");
    let Kept { origin, fingerprint, has_joined, is_removed } =
        serde_json::from_slice(&text).map_err(|_| bad())?;
    let fingerprint = hex(&fingerprint).ok_or_else(bad)?;
    Ok(Some(Known { origin, fingerprint, has_joined, is_removed }))
}

/// Keeps it, whole or not at all.
///
/// # Errors
/// Where it can't be written.
pub fn remember(state: &Path, known: &Known) -> Result<(), StateError> {
    let kept = Kept {
        origin: known.origin.clone(),
        fingerprint: known.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect(),
        has_joined: known.has_joined,
        is_removed: known.is_removed,
    };
    let text = serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?;
    Ok(folders::write_whole(&state.join(FILE), &text)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const END: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn an_address_is_taken_whole_or_not_at_all() {
        let joining = Joining::parse(&format!(" https://stoa.example:8443/join/a-b_9#{END}\n")).unwrap();
        assert_eq!(joining.origin, "https://stoa.example:8443");
        assert_eq!(joining.token.reveal(), b"a-b_9");
        assert_eq!(joining.fingerprint[1], 0x11);
        for wrong in [
            "https://stoa.example/join/abc".to_owned(),
            format!("https://stoa.example/join/abc#{}", &END[1..]),
            format!("https://stoa.example/join/#{END}"),
            format!("https://stoa.example/join/a/b#{END}"),
            format!("https://u@stoa.example/join/abc#{END}"),
            format!("ftp://stoa.example/join/abc#{END}"),
            format!("https:///join/abc#{END}"),
            format!("stoa.example/join/abc#{END}"),
            END.to_owned(),
            String::new(),
        ] {
            assert!(Joining::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_remembered_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(known(folder.path()).unwrap(), None);
        let one = Known {
            origin: "https://stoa.example".to_owned(),
            fingerprint: [7; 32],
            has_joined: true,
            is_removed: false,
        };
        remember(folder.path(), &one).unwrap();
        assert_eq!(known(folder.path()).unwrap(), Some(one));
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(known(folder.path()).is_err());
    }
}
