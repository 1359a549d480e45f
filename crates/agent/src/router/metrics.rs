//! `/v1/machine/samples` and `/v1/instances/{id}/samples`.

use axum::extract::State;
use http::StatusCode;
use stoa_domain::InstanceId;
use stoa_domain::metrics::MetricsRange;

use super::ask::{Answer, Asked, Id};
use crate::machine::{Agent, instance_series, machine_series};
use crate::protocol::{Code, InstanceMetricsView, MachineMetricsView, MetricsQuery, Problem};

fn range(asked: &MetricsQuery) -> Result<MetricsRange, Problem> {
    let unknown = || Problem::new(Code::Invalid, "A range is `hour`, `day` or `week`.");
    MetricsRange::from_key(&asked.range).ok_or_else(unknown)
}

pub(super) async fn of_machine(
    Asked(asked): Asked<MetricsQuery>,
    State(agent): State<Agent>,
) -> Result<Answer<MachineMetricsView>, Problem> {
    use machine_series::{DISK, MEMORY, PROCESSOR, RECEIVED, SENT};
    let (course, facts) = agent.metrics_of_machine(range(&asked)?)?;
    let view = MachineMetricsView {
        from: course.from,
        processor: course.column(PROCESSOR),
        memory: course.column(MEMORY),
        disk: course.column(DISK),
        received: course.column(RECEIVED),
        sent: course.column(SENT),
        processors: facts.processors,
        whole_memory: facts.memory,
        whole_disk: facts.disk,
    };
    Ok(Answer(StatusCode::OK, view))
}

pub(super) async fn of_instance(
    Id(instance): Id<InstanceId>,
    Asked(asked): Asked<MetricsQuery>,
    State(agent): State<Agent>,
) -> Result<Answer<InstanceMetricsView>, Problem> {
    use instance_series::{DISK, ERRORS, MEMORY, PROCESSOR, REQUESTS};
    let (course, form) = agent.metrics_of(instance, range(&asked)?)?;
    let limits = form.sandbox_limits();
    let view = InstanceMetricsView {
        from: course.from,
        processor: course.column(PROCESSOR),
        memory: course.column(MEMORY),
        disk: course.column(DISK),
        requests: course.column(REQUESTS),
        errors: course.column(ERRORS),
        most_processor: limits.processor,
        most_memory: limits.memory,
        most_disk: form.most_data(),
    };
    Ok(Answer(StatusCode::OK, view))
}
