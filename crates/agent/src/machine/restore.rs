//! A backup brought back: written aside and compared, then switched to by one exchange of two folders' names with the
//! instance stopped; or nothing is changed.
//!
//! What the switch is about stands in a file. Until that says it is done, whoever finds it takes everything back.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, RenameFlags, ResolveFlag, openat2, renameat, renameat2};
use nix::sys::stat::{Mode, mkdirat};
use serde::{Deserialize, Serialize};
use stoa_domain::branch::CommitId;
use stoa_domain::{DeploymentId, InstanceId, ReleaseId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Agent;
use super::backup::{BACKUP_FAILED, BackupWork, has_room, once_each, plain};
use super::database::{Database, unless};
use super::deploy::Deployment;
use super::instance::{Instance, Phase};
use super::operation::Operation;
use super::release::{self, Made};
use super::start::Unwell;
use crate::folders;
use crate::protocol::Event;
use crate::restic::{Access, ResticError};

/// By this code it is known that a restore failed at what is stored of its backup.
const BACKUP_DAMAGED: &str = "backup_damaged";

/// Why desks end then. Their working copies stay.
const EXCHANGED: &str = "The instance was restored: its data are others now.";

/// What is said of an instance until what was there before is there again.
const NOT_TAKEN_BACK: &str =
    "A restore was cut off; what was there before is brought back as soon as PostgreSQL answers.";

/// How long one attempt at it may take: others wait meanwhile.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a restore left that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// What it brought is in use, or may be, and is to be taken back.
    Half,
    /// The same with a database, which takes a PostgreSQL that answers.
    HalfWithDatabase,
}

/// One restore that is to be. It has no `Debug`: what opens the repositories is secret.
pub(crate) struct RestoreWork {
    pub backup: Uuid,
    pub of: InstanceId,
    pub access: Access,
    pub safety: Option<BackupWork>,
    pub deployment: DeploymentId,
    pub release: ReleaseId,
    /// `None`: the release is kept.
    pub commit: Option<CommitId>,
    pub size: u64,
}

/// What is being switched, as it stands in a file.
#[derive(Clone, Serialize, Deserialize)]
struct Switch {
    deployment: Uuid,
    release: Uuid,
    /// Of the folder that was brought back: by it is known which of the two stands where.
    inode: u64,
    /// The server's number of the database that was brought back, the same way.
    #[serde(default)]
    database: Option<u32>,
    is_done: bool,
    /// The backup of what was replaced, told once more where somebody was cut off.
    safety: Option<Event>,
}

/// What a backup says of its database.
#[derive(Deserialize)]
struct About {
    database: Option<DatabaseAbout>,
}

#[derive(Deserialize)]
struct DatabaseAbout {
    kind: String,
    #[serde(default)]
    belongs_at: String,
}

/// Without a backup of what it replaces, nothing is brought back.
fn unsaved(unwell: Unwell) -> Unwell {
    match unwell {
        Unwell::Because { code, sentence, quote } => {
            let why = sentence.strip_prefix(BACKUP_FAILED).unwrap_or(&sentence);
            let sentence = format!("The backup of what is there now failed, so nothing was changed: {why}");
            Unwell::Because { code, sentence, quote }
        }
        Unwell::Cancelled => Unwell::Cancelled,
    }
}

/// What a backup holds can't be had.
fn unread(error: ResticError) -> Unwell {
    let is_damaged = matches!(error, ResticError::Damaged(_));
    match Unwell::from(error) {
        Unwell::Because { code, sentence, quote } => {
            let code = if is_damaged { BACKUP_DAMAGED } else { code };
            let sentence = match sentence.strip_prefix(BACKUP_FAILED) {
                Some(why) => format!("The restore failed: {why}"),
                None => sentence,
            };
            Unwell::Because { code, sentence, quote }
        }
        Unwell::Cancelled => Unwell::Cancelled,
    }
}

