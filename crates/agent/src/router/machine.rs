//! `/v1/hello` and `/v1/machine`.

use axum::extract::State;
use http::StatusCode;

use super::ask::Answer;
use crate::machine::{Agent, find_programs};
use crate::protocol::{AbilitiesView, HelloView, MachineView, PROTOCOL};

pub(super) async fn hello(State(agent): State<Agent>) -> Answer<HelloView> {
    let abilities = agent.abilities();
    let hello = HelloView {
        protocol: PROTOCOL,
        version: agent.version().to_owned(),
        abilities: AbilitiesView {
            no_sandbox: abilities.no_sandbox.clone(),
            no_outgoing: abilities.no_outgoing.clone(),
            limits_by: abilities.limits_by.clone(),
            enforcement: Some(abilities.enforcement()),
        },
    };
    Answer(StatusCode::OK, hello)
}

pub(super) async fn machine(State(agent): State<Agent>) -> Answer<MachineView> {
    let facts = agent.facts();
    let view = MachineView {
        processors: facts.processors,
        processor_used: f32::from(facts.processor_hundredths) / 100.0,
        memory: facts.memory,
        memory_used: facts.memory_used,
        disk: facts.disk,
        disk_used: facts.disk_used,
        uptime_seconds: facts.uptime_seconds,
        programs: Some(find_programs()),
    };
    Answer(StatusCode::OK, view)
}
