//! What comes back of a snapshot: counted, and looked at for what it holds at its top.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Component;

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use super::ResticError;

/// A snapshot that was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadBack {
    /// Of the whole archive: what surrounds the files, too.
    pub bytes: u64,
    /// Of what stands at its top.
    pub names: BTreeSet<String>,
}

impl ReadBack {
    /// Whether it has these names at its top, and at least so many bytes. Of a folder whose list can't be read restic 0.14
    /// says nothing: what it wrote by then is an archive, which breaks off there.
    ///
    /// # Errors
    /// What it hasn't.
    pub fn holds<'n>(&self, names: impl IntoIterator<Item = &'n str>, size: u64) -> Result<(), ResticError> {
        if let Some(missing) = names.into_iter().find(|name| !self.names.contains(*name)) {
            return Err(ResticError::Damaged(format!("{missing} isn't read back")));
        }
        if self.bytes < size {
            return Err(ResticError::Damaged("it isn't read back whole".to_owned()));
        }
        Ok(())
    }
}

/// Takes a tar to its end, of files with so many bytes. `tell` hears each percent once. It blocks: for a thread of its
/// own.
///
/// # Errors
/// Where it is none, or breaks off.
pub(super) fn take(pieces: mpsc::Receiver<Bytes>, size: u64, tell: impl FnMut(u8)) -> io::Result<ReadBack> {
    let mut pieces = Pieces { pieces, piece: Bytes::new(), count: 0, size, told: 0, tell };
    let mut names = BTreeSet::new();
    for entry in tar::Archive::new(&mut pieces).entries()? {
        let entry = entry?;
        let top = entry.path()?.components().find_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        });
        names.extend(top);
    }
    // What stands behind the last entry is of no use, but whoever writes it has to get it away.
    io::copy(&mut pieces, &mut io::sink())?;
    Ok(ReadBack { bytes: pieces.count, names })
}

struct Pieces<T> {
    pieces: mpsc::Receiver<Bytes>,
    /// What is left of the newest.
    piece: Bytes,
    count: u64,
    size: u64,
    /// Percent.
    told: u8,
    tell: T,
}

impl<T: FnMut(u8)> Pieces<T> {
    fn has_come(&mut self, bytes: usize) {
        self.count += bytes as u64;
        // What surrounds the files is a little more than they are.
        let percent = (u128::from(self.count) * 100 / u128::from(self.size.max(1))).min(100);
        let percent = u8::try_from(percent).unwrap_or(100);
        if percent > self.told {
            self.told = percent;
            (self.tell)(percent);
        }
    }
}

impl<T: FnMut(u8)> Read for Pieces<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..length]);
        self.has_come(length);
        Ok(length)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in [("/about.json", 3_usize), ("/data/a/b", 70_000), ("/data/c", 0)] {
            let mut header = tar::Header::new_ustar();
            header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes as u64);
            header.set_mode(0o600);
            header.set_cksum();
            archive.append(&header, vec![b'x'; bytes].as_slice()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn taken(bytes: &[u8]) -> io::Result<ReadBack> {
        let (sender, pieces) = mpsc::channel(1024);
        for piece in bytes.chunks(700) {
            sender.try_send(Bytes::copy_from_slice(piece)).unwrap();
        }
        drop(sender);
        take(pieces, 70_003, |_| {})
    }

    #[test]
    fn all_is_counted_and_what_stands_at_the_top_is_named() {
        let archive = archive();
        let names = ["about.json", "data"].map(str::to_owned).into();
        assert_eq!(taken(&archive).unwrap(), ReadBack { bytes: archive.len() as u64, names });
    }

    #[test]
    fn how_far_it_is_is_told_up_to_the_end_and_nothing_twice() {
        let (sender, pieces) = mpsc::channel(1024);
        for piece in archive().chunks(7000) {
            sender.try_send(Bytes::copy_from_slice(piece)).unwrap();
        }
        drop(sender);
        let mut told = Vec::new();
        take(pieces, 70_003, |percent| told.push(percent)).unwrap();
        assert!(told.len() > 5 && told.is_sorted_by(|one, next| one < next), "{told:?}");
        assert_eq!(told.last(), Some(&100));
    }

    #[test]
    fn what_isnt_all_there_is_damaged() {
        let read = taken(&archive()).unwrap();
        assert!(read.holds(["about.json", "data"], 70_003).is_ok());
        for (names, size, why) in [
            (vec!["about.json", "settings.json"], 70_003, "settings.json isn't read back"),
            (vec!["data"], 10_000_000, "it isn't read back whole"),
        ] {
            let error = read.holds(names, size).unwrap_err();
            assert!(matches!(&error, ResticError::Damaged(said) if said == why), "{error}");
        }
    }

    #[test]
    fn what_breaks_off_is_not_whole() {
        let archive = archive();
        assert!(taken(&archive[..archive.len() / 2]).is_err());
        assert!(taken(b"restic said something else").is_err());
    }
}
