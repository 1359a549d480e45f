//! Where there is no machine.

use std::path::PathBuf;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_app::Fault;
use stoa_app::ports::{
    Command, ConnectAnswer, ConnectWish, InstanceForm, InstanceOnMachine, LogLine, LogQuery, MachineFacts,
    Machines, Order, Progress,
};
use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, ProjectId};

/// No machine: where the control plane's own isn't a server and no other has joined.
pub struct NoMachines;

fn none() -> Fault {
    Fault::new("no machine is attached to this control plane")
}

impl Machines for NoMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
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

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(futures_util::stream::pending().boxed()) })
    }

    fn logs(
        &self,
        _: InstanceId,
        _: LogQuery,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogLine, Fault>>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn connect_as(&self, _: InstanceId, _: ConnectWish) -> BoxFuture<'_, Result<ConnectAnswer, Fault>> {
        Box::pin(async { Err(none()) })
    }
}
