//! Where a workspace's backups go: for its owners.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::Failure;
use stoa_app::backup::storage::{SeenStorage, WantedStorage};
use stoa_domain::Secret;
use stoa_domain::permission::backup_storage as may;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Done, Object};
use crate::argument::{IfMatch, Json, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/backup-storage";
    let sample = json!({
        "endpoint": "https://s3.example.com", "bucket": "backups", "key_id": "stoa", "key": "a-secret-key",
    });
    routes
        .get(
            ONE,
            view,
            Operation::new(
                "viewBackupStorage",
                200,
                "Where the workspace's backups go, without the secret key.",
            )
            .tagged(),
        )
        .put(
            ONE,
            change,
            Operation::new(
                "setBackupStorage",
                200,
                "Has new backups go to a bucket of S3-compatible storage.",
            )
            .body(sample)
            .tagged(),
        )
        .delete(
            ONE,
            remove,
            Operation::new("removeBackupStorage", 204, "Has new backups go to the servers' disks again."),
        )
        .post(
            "/api/v1/workspaces/{workspace}/backup-storage/test",
            test,
            Operation::new(
                "testBackupStorage",
                200,
                "Writes an object into the bucket, reads it and removes it.",
            )
            .refuses(&["conflict", "provider_error", "too_many_requests"]),
        )
}

#[derive(Serialize, ToSchema)]
struct BackupStorageView {
    /// `null`, as all else: they go to the disk of each instance's server.
    endpoint: Option<String>,
    bucket: Option<String>,
    region: Option<String>,
    key_id: Option<String>,
    key_set: bool,
    /// Who set the secret key.
    key_set_by: Option<String>,
    #[schema(format = DateTime)]
    key_set_at: Option<String>,
}

impl Revised for SeenStorage {
    type Revision = i64;

    fn tag(&self) -> Result<String, Failure> {
        let place = self.place.as_ref().map(|place| {
            (&place.endpoint, &place.bucket, &place.region, &place.key_id, place.key_set_at.micros())
        });
        etag(&("backup_storage", place, self.revision))
    }

    fn revision(self) -> i64 {
        self.revision
    }
}

fn answer(seen: SeenStorage) -> Answer<Object<BackupStorageView>> {
    let tag = seen.tag()?;
    let place = seen.place;
    let key_set = place.is_some();
    let key_set_at = place.as_ref().map(|place| time(place.key_set_at));
    let (mut endpoint, mut bucket, mut region, mut key_id, mut key_set_by) = (None, None, None, None, None);
    if let Some(place) = place {
        (endpoint, bucket, region) = (Some(place.endpoint), Some(place.bucket), place.region);
        (key_id, key_set_by) = (Some(place.key_id), Some(place.key_set_by));
    }
    let view = BackupStorageView { endpoint, bucket, region, key_id, key_set, key_set_by, key_set_at };
    Ok(Object::ok(view).tagged(tag))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<BackupStorageView>> {
    answer(app.view_backup_storage(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetBackupStorage {
    /// `https://host`, or with a port.
    endpoint: String,
    bucket: String,
    /// Only for storage that has regions.
    region: Option<String>,
    key_id: String,
    /// The secret one. Left out, the one that is kept stays if endpoint, bucket and key id do.
    key: Option<String>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<SetBackupStorage>,
) -> Answer<Object<BackupStorageView>> {
    let expected = expected(wanted, app.load_backup_storage_for_change(&permit)).await?;
    let SetBackupStorage { endpoint, bucket, region, key_id, key } = wish;
    let key = key.map(Secret::from_text);
    answer(
        app.change_backup_storage(permit, WantedStorage { endpoint, bucket, region, key_id, key, expected })
            .await?,
    )
}

async fn remove(May(permit): May<may::Remove>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_backup_storage_for_change(&permit)).await?;
    app.remove_backup_storage(permit, expected).await?;
    Ok(Done(None))
}

#[derive(Serialize, ToSchema)]
struct TestedStorageView {
    ok: bool,
}

async fn test(May(permit): May<may::Test>, Uses(app): Uses) -> Answer<Object<TestedStorageView>> {
    app.test_backup_storage(permit).await?;
    Ok(Object::ok(TestedStorageView { ok: true }))
}
