//! Work on instances: begun with 202 and an operation, followed by its events, cancelled.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::StatusCode;
use stoa_domain::instance::RestartMode;
use stoa_domain::{DeploymentId, InstanceId, JobId, ReleaseId};

use super::ask::{Answer, Asked, Id, Ordered, Told};
use super::backups::Last;
use super::mirrors::commit;
use super::stream::Leased;
use crate::machine::{Agent, Command, Operation, Order};
use crate::protocol::{
    BeginDeployment, Code, EventView, EventsQuery, Mode, Nothing, OperationView, Problem, RestartInstance,
    SwitchRelease,
};

pub(super) type Begun = Result<Answer<OperationView>, Problem>;

pub(super) fn begin(agent: &Agent, order: Order, instance: InstanceId, command: Command) -> Begun {
    let operation = agent.carry_out(order, instance, command)?;
    Ok(Answer(StatusCode::ACCEPTED, operation.view()))
}

fn load(agent: &Agent, job: JobId) -> Result<Arc<Operation>, Problem> {
    let unknown = || Problem::new(Code::UnknownOperation, "No operation has this id.");
    agent.operation(job).ok_or_else(unknown)
}

pub(super) async fn deploy(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<BeginDeployment>,
) -> Begun {
    let command = Command::Deploy {
        deployment: DeploymentId::new(told.deployment),
        release: ReleaseId::new(told.release),
        commit: commit(&told.commit)?,
    };
    begin(&agent, order, instance, command)
}

pub(super) async fn release(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<SwitchRelease>,
) -> Begun {
    let command = Command::Release {
        deployment: DeploymentId::new(told.deployment),
        release: ReleaseId::new(told.release),
    };
    begin(&agent, order, instance, command)
}

pub(super) async fn start(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(Nothing {}): Told<Nothing>,
) -> Begun {
    begin(&agent, order, instance, Command::Start)
}

pub(super) async fn stop(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(Nothing {}): Told<Nothing>,
) -> Begun {
    begin(&agent, order, instance, Command::Stop)
}

pub(super) async fn restart(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<RestartInstance>,
) -> Begun {
    let mode = match told.mode {
        Mode::Soft => RestartMode::Soft,
        Mode::Hard => RestartMode::Hard,
    };
    begin(&agent, order, instance, Command::Restart(mode))
}

pub(super) async fn delete(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Last(last): Last,
) -> Begun {
    let command = match last {
        None => Command::Delete,
        Some(last) => Command::DeleteAfterBackup(last.into()),
    };
    begin(&agent, order, instance, command)
}

pub(super) async fn find(Id(job): Id<JobId>, State(agent): State<Agent>) -> Begun {
    Ok(Answer(StatusCode::OK, load(&agent, job)?.view()))
}

/// What happened behind an event and what happens, up to the end. The work goes on when nobody follows it.
pub(super) async fn events(
    Id(job): Id<JobId>,
    Asked(query): Asked<EventsQuery>,
    State(agent): State<Agent>,
    leased: Leased,
) -> Result<Response, Problem> {
    let events = load(&agent, job)?.follow(query.after);
    Ok(leased.answer(events.map(|(number, event)| Ok(EventView { number, event }))))
}

pub(super) async fn cancel(
    Id(job): Id<JobId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(Nothing {}): Told<Nothing>,
) -> Result<StatusCode, Problem> {
    let operation = load(&agent, job)?;
    agent.cancel(order, &operation)?;
    Ok(StatusCode::NO_CONTENT)
}
