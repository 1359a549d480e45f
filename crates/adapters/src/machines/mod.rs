//! Machines: each through the protocol of its agent, over a pipe or a link.

mod connect_as;
mod desks;
mod fleet;
mod processes;
mod words;

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use stoa_agent::client::{Client, ClientError};
use stoa_agent::git::Repository;
use stoa_agent::protocol::{self, BeginDeployment, Code, Mode, SecretText, SwitchRelease, TellSecrets};
use stoa_app::ports::{
    Archive, Archived, Command, ConnectAnswer, ConnectWish, InstanceForm, InstanceMetrics, InstanceOnMachine,
    InstanceProcesses, KnownSecrets, LogLine, LogQuery, LogStretch, MachineFacts, MachineMetrics, Machines,
    Order, Progress, RepositoryAccess,
};
use stoa_app::{Away, Fault};
use stoa_domain::branch::CommitId;
use stoa_domain::instance::RestartMode;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::{BackupId, InstanceId, ProjectId};

pub use fleet::Machinery;

/// The machine whose agent answers on one connection.
#[derive(Clone)]
pub struct AgentMachines {
    client: Client,
}

impl AgentMachines {
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn begin(
        &self,
        order: protocol::Order,
        instance: InstanceId,
        command: Command,
    ) -> Result<protocol::OperationView, ClientError> {
        let client = &self.client;
        match command {
            Command::Deploy { deployment, release, commit } => {
                let (deployment, release) = (deployment.uuid(), release.uuid());
                let wanted = BeginDeployment { deployment, release, commit: commit.to_string() };
                client.deploy(order, instance, &wanted).await
            }
            Command::Release { deployment, release } => {
                let wanted = SwitchRelease { deployment: deployment.uuid(), release: release.uuid() };
                client.switch_release(order, instance, &wanted).await
            }
            Command::Start => client.start(order, instance).await,
            Command::Stop => client.stop(order, instance).await,
            Command::Restart(RestartMode::Soft) => client.restart(order, instance, Mode::Soft).await,
            Command::Restart(RestartMode::Hard) => client.restart(order, instance, Mode::Hard).await,
            Command::Backup(wanted) => client.back_up(order, instance, &words::backup(&wanted)).await,
            Command::Restore(wanted) => client.restore(order, instance, &words::restore(&wanted)).await,
            Command::Delete => client.delete_instance(order, instance).await,
            Command::DeleteAfterBackup(last) => {
                client.delete_instance_after(order, instance, &words::backup(&last)).await
            }
        }
    }
}

/// What went wrong. A connection that broke says that the machine is away, and nothing else.
fn fault(error: ClientError) -> Fault {
    match error {
        ClientError::Connection(_) | ClientError::NoAnswer => Fault::new(Away(Fault::new(error).chain())),
        other => Fault::new(other),
    }
}

/// What is told, up to the first that can't be: who followed it begins anew, with a look at the whole.
fn until_broken<T: Send + 'static, W: Send + 'static>(
    items: impl Stream<Item = Result<T, ClientError>> + Send + 'static,
    words: impl Fn(T) -> Option<W> + Send + 'static,
) -> BoxStream<'static, W> {
    let told = items.map(move |item| match item {
        Ok(item) => words(item),
        Err(error) => {
            tracing::warn!(fault = %Fault::new(error).chain(), "a machine can't be followed any more");
            None
        }
    });
    told.take_while(|item| std::future::ready(item.is_some())).filter_map(std::future::ready).boxed()
}

/// `None` where the machine has to be told of secrets first.
fn unless_old<T>(answer: Result<T, ClientError>) -> Result<Option<T>, Fault> {
    match answer {
        Err(error) if error.code() == Some(Code::OldSecrets) => Ok(None),
        other => other.map(Some).map_err(fault),
    }
}

