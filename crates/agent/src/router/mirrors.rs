//! `/v1/mirrors`: commits are brought to the machine as packs.

use std::io;

use axum::body::Body;
use axum::extract::State;
use futures_util::TryStreamExt as _;
use http::StatusCode;
use stoa_domain::ProjectId;
use stoa_domain::branch::CommitId;

use super::ask::{Answer, Asked, Id, Ordered};
use crate::machine::Agent;
use crate::protocol::{Code, MirrorQuery, MirrorView, Problem};

pub(super) fn commit(text: &str) -> Result<CommitId, Problem> {
    let refused = || Problem::new(Code::Invalid, "A commit is forty hexadecimal digits in lower case.");
    CommitId::parse(text).ok_or_else(refused)
}

pub(super) async fn heads(
    Id(project): Id<ProjectId>,
    State(agent): State<Agent>,
) -> Result<Answer<MirrorView>, Problem> {
    let heads = agent.mirror_heads(project).await?;
    let heads = heads.iter().map(CommitId::to_string).collect();
    Ok(Answer(StatusCode::OK, MirrorView { heads }))
}

pub(super) async fn put(
    Id(project): Id<ProjectId>,
    Ordered(order): Ordered,
    Asked(query): Asked<MirrorQuery>,
    State(agent): State<Agent>,
    pack: Body,
) -> Result<StatusCode, Problem> {
    let commit = commit(&query.commit)?;
    let broke_off = |error| io::Error::new(io::ErrorKind::UnexpectedEof, error);
    agent.take_pack(order, project, commit, pack.into_data_stream().map_err(broke_off)).await?;
    Ok(StatusCode::NO_CONTENT)
}
