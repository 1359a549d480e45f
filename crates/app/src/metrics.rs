//! How much was used when: of a server's machine, and by an instance. The figures stand on the machine; nothing here
//! keeps them.

use std::time::Duration;

use futures_util::future::BoxFuture;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::permission::{instance, server};
use stoa_domain::{Permit, Refusal, Timestamp};

use crate::abilities::Caller;
use crate::ports::{InstanceMetrics, MachineMetrics};
use crate::{App, Failure, Fault};

/// How long a machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

impl App {
    /// Those of the whole machine: other workspaces' load is in them, by number alone.
    ///
    /// # Errors
    /// `NotFound`, `ServerAway`, or a fault.
    pub async fn view_server_metrics(
        &self,
        permit: Permit<server::ViewMetrics>,
        range: MetricsRange,
    ) -> Result<MachineMetrics, Failure> {
        let Caller { workspace, member, sees_everything, .. } = Caller::of(&permit);
        let server =
            self.store().load_server_as(workspace, *permit.target(), sees_everything, member).await?;
        answered(self.reach(server.place).await?.machine.metrics(range)).await
    }

    /// Nothing in them tells of the server, which the caller may not see.
    ///
    /// # Errors
    /// `ServerAway`, or a fault.
    pub async fn view_instance_metrics(
        &self,
        permit: Permit<instance::ViewMetrics>,
        range: MetricsRange,
    ) -> Result<InstanceMetrics, Failure> {
        let reached = self.machine_of(*permit.target()).await?;
        let found = answered(reached.machine.instance_metrics(*permit.target(), range)).await?;
        Ok(found.unwrap_or_else(|| nothing_known(range, self.store().now())))
    }
}

/// A machine that doesn't answer is no fault of Stoa's.
async fn answered<T>(asked: BoxFuture<'_, Result<T, Fault>>) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(fault)) => {
            tracing::warn!(fault = %fault.chain(), "a machine can't be asked for its figures");
            Err(Refusal::ServerAway.into())
        }
        Err(_) => {
            tracing::warn!("a machine doesn't answer when it is asked for its figures");
            Err(Refusal::ServerAway.into())
        }
    }
}

/// Of an instance that its machine hasn't heard of: it was never deployed.
fn nothing_known(range: MetricsRange, now: Timestamp) -> InstanceMetrics {
    let step = i64::from(range.step_seconds()) * 1_000_000;
    let points = range.points();
    let first = now.micros().div_euclid(step) - i64::from(points);
    let nothing = || (0..points).map(|_| None).collect();
    InstanceMetrics {
        from: Timestamp::from_micros(first * step),
        processor: nothing(),
        memory: nothing(),
        disk: nothing(),
        requests: nothing(),
        errors: nothing(),
        most: None,
    }
}