impl Machines for AgentMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
        Box::pin(async {
            let machine = self.client.machine().await.map_err(fault)?;
            Ok(words::facts(self.client.hello(), &machine))
        })
    }

    fn metrics(&self, range: MetricsRange) -> BoxFuture<'_, Result<MachineMetrics, Fault>> {
        Box::pin(async move {
            self.client.machine_metrics(range).await.map(words::machine_metrics).map_err(fault)
        })
    }

    fn instance_metrics(
        &self,
        instance: InstanceId,
        range: MetricsRange,
    ) -> BoxFuture<'_, Result<Option<InstanceMetrics>, Fault>> {
        Box::pin(async move {
            match self.client.instance_metrics(instance, range).await {
                Ok(view) => Ok(Some(words::instance_metrics(view))),
                Err(error) if error.code() == Some(Code::UnknownInstance) => Ok(None),
                Err(error) => Err(fault(error)),
            }
        })
    }

    fn put(&self, order: Order, form: InstanceForm) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let (instance, form) = (form.instance, words::form(form));
            self.client.put_instance(words::order(order)?, instance, &form).await.map_err(fault)
        })
    }

    fn bring_commit(
        &self,
        order: Order,
        project: ProjectId,
        commit: CommitId,
        repository: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let there = self.client.mirror_heads(project).await.map_err(fault)?;
            if there.contains(&commit) {
                return Ok(());
            }
            let repository = Repository::at(repository);
            let common = repository.known_of(&there).await.map_err(Fault::new)?;
            let pack = repository.pack(&commit, &common).await.map_err(Fault::new)?;
            match self.client.put_pack(words::order(order)?, project, &commit, pack).await {
                // The deployment is refused for the same reason, in words for whoever began it.
                Err(error) if error.code() == Some(Code::DiskFull) => {
                    tracing::warn!(%error, %project, "a commit can't be brought to a machine");
                    Ok(())
                }
                other => other.map_err(fault),
            }
        })
    }

    fn carry_out(
        &self,
        order: Order,
        instance: InstanceId,
        command: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>> {
        Box::pin(async move {
            match self.begin(words::order(order)?, instance, command).await {
                Ok(_) => {
                    let events = self.client.events(order.job, 0).await.map_err(fault)?;
                    // Without an end the job is tried again, and finds its work again.
                    Ok(until_broken(events, |told| words::progress(told.event)))
                }
                // Trying again changes nothing.
                Err(ClientError::Refused(problem))
                    if matches!(problem.code, Code::NoSandbox | Code::DiskFull) =>
                {
                    let code = problem.code.key().to_owned();
                    let failed = Progress::Failed { code, sentence: problem.detail, quote: None };
                    Ok(futures_util::stream::iter([failed]).boxed())
                }
                Err(error) => Err(fault(error)),
            }
        })
    }

    fn cancel(&self, order: Order) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            match self.client.cancel(words::order(order)?, order.job).await {
                Err(error) if error.code() == Some(Code::UnknownOperation) => Ok(()),
                other => other.map_err(fault),
            }
        })
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>> {
        Box::pin(async {
            let all = self.client.instances().await.map_err(fault)?;
            Ok(all.into_iter().map(words::instance).collect())
        })
    }

    fn processes(&self, instance: InstanceId) -> BoxFuture<'_, Result<Option<InstanceProcesses>, Fault>> {
        Box::pin(async move {
            match self.client.processes(instance).await {
                Ok(seen) => Ok(Some(processes::seen(seen))),
                Err(error) if error.code() == Some(Code::UnknownInstance) => Ok(None),
                Err(error) => Err(fault(error)),
            }
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async {
            let changes = self.client.changes().await.map_err(fault)?;
            Ok(until_broken(changes, |view| Some(words::instance(view))))
        })
    }

    fn tell_secrets(
        &self,
        instance: InstanceId,
        known: KnownSecrets,
        is_anew: bool,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let KnownSecrets { revision, secrets } = known;
            let secrets = secrets.into_iter().map(SecretText).collect();
            let told = TellSecrets { revision, secrets, anew: is_anew };
            self.client.tell_secrets(instance, &told).await.map_err(fault)
        })
    }

    fn logs(
        &self,
        instance: InstanceId,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogLine, Fault>>>, Fault>> {
        Box::pin(async move {
            let lines = self.client.logs(instance, &words::log_query(query)).await;
            Ok(unless_old(lines)?.map(|lines| lines.map_ok(words::line).map_err(fault).boxed()))
        })
    }

    fn log_outline(
        &self,
        instance: InstanceId,
        query: LogQuery,
        find: Option<String>,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogStretch, Fault>>>, Fault>> {
        Box::pin(async move {
            let query = protocol::LogQuery { find, ..words::log_query(query) };
            let stretches = unless_old(self.client.outline(instance, &query).await)?;
            Ok(stretches.map(|all| all.map_ok(words::stretch).map_err(fault).boxed()))
        })
    }

    fn connect_as(
        &self,
        instance: InstanceId,
        wish: ConnectWish,
    ) -> BoxFuture<'_, Result<ConnectAnswer, Fault>> {
        Box::pin(connect_as::ask(&self.client, instance, wish))
    }

    fn forget_backup(
        &self,
        of: InstanceId,
        backup: BackupId,
        access: RepositoryAccess,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let access = words::repository(&access);
            self.client.forget_backup(of, backup.uuid(), &access).await.map_err(fault)
        })
    }

    fn archive(
        &self,
        of: InstanceId,
        backup: BackupId,
        (access, size, anew): (RepositoryAccess, u64, bool),
        range: Option<String>,
    ) -> BoxFuture<'_, Result<Archived, Fault>> {
        Box::pin(async move {
            let access = words::repository(&access);
            let range = range.map(http::HeaderValue::try_from).transpose().map_err(Fault::new)?;
            let answer = match self.client.archive(of, backup.uuid(), (&access, size, anew), range).await {
                Err(error) if error.code() == Some(Code::UnknownBackup) => return Ok(Archived::Gone),
                Err(error) if error.code() == Some(Code::Damaged) => return Ok(Archived::Damaged),
                other => other.map_err(fault)?,
            };
            let text =
                |name| answer.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
            Ok(Archived::There(Archive {
                status: answer.status.as_u16(),
                length: text(http::header::CONTENT_LENGTH).and_then(|text| text.parse().ok()),
                range: text(http::header::CONTENT_RANGE).map(str::to_owned),
                bytes: answer.bytes.map_err(fault).boxed(),
            }))
        })
    }
}
