//! `/v1/instances/{id}/socket` and `/v1/visits`: an application's visitors, whom the control plane's proxy brings.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::TryStreamExt as _;
use http::StatusCode;
use stoa_domain::InstanceId;
use tokio_util::io::{ReaderStream, StreamReader};

use super::ask::{Id, Told, with_type};
use crate::machine::Agent;
use crate::protocol::{Code, Problem, VisitsNoted};

/// Bytes of one piece of what an application answers.
const PIECE: usize = 16 * 1024;

/// A connection to the application, as bytes in both directions: the body is what goes to it, the answer's what comes from
/// it. It ends where either side is let go.
pub(super) async fn socket(
    Id(instance): Id<InstanceId>,
    State(agent): State<Agent>,
    request: Request,
) -> Result<Response, Problem> {
    let opened = agent.open_application(instance).await;
    let application = opened.map_err(|_| Problem::new(Code::Busy, "The application can't be reached."))?;
    let (from, mut to) = application.into_split();
    let sent = request.into_body().into_data_stream().map_err(std::io::Error::other);
    tokio::spawn(async move {
        // Half of it may be over while the other goes on.
        let copied = tokio::io::copy(&mut StreamReader::new(sent), &mut to).await;
        match copied {
            Ok(_) => drop(tokio::io::AsyncWriteExt::shutdown(&mut to).await),
            // Broken off: the application hears nothing more either way.
            Err(_) => drop(to),
        }
    });
    let answer = Body::from_stream(ReaderStream::with_capacity(from, PIECE));
    Ok(with_type(StatusCode::OK, "application/octet-stream", answer))
}

/// Visitors who were answered, to be counted and written down.
pub(super) async fn noted(State(agent): State<Agent>, Told(told): Told<VisitsNoted>) -> StatusCode {
    for visit in told.visits {
        agent.note_request(InstanceId::new(visit.instance), visit.status, visit.line);
    }
    StatusCode::NO_CONTENT
}
