//! What a machine gives of a backup as an archive.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use stoa_app::Fault;
use stoa_app::ports::{Archive, Archived};

const WHOLE: &[u8] = b"an archive of a backup";

/// One that is damaged breaks off, and who asks for a stretch is told why. `flowing` is given instead of one.
pub(super) fn archived(
    is_damaged: bool,
    flowing: Option<BoxStream<'static, String>>,
    range: Option<String>,
) -> Archived {
    if is_damaged && range.is_some() {
        return Archived::Damaged;
    }
    if is_damaged {
        let pieces = [Ok(Bytes::from_static(&WHOLE[..7])), Err(Fault::new("it broke off"))];
        let bytes = stream::iter(pieces).boxed();
        return Archived::There(Archive { status: 200, length: None, range: None, bytes });
    }
    if let Some(flowing) = flowing {
        let bytes = flowing.map(|text| Ok(Bytes::from(text))).boxed();
        return Archived::There(Archive { status: 200, length: Some(1 << 30), range: None, bytes });
    }
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let (status, from) = match from {
        None => (200, 0),
        Some(from) if from < WHOLE.len() => (206, from),
        Some(_) => (416, WHOLE.len()),
    };
    let bytes = Bytes::from_static(&WHOLE[from..]);
    let stretch = format!("{from}-{}", WHOLE.len() - 1);
    let stretch = if status == 416 { "*".to_owned() } else { stretch };
    let range = (status != 200).then(|| format!("bytes {stretch}/{}", WHOLE.len()));
    let length = Some(bytes.len() as u64);
    Archived::There(Archive { status, length, range, bytes: stream::iter([Ok(bytes)]).boxed() })
}
