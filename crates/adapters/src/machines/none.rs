//! Where there is no machine.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_app::Fault;
use stoa_app::ports::{
    Against, Author, DeskBytes, DeskOf, DeskPack, DeskProblem, Desks, FileChange, FileContent, FileListing,
    FileMatches, FileSearch, NewDesk, OpenedDesk, SaveIf, Staging, TerminalEnds, TerminalSize, WorkingCopy,
};
use stoa_app::ports::{
    Archive, Command, ConnectAnswer, ConnectWish, InstanceForm, InstanceMetrics, InstanceOnMachine,
    InstanceProcesses, KnownSecrets, LogLine, LogQuery, LogStretch, MachineFacts, MachineMetrics, Machines,
    Order, Progress, RepositoryAccess,
};
use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::metrics::MetricsRange;
use stoa_domain::{BackupId, InstanceId, ProjectId, TerminalId};

/// No machine: where the control plane's own isn't a server and no other has joined.
pub struct NoMachines;

fn none() -> Fault {
    Fault::new("no machine is attached to this control plane")
}

fn no_desk<T: Send + 'static>() -> BoxFuture<'static, Result<T, DeskProblem>> {
    Box::pin(async { Err(DeskProblem::Fault(none())) })
}

impl Desks for NoMachines {
    fn hold(&self, _: DeskOf) -> BoxFuture<'_, Result<BoxStream<'static, ()>, DeskProblem>> {
        no_desk()
    }

    fn open(&self, _: DeskOf, _: NewDesk) -> BoxFuture<'_, Result<OpenedDesk, DeskProblem>> {
        no_desk()
    }

    fn end(&self, _: DeskOf, _: bool) -> BoxFuture<'_, Result<(), DeskProblem>> {
        no_desk()
    }

    fn list(
        &self,
        _: DeskOf,
        _: String,
        _: Option<String>,
        _: Option<usize>,
    ) -> BoxFuture<'_, Result<FileListing, DeskProblem>> {
        no_desk()
    }

    fn read(&self, _: DeskOf, _: String) -> BoxFuture<'_, Result<FileContent, DeskProblem>> {
        no_desk()
    }

    fn save(
        &self,
        _: DeskOf,
        _: String,
        _: SaveIf,
        _: DeskBytes,
    ) -> BoxFuture<'_, Result<String, DeskProblem>> {
        no_desk()
    }

    fn change(&self, _: DeskOf, _: FileChange) -> BoxFuture<'_, Result<(), DeskProblem>> {
        no_desk()
    }

    fn search(&self, _: DeskOf, _: FileSearch) -> BoxFuture<'_, Result<FileMatches, DeskProblem>> {
        no_desk()
    }

    fn status(&self, _: DeskOf) -> BoxFuture<'_, Result<WorkingCopy, DeskProblem>> {
        no_desk()
    }

    fn diff(
        &self,
        _: DeskOf,
        _: Against,
        _: Option<String>,
    ) -> BoxFuture<'_, Result<(String, bool), DeskProblem>> {
        no_desk()
    }

    fn original(&self, _: DeskOf, _: Against, _: String) -> BoxFuture<'_, Result<Bytes, DeskProblem>> {
        no_desk()
    }

    fn stage(&self, _: DeskOf, _: Staging, _: Vec<String>) -> BoxFuture<'_, Result<(), DeskProblem>> {
        no_desk()
    }

    fn commit(
        &self,
        _: DeskOf,
        _: String,
        _: bool,
        _: Author,
    ) -> BoxFuture<'_, Result<CommitId, DeskProblem>> {
        no_desk()
    }

    fn merge(&self, _: DeskOf, _: CommitId, _: Author) -> BoxFuture<'_, Result<Vec<String>, DeskProblem>> {
        no_desk()
    }

    fn pushed(&self, _: DeskOf, _: CommitId) -> BoxFuture<'_, Result<(), DeskProblem>> {
        no_desk()
    }

    fn pack(
        &self,
        _: DeskOf,
        _: BranchName,
        _: Option<CommitId>,
    ) -> BoxFuture<'_, Result<DeskPack, DeskProblem>> {
        no_desk()
    }

    fn terminals(&self, _: DeskOf) -> BoxFuture<'_, Result<Vec<TerminalId>, DeskProblem>> {
        no_desk()
    }

    fn terminal(
        &self,
        _: DeskOf,
        _: TerminalId,
        _: bool,
        _: TerminalSize,
    ) -> BoxFuture<'_, Result<TerminalEnds, DeskProblem>> {
        no_desk()
    }
}

impl Machines for NoMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn metrics(&self, _: MetricsRange) -> BoxFuture<'_, Result<MachineMetrics, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn instance_metrics(
        &self,
        _: InstanceId,
        _: MetricsRange,
    ) -> BoxFuture<'_, Result<Option<InstanceMetrics>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn put(&self, _: Order, _: InstanceForm) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn bring_commit(
        &self,
        _: Order,
        _: ProjectId,
        _: CommitId,
        _: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn carry_out(
        &self,
        _: Order,
        _: InstanceId,
        _: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn cancel(&self, _: Order) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn processes(&self, _: InstanceId) -> BoxFuture<'_, Result<Option<InstanceProcesses>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(futures_util::stream::pending().boxed()) })
    }

    /// No log is read here.
    fn tell_secrets(&self, _: InstanceId, _: KnownSecrets, _: bool) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn logs(
        &self,
        _: InstanceId,
        _: LogQuery,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogLine, Fault>>>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn log_outline(
        &self,
        _: InstanceId,
        _: LogQuery,
        _: Option<String>,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogStretch, Fault>>>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn connect_as(&self, _: InstanceId, _: ConnectWish) -> BoxFuture<'_, Result<ConnectAnswer, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn forget_backup(
        &self,
        _: InstanceId,
        _: BackupId,
        _: RepositoryAccess,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn archive(
        &self,
        _: InstanceId,
        _: BackupId,
        _: RepositoryAccess,
        _: Option<String>,
    ) -> BoxFuture<'_, Result<Option<Archive>, Fault>> {
        Box::pin(async { Err(none()) })
    }
}