impl Agent {
    /// Steps: those of the backup of what is replaced; restore, check; those of a deployment up to its release command;
    /// stop, start, health, switch, settle. The size of the release in bytes.
    pub(super) async fn restore(
        &self,
        instance: &Instance,
        operation: &Operation,
        work: &RestoreWork,
    ) -> Result<u64, Unwell> {
        let folders = &self.inner.folders;
        if let Some(done) = self.switched(instance.id)?
            && done.is_done
            && done.deployment == work.deployment.uuid()
        {
            // It was switched to before somebody was cut off.
            if let Some(safety) = done.safety {
                operation.tell(safety);
            }
            return Ok(release::load(folders, instance.id, work.release)?.map_or(0, |made| made.size));
        }
        let mut safety = None;
        if let Some(wanted) = &work.safety {
            let stored = self.back_up(instance, operation, wanted).await.map_err(unsaved)?;
            operation.tell(stored.clone());
            safety = Some(stored);
        }
        let deployment = self.begin_deployment(instance, operation, work.deployment, work.release)?;
        let widened = self.inner.wide.widen(instance.id);
        let outcome = self.restore_in(&deployment, work, safety).await;
        drop(widened);
        deployment.tell_end(&outcome);
        // What isn't taken back yet is still needed for it.
        if outcome.is_err() && !self.is_to_be_taken_back(instance.id)? {
            folders::remove(&folders.restore(instance.id))?;
            self.drop_what_was_aside(instance.id).await;
        }
        self.settle_database(instance).await;
        let is_of_no_use = outcome.is_err() && work.commit.is_some();
        if is_of_no_use && self.current_release(instance.id) != Some(work.release) {
            release::remove(folders, instance.id, work.release)?;
        }
        outcome
    }

    async fn restore_in(
        &self,
        deployment: &Deployment<'_>,
        work: &RestoreWork,
        safety: Option<Event>,
    ) -> Result<u64, Unwell> {
        let (folders, instance) = (&self.inner.folders, deployment.instance);
        has_room(folders, work.size, "what is brought back")?;
        let place = folders.restore(instance.id);
        folders::remove(&place)?;
        // What an earlier one was switched to says nothing of this one.
        folders::remove_file(&folders.restore_state(instance.id))?;
        folders::make_private(&place)?;
        deployment.step("restore", "Bringing the backup back, beside what is there")?;
        {
            let lock = self.inner.repositories.lock_of(work.of);
            let _reading = lock.read().await;
            let repository = self.repository(work.of, &work.access, &deployment.operation.cancel);
            let found = repository.find(work.backup).await.map_err(unread)?;
            let found = found.ok_or_else(|| Unwell::because("failed", "The backup isn't there any more"))?;
            let operation = deployment.operation;
            let tell = once_each(|percent| operation.progress("restore", percent));
            repository.restore(&found.id, &place, tell).await.map_err(unread)?;
        }
        deployment.step("check", "Every file was compared with the backup")?;
        let data = place.join("data");
        let database = self.put_database_in_place(deployment, &place, &data).await?;
        let user = self.user(&instance.form());
        if let Some(user) = user {
            release::give(&data, user)?;
        }
        std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let made = match &work.commit {
            Some(commit) => deployment.make(commit, &data, database.clone()).await?,
            None => release::load(folders, instance.id, work.release)?
                .ok_or_else(|| Unwell::because("failed", "The release isn't kept any more"))?,
        };
        self.switch(deployment, work, &made, &data, database.is_some(), safety).await?;
        Ok(made.size)
    }

    async fn switch(
        &self,
        deployment: &Deployment<'_>,
        work: &RestoreWork,
        made: &Made,
        data: &Path,
        has_database: bool,
        safety: Option<Event>,
    ) -> Result<(), Unwell> {
        let instance = deployment.instance;
        let (was_alive, before) = (instance.is_alive(), instance.phase());
        let runs_then = instance.form().wish_running;
        release::make_own(&self.inner.folders.data(instance.id), self.user(&instance.form()))?;
        let inode = std::fs::symlink_metadata(data)?.ino();
        // Before anything is stopped: without it the switch would have no effect.
        let database = if has_database {
            Some(unless(&deployment.operation.cancel, self.number_of_aside(instance.id)).await?)
        } else {
            None
        };
        deployment.step("stop", "Stopping the instance: its data are exchanged")?;
        if runs_then {
            self.set_phase(instance, if was_alive { Phase::Waiting } else { Phase::Starting });
        }
        self.end_current(instance).await?;
        // They write in the data, too.
        self.end_desks(instance, EXCHANGED).await?;
        let switch = Switch {
            deployment: work.deployment.uuid(),
            release: work.release.uuid(),
            inode,
            database,
            is_done: false,
            safety,
        };
        let outcome = self.exchange_and_start(deployment, made, data, switch, runs_then).await;
        let Err(unwell) = outcome else { return Ok(()) };
        if let Err(error) = self.take_back_in_time(instance.id).await {
            tracing::error!(%error, instance = %instance.id, "what was brought back can't be taken back yet");
            deployment.say("What was there before is brought back as soon as that is possible");
            self.set_phase(instance, Phase::Failed(NOT_TAKEN_BACK.to_owned()));
            self.take_back_later(instance.id, was_alive);
            return Err(unwell);
        }
        if was_alive {
            deployment.say("Starting what ran before again, with its own data");
            let again = Operation::unheard(instance.id, CancellationToken::new());
            if let Err(Unwell::Because { sentence, .. }) =
                self.start_current(instance, &again, Phase::Waiting).await
            {
                deployment.say(&format!("It didn't start: {sentence}."));
            }
        } else {
            self.set_phase(instance, before);
        }
        Err(unwell)
    }

