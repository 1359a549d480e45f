//! What runs of an instance, in the words of the port.

use stoa_agent::protocol::{self, ProcessView, ProcessesView, RunView, ScheduleView};
use stoa_app::ports::{InstanceProcess, InstanceProcesses, InstanceSchedule, RunOutcome, ScheduleRun};
use stoa_domain::Timestamp;

pub(super) fn seen(seen: ProcessesView) -> InstanceProcesses {
    InstanceProcesses {
        processes: seen.processes.into_iter().map(process).collect(),
        schedules: seen.schedules.into_iter().map(schedule).collect(),
    }
}

fn process(process: ProcessView) -> InstanceProcess {
    InstanceProcess {
        name: Some(process.name).filter(|name| !name.is_empty()),
        is_running: process.is_running,
        began: process.began.map(Timestamp::from_micros),
        ends: process.ends,
        last_end: process.last_end,
    }
}

fn schedule(schedule: ScheduleView) -> InstanceSchedule {
    InstanceSchedule {
        name: schedule.name,
        cron: schedule.cron,
        next_at: schedule.next.map(Timestamp::from_micros),
        runs: schedule.runs.into_iter().map(run).collect(),
    }
}

fn run(run: RunView) -> ScheduleRun {
    let outcome = |outcome| match outcome {
        protocol::RunOutcome::Succeeded => RunOutcome::Succeeded,
        protocol::RunOutcome::Failed => RunOutcome::Failed,
        protocol::RunOutcome::OutOfTime => RunOutcome::OutOfTime,
        protocol::RunOutcome::Stopped => RunOutcome::Stopped,
    };
    ScheduleRun {
        began: Timestamp::from_micros(run.began),
        ended: run.ended.map(Timestamp::from_micros),
        outcome: run.outcome.map(outcome),
        end: run.end,
    }
}
