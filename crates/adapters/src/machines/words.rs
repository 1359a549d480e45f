//! The words of the ports in those of the protocol, and back.

use stoa_agent::protocol::{
    self, BeginBackup, BeginRestore, Code, EnforcedBy, EnforcementView, Event, Fence, HelloView,
    InstanceMetricsView, InstanceState, InstanceView, LineView, MachineMetricsView, MachineView,
    ProgramsView, PutInstance, SecretText, StretchView, Valid, Variable, WantedHealth, WantedLimits, Wish,
};
use stoa_app::Fault;
use stoa_app::ports::{
    BackupOrder, Enforcement, InstanceForm, InstanceMetrics, InstanceOnMachine, LogLine, LogQuery, LogSource,
    LogStretch, MachineFacts, MachineMetrics, MachineState, Most, Order, Programs, Progress,
    RepositoryAccess, RepositoryPlace, RestoreOrder,
};
use stoa_domain::settings::{self, Limits};
use stoa_domain::{BackupId, InstanceId, ReleaseId, Timestamp};

pub(super) fn order(order: Order) -> Result<protocol::Order, Fault> {
    let fence = Fence::new(order.fence).ok_or_else(|| Fault::new("a fence that is negative"))?;
    Ok(protocol::Order { job: order.job, fence, valid: Valid::LONGEST })
}

pub(super) fn facts(hello: &HelloView, machine: &MachineView) -> MachineFacts {
    MachineFacts {
        version: hello.version.clone(),
        processors: machine.processors,
        processor_used: machine.processor_used,
        memory: machine.memory,
        memory_used: machine.memory_used,
        disk: machine.disk,
        disk_used: machine.disk_used,
        uptime_seconds: machine.uptime_seconds,
        no_sandbox: hello.abilities.no_sandbox.clone(),
        no_outgoing: hello.abilities.no_outgoing.clone(),
        limits_by: hello.abilities.limits_by.clone(),
        enforcement: hello.abilities.enforcement.map(enforcement),
        programs: machine.programs.map(|found| {
            let ProgramsView { python, venv, node, npm, postgresql } = found;
            Programs { python, venv, node, npm, postgresql }
        }),
    }
}

pub(super) fn form(form: InstanceForm) -> PutInstance {
    let variables = form.variables.into_iter();
    PutInstance {
        project: form.project.uuid(),
        os_user: form.os_user,
        variables: variables.map(|(name, value)| Variable { name, value: SecretText(value) }).collect(),
        secrets: form.secrets,
        wish: if form.wish_running { Wish::Running } else { Wish::Stopped },
        slug: form.instance_slug,
        project_slug: form.project_slug,
        workspace_slug: form.workspace_slug,
        stage: form.stage,
        url: form.url,
        host: form.host,
        limits: limits(form.limits),
        health: form.health.map(|health| WantedHealth {
            path: health.path,
            status: health.status,
            start_seconds: number(health.start_seconds),
            every_seconds: number(health.every_seconds),
            failures: u32::try_from(health.failures).unwrap_or(u32::MAX),
        }),
    }
}

/// Numbers that are in their ranges are none below zero.
fn number(of: i64) -> u64 {
    u64::try_from(of).unwrap_or(0)
}

/// `None` where all is as usual.
fn limits(limits: Limits) -> Option<WantedLimits> {
    let Limits { memory, processor, processes, disk } = limits;
    let wanted = WantedLimits {
        memory: memory.map(number),
        processor: processor.map(number),
        processes: processes.map(number),
        disk: disk.map(number),
    };
    (limits != Limits::default()).then_some(wanted)
}

fn enforcement(said: EnforcementView) -> Enforcement {
    let by = |by: EnforcedBy| match by {
        EnforcedBy::ControlGroups => settings::EnforcedBy::ControlGroups,
        EnforcedBy::Watch => settings::EnforcedBy::Watch,
        EnforcedBy::User => settings::EnforcedBy::User,
        EnforcedBy::Count => settings::EnforcedBy::Count,
        EnforcedBy::Nothing => settings::EnforcedBy::Nothing,
    };
    Enforcement {
        memory: by(said.memory),
        processor: by(said.processor),
        processes: by(said.processes),
        disk: by(said.disk),
    }
}