    async fn exchange_and_start(
        &self,
        deployment: &Deployment<'_>,
        made: &Made,
        data: &Path,
        mut switch: Switch,
        runs_then: bool,
    ) -> Result<(), Unwell> {
        let (folders, instance) = (&self.inner.folders, deployment.instance);
        self.keep(instance.id, &switch)?;
        exchange(data, &folders.data(instance.id))?;
        if switch.database.is_some() {
            self.exchange_databases(instance.id).await?;
        }
        // One that was opened in that moment has the data that are gone.
        self.end_desks(instance, EXCHANGED).await?;
        let running = if runs_then { Some(deployment.start(made).await?) } else { None };
        deployment.operation.step("switch");
        // From here on it is the new one, whatever happens.
        switch.is_done = true;
        if let Err(error) = self.keep(instance.id, &switch) {
            if let Some(running) = &running {
                self.end_sandbox(instance, running).await?;
            }
            return Err(error.into());
        }
        if let Some(running) = running {
            self.put_into_service(instance, running);
        }
        let current = self.set_current_release(instance.id, deployment.release);
        deployment.operation.step("settle");
        let settled = current
            .and_then(|()| folders::remove(&folders.restore(instance.id)))
            .and_then(|()| release::settle(folders, instance.id, deployment.release));
        if let Err(error) = settled {
            // The next start of the agent does what is left (`restore_left`).
            tracing::error!(%error, instance = %instance.id, "what is left after a restore can't be settled yet");
        }
        if switch.database.is_some() {
            self.drop_what_was_aside(instance.id).await;
        }
        Ok(())
    }

    /// The copy of the database, where there is one: as a file where it belongs, or into PostgreSQL beside what is in
    /// use, which is given then.
    async fn put_database_in_place(
        &self,
        deployment: &Deployment<'_>,
        place: &Path,
        data: &Path,
    ) -> Result<Option<Database>, Unwell> {
        let about: About =
            serde_json::from_slice(&std::fs::read(place.join("about.json"))?).map_err(|error| {
                Unwell::because("failed", format!("The backup doesn't say what it is: {error}"))
            })?;
        let Some(database) = about.database else { return Ok(None) };
        match database.kind.as_str() {
            "sqlite" => put_file_in_place(place, data, &database).map(|()| None),
            "postgresql" => {
                let instance = deployment.instance;
                deployment.say("Filling a database beside the one in use");
                let (file, cancel) = (place.join("database.pgdump"), &deployment.operation.cancel);
                let aside = self.make_aside(instance, cancel).await?;
                self.fill_database(instance, &aside, &file, place, cancel).await?;
                Ok(Some(aside))
            }
            other => {
                let sentence = format!("The backup's database is of a kind that isn't known here: {other}");
                Err(Unwell::because("failed", sentence))
            }
        }
    }

    fn keep(&self, instance: InstanceId, switch: &Switch) -> io::Result<()> {
        folders::write_whole(&self.inner.folders.restore_state(instance), &serde_json::to_vec(switch)?)
    }

