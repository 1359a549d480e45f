//! Where a workspace's backups go from now on, and where earlier ones are. A key comes in sealed; nothing here could open
//! it.

use stoa_domain::permission::backup_storage::{Change, Remove, Test};
use stoa_domain::{BackupPlaceId, Conflict, Permit, Refusal, ResourceKind, Timestamp, WorkspaceId};

use crate::detail::Detail;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    CURRENT = "SELECT id, endpoint, bucket, region, key_id, secret_key, key_set_by, key_set_at, revision
        FROM backup_places WHERE workspace_id = $1 AND is_current";
    LOAD = "SELECT id, endpoint, bucket, region, key_id, secret_key, key_set_by, key_set_at, revision
        FROM backup_places WHERE workspace_id = $1 AND id = $2";
    NEWEST_REVISION = "SELECT COALESCE(MAX(revision), 0) FROM backup_places WHERE workspace_id = $1";
    PUT = "INSERT INTO backup_places (id, workspace_id, endpoint, bucket, region, key_id, secret_key, key_set_by,
            key_set_at, is_current, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, TRUE, $10)
        ON CONFLICT (workspace_id, endpoint, bucket) DO UPDATE SET region = excluded.region, key_id = excluded.key_id,
            secret_key = excluded.secret_key, key_set_by = excluded.key_set_by, key_set_at = excluded.key_set_at,
            is_current = TRUE, revision = excluded.revision";
    LEAVE = "UPDATE backup_places SET is_current = FALSE WHERE workspace_id = $1";
    /// The keys to a bucket go with the last repository in it.
    FORGET_UNUSED = "DELETE FROM backup_places WHERE workspace_id = $1 AND NOT is_current
        AND NOT EXISTS (SELECT 1 FROM backup_repositories r WHERE r.place_id = backup_places.id)";
}

/// A bucket, and what opens it, sealed.
#[derive(Clone)]
pub struct PlaceRecord {
    pub id: BackupPlaceId,
    /// `https://host`, or with a port.
    pub endpoint: String,
    pub bucket: String,
    pub region: Option<String>,
    pub key_id: String,
    pub key: Vec<u8>,
    pub key_set_by: String,
    pub key_set_at: Timestamp,
    pub revision: i64,
}

/// What becomes of the key with a change.
#[derive(Clone)]
pub enum WantedPlaceKey {
    /// The one that is there, if it was given for this address, this bucket and under this name.
    Kept,
    New(Vec<u8>),
}

#[derive(Clone)]
pub struct PlaceChange {
    pub endpoint: String,
    pub bucket: String,
    pub region: Option<String>,
    pub key_id: String,
    pub key: WantedPlaceKey,
    /// Refused where there is another revision by now; 0 is nothing set.
    pub expected: Option<i64>,
}

fn read(row: &Row) -> Result<PlaceRecord, StorageFault> {
    Ok(PlaceRecord {
        id: row.get(0)?,
        endpoint: row.get(1)?,
        bucket: row.get(2)?,
        region: row.get(3)?,
        key_id: row.get(4)?,
        key: row.get(5)?,
        key_set_by: row.get(6)?,
        key_set_at: row.get(7)?,
        revision: row.get(8)?,
    })
}

async fn current(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    expected: Option<i64>,
) -> Result<Option<PlaceRecord>, Failure> {
    let before = tx.fetch_optional(CURRENT, values![workspace]).await?;
    let before = before.as_ref().map(read).transpose()?;
    let revision = before.as_ref().map_or(0, |before| before.revision);
    if expected.is_some_and(|expected| expected != revision) {
        return Err(Refusal::PreconditionFailed.into());
    }
    Ok(before)
}

