//! Frames of streams: one JSON text per line, in both directions.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Problem;

/// The content type of a stream.
pub const NDJSON: &str = "application/x-ndjson";

/// Bytes of one frame at most: a line of a log whose every byte is escaped, and what stands around it.
pub const LONGEST: usize = 1 << 20;

/// What the agent sends. The end of the body is the end of what there was to tell; a stream that is cut off is reset.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame<T> {
    Item(T),
    /// Why nothing more comes: always the last one.
    Problem(Problem),
}

/// What the control plane sends on the same stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    Lease,
}

/// Appends one frame.
///
/// # Errors
/// Where it can't be written as JSON.
pub fn write<T: Serialize>(frame: &T, into: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *into, frame)?;
    into.push(b'\n');
    Ok(())
}

/// Puts lines together that come in pieces. It holds one frame and one piece at most.
#[derive(Default)]
pub struct Pieces {
    held: BytesMut,
    /// How much of it has no end of a line.
    looked_at: usize,
}

impl Pieces {
    pub fn add(&mut self, piece: &Bytes) {
        self.held.extend_from_slice(piece);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// Where it isn't one, or is too long to be one.
    pub fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let end = self.held.iter().skip(self.looked_at).position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| end + self.looked_at) else {
            self.looked_at = self.held.len();
            return if self.looked_at > LONGEST { Err(too_long()) } else { Ok(None) };
        };
        let line = self.held.split_to(end);
        self.held.advance(1);
        self.looked_at = 0;
        Ok(Some(serde_json::from_slice(&line)?))
    }

    /// Whether nothing is left that isn't whole.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame that is too long")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_whole_however_they_are_cut() {
        let mut text = Vec::new();
        for number in 0..3_u32 {
            write(&Frame::Item(number), &mut text).unwrap();
        }
        for size in 1..text.len() {
            let (mut pieces, mut found) = (Pieces::default(), Vec::new());
            for piece in text.chunks(size) {
                pieces.add(&Bytes::copy_from_slice(piece));
                while let Some(Frame::Item(number)) = pieces.take::<Frame<u32>>().unwrap() {
                    found.push(number);
                }
            }
            assert_eq!(found, [0, 1, 2], "in pieces of {size}");
            assert!(pieces.is_empty());
        }
    }

    #[test]
    fn what_never_ends_is_no_frame() {
        let mut pieces = Pieces::default();
        let piece = Bytes::from(vec![b'x'; LONGEST / 4]);
        for _ in 0..4 {
            pieces.add(&piece);
            assert!(pieces.take::<Renewal>().unwrap().is_none());
        }
        pieces.add(&piece);
        assert!(pieces.take::<Renewal>().is_err());
    }

    #[test]
    fn a_renewal_is_one_word() {
        let mut text = Vec::new();
        write(&Renewal::Lease, &mut text).unwrap();
        assert_eq!(text, b"\"lease\"\n");
    }
}
