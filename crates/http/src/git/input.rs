//! The body of a request to git: unpacked where it came packed, and cut where it is too large or stands still.

use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::write::GzDecoder;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt as _;
use stoa_domain::Refusal;

/// A client that sends nothing for this long has gone.
const STILL: Duration = Duration::from_secs(60);

/// Why a body can't be taken to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    TooLarge,
    /// It broke off, stood still, or isn't packed as it says.
    Broken,
}

pub(super) struct Input {
    body: Body,
    unpacked: Option<GzDecoder<Vec<u8>>>,
    left: u64,
    over: bool,
}

impl Input {
    pub(super) fn new(parts: &Parts, body: Body, most: u64) -> Result<Self, Refusal> {
        let packed = match parts.headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
            None | Some(b"identity") => false,
            Some(b"gzip" | b"x-gzip") => true,
            Some(_) => return Err(Refusal::UnsupportedMediaType),
        };
        Ok(Self { body, unpacked: packed.then(|| GzDecoder::new(Vec::new())), left: most, over: false })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        while !self.over {
            let frame = tokio::time::timeout(STILL, self.body.frame()).await.map_err(|_| Cut::Broken)?;
            let piece = match frame {
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

    /// Reads on without keeping anything, so that an answer reaches a client which is still sending. Not for ever.
    pub(super) async fn drain(mut self) {
        let whole = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = tokio::time::timeout(STILL, whole).await;
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
