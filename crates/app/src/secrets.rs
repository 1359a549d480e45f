//! One-time secrets and passwords: how they are made, hashed and compared.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use stoa_domain::Secret;

use crate::ports::SealedPlace;
use crate::{App, Fault};

/// Random bytes of a token: 256 bits.
const BYTES: usize = 32;

/// What a personal access token begins with, so that people and scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "stoa_pat_";

/// The one form in which a secret of this kind is kept: SHA-256 of its text.
#[must_use]
pub fn hash_of(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// A new secret: its text, shown once, and the hash that is kept.
pub struct NewSecret {
    pub text: Secret,
    pub hash: Vec<u8>,
}

impl App {
    /// A secret of 256 random bits, in base64url after `prefix`.
    pub(crate) fn new_secret(&self, prefix: &str) -> NewSecret {
        let mut bytes = [0_u8; BYTES];
        self.outside().rng.fill(&mut bytes);
        let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
        let hash = hash_of(&text);
        NewSecret { text: Secret::from_text(text), hash }
    }

    pub(crate) fn new_uuid(&self) -> uuid::Uuid {
        self.outside().ids.new_id(self.outside().clock.now())
    }

    /// Sealed with a key of its own, which stands before it, wrapped by the master key: for what belongs to no workspace.
    ///
    /// # Errors
    /// A fault.
    pub(crate) fn seal_alone(&self, place: &SealedPlace, secret: &Secret) -> Result<Vec<u8>, Fault> {
        let vault = &self.outside().vault;
        let key = vault.new_workspace_key(place.workspace)?;
        let sealed = vault.seal(&key, place, secret)?;
        let length = u16::try_from(key.len()).map_err(Fault::new)?;
        Ok([length.to_be_bytes().as_slice(), &key, &sealed].concat())
    }

    /// # Errors
    /// A fault, where it was sealed for another place or changed.
    pub(crate) fn open_alone(&self, place: &SealedPlace, kept: &[u8]) -> Result<Secret, Fault> {
        let parts = kept
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let (key, sealed) = parts.ok_or_else(|| Fault::new("a sealed value is cut short"))?;
        self.outside().vault.open(key, place, sealed)
    }
}
