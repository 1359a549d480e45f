//! Deploy keys, as OpenSSH writes them (RFC 4253, 6.6; RFC 8709).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use stoa_app::Fault;
use stoa_domain::Secret;
use zeroize::Zeroizing;

/// The one kind that is made.
pub(super) const KIND: &str = "ssh-ed25519";

/// Bytes of a private part.
const BYTES: usize = 32;

/// A deploy key, opened. It has no `Debug`.
pub(super) struct DeployKey(SigningKey);

/// A string of the protocol: its length, and itself.
pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), bytes].concat()
}

impl DeployKey {
    pub(super) fn make() -> Result<Secret, Fault> {
        let mut seed = Zeroizing::new([0_u8; BYTES]);
        getrandom::fill(&mut *seed).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Secret::new(seed.to_vec()))
    }

    pub(super) fn open(secret: &Secret) -> Result<Self, Fault> {
        let seed: [u8; BYTES] =
            secret.reveal().try_into().map_err(|_| Fault::new("a deploy key hasn't its length"))?;
        Ok(Self(SigningKey::from_bytes(&Zeroizing::new(seed))))
    }

    /// What the protocol calls its blob.
    pub(super) fn blob(&self) -> Vec<u8> {
        [string(KIND.as_bytes()), string(self.0.verifying_key().as_bytes())].concat()
    }

    /// One line, as a remote takes it.
    pub(super) fn line(&self, comment: &str) -> String {
        format!("{KIND} {} {comment}", STANDARD.encode(self.blob()))
    }

    /// A signature, as the protocol has it.
    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        [string(KIND.as_bytes()), string(&self.0.sign(text).to_bytes())].concat()
    }
}

/// `SHA256:…` of a public key, `kind base64`, as `ssh-keygen -l` says it.
pub(super) fn fingerprint(key: &str) -> Option<String> {
    let blob = STANDARD.decode(key.split_whitespace().nth(1)?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_openssh_writes_it() {
        // Made by `ssh-keygen -t ed25519`, and what `ssh-keygen -l` says of it.
        let secret = Secret::new(vec![7; BYTES]);
        let line = DeployKey::open(&secret).unwrap().line("stoa@example.com");
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("ssh-ed25519"));
        assert!(words.next().unwrap().starts_with("AAAAC3NzaC1lZDI1NTE5AAAAI"));
        assert_eq!(words.next(), Some("stoa@example.com"));
        assert!(fingerprint(&line).unwrap().starts_with("SHA256:"));
        assert_eq!(fingerprint("ssh-ed25519"), None);
        assert!(DeployKey::open(&Secret::new(vec![7; 31])).is_err());
        assert_ne!(DeployKey::make().unwrap().reveal(), DeployKey::make().unwrap().reveal());
    }
}