/// One that was given for somewhere else, or under another name, is never taken over.
fn settle(
    before: Option<PlaceRecord>,
    change: &PlaceChange,
    by: String,
    now: Timestamp,
) -> Result<(Vec<u8>, String, Timestamp), Refusal> {
    match (&change.key, before) {
        (WantedPlaceKey::New(sealed), _) => Ok((sealed.clone(), by, now)),
        (WantedPlaceKey::Kept, Some(before)) => {
            let is_same = before.endpoint == change.endpoint
                && before.bucket == change.bucket
                && before.key_id == change.key_id;
            let detail = "Give the secret key anew: the one that is kept was given for another address, bucket or key id.";
            if is_same {
                Ok((before.key, before.key_set_by, before.key_set_at))
            } else {
                Err(Refusal::invalid("key", "required", detail))
            }
        }
        (WantedPlaceKey::Kept, None) => {
            Err(Refusal::invalid("key", "required", "Give the secret key that the storage has made for you."))
        }
    }
}

/// Forgets the keys to buckets that nothing is in any more.
pub(crate) async fn forget_unused(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<(), StorageFault> {
    tx.execute(FORGET_UNUSED, values![workspace]).await.map(drop)
}

impl Store {
    /// Where backups go from now on; `None`: to the servers' disks.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_backup_place(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<PlaceRecord>, StorageFault> {
        self.fetch_optional(CURRENT, values![workspace]).await?.as_ref().map(read).transpose()
    }

    /// One that a repository is in.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_backup_place(
        &self,
        workspace: WorkspaceId,
        place: BackupPlaceId,
    ) -> Result<PlaceRecord, Failure> {
        let row = self.fetch_optional(LOAD, values![workspace, place]).await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?)?)
    }

    /// # Errors
    /// `PreconditionFailed`; `Invalid` where the key has to be given anew.
    pub async fn change_backup_place(
        &self,
        permit: Permit<Change>,
        change: PlaceChange,
    ) -> Result<PlaceRecord, Failure> {
        let (workspace, by) = (permit.workspace(), permit.actor().name.clone());
        let work: Work<PlaceRecord> = Box::new(move |tx| {
            let (change, by) = (change.clone(), by.clone());
            Box::pin(async move {
                let before = current(tx, workspace, change.expected).await?;
                let is_new_key = matches!(change.key, WantedPlaceKey::New(_));
                let (key, set_by, set_at) = settle(before, &change, by, tx.now())?;
                let row = tx.fetch_one(NEWEST_REVISION, values![workspace]).await?;
                let revision = row.get::<i64>(0)? + 1;
                let PlaceChange { endpoint, bucket, region, key_id, .. } = change;
                tx.execute(LEAVE, values![workspace]).await?;
                let id = BackupPlaceId::new(tx.new_id());
                let values = values![
                    id,
                    workspace,
                    endpoint.as_str(),
                    bucket.as_str(),
                    region,
                    key_id,
                    key,
                    set_by,
                    set_at,
                    revision
                ];
                tx.execute(PUT, values).await?;
                forget_unused(tx, workspace).await?;
                let of_key = if is_new_key { "set" } else { "kept" };
                tx.audit_detail(Detail::default().text("endpoint", &endpoint).text("key", of_key).finish());
                tx.audit_name(bucket);
                tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?;
                let row = tx.fetch_one(CURRENT, values![workspace]).await?;
                Ok(read(&row)?)
            })
        });
        self.write(permit, work).await
    }

    /// From now on they go to the servers' disks. What is in the bucket stays there until its time.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_backup_place(
        &self,
        permit: Permit<Remove>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                if let Some(before) = current(tx, workspace, expected).await? {
                    tx.audit_name(before.bucket);
                }
                tx.execute(LEAVE, values![workspace]).await?;
                forget_unused(tx, workspace).await?;
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// An owner tries the storage: written down before anything leaves.
    ///
    /// # Errors
    /// `Conflict` where none is set, or a fault.
    pub async fn begin_backup_place_test(&self, permit: Permit<Test>) -> Result<PlaceRecord, Failure> {
        let workspace = permit.workspace();
        let work: Work<PlaceRecord> = Box::new(move |tx| {
            Box::pin(async move {
                let found = current(tx, workspace, None).await?;
                let found = found.ok_or(Refusal::Conflict(Conflict::NoBackupStorage))?;
                tx.audit_name(found.bucket.clone());
                Ok(found)
            })
        });
        self.write(permit, work).await
    }
}
