//! `/v1/instances/{id}/logs`.

use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt as _;
use stoa_domain::InstanceId;

use super::ask::{Asked, Id};
use super::stream::Leased;
use crate::logs::{self, Query};
use crate::machine::Agent;
use crate::protocol::{Code, LineView, LogQuery, Problem};

/// The lines that fit. A log that isn't there yet is an empty one: it may be followed before its first line, and
/// before the machine was told of its instance.
pub(super) async fn read(
    Id(instance): Id<InstanceId>,
    Asked(asked): Asked<LogQuery>,
    State(agent): State<Agent>,
    leased: Leased,
) -> Result<Response, Problem> {
    let refused = |_| Problem::new(Code::Invalid, "A source is the id of a deployment.");
    let deployment = asked.source.map(|id| id.parse()).transpose().map_err(refused)?;
    let query = Query {
        text: asked.query,
        since: asked.from,
        until: asked.to,
        after: asked.after,
        limit: asked.limit,
        follow: asked.follow,
    };
    let lines = logs::read(agent.log_folder(instance, deployment), query);
    Ok(leased.answer(lines.map(|line| {
        line.map(|line| LineView {
            position: line.position,
            at: line.at,
            stream: line.stream,
            text: line.text,
        })
        .map_err(|error| Problem::new(Code::Failed, format!("The log can't be read: {error}.")))
    })))
}
