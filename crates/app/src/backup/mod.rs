//! Backups of instances: made, seen, removed, read, brought back.

pub mod keep;
pub mod port;
pub mod repository;
pub mod restore;
pub mod schedule;
pub mod storage;

use stoa_domain::backup::BackupCause;
use stoa_domain::permission::backup as may;
use stoa_domain::{BackupId, InstanceId, Permission, Permit, Refusal, WorkspaceId};
use stoa_storage::backup::make::NewBackup;
use stoa_storage::instance::environment::VariableValue;

pub use stoa_storage::backup::BackupRecord;
pub use stoa_storage::backup::schedule::ScheduleRecord;

use crate::abilities::Caller;
use crate::instance::Accepted;
use crate::ports::Archive;
use crate::{App, Failure, Fault};

/// Characters of a note.
const LONGEST_NOTE: usize = 200;

/// A variable as a backup keeps it: a secret one as it was sealed.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptVariable {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// The settings of an instance as a backup keeps them.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptSettings {
    pub branch: String,
    pub visibility: String,
    pub variables: Vec<KeptVariable>,
}

impl App {
    /// Newest first, those before `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_backups(
        &self,
        permit: Permit<may::List>,
        before: Option<BackupId>,
        limit: i64,
    ) -> Result<Vec<BackupRecord>, Failure> {
        Ok(self.store().list_backups(&permit, before, limit).await?)
    }

    /// Those whose instance is deleted, the newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_backups_of_deleted(
        &self,
        permit: Permit<may::ListDeleted>,
        before: Option<BackupId>,
        limit: i64,
    ) -> Result<Vec<BackupRecord>, Failure> {
        Ok(self.store().list_backups_of_deleted(&permit, before, limit).await?)
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_backup(&self, permit: Permit<may::View>) -> Result<BackupRecord, Failure> {
        self.load_backup(&permit).await
    }

    /// As the one who has a permit for it sees it. What is left of a deleted instance is its owners' alone.
    async fn load_backup<P>(&self, permit: &Permit<P>) -> Result<BackupRecord, Failure>
    where
        P: Permission<Target = stoa_domain::permission::BackupTarget>,
    {
        let backup = self.store().load_backup(permit.workspace(), permit.target().backup).await?;
        if backup.has_instance || permit.by_owner() { Ok(backup) } else { Err(Refusal::NotFound.into()) }
    }

    /// Begins a backup.
    ///
    /// # Errors
    /// `InstanceBusy`, `Conflict`, `NoSandbox`, `Invalid`, or a fault.
    pub async fn create_backup(
        &self,
        permit: Permit<may::Create>,
        note: Option<String>,
    ) -> Result<(Accepted, BackupId), Failure> {
        let note = check_note(note)?;
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        self.needs_machine(instance).await?;
        let new = self.new_backup(caller.workspace, instance, BackupCause::Hand, note).await?;
        let backup = new.id;
        let job = self.store().start_backup(permit, new).await?;
        Ok((self.accepted(&caller, instance, job).await?, backup))
    }

    /// What is written down of a backup before it is made.
    pub(crate) async fn new_backup(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        cause: BackupCause,
        note: Option<String>,
    ) -> Result<NewBackup, Failure> {
        let repository = self.repository_of(workspace, instance).await?.id;
        let settings = self.settings_of(workspace, instance).await?;
        Ok(NewBackup { id: BackupId::new(self.new_uuid()), repository, cause, note, settings })
    }

    async fn settings_of(&self, workspace: WorkspaceId, instance: InstanceId) -> Result<String, Failure> {
        use base64::Engine as _;
        let (branch, visibility) = self.store().load_backup_settings(workspace, instance).await?;
        let variables = self.store().list_variables(workspace, instance).await?;
        let kept = |variable: stoa_storage::instance::environment::Variable| {
            let (value, sealed) = match variable.value {
                VariableValue::Plain(text) => (Some(text), None),
                VariableValue::Sealed(bytes) => {
                    (None, Some(base64::engine::general_purpose::STANDARD.encode(bytes)))
                }
                VariableValue::Kept => (None, None),
            };
            KeptVariable { name: variable.name, value, sealed }
        };
        let variables = variables.into_iter().map(kept).collect();
        Ok(serde_json::to_string(&KeptSettings { branch, visibility, variables }).map_err(Fault::new)?)
    }

    /// Takes it out of all lists; what it takes on the disk is removed soon after.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` while it is made, or a fault.
    pub async fn delete_backup(&self, permit: Permit<may::Delete>) -> Result<(), Failure> {
        self.load_backup(&permit).await?;
        Ok(self.store().remove_backup(permit).await?)
    }

    /// A backup as one archive, or the stretch of it that `range` names. It is the caller's to end it when the right ends.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` where it isn't whole, or a fault.
    pub async fn download_backup(
        &self,
        permit: Permit<may::Download>,
        range: Option<String>,
    ) -> Result<(BackupRecord, Archive), Failure> {
        let record = self.load_backup(&permit).await?;
        let access = self.open_repository(permit.workspace(), record.repository).await?;
        let machine = self.machine_of_repository(permit.workspace(), record.repository).await?.machine;
        self.store().begin_download(permit).await?;
        let archive = machine.archive(record.instance, record.id, access, range).await?;
        Ok((record, archive.ok_or(Refusal::NotFound)?))
    }
}

fn check_note(note: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(note) = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()) else {
        return Ok(None);
    };
    if note.chars().count() > LONGEST_NOTE {
        return Err(Refusal::invalid("note", "too_long", "A note has at most 200 characters."));
    }
    if note.chars().any(char::is_control) {
        return Err(Refusal::invalid("note", "invalid", "A note is one line of text."));
    }
    Ok(Some(note))
}
