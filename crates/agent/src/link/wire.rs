//! A WebSocket as bytes: those of its binary frames.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

/// Bytes of a frame: the other side takes as many.
const LARGEST: usize = 256 * 1024;

/// Bytes in both directions.
pub trait Bytestream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<B: AsyncRead + AsyncWrite + Send + Unpin> Bytestream for B {}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The bytes of a WebSocket that this side has opened.
pub(super) async fn of_socket<C>(connection: C) -> impl Bytestream + use<C>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let socket = WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
    let (sink, stream) = socket.split();
    let pieces = stream.map_err(broken).try_filter_map(|message| {
        std::future::ready(match message {
            Message::Binary(bytes) => Ok(Some(bytes)),
            Message::Text(text) => Err(not_bytes(&text)),
            _ => Ok(None),
        })
    });
    let reader = StreamReader::new(pieces);
    let frames = sink.with(|bytes: Bytes| std::future::ready(Ok::<_, Error>(Message::Binary(bytes))));
    let writer = SinkWriter::new(CopyToBytes::new(frames.sink_map_err(broken)));
    tokio::io::join(reader, writer)
}

fn not_bytes(_: &Utf8Bytes) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a text frame")
}
