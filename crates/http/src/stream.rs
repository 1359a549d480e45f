//! Answers that go on: server-sent events and lines of JSON, each under a lease.
//!
//! Before every frame the lease is asked. When the right ends, an event stream says so with `event: end` and the
//! problem; lines of JSON, which have no place for it, break off.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::stream::{BoxStream, Stream, StreamExt as _, unfold};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use stoa_app::{Failure, Fault};

use crate::lease::Lease;
use crate::problem::tell_failure;

/// So that a proxy between doesn't take silence for death.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A comment, which no client takes for anything.
const COMMENT: &[u8] = b": \n\n";

/// An event of its own name. A browser tells its page of no comment, so the page could tell silence from death by
/// nothing else.
const BEAT: &[u8] = b"event: heartbeat\ndata: {}\n\n";

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Events,
    Lines,
    /// Lines of text.
    Text,
}

/// Bytes of what is sent at once, where several frames are there already.
const PIECE: usize = 16 * 1024;

/// One thing to send.
pub(crate) struct Frame {
    /// By which a client says where it was: in events only.
    pub id: Option<String>,
    /// JSON, or a line of text.
    pub text: String,
}

impl Form {
    fn add(self, frame: &Frame, piece: &mut String) {
        if self != Self::Events {
            piece.push_str(&frame.text);
            piece.push('\n');
            return;
        }
        if let Some(id) = &frame.id {
            piece.push_str("id: ");
            piece.push_str(id);
            piece.push('\n');
        }
        piece.push_str("data: ");
        piece.push_str(&frame.text);
        piece.push_str("\n\n");
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// What is told before the end, of what ends it.
type Farewell = Box<dyn Fn(&Failure) -> Result<Option<Frame>, Failure> + Send>;

struct Going {
    lease: Lease,
    frames: BoxStream<'static, Result<Frame, Failure>>,
    form: Form,
    heartbeat: tokio::time::Interval,
    beat: &'static [u8],
    is_in_pieces: bool,
    farewell: Option<Farewell>,
    /// What came behind the frames that were sent last.
    waiting: Option<Option<Failure>>,
    is_over: bool,
}

impl Going {
    fn new(
        form: Form,
        lease: Lease,
        frames: impl Stream<Item = Result<Frame, Failure>> + Send + 'static,
    ) -> Self {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self {
            lease,
            frames: frames.boxed(),
            form,
            heartbeat,
            beat: COMMENT,
            is_in_pieces: false,
            farewell: None,
            waiting: None,
            is_over: false,
        }
    }

    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.is_over {
            return None;
        }
        let next = tokio::select! {
            biased;
            refusal = self.lease.ended() => Some(Err(refusal.into())),
            next = next_of(&mut self.waiting, &mut self.frames) => next,
            _ = self.heartbeat.tick(), if self.form == Form::Events => return Some(Ok(Bytes::from_static(self.beat))),
        };
        // Asked again, because getting the frame may have taken long.
        let next = match (next, self.lease.check()) {
            (Some(Ok(_)), Err(refusal)) => Some(Err(refusal.into())),
            (next, _) => next,
        };
        match next {
            Some(Ok(frame)) => Some(Ok(self.together(&frame))),
            Some(Err(failure)) => {
                self.is_over = true;
                Some(self.end(&failure))
            }
            None => {
                self.is_over = true;
                None
            }
        }
    }

    /// A frame, and those that are there already where pieces are wished.
    fn together(&mut self, frame: &Frame) -> Bytes {
        let mut piece = String::new();
        self.form.add(frame, &mut piece);
        while self.is_in_pieces && piece.len() < PIECE {
            match self.frames.next().now_or_never() {
                Some(Some(Ok(frame))) => self.form.add(&frame, &mut piece),
                Some(Some(Err(failure))) => {
                    self.waiting = Some(Some(failure));
                    break;
                }
                Some(None) => {
                    self.waiting = Some(None);
                    break;
                }
                None => break,
            }
        }
        Bytes::from(piece)
    }

    fn end(&self, failure: &Failure) -> Result<Bytes, std::io::Error> {
        let told = tell_failure(failure);
        match self.form {
            Form::Events => {
                let mut piece = String::new();
                match self.farewell.as_ref().map_or(Ok(None), |farewell| farewell(failure)) {
                    Ok(Some(frame)) => self.form.add(&frame, &mut piece),
                    Ok(None) => {}
                    Err(failure) => tracing::error!(?failure, "the last word of a stream can't be told"),
                }
                piece.push_str(&format!("event: end\ndata: {}\n\n", told.object()));
                Ok(Bytes::from(piece))
            }
            Form::Lines | Form::Text => {
                Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, told.code))
            }
        }
    }
}

async fn next_of(
    waiting: &mut Option<Option<Failure>>,
    frames: &mut BoxStream<'static, Result<Frame, Failure>>,
) -> Option<Result<Frame, Failure>> {
    match waiting.take() {
        Some(end) => end.map(Err),
        None => frames.next().await,
    }
}

/// An answer that sends what comes, for as long as the lease holds.
pub(crate) fn answer(
    form: Form,
    lease: Lease,
    frames: impl Stream<Item = Result<Frame, Failure>> + Send + 'static,
) -> Response {
    going(Going::new(form, lease, frames))
}

/// Events that end with a word of their own before the end; `beats`: their heartbeats are events too, the first of them at
/// once.
pub(crate) fn answer_with_farewell(
    lease: Lease,
    frames: impl Stream<Item = Result<Frame, Failure>> + Send + 'static,
    farewell: impl Fn(&Failure) -> Result<Option<Frame>, Failure> + Send + 'static,
    beats: bool,
) -> Response {
    let beat = if beats { BEAT } else { COMMENT };
    let farewell: Farewell = Box::new(farewell);
    going(Going { beat, farewell: Some(farewell), ..Going::new(Form::Events, lease, frames) })
}

/// As [`answer`], with many small frames at once. Not for frames that are read from the records: what is begun for the
/// next piece goes on only when a client takes it, and would keep a connection of the database for as long.
pub(crate) fn answer_in_pieces(
    form: Form,
    lease: Lease,
    frames: impl Stream<Item = Result<Frame, Failure>> + Send + 'static,
) -> Response {
    going(Going { is_in_pieces: true, ..Going::new(form, lease, frames) })
}

fn going(going: Going) -> Response {
    let form = going.form;
    let body = unfold(going, |mut going| async move {
        let next = going.next().await?;
        Some((next, going))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx otherwise keeps what should arrive at once.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Whether a client asks for this form.
pub(crate) fn accepts(headers: &HeaderMap, content_type: &str) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| {
        let mut named = value.to_str().unwrap_or_default().split(',');
        named
            .any(|one| one.split(';').next().is_some_and(|one| one.trim().eq_ignore_ascii_case(content_type)))
    })
}

/// A frame of something serialisable.
///
/// # Errors
/// A fault where it can't be written as JSON.
pub(crate) fn frame(id: Option<String>, value: &impl serde::Serialize) -> Result<Frame, Failure> {
    Ok(Frame { id, text: serde_json::to_string(value).map_err(Fault::new)? })
}

/// A line of text. It has no end of its own.
pub(crate) fn text(line: String) -> Frame {
    Frame { id: None, text: line.replace('\n', " ") }
}
