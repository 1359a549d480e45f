//! What stands behind a backup: two frames that every program which reads zstd passes over.
//!
//! The last holds a hash of all before it: what is cut short or damaged is known by it, without any key. The one before
//! holds a proof that only who has the master key can make: without it whoever can write the file could put in what they
//! like, and make the hash anew. Nothing that isn't proved is unpacked.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::archive::ArchiveError;

/// Derived from the master key (`MasterVault::backup_key`).
pub type Key = [u8; 32];

/// What a zstd file begins with, and what begins a frame that zstd passes over (RFC 8878, 3.1).
const ZSTD: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const SKIPPED: [u8; 4] = 0x184D_2A5B_u32.to_le_bytes();
/// Of the proof, and of the hash.
const PROOF: &[u8; 12] = b"stoa proved\n";
const HASH: &[u8; 12] = b"stoa backup\n";
/// Magic, length, word and 32 bytes: of either.
const FRAME: u64 = 4 + 4 + 12 + 32;

fn hmac(key: &Key) -> io::Result<Hmac<Sha256>> {
    Hmac::new_from_slice(key).map_err(|error| io::Error::other(error.to_string()))
}

fn frame(word: &[u8; 12], value: &[u8]) -> Vec<u8> {
    [&SKIPPED[..], &(FRAME as u32 - 8).to_le_bytes(), word, value].concat()
}

/// Hashes and proves what is written through it.
pub struct Proving<W: Write> {
    out: BufWriter<W>,
    hash: Sha256,
    proof: Hmac<Sha256>,
}

impl<W: Write> Proving<W> {
    pub fn begin(out: W, key: &Key) -> io::Result<Self> {
        Ok(Self { out: BufWriter::with_capacity(1 << 20, out), hash: Sha256::new(), proof: hmac(key)? })
    }

    /// Writes both frames, and gives the place it was written to back.
    pub fn end(self) -> io::Result<W> {
        let Self { mut out, mut hash, proof } = self;
        let proof = frame(PROOF, &proof.finalize().into_bytes());
        hash.update(&proof);
        out.write_all(&proof)?;
        out.write_all(&frame(HASH, &hash.finalize()))?;
        out.flush()?;
        out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl<W: Write> Write for Proving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.proof.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What a file says at its end.
pub struct Ending {
    /// Bytes before both frames.
    pub length: u64,
    /// None in a file of the first format.
    proof: Option<[u8; 32]>,
}

/// Reads the end of a file, once its hash is found to be that of all before.
pub fn ending(name: &Path, file: &mut File) -> Result<Ending, ArchiveError> {
    let unreadable = |error| ArchiveError::Unreadable(name.to_owned(), error);
    let length = file.metadata().map_err(unreadable)?.len();
    let mut begin = [0; 4];
    if length < 4 || file.read_exact(&mut begin).is_err() || begin != ZSTD {
        return Err(ArchiveError::Other(name.to_owned()));
    }
    let Some(before) = length.checked_sub(FRAME) else {
        return Err(ArchiveError::CutShort(name.to_owned()));
    };
    let Some(wanted) = value_of(file, before, HASH).map_err(unreadable)? else {
        return Err(ArchiveError::CutShort(name.to_owned()));
    };
    let mut hash = Sha256::new();
    through(file, before, |bytes| hash.update(bytes)).map_err(unreadable)?;
    if *hash.finalize() != wanted {
        return Err(ArchiveError::Changed(name.to_owned()));
    }
    let proof = match before.checked_sub(FRAME) {
        Some(at) => value_of(file, at, PROOF).map_err(unreadable)?,
        None => None,
    };
    let length = if proof.is_some() { before - FRAME } else { before };
    Ok(Ending { length, proof })
}

impl Ending {
    /// Whether the file was written by who has the key. `None` where it says nothing of it.
    pub fn is_proved(&self, file: &mut File, key: &Key) -> io::Result<Option<bool>> {
        let Some(wanted) = &self.proof else { return Ok(None) };
        let mut proof = hmac(key)?;
        through(file, self.length, |bytes| proof.update(bytes))?;
        Ok(Some(proof.verify_slice(wanted).is_ok()))
    }
}

/// The value of a frame at a place, where there is one of that word.
fn value_of(file: &mut File, at: u64, word: &[u8; 12]) -> io::Result<Option<[u8; 32]>> {
    let mut bytes = [0; FRAME as usize];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    let (head, value) = bytes.split_at(20);
    let is_one = head == &frame(word, &[])[..];
    Ok(value.try_into().ok().filter(|_| is_one))
}

/// Everything up to a place, piece by piece.
fn through(file: &mut File, length: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut rest = file.take(length);
    let mut piece = vec![0; 1 << 16];
    loop {
        match rest.read(&mut piece)? {
            0 => return Ok(()),
            count => take(&piece[..count]),
        }
    }
}
