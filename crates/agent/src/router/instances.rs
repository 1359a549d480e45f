//! `/v1/instances` and `/v1/changes`: what the machine holds, and what becomes of it.

use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::StatusCode;
use stoa_domain::{InstanceId, ProjectId};
use tokio_stream::wrappers::BroadcastStream;

use super::ask::{Answer, Id, Ordered, Told};
use super::stream::Leased;
use crate::machine::{Agent, Form, Phase, Seen};
use crate::protocol::{
    Code, InstanceState, InstanceView, InstancesView, Problem, ProcessesView, PutInstance, Wish,
};

fn view(seen: Seen) -> InstanceView {
    let (state, sentence) = match seen.phase {
        Phase::Running => (InstanceState::Running, None),
        Phase::Waiting => (InstanceState::Waiting, None),
        Phase::Starting => (InstanceState::Starting, None),
        Phase::Stopped(why) => (InstanceState::Stopped, why),
        Phase::Failed(sentence) => (InstanceState::Failed, Some(sentence)),
    };
    InstanceView {
        id: seen.instance.uuid(),
        state,
        sentence,
        release: seen.release.map(stoa_domain::ReleaseId::uuid),
        process: seen.process,
        since: seen.since,
        fence: seen.fence,
        generation: seen.generation,
    }
}

fn form(instance: InstanceId, told: PutInstance) -> Form {
    let variables = told.variables.into_iter();
    Form {
        instance,
        project: ProjectId::new(told.project),
        os_user: told.os_user,
        variables: variables.map(|variable| (variable.name, variable.value.0)).collect(),
        secrets: told.secrets,
        wish_running: told.wish == Wish::Running,
        instance_slug: told.slug,
        project_slug: told.project_slug,
        workspace_slug: told.workspace_slug,
        stage: told.stage,
        url: told.url,
        host: told.host,
        limits: told.limits.unwrap_or_default(),
        health: told.health,
    }
}

pub(super) async fn list(State(agent): State<Agent>) -> Answer<InstancesView> {
    let instances = agent.instances().into_iter().map(view).collect();
    Answer(StatusCode::OK, InstancesView { instances })
}

pub(super) async fn processes(
    Id(instance): Id<InstanceId>,
    State(agent): State<Agent>,
) -> Result<Answer<ProcessesView>, Problem> {
    Ok(Answer(StatusCode::OK, agent.processes(instance).await?))
}

pub(super) async fn put(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<PutInstance>,
) -> Result<StatusCode, Problem> {
    agent.put(order, form(instance, told)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes from now on. Who can't keep up begins anew, with a look at the whole.
pub(super) async fn changes(State(agent): State<Agent>, leased: Leased) -> Response {
    let changes = BroadcastStream::new(agent.changes());
    leased.answer(changes.map(|change| {
        change.map(view).map_err(|_| Problem::new(Code::Busy, "There were more changes than were read."))
    }))
}
