//! WebSockets: the upgrade as an argument and as an answer, and a terminal carried over one under its lease.
//!
//! Before every frame the lease is asked, out and in: what is typed counts no longer than what is shown. When the right
//! ends the client gets a text frame with the problem, and the close code 4403. An agent's link is bytes in both directions,
//! which are nobody's here.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use http::request::Parts;
use serde::Deserialize;
use serde_json::json;
use stoa_app::Failure;
use stoa_app::ports::{BoxedWire, Shown, TerminalEnds, TerminalSize, Typed, Wire};
use stoa_domain::{Refusal, TerminalId};
use tokio::time::MissedTickBehavior;
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use crate::answer::Success;
use crate::lease::Lease;
use crate::problem::tell;

/// The close codes: the right has ended, as `api.md` has it; the terminal is over; a frame that isn't one; the desk has
/// ended under it.
const RIGHT_ENDED: u16 = 4403;
const OVER: u16 = 1000;
const WRONG: u16 = 1008;
const GONE: u16 = 1001;

/// So that a proxy between doesn't take silence for death, and a client that has gone is noticed.
const PING: Duration = Duration::from_secs(15);

/// Bytes of one message that a client may send: what is pasted, too.
const LARGEST: usize = 256 * 1024;

/// How long the lease has to say why a terminal broke off.
const REASON: Duration = Duration::from_millis(1500);

/// A request that wants to become a WebSocket.
pub struct Socket(pub(crate) WebSocketUpgrade);

impl Socket {
    pub(crate) async fn of(parts: &mut Parts) -> Result<Self, Failure> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(|_| {
            Refusal::invalid("", "upgrade", "This answers as a WebSocket: ask for it with an upgrade.")
        })?;
        Ok(Self(upgrade.max_message_size(LARGEST).max_frame_size(LARGEST)))
    }
}

/// What a WebSocket was answered with.
pub struct Upgraded(Response<Body>);

impl Success for Upgraded {
    fn into_response(self) -> Response<Body> {
        self.0
    }
}

impl Socket {
    /// Hands the bytes over that go and come in binary frames, until whoever has them lets go.
    pub(crate) fn hand_over<F>(self, to: impl FnOnce(BoxedWire) -> F + Send + 'static) -> Upgraded
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Upgraded(self.0.on_upgrade(move |socket| to(Box::new(bytes_of(socket)))))
    }
}

fn broken(error: axum::Error) -> io::Error {
    io::Error::other(error)
}

/// A text frame isn't of this, and ends it.
fn bytes_of(socket: WebSocket) -> impl Wire + 'static {
    let (sink, stream) = socket.split();
    let pieces = stream.try_filter_map(|message| {
        std::future::ready(match message {
            Message::Binary(bytes) => Ok(Some(bytes)),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
            Message::Text(_) => Err(axum::Error::new("a text frame")),
        })
    });
    let reader = StreamReader::new(pieces.map_err(broken));
    let frames = sink.with(|bytes: Bytes| std::future::ready(Ok::<_, axum::Error>(Message::Binary(bytes))));
    let writer = SinkWriter::new(CopyToBytes::new(frames.sink_map_err(broken)));
    tokio::io::join(reader, writer)
}

/// What a client says besides what is typed.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Control {
    Resize(Resize),
    /// The terminal is closed, with what runs in it.
    End(bool),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resize {
    cols: u16,
    rows: u16,
}

/// Carries a terminal over the socket, for as long as the lease holds.
pub(crate) fn carry(socket: Socket, terminal: TerminalId, ends: TerminalEnds, lease: Lease) -> Upgraded {
    Upgraded(socket.0.on_upgrade(move |socket| async move {
        let mut carried = Carried { socket, lease };
        let (code, reason) = carried.run(terminal, ends).await;
        let frame = CloseFrame { code, reason: reason.into() };
        // Whoever has gone needs no end.
        let _ = carried.socket.send(Message::Close(Some(frame))).await;
    }))
}

struct Carried {
    socket: WebSocket,
    lease: Lease,
}

type End = (u16, &'static str);

const GONE_CLIENT: End = (OVER, "closed");

impl Carried {
    async fn run(&mut self, terminal: TerminalId, mut ends: TerminalEnds) -> End {
        let greeting = json!({ "session": terminal.to_string() }).to_string();
        if self.socket.send(Message::Text(greeting.into())).await.is_err() {
            return GONE_CLIENT;
        }
        let mut ping = tokio::time::interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                refusal = self.lease.ended() => return self.refused(&refusal).await,
                message = self.socket.recv() => {
                    let Some(Ok(message)) = message else { return GONE_CLIENT };
                    let typed = match message {
                        Message::Binary(bytes) => Typed::Bytes(bytes),
                        Message::Text(text) => match serde_json::from_str::<Control>(&text) {
                            Ok(Control::Resize(size)) => {
                                Typed::Resize(TerminalSize { columns: size.cols, rows: size.rows })
                            }
                            Ok(Control::End(true)) => Typed::End,
                            Ok(Control::End(false)) => continue,
                            Err(_) => return (WRONG, "a text frame that isn't a control"),
                        },
                        Message::Ping(_) | Message::Pong(_) => continue,
                        Message::Close(_) => return GONE_CLIENT,
                    };
                    // Asked again: the lease may have ended since this was read.
                    if let Err(refusal) = self.lease.check() {
                        return self.refused(&refusal).await;
                    }
                    tokio::select! {
                        biased;
                        refusal = self.lease.ended() => return self.refused(&refusal).await,
                        sent = ends.typed.send(typed) => if sent.is_err() { return self.gone().await },
                    }
                }
                shown = ends.shown.next() => {
                    let message = match shown {
                        Some(Ok(Shown::Bytes(bytes))) => Message::Binary(bytes),
                        Some(Ok(Shown::Ended(status))) => {
                            let said = json!({ "ended": status }).to_string();
                            let _ = self.socket.send(Message::Text(said.into())).await;
                            return (OVER, "the terminal is over");
                        }
                        Some(Err(_)) | None => return self.gone().await,
                    };
                    if let Err(refusal) = self.lease.check() {
                        return self.refused(&refusal).await;
                    }
                    tokio::select! {
                        biased;
                        refusal = self.lease.ended() => return self.refused(&refusal).await,
                        sent = self.socket.send(message) => if sent.is_err() { return GONE_CLIENT },
                    }
                }
                _ = ping.tick() => {
                    if self.socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                        return GONE_CLIENT;
                    }
                }
            }
        }
    }

    async fn refused(&mut self, refusal: &Refusal) -> End {
        let told = tell(refusal).object().to_string();
        let _ = self.socket.send(Message::Text(told.into())).await;
        (RIGHT_ENDED, "the right has ended")
    }

    /// The desk may have ended because the right did: then that is said.
    async fn gone(&mut self) -> End {
        match tokio::time::timeout(REASON, self.lease.ended()).await {
            Ok(refusal) => self.refused(&refusal).await,
            Err(_) => (GONE, "the desk has ended"),
        }
    }
}
