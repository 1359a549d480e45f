//! The body of a request to git: unpacked where it came packed, and cut where it is too large or too slow.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::write::GzDecoder;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use stoa_domain::Refusal;
use tokio::time::Instant;

/// While this long is waited for a client, so many bytes have to come, as they are sent. Only waiting counts: a client
/// isn't slow because git is.
const WINDOW: Duration = Duration::from_secs(60);
const LEAST: usize = 256 * 1024;
/// What is left of a body that nobody wants is read for so long.
const DRAINS: Duration = Duration::from_secs(60);

/// Why a body can't be taken to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    TooLarge,
    /// It broke off, or isn't packed as it says.
    Broken,
    /// Too little of it came.
    Slow,
}

pub(super) struct Input {
    body: Body,
    unpacked: Option<GzDecoder<Vec<u8>>>,
    left: u64,
    over: bool,
    /// In the window that goes on: for how long it was waited, and what came.
    waited: Duration,
    came: usize,
    window: Duration,
}

impl Input {
    pub(super) fn new(parts: &Parts, body: Body, most: u64) -> Result<Self, Refusal> {
        let packed = match parts.headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
            None | Some(b"identity") => false,
            Some(b"gzip" | b"x-gzip") => true,
            Some(_) => return Err(Refusal::PackedBody),
        };
        let unpacked = packed.then(|| GzDecoder::new(Vec::new()));
        Ok(Self { body, unpacked, left: most, over: false, waited: Duration::ZERO, came: 0, window: WINDOW })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        while !self.over {
            let piece = match self.frame().await? {
                None => {
                    self.over = true;
                    let Some(mut unpacked) = self.unpacked.take() else { return Ok(None) };
                    unpacked.try_finish().map_err(|_| Cut::Broken)?;
                    Bytes::from(std::mem::take(unpacked.get_mut()))
                }
                Some(Err(_)) => return Err(Cut::Broken),
                Some(Ok(frame)) => {
                    let Ok(piece) = frame.into_data() else { continue };
                    self.unpack(piece)?
                }
            };
            self.left = self.left.checked_sub(piece.len() as u64).ok_or(Cut::TooLarge)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    async fn frame(&mut self) -> Result<Option<Result<Frame<Bytes>, axum::Error>>, Cut> {
        loop {
            let begun = Instant::now();
            let left = self.window.saturating_sub(self.waited);
            if let Ok(frame) = tokio::time::timeout(left, self.body.frame()).await {
                self.waited += begun.elapsed();
                let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                self.came += bytes.map_or(0, Bytes::len);
                return Ok(frame);
            }
            if self.came < LEAST {
                return Err(Cut::Slow);
            }
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
    }

    /// All that is left of it, where it has come within this time.
    pub(super) async fn whole(mut self, within: Duration) -> Result<Bytes, Cut> {
        let reading = async {
            let mut whole = BytesMut::new();
            while let Some(piece) = self.next().await? {
                whole.extend_from_slice(&piece);
            }
            Ok(whole.freeze())
        };
        tokio::time::timeout(within, reading).await.unwrap_or(Err(Cut::Slow))
    }

    /// A packed piece may be a thousand times as large unpacked: it is unpacked in small steps, each counted.
    fn unpack(&mut self, piece: Bytes) -> Result<Bytes, Cut> {
        let Some(unpacked) = &mut self.unpacked else { return Ok(piece) };
        for step in piece.chunks(4096) {
            unpacked.write_all(step).map_err(|_| Cut::Broken)?;
            if unpacked.get_ref().len() as u64 > self.left {
                return Err(Cut::TooLarge);
            }
        }
        unpacked.flush().map_err(|_| Cut::Broken)?;
        Ok(Bytes::from(std::mem::take(unpacked.get_mut())))
    }

    /// Reads on without keeping anything: a client that is still sending doesn't see its answer, and a proxy that has
    /// begun to answer may pass on nothing more. Not for ever.
    pub(super) async fn drain(mut self) {
        let whole = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(DRAINS, whole).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    async fn read(bytes: Vec<u8>, packed: bool, most: u64) -> Result<Vec<u8>, Cut> {
        let mut request = http::Request::builder();
        if packed {
            request = request.header("content-encoding", "gzip");
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let mut input = Input::new(&parts, Body::from(bytes), most).unwrap();
        let mut whole = Vec::new();
        while let Some(piece) = input.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// A body of pieces of this size, one after another, without an end.
    fn dripping(piece: usize) -> Input {
        let pieces = futures_util::stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Some((Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; piece])), ()))
        });
        let parts = http::Request::new(()).into_parts().0;
        let input = Input::new(&parts, Body::from_stream(pieces), u64::MAX).unwrap();
        Input { window: Duration::from_millis(40), ..input }
    }

    #[tokio::test]
    async fn whoever_sends_a_byte_now_and_then_is_cut_like_one_who_sends_none() {
        let mut slow = dripping(1);
        let mut cut = None;
        for _ in 0..2_000 {
            if let Err(why) = slow.next().await {
                cut = Some(why);
                break;
            }
        }
        assert_eq!(cut, Some(Cut::Slow));
        let mut steady = dripping(LEAST);
        for _ in 0..100 {
            assert!(matches!(steady.next().await, Ok(Some(_))));
        }
        assert_eq!(steady.whole(Duration::from_millis(40)).await, Err(Cut::Slow), "it has no end");
    }

    #[tokio::test]
    async fn a_packed_body_is_unpacked_and_a_bomb_is_cut() {
        let plain = b"0032want something\n".repeat(100);
        let pack = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(read(pack(&plain), true, 10_000).await.unwrap(), plain);
        assert_eq!(read(plain.clone(), false, 10_000).await.unwrap(), plain);
        assert_eq!(read(plain.clone(), false, 100).await, Err(Cut::TooLarge));
        assert_eq!(read(pack(&vec![0; 50_000_000]), true, 1_000_000).await, Err(Cut::TooLarge));
        let mut torn = pack(&plain);
        torn.truncate(20);
        assert_eq!(read(torn, true, 10_000).await, Err(Cut::Broken));
        assert_eq!(read(plain, true, 10_000).await, Err(Cut::Broken));
    }
}
