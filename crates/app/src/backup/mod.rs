//! Backups of instances: made, seen, removed, read, brought back.

pub mod keep;
pub mod port;
mod reading;
pub mod repository;
pub mod restore;
pub mod schedule;
pub mod storage;

use stoa_domain::backup::{BackupCause, BackupSchedule};
use stoa_domain::branch::is_invisible;
use stoa_domain::permission::backup as may;
use stoa_domain::settings::{HealthCheck, Limits};
use stoa_domain::{BackupId, Conflict, InstanceId, Permission, Permit, Refusal, WorkspaceId};
use stoa_storage::backup::make::NewBackup;
use stoa_storage::instance::create::FirstSettings;
use stoa_storage::instance::environment::VariableValue;

pub use stoa_storage::backup::BackupRecord;
pub use stoa_storage::backup::schedule::ScheduleRecord;

use crate::abilities::Caller;
use crate::job::SeenJob;
use crate::ports::{Archive, Archived};
use crate::{App, Failure, Fault};
use reading::Reading;

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

/// Limits as a backup keeps them. One that isn't set isn't there.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct KeptLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<i64>,
}

/// The settings of an instance as a backup keeps them. Earlier ones kept the first three alone.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct KeptSettings {
    pub branch: String,
    pub visibility: String,
    pub variables: Vec<KeptVariable>,
    #[serde(default)]
    pub limits: KeptLimits,
    /// In the words of the history, as the schedule is.
    #[serde(default)]
    pub health: Option<String>,
    #[serde(default)]
    pub backup_schedule: Option<String>,
    /// Those of its own, for whoever reads it: each has to be proved anew.
    #[serde(default)]
    pub domains: Vec<String>,
}

impl KeptSettings {
    /// # Errors
    /// A fault where it isn't what was written.
    pub fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(Fault::new)
    }

    /// What an instance that is made of it is set to from the beginning.
    ///
    /// # Errors
    /// A fault where it isn't what was written.
    pub fn first(&self) -> Result<FirstSettings, Fault> {
        let unknown = |text: &str| Fault::new(format!("a backup keeps a setting that can't be read: {text}"));
        let KeptLimits { memory, processor, processes, disk } = self.limits;
        let health = self.health.as_deref();
        let health = health.map(|text| HealthCheck::from_text(text).ok_or_else(|| unknown(text)));
        let schedule = self.backup_schedule.as_deref();
        let schedule = schedule.map(|text| BackupSchedule::from_text(text).ok_or_else(|| unknown(text)));
        Ok(FirstSettings {
            limits: Limits { memory, processor, processes, disk },
            health: health.transpose()?,
            schedule: schedule.transpose()?,
        })
    }
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
    ) -> Result<(BackupRecord, SeenJob), Failure> {
        let note = check_note(note)?;
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        self.needs_machine(instance).await?;
        let new = self.new_backup(caller.workspace, instance, BackupCause::Hand, note).await?;
        let backup = new.id;
        let job = self.store().start_backup(permit, new).await?;
        let job = self.store().load_job(caller.workspace, job).await?;
        let backup = self.store().load_backup(caller.workspace, backup).await?;
        Ok((backup, SeenJob::new(&caller, job)))
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
        let record = self.store().load_settings(workspace, instance).await?;
        let kept = |(name, value)| {
            let (value, sealed) = match value {
                VariableValue::Plain(text) => (Some(text), None),
                VariableValue::Sealed(bytes) => {
                    (None, Some(base64::engine::general_purpose::STANDARD.encode(bytes)))
                }
                VariableValue::Kept => (None, None),
            };
            KeptVariable { name, value, sealed }
        };
        let Limits { memory, processor, processes, disk } = record.limits;
        let kept = KeptSettings {
            branch: record.branch,
            visibility: record.visibility.key().to_owned(),
            variables: record.variables.into_iter().map(kept).collect(),
            limits: KeptLimits { memory, processor, processes, disk },
            health: record.health.as_ref().map(HealthCheck::to_text),
            backup_schedule: record.schedule.map(BackupSchedule::to_text),
            domains: record.domains.into_iter().map(|domain| domain.host).collect(),
        };
        Ok(serde_json::to_string(&kept).map_err(Fault::new)?)
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
    /// `NotFound`, `Conflict` where it isn't whole or is damaged, or a fault.
    pub async fn download_backup(
        &self,
        permit: Permit<may::Download>,
        range: Option<String>,
    ) -> Result<(BackupRecord, Archive), Failure> {
        let record = self.load_backup(&permit).await?;
        let workspace = permit.workspace();
        let machine = self.machine_of_repository(workspace, record.repository).await?.machine;
        let access = self.open_repository(workspace, record.repository).await?;
        self.store().begin_download(permit).await?;
        let reading = Reading { app: self.clone(), machine, access, workspace, record: record.clone() };
        let is_whole = range.is_none();
        match reading.ask(range).await? {
            Archived::There(archive) => Ok((record, reading.followed(archive, is_whole))),
            Archived::Gone => Err(Refusal::NotFound.into()),
            Archived::Damaged => {
                reading.note(false).await;
                Err(Refusal::Conflict(Conflict::BackupDamaged).into())
            }
        }
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
    if note.chars().any(is_invisible) {
        let detail = "A note can't contain characters that aren't visible.";
        return Err(Refusal::invalid("note", "invalid", detail));
    }
    Ok(Some(note))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_that_can_be_seen() {
        let note = |text: &str| check_note(Some(text.to_owned()));
        assert_eq!(note(" before the move \n").unwrap().as_deref(), Some("before the move"));
        assert!(note("  ").unwrap().is_none() && check_note(None).unwrap().is_none());
        for (text, said) in [
            ("a\nb", "one line of text"),
            ("safe\u{202e}kcabllor", "aren't visible"),
            ("\u{200b}", "aren't visible"),
            ("a\u{2028}b", "aren't visible"),
        ] {
            let Err(Refusal::Invalid(problems)) = note(text) else { panic!("{text:?} is taken") };
            assert_eq!((problems[0].field.as_str(), problems[0].code), ("note", "invalid"), "{text:?}");
            assert!(problems[0].detail.contains(said), "{text:?}: {}", problems[0].detail);
        }
    }

    #[test]
    fn what_an_earlier_backup_didnt_keep_is_as_usual() {
        let kept = r#"{"branch":"main","visibility":"members","variables":[{"name":"A","value":"b"}]}"#;
        let kept = KeptSettings::read(kept).unwrap();
        assert_eq!((kept.variables.len(), kept.domains.len()), (1, 0));
        assert_eq!(kept.first().unwrap(), FirstSettings::default());
    }
}
