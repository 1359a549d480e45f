//! The agent's own key, by which it keeps variables: an application can be started again without anybody to ask.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const NONCE: usize = 24;
const KEY: usize = 32;

pub(super) struct Key(Zeroizing<[u8; KEY]>);

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

impl Key {
    /// Reads it, or makes it at the first start.
    pub fn load(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let key = bytes.as_slice().try_into().map_err(|_| bad("the agent's key isn't 32 bytes"))?;
                Ok(Self(Zeroizing::new(key)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Zeroizing::new(random::<KEY>()?);
                let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
                io::Write::write_all(&mut open, &*key)?;
                open.sync_all()?;
                Ok(Self(key))
            }
            Err(error) => Err(error),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&CipherKey::from(*self.0))
    }

    /// `place` is what it is bound to.
    pub fn seal(&self, place: &str, text: &[u8]) -> io::Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| bad("it can't be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) =
            sealed.split_at_checked(NONCE).ok_or_else(|| bad("a sealed text that is too short"))?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| bad("a sealed text that is too short"))?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let text = self.cipher().decrypt(&XNonce::from(nonce), payload);
        text.map(Zeroizing::new).map_err(|_| bad("a sealed text that isn't of this key and place"))
    }
}
