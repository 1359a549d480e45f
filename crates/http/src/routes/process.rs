//! What runs of an instance, and what is run at its times.

use serde::Serialize;
use stoa_app::ports::{InstanceProcess, InstanceProcesses, InstanceSchedule, ScheduleRun};
use stoa_domain::permission::instance::ViewProcesses;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Object};
use crate::argument::Uses;
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/api/v1/workspaces/{workspace}/instances/{instance}/processes",
        view,
        Operation::new("viewProcesses", 200, "What runs of an instance, and what is run at its times.")
            .refuses(&["server_away"]),
    )
}

#[derive(Serialize, ToSchema)]
struct ProcessesView {
    /// The application first; empty where nothing runs.
    processes: Vec<ProcessView>,
    schedules: Vec<ScheduleView>,
}

#[derive(Serialize, ToSchema)]
struct ProcessView {
    /// `null`: the application itself.
    name: Option<String>,
    is_running: bool,
    /// Since when it runs.
    #[schema(format = DateTime)]
    began_at: Option<String>,
    /// How often it has ended by itself.
    ends: u64,
    /// How it ended the last time: `status 1`, `signal SIGKILL`.
    last_end: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ScheduleView {
    name: String,
    /// Five fields as cron has them, in UTC.
    cron: String,
    /// `null` while the instance doesn't run.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The last ones, the newest first.
    runs: Vec<ScheduleRunView>,
}

#[derive(Serialize, ToSchema)]
struct ScheduleRunView {
    #[schema(format = DateTime)]
    began_at: String,
    /// `null`: it goes on.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    #[schema(value_type = Option<words::RunOutcome>)]
    outcome: Option<&'static str>,
    /// `status 1`, or why it couldn't be started.
    end: Option<String>,
}

impl ProcessesView {
    fn of(seen: InstanceProcesses) -> Self {
        Self {
            processes: seen.processes.into_iter().map(ProcessView::of).collect(),
            schedules: seen.schedules.into_iter().map(ScheduleView::of).collect(),
        }
    }
}

impl ProcessView {
    fn of(process: InstanceProcess) -> Self {
        let InstanceProcess { name, is_running, began, ends, last_end } = process;
        Self { name, is_running, began_at: began.map(time), ends, last_end }
    }
}

impl ScheduleView {
    fn of(schedule: InstanceSchedule) -> Self {
        let InstanceSchedule { name, cron, next_at, runs } = schedule;
        let run = |run: ScheduleRun| ScheduleRunView {
            began_at: time(run.began),
            ended_at: run.ended.map(time),
            outcome: run.outcome.map(stoa_app::ports::RunOutcome::key),
            end: run.end,
        };
        Self { name, cron, next_at: next_at.map(time), runs: runs.into_iter().map(run).collect() }
    }
}

async fn view(May(permit): May<ViewProcesses>, Uses(app): Uses) -> Answer<Object<ProcessesView>> {
    Ok(Object::ok(ProcessesView::of(app.view_processes(permit).await?)))
}
