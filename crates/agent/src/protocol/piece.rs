//! Pieces: what travels both ways between a terminal, or a program in a desk, and whoever uses it. A byte that says what
//! it is, four of its length, and the piece itself.
//!
//! The same from the control plane to the agent as from the agent to process 1 of a desk, so that the agent hands bytes
//! on without looking at them.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of one piece at most.
pub const LONGEST: usize = 1 << 20;

/// Bytes of terminals and programs that are put into one piece.
pub const PORTION: usize = 32 * 1024;

/// The content type of a stream of pieces.
pub const KIND: &str = "application/vnd.stoa.pieces";

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The lease goes on.
    Lease,
    /// What is typed, or written to a program's input; what it writes.
    Bytes(Bytes),
    /// What a program writes about its errors.
    Errors(Bytes),
    Resize(Size),
    /// The input ends.
    End,
    /// It has ended, with this status.
    Ended(i32),
    /// What is wanted of process 1, as JSON.
    Request(Bytes),
    /// It is begun: from here on come its bytes.
    Begun,
    /// It isn't begun, for this reason.
    Refused(String),
}

impl Piece {
    fn letter(&self) -> u8 {
        match self {
            Self::Lease => b'l',
            Self::Bytes(_) => b'b',
            Self::Errors(_) => b'x',
            Self::Resize(_) => b'r',
            Self::End => b'e',
            Self::Ended(_) => b'd',
            Self::Request(_) => b'q',
            Self::Begun => b'o',
            Self::Refused(_) => b'n',
        }
    }

    /// As it travels.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let body = match self {
            Self::Lease | Self::End | Self::Begun => Bytes::new(),
            Self::Bytes(bytes) | Self::Errors(bytes) | Self::Request(bytes) => bytes.clone(),
            Self::Resize(size) => Bytes::from([size.columns.to_be_bytes(), size.rows.to_be_bytes()].concat()),
            Self::Ended(status) => Bytes::from(status.to_be_bytes().to_vec()),
            Self::Refused(text) => Bytes::from(text.clone().into_bytes()),
        };
        let mut whole = BytesMut::with_capacity(body.len() + 5);
        whole.put_u8(self.letter());
        // A piece is made of at most a portion, or of a request that was bounded before.
        whole.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        whole.put(body);
        whole.freeze()
    }

    fn decode(letter: u8, body: Bytes) -> io::Result<Self> {
        let number = |at: usize| match body.get(at..at + 2) {
            Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
            _ => Err(unreadable()),
        };
        let piece = match letter {
            b'l' => Self::Lease,
            b'e' => Self::End,
            b'o' => Self::Begun,
            b'b' => Self::Bytes(body),
            b'x' => Self::Errors(body),
            b'q' => Self::Request(body),
            b'r' => Self::Resize(Size { columns: number(0)?, rows: number(2)? }),
            b'd' => {
                let bytes: [u8; 4] = body.as_ref().try_into().map_err(|_| unreadable())?;
                Self::Ended(i32::from_be_bytes(bytes))
            }
            b'n' => Self::Refused(String::from_utf8_lossy(&body).into_owned()),
            _ => return Err(unreadable()),
        };
        Ok(piece)
    }
}

fn broken_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a piece that broke off")
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a piece that can't be read")
}

/// Puts pieces together that come in parts. It holds one piece and one part at most.
#[derive(Default)]
pub struct Assembly {
    held: BytesMut,
}

impl Assembly {
    pub fn add(&mut self, part: &[u8]) {
        self.held.extend_from_slice(part);
    }

    /// The next whole piece.
    ///
    /// # Errors
    /// Where it isn't one, or is too long to be one.
    pub fn take(&mut self) -> io::Result<Option<Piece>> {
        let Some(&[letter, a, b, c, d]) = self.held.get(..5).and_then(|head| head.first_chunk::<5>()) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(unreadable());
        }
        if self.held.len() < length + 5 {
            return Ok(None);
        }
        self.held.advance(5);
        Piece::decode(letter, self.held.split_to(length).freeze()).map(Some)
    }
}

/// Reads pieces from a stream of bytes.
pub struct Reader<R> {
    from: R,
    assembly: Assembly,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub fn new(from: R) -> Self {
        Self { from, assembly: Assembly::default() }
    }

    /// The next piece; `None` at the end. Nothing is lost where the waiting for it is given up.
    ///
    /// # Errors
    /// Where it can't be read, or the end comes in the middle of one.
    pub async fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.assembly.take()? {
                return Ok(Some(piece));
            }
            if self.from.read_buf(&mut self.assembly.held).await? == 0 {
                return if self.assembly.held.is_empty() { Ok(None) } else { Err(broken_off()) };
            }
        }
    }
}

/// Writes one piece.
///
/// # Errors
/// Where it can't be written.
pub async fn write(into: &mut (impl AsyncWrite + Unpin), piece: &Piece) -> io::Result<()> {
    into.write_all(&piece.encode()).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_however_they_are_cut() {
        let all = [
            Piece::Lease,
            Piece::Request(Bytes::from_static(b"{}")),
            Piece::Begun,
            Piece::Bytes(Bytes::from_static(b"\x1b[1mls\r\n")),
            Piece::Errors(Bytes::new()),
            Piece::Resize(Size { columns: 300, rows: 24 }),
            Piece::End,
            Piece::Ended(-9),
            Piece::Refused("It is over.".to_owned()),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(Piece::encode).collect();
        for size in 1..bytes.len() {
            let (mut assembly, mut found) = (Assembly::default(), Vec::new());
            for part in bytes.chunks(size) {
                assembly.add(part);
                while let Some(piece) = assembly.take().unwrap() {
                    found.push(piece);
                }
            }
            assert_eq!(found, all, "in parts of {size}");
        }
    }

    #[test]
    fn what_isnt_a_piece_is_refused() {
        for wrong in [&b"z\0\0\0\0"[..], b"b\xff\xff\xff\xff", b"r\0\0\0\x01a", b"d\0\0\0\x02ab"] {
            let mut assembly = Assembly::default();
            assembly.add(wrong);
            assert!(assembly.take().is_err(), "{wrong:?}");
        }
    }
}
