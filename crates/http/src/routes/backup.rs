//! Backups: made, seen, removed, downloaded, brought back.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::backup::BackupRecord;
use stoa_domain::permission::backup as may;
use stoa_domain::{BackupId, Refusal};
use utoipa::ToSchema;

use super::instance::{InstanceView, accepted, job_place};
use super::shared::{JobView, id};
use super::wire::{limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Again, AnyJson, Around, Headers, Json, Query, Uses};
use crate::download::Download;
use crate::gate::May;
use crate::openapi::words;
use crate::problem::BACKUP_DAMAGED;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/backups";
    const ONE: &str = "/api/v1/workspaces/{workspace}/backups/{backup}";
    routes
        .get(ALL, list, Operation::new("listBackups", 200, "An instance's backups, newest first."))
        .post(
            ALL,
            create,
            Operation::new("createBackup", 202, "Begins a backup of an instance.")
                .body(json!({}))
                .refuses(&["conflict", "instance_busy", "no_sandbox", "server_away"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/backups",
            list_deleted,
            Operation::new("listBackupsOfDeleted", 200, "Backups whose instance is deleted, newest first.")
                .query("deleted=true"),
        )
        .get(ONE, view, Operation::new("viewBackup", 200, "A backup."))
        .delete(ONE, delete, Operation::new("deleteBackup", 204, "Deletes a backup.").refuses(&["conflict"]))
        .get(
            "/api/v1/workspaces/{workspace}/backups/{backup}/download",
            download,
            Operation::new(
                "downloadBackup",
                200,
                "A backup as one archive, or the stretch that `Range` names.",
            )
            .tagged()
            .refuses(&["conflict", "range_not_satisfiable", "server_away", "too_many_requests"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/backups/{backup}/restore",
            restore,
            Operation::new("restoreBackup", 202, "Begins to bring a backup back into an instance.")
                .tagged()
                .body(json!({ "confirm": "{instance_name}" }))
                .refuses(&["conflict", "instance_busy", "no_sandbox", "server_away"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/backups/{backup}/key",
            key,
            Operation::new("exportBackupKey", 200, "What opens a backup's repository without Stoa.")
                .refuses(&["conflict"]),
        )
}

#[derive(Serialize, ToSchema)]
struct BackupInstance {
    #[schema(format = "uuid")]
    id: String,
    /// As it was when the backup was begun.
    name: String,
    is_deleted: bool,
}

#[derive(Serialize, ToSchema)]
struct BackupProject {
    #[schema(format = "uuid")]
    id: String,
    /// As it was when the backup was begun.
    name: String,
    /// Then an instance of any project may be made of it, with the code of that one's branch.
    is_deleted: bool,
}

#[derive(Serialize, ToSchema)]
struct BackedUpBy {
    name: String,
}

/// What there is to say of a backup but for its job.
#[derive(Serialize, ToSchema)]
struct BackupDetailsView {
    #[schema(format = "uuid")]
    id: String,
    instance: BackupInstance,
    project: BackupProject,
    #[schema(value_type = words::Stage)]
    stage: &'static str,
    branch: String,
    /// Whether its data is production's, or came from there: what is made of it at another stage sends no mail.
    is_of_production: bool,
    /// What the instance ran.
    commit: String,
    #[schema(value_type = words::BackupStatus)]
    status: &'static str,
    /// Why it failed, in one sentence.
    reason: Option<String>,
    #[schema(value_type = words::BackupCause)]
    cause: &'static str,
    note: Option<String>,
    started_by: Option<BackedUpBy>,
    /// Bytes of what it holds.
    size: i64,
    /// Bytes by which it made its repository grow.
    added: i64,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was read back and found whole. Null, too, where it has been found damaged since.
    #[schema(format = DateTime)]
    verified_at: Option<String>,
    /// When it goes by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// `false`: it is on the disk of a server that was removed. Here it can only be deleted; its key opens it there.
    is_reachable: bool,
    /// What whoever restores it should know of it, in a sentence or two.
    warning: Option<String>,
    /// Of one that was made before a restore which succeeded: the backup that was brought back, where it was of the same
    /// instance.
    restored: Option<RestoredBackup>,
}

#[derive(Serialize, ToSchema)]
struct RestoredBackup {
    /// It may be gone.
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A backup.
#[derive(Serialize, ToSchema)]
struct BackupView {
    #[serde(flatten)]
    details: BackupDetailsView,
    #[schema(format = "uuid", required)]
    job: Option<String>,
}

impl BackupView {
    fn of(backup: BackupRecord) -> Self {
        let job = backup.job.map(|id| id.to_string());
        Self { details: BackupDetailsView::of(backup), job }
    }
}

impl BackupDetailsView {
    fn of(backup: BackupRecord) -> Self {
        Self {
            id: backup.id.to_string(),
            instance: BackupInstance {
                id: backup.instance.to_string(),
                name: backup.instance_name,
                is_deleted: !backup.has_instance,
            },
            project: BackupProject {
                id: backup.project.to_string(),
                name: backup.project_name,
                is_deleted: !backup.has_project,
            },
            stage: backup.stage.key(),
            is_of_production: backup.is_of_production,
            branch: backup.branch,
            commit: backup.commit,
            status: backup.status.key(),
            reason: backup.reason,
            cause: backup.cause.key(),
            note: backup.note,
            started_by: backup.account_name.map(|name| BackedUpBy { name }),
            size: backup.size,
            added: backup.added,
            created_at: time(backup.created_at),
            verified_at: backup.verified_at.filter(|_| backup.damaged_at.is_none()).map(time),
            expires_at: backup.expires_at.map(time),
            is_reachable: backup.is_reachable,
            warning: match (backup.damaged_at, backup.warning) {
                (None, warning) => warning,
                (Some(_), None) => Some(BACKUP_DAMAGED.to_owned()),
                (Some(_), Some(warning)) => Some(format!("{BACKUP_DAMAGED} {warning}")),
            },
            restored: backup
                .restored
                .map(|(id, at)| RestoredBackup { id: id.to_string(), created_at: time(at) }),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupsQuery {
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schema(format = "uuid")]
    after: Option<String>,
}

fn listed(found: Vec<BackupRecord>, length: i64) -> Object<Page<BackupView>> {
    Object::ok(page(found, length, |backup| backup.id.to_string(), BackupView::of))
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<BackupsQuery>,
) -> Answer<Object<Page<BackupView>>> {
    let length = limit(query.limit)?;
    let before: Option<BackupId> = id("after", query.after)?;
    Ok(listed(app.list_backups(permit, before, length + 1).await?, length))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeletedBackupsQuery {
    /// `true`: those whose instance is deleted. Others are listed with their instance.
    deleted: bool,
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schema(format = "uuid")]
    after: Option<String>,
}

async fn list_deleted(
    May(permit): May<may::ListDeleted>,
    Uses(app): Uses,
    Query(query): Query<DeletedBackupsQuery>,
) -> Answer<Object<Page<BackupView>>> {
    if !query.deleted {
        let detail = "The backups of an instance are listed with it. This has to be true.";
        return Err(Refusal::invalid("deleted", "invalid", detail).into());
    }
    let length = limit(query.limit)?;
    let before: Option<BackupId> = id("after", query.after)?;
    Ok(listed(app.list_backups_of_deleted(permit, before, length + 1).await?, length))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBackup {
    /// One line, 200 characters at most.
    note: Option<String>,
}

/// A backup that was begun, with its job.
#[derive(Serialize, ToSchema)]
struct BegunBackup {
    #[serde(flatten)]
    details: BackupDetailsView,
    job: JobView,
    /// Its id once more: where the answer was the instance, it stood here.
    #[schema(format = "uuid")]
    backup: String,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    AnyJson(wish): AnyJson<NewBackup>,
) -> Answer<Object<BegunBackup>> {
    let workspace = permit.workspace();
    let (backup, job) = app.create_backup(permit, wish.note).await?;
    let (details, job) = (BackupDetailsView::of(backup), JobView::of(job));
    let place = job_place(workspace, &job);
    Ok(Object::accepted(BegunBackup { backup: details.id.clone(), details, job }, &place))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<BackupView>> {
    Ok(Object::ok(BackupView::of(app.view_backup(permit).await?)))
}

async fn delete(May(permit): May<may::Delete>, Uses(app): Uses) -> Answer<Done> {
    app.delete_backup(permit).await?;
    Ok(Done(None))
}

async fn download(
    May(permit): May<may::Download>,
    Around(frame): Around,
    Again(asked): Again,
    Headers(headers): Headers,
) -> Answer<Download> {
    // The lease first: a right that ends while the archive is opened ends this too.
    let lease = frame.leases.follow::<may::Download>(asked).await?;
    let range = Download::wanted(&headers, &permit.target().backup.to_string());
    let (backup, archive) = frame.app.download_backup(permit, range).await?;
    let day = time(backup.created_at)
        .chars()
        .take(16)
        .map(|one| if one == ':' { '-' } else { one })
        .collect::<String>();
    let name = format!("{}-{day}.tar.zst", backup.instance_name);
    Ok(Download::new(archive, lease, &name, &backup.id.to_string()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupRestore {
    /// The instance that it is brought back into; the one that it is of where it isn't said.
    into: Option<String>,
    /// That instance's name, typed again.
    confirm: String,
}

async fn restore(
    May(permit): May<may::Restore>,
    Around(frame): Around,
    Again(asked): Again,
    Json(wish): Json<BackupRestore>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let permit = match wish.into {
        None => permit,
        Some(into) => {
            let backup = permit.target().backup;
            frame.app.authorize_restore_into(&asked.account, workspace, backup, &into).await?
        }
    };
    accepted(frame.app.restore_backup(permit, &wish.confirm).await?, workspace)
}

/// What opens a repository. It is shown to owners alone.
#[derive(Serialize, ToSchema)]
struct BackupKeyView {
    /// The repository's password, in restic's words.
    password: String,
    /// Where the repository is: a folder below the agent's on the instance's server, or `s3:` and an address.
    repository: String,
    /// The tag of the backup's snapshot.
    tag: String,
    /// What to type, where the password is in a file `key`: on the server, or anywhere with the storage's own key in
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    command: String,
}

async fn key(May(permit): May<may::ExportKey>, Uses(app): Uses) -> Answer<Object<BackupKeyView>> {
    let exported = app.export_backup_key(permit).await?;
    let (repository, tag) = (exported.repository, exported.tag);
    let at = if exported.is_elsewhere { "" } else { "<agent's folder>/" };
    let command = format!(
        "restic --repo {at}{repository} --password-file key restore latest --tag {tag} --target <empty folder>"
    );
    let password = exported.password.reveal_text().unwrap_or_default().to_owned();
    Ok(Object::ok(BackupKeyView { password, repository, tag, command }).secret())
}
