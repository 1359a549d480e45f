//! Secrets sealed with XChaCha20-Poly1305 under a key per workspace, which the master key wraps.
//!
//! A sealed value is bound to its workspace, table, column, row and key version: moved elsewhere it doesn't open.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use stoa_app::Fault;
use stoa_app::ports::{SealedPlace, Vault};
use stoa_domain::{Secret, WorkspaceId};
use zeroize::Zeroizing;

use crate::master_key::BYTES;

const NONCE: usize = 24;
/// What the installation's check value says, sealed with the master key.
const CHECK: &[u8] = b"stoa master key, version 1";
/// What sets the key of visitors' seals apart from every other use of the master key.
const VISITS: &[u8] = b"stoa visits, version 1";
/// The same for the key that proves backups.
const BACKUPS: &[u8] = b"stoa backups, version 1";

/// The vault over one master key.
pub struct MasterVault {
    master: Zeroizing<[u8; BYTES]>,
}

impl MasterVault {
    #[must_use]
    pub fn new(master: Zeroizing<[u8; BYTES]>) -> Self {
        Self { master }
    }

    /// The value by which a start sees whether its key is the installation's.
    ///
    /// # Errors
    /// A fault.
    pub fn key_check(&self) -> Result<Vec<u8>, Fault> {
        seal(&self.master, b"installation/key_check", CHECK)
    }

    #[must_use]
    pub fn is_key_of(&self, key_check: &[u8]) -> bool {
        open(&self.master, b"installation/key_check", key_check).is_ok_and(|text| *text == CHECK)
    }

    /// The key of visitors' seals: the same for all processes that have this master key, and it tells nothing of it.
    /// Another epoch has another.
    #[must_use]
    pub fn visit_key(&self, epoch: i64) -> [u8; BYTES] {
        let hash = Sha256::new().chain_update(VISITS).chain_update(epoch.to_be_bytes());
        hash.chain_update(*self.master).finalize().into()
    }

    /// The key by which a backup is known to be this installation's own. It tells nothing of the master key.
    #[must_use]
    pub fn backup_key(&self) -> Zeroizing<[u8; BYTES]> {
        let hash = Sha256::new().chain_update(BACKUPS).chain_update(*self.master);
        Zeroizing::new(hash.finalize().into())
    }

    fn unwrapped(&self, workspace: WorkspaceId, wrapped: &[u8]) -> Result<Zeroizing<[u8; BYTES]>, Fault> {
        let bytes = open(&self.master, &wrapping(workspace), wrapped)?;
        let key: [u8; BYTES] = bytes.as_slice().try_into().map_err(Fault::new)?;
        Ok(Zeroizing::new(key))
    }
}

fn wrapping(workspace: WorkspaceId) -> Vec<u8> {
    format!("workspace_keys/{workspace}").into_bytes()
}

fn binding(place: &SealedPlace) -> Vec<u8> {
    format!("{}/{}/{}/{}/{}", place.workspace, place.table, place.column, place.row, place.version)
        .into_bytes()
}

fn seal(key: &[u8; BYTES], bound_to: &[u8], text: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut nonce = [0_u8; NONCE];
    getrandom::fill(&mut nonce).map_err(|error| Fault::new(error.to_string()))?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: text, aad: bound_to })
        .map_err(|_| Fault::new("a secret can't be sealed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(key: &[u8; BYTES], bound_to: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (nonce, text) =
        sealed.split_first_chunk::<NONCE>().ok_or_else(|| Fault::new("a sealed secret is cut short"))?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let opened =
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: bound_to }).map_err(|_| {
            Fault::new("a sealed secret doesn't open: another key, another place, or it was changed")
        })?;
    Ok(Zeroizing::new(opened))
}

impl Vault for MasterVault {
    fn new_workspace_key(&self, workspace: WorkspaceId) -> Result<Vec<u8>, Fault> {
        let mut key = Zeroizing::new([0_u8; BYTES]);
        getrandom::fill(&mut *key).map_err(|error| Fault::new(error.to_string()))?;
        seal(&self.master, &wrapping(workspace), &*key)
    }

    fn seal(&self, wrapped_key: &[u8], place: &SealedPlace, secret: &Secret) -> Result<Vec<u8>, Fault> {
        let key = self.unwrapped(place.workspace, wrapped_key)?;
        seal(&key, &binding(place), secret.reveal())
    }

    fn open(&self, wrapped_key: &[u8], place: &SealedPlace, sealed: &[u8]) -> Result<Secret, Fault> {
        let key = self.unwrapped(place.workspace, wrapped_key)?;
        Ok(Secret::new(open(&key, &binding(place), sealed)?.to_vec()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(row: &str) -> SealedPlace {
        let workspace = WorkspaceId::new(uuid::Uuid::from_u128(7));
        SealedPlace { workspace, table: "variables", column: "sealed", row: row.to_owned(), version: 1 }
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed_and_only_with_its_key() {
        let vault = MasterVault::new(Zeroizing::new([1; BYTES]));
        let key = vault.new_workspace_key(place("a").workspace).unwrap();
        let sealed = vault.seal(&key, &place("a"), &Secret::from_text("hush".to_owned())).unwrap();
        assert_eq!(vault.open(&key, &place("a"), &sealed).unwrap().reveal(), b"hush");
        assert!(vault.open(&key, &place("b"), &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault.open(&key, &place("a"), &changed).is_err());
        let other = MasterVault::new(Zeroizing::new([2; BYTES]));
        assert!(other.open(&key, &place("a"), &sealed).is_err());
        assert!(
            vault.is_key_of(&vault.key_check().unwrap()) && !other.is_key_of(&vault.key_check().unwrap())
        );
    }
}