pub(super) fn repository(access: &RepositoryAccess) -> protocol::RepositoryAccess {
    let place = match &access.place {
        RepositoryPlace::Disk => protocol::RepositoryPlace::Disk {},
        RepositoryPlace::S3 { url, addresses, key_id, key, region } => protocol::RepositoryPlace::S3 {
            url: url.clone(),
            addresses: addresses.clone(),
            key_id: key_id.clone(),
            key: SecretText(key.clone()),
            region: region.clone(),
        },
    };
    protocol::RepositoryAccess { password: SecretText(access.password.clone()), place }
}

pub(super) fn backup(order: &BackupOrder) -> BeginBackup {
    BeginBackup {
        backup: order.backup.uuid(),
        repository: repository(&order.repository),
        settings: order.settings.clone(),
    }
}

pub(super) fn restore(order: &RestoreOrder) -> BeginRestore {
    BeginRestore {
        backup: order.backup.uuid(),
        of: order.of.uuid(),
        repository: repository(&order.repository),
        safety: order.safety.as_ref().map(backup),
        deployment: order.deployment.uuid(),
        release: order.release.uuid(),
        commit: order.commit.as_ref().map(ToString::to_string),
        size: order.size,
    }
}

/// None where the work never began: its time was over before its turn came.
pub(super) fn progress(event: Event) -> Option<Progress> {
    Some(match event {
        Event::Step { name, progress } => Progress::Step { name, progress },
        Event::Stored { backup, snapshot, size, added, warning } => {
            Progress::Stored { backup: BackupId::new(backup), snapshot, size, added, warning }
        }
        Event::Succeeded { release, size, connect_as } => {
            Progress::Succeeded { release: release.map(ReleaseId::new), size, connect_as }
        }
        Event::Cancelled => Progress::Cancelled,
        Event::Failed { code, .. } if code == Code::Late.key() => return None,
        Event::Failed { code, sentence, quote } => Progress::Failed { code, sentence, quote },
    })
}

pub(super) fn instance(view: InstanceView) -> InstanceOnMachine {
    let state = match view.state {
        InstanceState::Running => MachineState::Running,
        // It is back in a moment: nothing that anybody has to know changes.
        InstanceState::Waiting | InstanceState::Starting => MachineState::Starting,
        InstanceState::Stopped => MachineState::Stopped { sentence: view.sentence },
        InstanceState::Failed => MachineState::Failed { sentence: view.sentence.unwrap_or_default() },
    };
    InstanceOnMachine { instance: InstanceId::new(view.id), state, release: view.release.map(ReleaseId::new) }
}

pub(super) fn log_query(query: LogQuery) -> protocol::LogQuery {
    protocol::LogQuery {
        source: match (query.deployment, query.source) {
            (Some(deployment), _) => Some(deployment.to_string()),
            (None, LogSource::Application) => None,
            (None, LogSource::Init) => Some("init".to_owned()),
            (None, LogSource::Proxy) => Some("proxy".to_owned()),
        },
        from: query.since.map(Timestamp::micros),
        to: query.until.map(Timestamp::micros),
        query: query.query,
        levels: (!query.levels.is_empty()).then(|| query.levels.join(",")),
        after: query.after,
        before: query.before,
        begin: query.from,
        end: query.to,
        limit: query.limit,
        follow: query.follow,
        find: None,
        secrets: Some(query.secrets),
    }
}

pub(super) fn line(line: LineView) -> LogLine {
    LogLine {
        position: line.position,
        at: Timestamp::from_micros(line.at),
        stream: line.stream,
        level: Some(line.level),
        text: line.text,
    }
}

pub(super) fn stretch(stretch: StretchView) -> LogStretch {
    LogStretch {
        position: stretch.position,
        at: Timestamp::from_micros(stretch.at),
        until: Timestamp::from_micros(stretch.until),
        lines: stretch.lines,
        levels: stretch.levels,
        found: stretch.found,
        hits: stretch.hits,
    }
}

pub(super) fn machine_metrics(view: MachineMetricsView) -> MachineMetrics {
    MachineMetrics {
        from: Timestamp::from_micros(view.from),
        processor: view.processor,
        memory: view.memory,
        disk: view.disk,
        received: view.received,
        sent: view.sent,
        processors: view.processors,
        whole_memory: view.whole_memory,
        whole_disk: view.whole_disk,
    }
}

pub(super) fn instance_metrics(view: InstanceMetricsView) -> InstanceMetrics {
    let most = Most { processor: view.most_processor, memory: view.most_memory, disk: view.most_disk };
    InstanceMetrics {
        from: Timestamp::from_micros(view.from),
        processor: view.processor,
        memory: view.memory,
        disk: view.disk,
        requests: view.requests,
        errors: view.errors,
        most: Some(most),
    }
}
