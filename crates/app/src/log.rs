//! Reading and following logs. The lines stand on the machine; nothing here keeps them.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_domain::permission::instance as may;
use stoa_domain::{InstanceId, Permit, Refusal, WorkspaceId};

use crate::machine::MachinePlace;
use crate::ports::{KnownSecrets, LogLine, LogQuery, LogStretch};
use crate::{App, Failure, Fault};

/// Most lines of one answer, and how many where nothing is said.
const MOST: usize = 10_000;
const USUAL: usize = 1_000;

/// How long a change of what is secret waits until it holds; and how often it is told where nobody answers.
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_ATTEMPTS: usize = 8;

impl App {
    /// The lines of the application's log, or of a deployment's. Whoever sends them on asks again and again whether it
    /// may (`leases`); this only begins.
    ///
    /// # Errors
    /// `NotFound` for a deployment that isn't the instance's, `ServerAway`, or a fault.
    pub async fn read_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        mut query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        query.limit = Some(query.limit.unwrap_or(USUAL).min(MOST));
        self.open_log(permit, query).await
    }

    /// All lines that fit, however many, the oldest first.
    ///
    /// # Errors
    /// As `read_logs`.
    pub async fn download_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        self.open_log(permit, LogQuery { limit: None, follow: false, ..query }).await
    }

    /// How many lines of which level stand where, and in which of them a text is.
    ///
    /// # Errors
    /// As `read_logs`.
    pub async fn outline_logs(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
        find: Option<String>,
    ) -> Result<BoxStream<'static, Result<LogStretch, Failure>>, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        self.check_deployment(&permit, &query).await?;
        let machine = &self.machine_of(instance).await?.machine;
        let ask = |query| machine.log_outline(instance, query, find.clone());
        let stretches = self.without_secrets(workspace, instance, query, ask).await?;
        Ok(stretches.map(|stretch| stretch.map_err(Failure::from)).boxed())
    }

    async fn open_log(
        &self,
        permit: Permit<may::ReadLogs>,
        query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Failure>>, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        self.check_deployment(&permit, &query).await?;
        let lines = self.open_lines(workspace, instance, query).await?;
        Ok(lines.map(|line| line.map_err(Failure::from)).boxed())
    }

    pub(crate) async fn open_lines(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        query: LogQuery,
    ) -> Result<BoxStream<'static, Result<LogLine, Fault>>, Failure> {
        let machine = &self.machine_of(instance).await?.machine;
        self.without_secrets(workspace, instance, query, |query| machine.logs(instance, query)).await
    }

    /// Nothing is read before the machine knows what is secret by now: where it doesn't, it is told.
    async fn without_secrets<'m, T>(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        mut query: LogQuery,
        ask: impl Fn(LogQuery) -> BoxFuture<'m, Result<Option<T>, Fault>>,
    ) -> Result<T, Failure> {
        query.secrets = self.store().load_settings_revision(workspace, instance).await?;
        if let Some(opened) = ask(query.clone()).await? {
            return Ok(opened);
        }
        self.tell_secrets(workspace, instance, false).await?;
        let opened = ask(query).await?;
        opened.ok_or_else(|| Fault::new("the machine forgets what is secret").into())
    }

    async fn tell_secrets(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        is_anew: bool,
    ) -> Result<(), Failure> {
        // First the revision: what is changed in between makes it an old one, never a newer.
        let revision = self.store().load_settings_revision(workspace, instance).await?;
        let secrets = self.open_secret_variables(workspace, instance).await?;
        let machine = self.machine_of(instance).await?.machine;
        Ok(machine.tell_secrets(instance, KnownSecrets { revision, secrets }, is_anew).await?)
    }

    /// What is secret may have changed: whoever reads a log now goes on without it. Where the machine doesn't answer at
    /// once it is told later; until then nobody begins to read.
    pub(crate) async fn secrets_changed(&self, workspace: WorkspaceId, instance: InstanceId) {
        let app = self.clone();
        let telling = tokio::spawn(async move {
            let mut pause = Duration::from_secs(1);
            for _ in 0..MOST_ATTEMPTS {
                match app.tell_secrets(workspace, instance, false).await {
                    Ok(()) | Err(Failure::Refused(Refusal::NotFound)) => return,
                    Err(failure) => {
                        tracing::debug!(?failure, %instance, "the machine can't be told what is secret");
                    }
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        });
        // It goes on by itself.
        let _ = tokio::time::timeout(PATIENCE, telling).await;
    }

    /// Tells a machine that has just connected what is secret of each instance that it holds, and none of another
    /// machine's, whatever it says. One that can't be told is told when its log is read.
    pub(crate) async fn tell_all_secrets(
        &self,
        place: MachinePlace,
        instances: &[InstanceId],
    ) -> Result<(), Failure> {
        for instance in instances {
            let found = self.store().find_place_of_instance(*instance).await?;
            if !found.is_some_and(|found| found.is_same(place)) {
                continue;
            }
            let Some(workspace) = self.store().find_workspace_of(*instance).await? else { continue };
            if let Err(failure) = self.tell_secrets(workspace, *instance, true).await {
                tracing::warn!(?failure, %instance, "the machine can't be told what is secret");
            }
        }
        Ok(())
    }

    async fn check_deployment(
        &self,
        permit: &Permit<may::ReadLogs>,
        query: &LogQuery,
    ) -> Result<(), Failure> {
        if let Some(deployment) = query.deployment {
            self.store().load_deployment(permit.workspace(), *permit.target(), deployment).await?;
        }
        Ok(())
    }
}
