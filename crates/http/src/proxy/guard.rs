//! Watches what a connection brings for requests that tell their length in two ways.
//!
//! Requests are read once and written anew, so that no second reader could be misled; still the contract refuses such
//! a request, and the parser removes one of the two headers before anyone sees both. The watch follows heads and
//! bodies by the bytes, and only ever says that a head was wrong: what a request is, the parser alone decides.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::linger::Linger;
use crate::crowd::Seat;

const LONGEST_LINE: usize = 64 * 1024;

/// Whether a head with two lengths came by this connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conflicts(Arc<AtomicBool>);

impl Conflicts {
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection under watch.
pub(crate) struct Guarded<S> {
    stream: S,
    watch: Watch,
    conflicts: Conflicts,
    seat: Seat,
    /// Once its own side is closed.
    linger: Option<Linger>,
}

impl<S> Guarded<S> {
    /// The seat goes with the connection wherever it goes: one that changes its protocol still has it.
    pub(crate) fn new(stream: S, seat: Seat) -> (Self, Conflicts) {
        let conflicts = Conflicts::default();
        let own = conflicts.clone();
        (Self { stream, watch: Watch::default(), conflicts: own, seat, linger: None }, conflicts)
    }

    /// The connection without a watch, and its seat.
    pub(crate) fn into_inner(self) -> (S, Seat) {
        (self.stream, self.seat)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) && self.watch.read(&buffer.filled()[before..]) {
            self.conflicts.0.store(true, Ordering::Release);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Where the answer came before the end of the body, the rest of that is read before the connection goes.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let own = &mut *self;
        if own.linger.is_none() {
            ready!(Pin::new(&mut own.stream).poll_shutdown(context))?;
        }
        if own.watch.is_in_a_body() {
            let (linger, watch) = (own.linger.get_or_insert_with(Linger::new), &mut own.watch);
            let is_over = |bytes: &[u8]| {
                watch.read(bytes);
                !watch.is_in_a_body()
            };
            ready!(linger.poll(&mut own.stream, context, is_over));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Where in the stream of requests the connection stands.
#[derive(Default)]
enum At {
    /// In the lines of a head.
    #[default]
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    Trailer,
    /// Not followed any more: another protocol, or nothing that the parser would take.
    Lost,
}

#[derive(Default)]
struct Watch {
    at: At,
    line: Vec<u8>,
    lengths: usize,
    length: u64,
    chunked: bool,
    upgrades: bool,
    began: bool,
}

impl Watch {
    /// Whether a head in these bytes was wrong.
    fn read(&mut self, mut bytes: &[u8]) -> bool {
        let mut wrong = false;
        while let Some((&first, rest)) = bytes.split_first() {
            match &mut self.at {
                At::Lost => return wrong,
                At::Body(left) | At::Chunk(left) if *left > 0 => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= taken as u64;
                    bytes = &bytes[taken..];
                    if let At::Body(0) = self.at {
                        self.begin();
                    }
                    continue;
                }
                _ => bytes = rest,
            }
            if first != b'\n' {
                if self.line.len() >= LONGEST_LINE {
                    self.at = At::Lost;
                } else {
                    self.line.push(first);
                }
                continue;
            }
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            wrong |= self.line(&line);
        }
        wrong
    }

    /// Whether more of a request's body is to come.
    fn is_in_a_body(&self) -> bool {
        match self.at {
            At::Body(left) => left > 0,
            At::ChunkSize | At::Chunk(_) | At::Trailer => true,
            At::Head | At::Lost => false,
        }
    }

    fn begin(&mut self) {
        *self = Self::default();
    }

    fn line(&mut self, line: &[u8]) -> bool {
        match self.at {
            At::Head if line.is_empty() && !self.began => {}
            At::Head if line.is_empty() => {
                let wrong = self.chunked && self.lengths > 0;
                self.at = match (self.upgrades, self.chunked, self.length) {
                    (true, ..) => At::Lost,
                    (_, true, _) => At::ChunkSize,
                    (_, _, 0) => {
                        self.begin();
                        At::Head
                    }
                    (_, _, length) => At::Body(length),
                };
                return wrong;
            }
            At::Head if !self.began => self.began = true,
            At::Head => self.header(line),
            At::ChunkSize => {
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
                let size =
                    std::str::from_utf8(digits).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
                self.at = size.map_or(At::Lost, |size| if size == 0 { At::Trailer } else { At::Chunk(size) });
            }
            // The line's end after a chunk.
            At::Chunk(_) => self.at = At::ChunkSize,
            At::Trailer if line.is_empty() => self.begin(),
            At::Trailer | At::Body(_) | At::Lost => {}
        }
        false
    }

    fn header(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrades = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;

    /// In one piece, and byte by byte.
    fn is_wrong(text: &str) -> bool {
        let whole = Watch::default().read(text.as_bytes());
        let mut watch = Watch::default();
        let pieces = text.as_bytes().chunks(1).filter(|piece| watch.read(piece)).count() > 0;
        assert_eq!(whole, pieces, "{text}");
        whole
    }

    #[test]
    fn two_lengths_are_seen_in_either_order_and_after_other_requests() {
        assert!(is_wrong("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(is_wrong("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n"));
        let before = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
        let chunks =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nX: y\r\n\r\n";
        let wrong = "\r\nGET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(is_wrong(&format!("{before}{chunks}{wrong}")));
    }

    #[test]
    fn what_only_reads_like_it_inside_a_body_is_none() {
        let inner = "A: b\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        let length = inner.len();
        let whole =
            format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}GET / HTTP/1.1\r\n\r\n");
        assert!(!is_wrong(&whole));
        let whole = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"
        );
        assert!(!is_wrong(&whole));
        let whole =
            format!("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n{inner}{inner}");
        assert!(!is_wrong(&whole));
    }
}
