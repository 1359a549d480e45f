//! `/v1/instances/{id}/commands/…`: what an application is asked for somebody who connects as one of its users. Short, and
//! changing nothing that the machine keeps: it isn't compared with the fence.

use axum::extract::State;
use http::StatusCode;
use stoa_domain::InstanceId;

use super::ask::{Answer, Id, Ordered, Told};
use crate::machine::Agent;
use crate::protocol::{
    Commanded, EndSession, ListUsers, Nothing, OpenSession, OpenedView, Problem, UsersView,
};

type Asked<T> = Result<Answer<Commanded<T>>, Problem>;

pub(super) async fn list(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(asked): Told<ListUsers>,
) -> Asked<UsersView> {
    Ok(Answer(StatusCode::OK, agent.list_users(order, instance, asked).await?))
}

pub(super) async fn open(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(asked): Told<OpenSession>,
) -> Asked<OpenedView> {
    Ok(Answer(StatusCode::OK, agent.open_session(order, instance, asked).await?))
}

pub(super) async fn end(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(asked): Told<EndSession>,
) -> Asked<Nothing> {
    Ok(Answer(StatusCode::OK, agent.end_session(order, instance, asked).await?))
}