    fn switched(&self, instance: InstanceId) -> io::Result<Option<Switch>> {
        match std::fs::read(self.inner.folders.restore_state(instance)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How far a restore came that was cut off. One whose switch was done is finished: what stands aside in PostgreSQL
    /// is dropped when that has been started.
    pub(super) fn restore_left(&self, instance: InstanceId) -> io::Result<Left> {
        let folders = &self.inner.folders;
        let place = folders.restore(instance);
        match self.switched(instance)? {
            Some(switch) if !switch.is_done && switch.database.is_some() => {
                return Ok(Left::HalfWithDatabase);
            }
            Some(switch) if !switch.is_done => return Ok(Left::Half),
            Some(switch) if place.exists() => {
                self.set_current_release(instance, ReleaseId::new(switch.release))?;
            }
            Some(_) | None => {}
        }
        folders::remove(&place)?;
        Ok(Left::Nothing)
    }

    /// Whether what a restore brought is in use, or may be, although its switch wasn't done.
    fn is_to_be_taken_back(&self, instance: InstanceId) -> io::Result<bool> {
        Ok(self.switched(instance)?.is_some_and(|switch| !switch.is_done))
    }

    /// Whether a restore is at work, or wasn't brought to an end.
    pub(super) fn is_being_restored(&self, instance: InstanceId) -> io::Result<bool> {
        Ok(self.inner.folders.restore(instance).exists() || self.is_to_be_taken_back(instance)?)
    }

    /// Takes back what was brought and not switched to, before anything is done with data that are half the one and half
    /// the other.
    pub(super) async fn settle_restore(
        &self,
        instance: InstanceId,
        cancel: &CancellationToken,
    ) -> Result<(), Unwell> {
        if !self.is_to_be_taken_back(instance)? {
            return Ok(());
        }
        let taking = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Unwell::Cancelled),
            taking = self.take_back_in_time(instance) => taking,
        };
        taking.map_err(|error| {
            tracing::error!(%error, %instance, "what was brought back can't be taken back yet");
            Unwell::because("failed", format!("A restore that was cut off can't be taken back yet: {error}"))
        })
    }

    /// Takes it back as soon as that is possible, and starts then what ran before.
    pub(super) fn take_back_later(&self, instance: InstanceId, starts: bool) {
        let Some(instance) = self.find(instance) else { return };
        let agent = self.clone();
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                {
                    let _turn = instance.turn.lock().await;
                    let operation = Operation::unheard(instance.id, instance.unasked());
                    if agent.find(instance.id).is_none() {
                        return;
                    }
                    match agent.settle_restore(instance.id, &operation.cancel).await {
                        Ok(()) if instance.is_alive() => return,
                        Ok(()) if starts && instance.form().wish_running => {
                            let started = agent.start_current(&instance, &operation, Phase::Starting).await;
                            if let Err(unwell) = started {
                                tracing::warn!(?unwell, instance = %instance.id, "an instance didn't start again");
                            }
                            return;
                        }
                        Ok(()) => return agent.set_phase(&instance, Phase::Stopped(None)),
                        // Something was ordered meanwhile, and does it first.
                        Err(Unwell::Cancelled) => {}
                        Err(Unwell::Because { .. }) => {
                            agent.set_phase(&instance, Phase::Failed(NOT_TAKEN_BACK.to_owned()));
                        }
                    }
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    /// An attempt at it that is broken off leaves what the next one needs.
    async fn take_back_in_time(&self, instance: InstanceId) -> io::Result<()> {
        let late = |_| Err(io::Error::other("The server's PostgreSQL doesn't answer"));
        tokio::time::timeout(LONGEST_ATTEMPT, self.take_back(instance)).await.unwrap_or_else(late)
    }

    /// The data that were there before, where they are again; what was brought back is removed. Nothing may use them.
    pub(super) async fn take_back(&self, instance: InstanceId) -> io::Result<()> {
        let folders = &self.inner.folders;
        let Some(switch) = self.switched(instance)?.filter(|switch| !switch.is_done) else { return Ok(()) };
        let (data, aside) = (folders.data(instance), folders.restore(instance).join("data"));
        if std::fs::symlink_metadata(&data)?.ino() == switch.inode {
            exchange(&aside, &data)?;
        }
        if let Some(brought) = switch.database {
            self.take_database_back(instance, brought).await?;
        }
        folders::remove_file(&folders.restore_state(instance))?;
        folders::remove(&folders.restore(instance))
    }
}

/// The copy of the database goes to where it belongs. What is on the way was an application's: a link isn't followed.
fn put_file_in_place(place: &Path, data: &Path, database: &DatabaseAbout) -> Result<(), Unwell> {
    let path = plain(database.belongs_at.strip_prefix("data/").unwrap_or_default());
    let path = PathBuf::from(path);
    let is_below = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let Some(name) = path.file_name().filter(|_| is_below) else {
        return Err(Unwell::because("failed", "The backup doesn't say where its database belongs"));
    };
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let mut folder: OwnedFd = File::open(data)?.into();
    for part in path.parent().into_iter().flat_map(Path::iter) {
        // A folder of which everything else was excluded isn't in the backup.
        match mkdirat(&folder, part, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        folder = openat2(&folder, part, how).map_err(io::Error::from)?;
    }
    renameat(AT_FDCWD, &place.join("database.sqlite"), &folder, name).map_err(io::Error::from)?;
    Ok(())
}

/// Each stands where the other stood, in one step.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE)?;
    for folder in [one.parent(), other.parent()].into_iter().flatten() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
