//! Where a workspace's backups go: to the disk of each instance's server, or to a bucket. A key is sealed for one address
//! and one bucket, and goes nowhere else.

use stoa_domain::bucket::{check_bucket, check_key_part, check_region};
use stoa_domain::permission::backup_storage as may;
use stoa_domain::{
    BackupPlaceId, BackupRepositoryId, Conflict, FieldProblem, Permission, Permit, Refusal, Secret,
    Timestamp, WorkspaceId,
};
use stoa_storage::attempt::Limit;
use stoa_storage::backup::place::{PlaceChange, PlaceRecord, WantedPlaceKey};

use super::port::Bucket;
use super::repository::KEY_VERSION;
use crate::ports::SealedPlace;
use crate::{App, Failure};

/// Real calls that owners make by hand.
const TRIES: Limit = Limit { count: 20, seconds: 60 };

/// What stands in a bucket is below this name.
const BELOW: &str = "stoa";

/// The settings as an owner sees them: the secret key never.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenStorage {
    /// `None`: the servers' disks.
    pub place: Option<SeenPlace>,
    /// 0 where nothing is set.
    pub revision: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPlace {
    pub endpoint: String,
    pub bucket: String,
    pub region: Option<String>,
    pub key_id: String,
    pub key_set_by: String,
    pub key_set_at: Timestamp,
}

/// Settings as an owner wants them. Without a key the one that is there stays, if it was given for the same.
pub struct WantedStorage {
    pub endpoint: String,
    pub bucket: String,
    pub region: Option<String>,
    pub key_id: String,
    pub key: Option<Secret>,
    pub expected: Option<i64>,
}

fn seen(record: Option<PlaceRecord>) -> SeenStorage {
    let Some(record) = record else { return SeenStorage::default() };
    let PlaceRecord { endpoint, bucket, region, key_id, key_set_by, key_set_at, revision, .. } = record;
    SeenStorage {
        place: Some(SeenPlace { endpoint, bucket, region, key_id, key_set_by, key_set_at }),
        revision,
    }
}

fn sealed_place(workspace: WorkspaceId, endpoint: &str, bucket: &str) -> SealedPlace {
    SealedPlace {
        workspace,
        table: "backup_places",
        column: "secret_key",
        row: format!("{workspace}/{endpoint}/{bucket}"),
        version: KEY_VERSION,
    }
}

/// Below what a repository stands in its bucket.
pub(super) fn name_in_bucket(repository: BackupRepositoryId) -> String {
    format!("{BELOW}/{repository}")
}

/// Something outside refused, failed or wasn't reached.
pub(super) fn refused(detail: impl std::fmt::Display) -> Failure {
    Refusal::ProviderError { detail: format!("The storage of backups: {detail}"), retry_after: None }.into()
}

impl App {
    /// # Errors
    /// A fault.
    pub async fn view_backup_storage(&self, permit: Permit<may::View>) -> Result<SeenStorage, Failure> {
        Ok(seen(self.store().find_backup_place(permit.workspace()).await?))
    }

    /// As it is now: what a guarded change is compared with.
    ///
    /// # Errors
    /// A fault.
    pub async fn load_backup_storage_for_change<P: Permission>(
        &self,
        permit: &Permit<P>,
    ) -> Result<SeenStorage, Failure> {
        Ok(seen(self.store().find_backup_place(permit.workspace()).await?))
    }

    /// New backups go there from now on. What was made earlier stays where it is.
    ///
    /// # Errors
    /// `Invalid`, also where the key has to be given anew; `PreconditionFailed`.
    pub async fn change_backup_storage(
        &self,
        permit: Permit<may::Change>,
        wanted: WantedStorage,
    ) -> Result<SeenStorage, Failure> {
        let workspace = permit.workspace();
        let mut problems = Vec::new();
        let endpoint = self.outside().buckets.check_endpoint(&wanted.endpoint);
        let endpoint =
            endpoint.map_err(|detail| problems.push(FieldProblem::new("endpoint", "invalid", detail))).ok();
        let mut check = |field: &'static str, checked: Result<(), &'static str>| {
            if let Err(detail) = checked {
                problems.push(FieldProblem::new(field, "invalid", detail));
            }
        };
        let WantedStorage { bucket, region, key_id, key, expected, .. } = wanted;
        let (bucket, key_id) = (bucket.trim().to_owned(), key_id.trim().to_owned());
        let region = region.map(|region| region.trim().to_owned()).filter(|region| !region.is_empty());
        check("bucket", check_bucket(&bucket));
        check("region", region.as_deref().map_or(Ok(()), check_region));
        check("key_id", check_key_part(&key_id));
        let key = key.as_ref().and_then(Secret::reveal_text).map(str::trim).filter(|key| !key.is_empty());
        check("key", key.map_or(Ok(()), check_key_part));
        let (Some(endpoint), true) = (endpoint, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let key = match key {
            None => WantedPlaceKey::Kept,
            Some(key) => {
                let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
                let place = sealed_place(workspace, &endpoint, &bucket);
                let secret = Secret::from_text(key.to_owned());
                WantedPlaceKey::New(self.outside().vault.seal(&wrapped, &place, &secret)?)
            }
        };
        let change = PlaceChange { endpoint, bucket, region, key_id, key, expected };
        Ok(seen(Some(self.store().change_backup_place(permit, change).await?)))
    }

    /// # Errors
    /// `PreconditionFailed`.
    pub async fn remove_backup_storage(
        &self,
        permit: Permit<may::Remove>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        Ok(self.store().remove_backup_place(permit, expected).await?)
    }

    /// Writes something into the bucket that is set, reads it and removes it.
    ///
    /// # Errors
    /// `Conflict` where none is set; `ProviderError`; `TooManyRequests`.
    pub async fn test_backup_storage(&self, permit: Permit<may::Test>) -> Result<(), Failure> {
        let workspace = permit.workspace();
        if self.store().find_backup_place(workspace).await?.is_none() {
            return Err(Refusal::Conflict(Conflict::NoBackupStorage).into());
        }
        self.count(format!("backup_storage:try:workspace:{workspace}"), TRIES).await?;
        let record = self.store().begin_backup_place_test(permit).await?;
        let bucket = self.bucket(workspace, record).await?;
        let name = format!("{BELOW}/test-{}", self.new_uuid().simple());
        self.outside().buckets.try_out(bucket, name).await.map_err(refused)
    }

    pub(super) async fn open_bucket(
        &self,
        workspace: WorkspaceId,
        place: BackupPlaceId,
    ) -> Result<Bucket, Failure> {
        let record = self.store().load_backup_place(workspace, place).await?;
        self.bucket(workspace, record).await
    }

    async fn bucket(&self, workspace: WorkspaceId, record: PlaceRecord) -> Result<Bucket, Failure> {
        let wrapped = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let PlaceRecord { endpoint, bucket: name, region, key_id, key, .. } = record;
        let key = self.outside().vault.open(&wrapped, &sealed_place(workspace, &endpoint, &name), &key)?;
        Ok(Bucket { endpoint, name, region, key_id, key })
    }
}
