//! The keys of a repository, such that opening it takes no time.
//!
//! restic stretches every password until that takes half a second and 60 MiB, each time a repository is opened: what
//! keeps a password that a person thought of from being guessed. Ours are 256 random bits, which nobody guesses however
//! quick a guess is, so the master key is sealed with little stretching. The format is the one of restic's own
//! description, *Keys, Encryption and MAC*, and any restic opens it.

use std::io;

use aes::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _, KeyIvInit as _, StreamCipher as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A mebibyte and some milliseconds: 2^10 blocks of 8 times 128 bytes.
const LOG_N: u8 = 10;
const R: u32 = 8;
const P: u32 = 1;

/// What all of a repository is encrypted with: 32 bytes for it, 16 of an AES-128 and 16 of Poly1305 for what tells that
/// nobody changed it.
pub(super) struct MasterKey(Zeroizing<[u8; 64]>);

impl MasterKey {
    pub fn draw() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 64]);
        fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// As restic writes it down.
    fn text(&self) -> Zeroizing<String> {
        let part = |range: std::ops::Range<usize>| Zeroizing::new(STANDARD.encode(&self.0[range]));
        let (encrypt, k, r) = (part(0..32), part(32..48), part(48..64));
        Zeroizing::new(format!(
            r#"{{"mac":{{"k":"{}","r":"{}"}},"encrypt":"{}"}}"#,
            k.as_str(),
            r.as_str(),
            encrypt.as_str()
        ))
    }

    /// A file of the repository that isn't compressed.
    pub fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        sealed(plain, &self.0)
    }
}

/// A file of a repository's `keys`.
pub(super) struct KeyFile {
    /// What it has to be called: the hash of what is in it.
    pub name: String,
    pub text: String,
}

impl KeyFile {
    /// `created`: a moment as of RFC 3339.
    pub fn seal(master: &MasterKey, password: &[u8], created: &str) -> io::Result<Self> {
        let of = scrypt::Params::new(LOG_N, R, P).map_err(io::Error::other)?;
        let mut salt = [0; 64];
        fill(&mut salt)?;
        let mut keys = Zeroizing::new([0; 64]);
        scrypt::scrypt(password, &salt, &of, &mut *keys).map_err(io::Error::other)?;
        let text = json!({
            "created": created,
            "username": "stoa",
            "hostname": "stoa",
            "kdf": "scrypt",
            "N": 1_u32 << LOG_N,
            "r": R,
            "p": P,
            "salt": STANDARD.encode(salt),
            "data": STANDARD.encode(sealed(master.text().as_bytes(), &keys)?),
        })
        .to_string();
        let name = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name, text })
    }
}

/// AES-256 in counter mode, and Poly1305-AES over what it makes. The keys: 32 bytes for the one, 16 of an AES-128 and 16
/// of Poly1305 for the other. The answer: the nonce, what is encrypted, the tag of 16 bytes.
fn sealed(plain: &[u8], keys: &[u8; 64]) -> io::Result<Vec<u8>> {
    let short = |_| io::Error::other("a key of the wrong length");
    let mut nonce = [0; 16];
    fill(&mut nonce)?;
    let (encrypt, rest) = keys.split_at(32);
    let (k, r) = rest.split_at(16);
    let mut all = nonce.to_vec();
    all.extend_from_slice(plain);
    let mut stream = ctr::Ctr128BE::<aes::Aes256>::new_from_slices(encrypt, &nonce).map_err(short)?;
    stream.apply_keystream(&mut all[nonce.len()..]);

    let mut pad = Block::<aes::Aes128>::from(nonce);
    aes::Aes128::new_from_slice(k).map_err(short)?.encrypt_block(&mut pad);
    let mut once = Zeroizing::new([0; 32]);
    once[..16].copy_from_slice(r);
    once[16..].copy_from_slice(&pad);
    let tag = poly1305::Poly1305::new_from_slice(&*once).map_err(short)?;
    let tag = tag.compute_unpadded(&all[nonce.len()..]);
    all.extend_from_slice(&tag);
    Ok(all)
}

pub(super) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}
