//! `…/desks/{account}/terminals`: bytes both ways, for as long as the lease that travels with them is renewed.

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use http::request::Parts;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::ask::{Answer, Asked, with_type};
use super::desks::Of;
use crate::machine::{Agent, DeskOf, Wish};
use crate::protocol::desk::{TerminalQuery, TerminalsView};
use crate::protocol::header::LEASE_LASTS;
use crate::protocol::piece::{self, Assembly, KIND, Piece, Reader, Size};
use crate::protocol::{Code, Problem};

/// Pieces that wait for whoever reads them: a program that writes faster waits too.
const WAITING: usize = 4;

/// Which terminal the path names.
pub(super) struct Terminal(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Terminal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let words = RawPathParams::from_request_parts(parts, state).await.ok();
        let word = words.as_ref().and_then(|words| words.iter().find(|(key, _)| *key == "terminal"));
        let id = word.and_then(|(_, value)| Uuid::try_parse(value).ok());
        id.map(Self).ok_or_else(|| Problem::new(Code::Invalid, "The id in the path isn't a UUID."))
    }
}

pub(super) async fn list(Of(of): Of, State(agent): State<Agent>) -> Result<Answer<TerminalsView>, Problem> {
    Ok(Answer(StatusCode::OK, TerminalsView { terminals: agent.desk_terminals(of).await? }))
}

pub(super) async fn end(
    Of(of): Of,
    Terminal(terminal): Terminal,
    State(agent): State<Agent>,
) -> Result<StatusCode, Problem> {
    agent.end_desk_terminal(of, terminal).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn attach(
    Of(of): Of,
    Terminal(terminal): Terminal,
    Asked(query): Asked<TerminalQuery>,
    State(agent): State<Agent>,
    request: Request,
) -> Result<Response, Problem> {
    let size = Size { columns: query.columns, rows: query.rows };
    let wish = Wish { terminal, is_new: query.new, size };
    let (reader, write) = agent.desk_terminal(of, wish).await?;
    let (sender, receiver) = mpsc::channel::<Bytes>(WAITING);
    let typed = request.into_body().into_data_stream();
    tokio::spawn(async move {
        tokio::select! {
            () = take_in(typed, write, &agent, of) => {}
            () = hand_on(reader, &sender) => {}
            () = sender.closed() => {}
        }
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), receiver))
    });
    Ok(with_type(StatusCode::OK, KIND, Body::from_stream(pieces)))
}

/// What is typed goes in only while the lease lasts; with it this ends.
async fn take_in(mut typed: BodyDataStream, mut write: OwnedWriteHalf, agent: &Agent, of: DeskOf) {
    let mut pieces = Assembly::default();
    let mut end = Instant::now() + LEASE_LASTS;
    while let Ok(Some(Ok(part))) = timeout_at(end, typed.next()).await {
        pieces.add(&part);
        loop {
            match pieces.take() {
                Ok(None) => break,
                Ok(Some(Piece::Lease)) => end = Instant::now() + LEASE_LASTS,
                Ok(Some(piece @ (Piece::Bytes(_) | Piece::Resize(_) | Piece::End))) => {
                    agent.use_desk(of);
                    match timeout_at(end, piece::write(&mut write, &piece)).await {
                        Ok(Ok(())) => {}
                        _ => return,
                    }
                }
                Ok(Some(_)) | Err(_) => return,
            }
        }
    }
}

async fn hand_on(mut reader: Reader<OwnedReadHalf>, sender: &mpsc::Sender<Bytes>) {
    while let Ok(Some(piece)) = reader.next().await {
        let is_last = matches!(piece, Piece::Ended(_));
        if sender.send(piece.encode()).await.is_err() || is_last {
            return;
        }
    }
}
