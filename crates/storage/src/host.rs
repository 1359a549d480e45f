//! Hosts of instances: the one source by which the proxy knows them. Unique over the installation.

use stoa_domain::host::{label, label_with_letters};
use stoa_domain::instance::{InstanceStatus, Visibility};
use stoa_domain::slug::Slug;
use stoa_domain::{InstanceId, Refusal, Timestamp, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::machine::MachinePlace;
use crate::page::word;
use crate::store::Store;
use crate::tx::Tx;
use crate::values;

/// Seconds for which the host of a deleted instance stays its workspace's: 30 days.
pub(crate) const REST_SECONDS: i64 = 30 * 24 * 3600;

crate::statements! {
    /// A domain that somebody claimed is nobody's until it is proved.
    FIND = "SELECT h.workspace_id, h.instance_id, h.released_at, i.visibility, i.status,
            EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = h.instance_id AND j.status = 'running'),
            m.id, m.kind, m.replica_id
        FROM hosts h LEFT JOIN instances i ON i.id = h.instance_id LEFT JOIN servers s ON s.id = i.server_id
        LEFT JOIN machines m ON m.id = s.machine_id
        WHERE h.host = $1 AND (h.kind = 'given' OR h.verified_at IS NOT NULL)";
    HOLDER = "SELECT workspace_id, released_at FROM hosts WHERE host = $1";
    INSERT = "INSERT INTO hosts (host, workspace_id, instance_id, kind) VALUES ($1, $2, $3, 'given')";
    TAKE_AGAIN = "UPDATE hosts SET workspace_id = $2, instance_id = $3, released_at = NULL WHERE host = $1";
    RELEASE = "UPDATE hosts SET instance_id = NULL, released_at = $3 WHERE workspace_id = $1 AND instance_id = $2";
    SWEEP = "DELETE FROM hosts WHERE released_at < $1";
}

/// What the proxy has to know of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRecord {
    pub workspace: WorkspaceId,
    /// `None` once its instance was deleted.
    pub instance: Option<HostedInstance>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedInstance {
    pub id: InstanceId,
    /// Of its machine.
    pub place: MachinePlace,
    pub visibility: Visibility,
    pub status: InstanceStatus,
    /// Whether a job works on it: requests may wait for it.
    pub is_busy: bool,
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_host(&self, host: &str) -> Result<Option<HostRecord>, StorageFault> {
        let Some(row) = self.fetch_optional(FIND, values![host]).await? else { return Ok(None) };
        let released_at: Option<Timestamp> = row.get(2)?;
        let instance = match row.get::<Option<InstanceId>>(1)? {
            Some(id) if released_at.is_none() => Some(HostedInstance {
                id,
                place: MachinePlace::read(&row, 6, self.own_replica())?,
                visibility: word(&row, 3, Visibility::from_key)?,
                status: word(&row, 4, InstanceStatus::from_key)?,
                is_busy: row.get(5)?,
            }),
            _ => None,
        };
        Ok(Some(HostRecord { workspace: row.get(0)?, instance }))
    }

    /// Forgets hosts that were released more than 30 days ago.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_hosts(&self) -> Result<(), Failure> {
        let before = self.now().plus_seconds(-REST_SECONDS);
        self.sweep("host.sweep", SWEEP, values![before]).await
    }
}

/// Gives an instance its host: the plain one where it is free, else one with letters. The installation is
/// locked by the caller.
pub(crate) async fn give(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    slugs: (&Slug, &Slug),
    domain: &str,
) -> Result<String, Failure> {
    let (own, of_workspace) = slugs;
    let lettered = label_with_letters(own, of_workspace, instance);
    for label in label(own, of_workspace).into_iter().chain([lettered]) {
        let host = format!("{label}.{domain}");
        if take(tx, workspace, instance, &host).await? {
            return Ok(host);
        }
    }
    // Four letters of the id have met another's: the next try has another id.
    Err(Refusal::Conflict(stoa_domain::Conflict::NameTaken).into())
}

async fn take(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    host: &str,
) -> Result<bool, StorageFault> {
    let Some(row) = tx.fetch_optional(HOLDER, values![host]).await? else {
        tx.execute(INSERT, values![host, workspace, instance]).await?;
        return Ok(true);
    };
    let (holder, released_at): (WorkspaceId, Option<Timestamp>) = (row.get(0)?, row.get(1)?);
    let rested = released_at.is_some_and(|at| tx.now().seconds_since(at) > REST_SECONDS);
    if rested || (released_at.is_some() && holder == workspace) {
        tx.execute(TAKE_AGAIN, values![host, workspace, instance]).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Parts the hosts from an instance that is deleted. They stay the workspace's for a while.
pub(crate) async fn release(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(RELEASE, values![workspace, instance, now]).await.map(drop)
}
