//! A backup of an instance, made while it runs: its database by that database's own backup call, its other data as they
//! are, and what it was made of.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use stoa_domain::InstanceId;
use tokio::sync::{RwLock, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Agent;
use super::copies::{self, Found, Rest};
use super::deploy::KEPT_FREE;
use super::disk::amount;
use super::facts::free_space;
use super::instance::Instance;
use super::operation::{Operation, Refused};
use super::release::{self, Made};
use super::start::Unwell;
use crate::folders::{self, Folders};
use crate::init::database::{self, NOT_THERE, UNSOUND};
use crate::protocol::Event;
use crate::restic::{Access, Part, Place, Repository, ResticError, Snapshot, exactly};
use crate::sandbox::{Ended, OutputLine};

/// How long a database may take to be copied.
pub(super) const LONGEST_COPY: Duration = Duration::from_secs(3600);

/// How long storage elsewhere is asked to remove what a backup left.
const LONGEST_UNDOING: Duration = Duration::from_secs(60);

/// Where an SQLite database stands in a backup: beside the data, because it is a copy.
const DATABASE: &str = "/backup/database.sqlite";

/// And what pg_dump wrote of a PostgreSQL database.
const DUMP: &str = "/backup/database.pgdump";

/// What bubblewrap says begins so, where it doesn't come to starting restic.
const NO_WALLS: &str = "bwrap: ";

/// So many letters of a path are told.
const MOST_OF_PATH: usize = 120;

/// So many databases are named.
const MOST_NAMED: usize = 3;

/// What stands before restic's own words.
pub(super) const BACKUP_FAILED: &str = "The backup failed: ";

/// One backup that is to be. It has no `Debug`: what opens the repository is secret.
pub(crate) struct BackupWork {
    pub backup: Uuid,
    pub access: Access,
    pub settings: String,
}

/// Who works on a repository: one who changes it, or any number who read.
#[derive(Default)]
pub(super) struct Repositories(Mutex<HashMap<InstanceId, Arc<RwLock<()>>>>);

impl Repositories {
    pub fn lock_of(&self, instance: InstanceId) -> Arc<RwLock<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| Arc::strong_count(lock) > 1);
        all.entry(instance).or_default().clone()
    }
}

impl From<ResticError> for Unwell {
    fn from(error: ResticError) -> Self {
        match error {
            ResticError::Cancelled => Self::Cancelled,
            ResticError::DiskFull => Self::because("disk_full", "The disk of the server is full"),
            ResticError::Io(error) => error.into(),
            ResticError::NotInstalled => Self::because(
                "failed",
                "restic isn't installed on the server. Install it: apt-get install restic",
            ),
            other => Self::because("failed", format!("{BACKUP_FAILED}{other}")),
        }
    }
}

impl From<ResticError> for Refused {
    fn from(error: ResticError) -> Self {
        match error {
            ResticError::DiskFull => Self::DiskFull,
            ResticError::Io(error) => Self::Io(error),
            damaged @ ResticError::Damaged(_) => {
                Self::Damaged(format!("The backup can't be had: {damaged}."))
            }
            other => Self::Backup(format!("The backup can't be had: {other}.")),
        }
    }
}

/// What a backup says of itself, for whoever restores it by hand.
#[derive(Serialize)]
struct About<'a> {
    format: u32,
    backup: Uuid,
    instance: String,
    name: &'a str,
    project: &'a str,
    workspace: &'a str,
    stage: &'a str,
    commit: Option<&'a str>,
    release: Option<String>,
    /// Of which kind it is, and in which file.
    database: Option<DatabaseAbout<'a>>,
}

#[derive(Serialize)]
struct DatabaseAbout<'a> {
    kind: &'static str,
    file: &'static str,
    /// PostgreSQL's belongs into a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    belongs_at: Option<&'a str>,
}

/// The copy of a database.
enum Copied {
    Nothing,
    /// It isn't sound. Where it is below the data folder: its files are stored as they are.
    Unsound(String),
    /// Where the copy is, and where it belongs below the data folder.
    Sqlite {
        copy: PathBuf,
        path: String,
    },
    /// What pg_dump wrote.
    Postgresql(PathBuf),
}

/// What whoever restores it should know. Not what SQLite said of it: that may repeat what a database holds.
fn warning(copied: &Copied, found: &Found) -> Option<String> {
    let named = match copied {
        Copied::Unsound(path) => Some(plain(path)),
        Copied::Nothing | Copied::Sqlite { .. } | Copied::Postgresql(_) => None,
    };
    let left: Vec<String> = named.iter().chain(&found.left).map(|path| told_path(path)).collect();
    let more = match left.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut sentences = Vec::new();
    if let [one] = left.as_slice() {
        sentences.push(format!(
            "No sound copy of the database {one} could be made: it is damaged, encrypted or held by others. Its files are stored as they are, and may not fit together."
        ));
    } else if !left.is_empty() {
        let names = left[..left.len().min(MOST_NAMED)].join(", ");
        sentences.push(format!(
            "No sound copies of the databases {names}{more} could be made: they are damaged, encrypted or held by others. Their files are stored as they are, and may not fit together."
        ));
    }
    if let Some(rest) = found.rest {
        let why = match rest {
            Rest::TooMany => "There are more SQLite databases than could be copied",
            Rest::Memory => "Copying the SQLite databases took more memory than the instance may have",
            Rest::Time => "Copying the SQLite databases took longer than an hour",
            Rest::Failed => "Not all SQLite databases could be copied",
        };
        sentences.push(format!("{why}: the others are stored as they are, and may not be whole."));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn told_path(path: &str) -> String {
    path.chars().filter(|letter| !letter.is_control()).take(MOST_OF_PATH).collect()
}

/// Calls with what is more than it was, and no other time.
pub(super) fn once_each(mut tell: impl FnMut(u8) + Send) -> impl FnMut(u8) + Send {
    let mut last = 0;
    move |percent| {
        if percent > last {
            last = percent;
            tell(percent);
        }
    }
}

impl Agent {
    pub(super) fn repository<'r>(
        &'r self,
        of: InstanceId,
        access: &'r Access,
        cancel: &'r CancellationToken,
    ) -> Repository<'r> {
        let folder = self.inner.folders.repository(of);
        Repository { sandboxes: &self.inner.sandboxes, access, folder, cancel, stall: self.inner.stall }
    }

    /// Steps: repository, database, store, verify. What was stored is told by who asked for it.
    pub(super) async fn back_up(
        &self,
        instance: &Instance,
        operation: &Operation,
        work: &BackupWork,
    ) -> Result<Event, Unwell> {
        let lock = self.inner.repositories.lock_of(instance.id);
        // Who reads it may take long: an archive that is written, another's restore.
        let _alone = tokio::select! {
            biased;
            () = operation.cancel.cancelled() => return Err(Unwell::Cancelled),
            alone = lock.write() => alone,
        };
        let place = self.inner.folders.copy(instance.id);
        folders::remove(&place)?;
        let outcome = self.back_up_in(instance, operation, work, &place).await;
        let outcome = match folders::remove(&place) {
            Ok(()) => outcome,
            Err(error) => outcome.and(Err(error.into())),
        };
        if outcome.is_err() {
            self.undo(instance.id, work).await;
        }
        outcome
    }

    async fn back_up_in(
        &self,
        instance: &Instance,
        operation: &Operation,
        work: &BackupWork,
        place: &Path,
    ) -> Result<Event, Unwell> {
        if free_space(&self.inner.folders) < KEPT_FREE {
            return Err(Unwell::because("disk_full", "The disk of the server is full"));
        }
        let repository = self.repository(instance.id, &work.access, &operation.cancel);
        operation.step("repository");
        let was_there = repository.make_ready().await?;
        let earlier = if was_there { repository.find(work.backup).await? } else { None };
        if let Some(earlier) = earlier {
            // It was stored, and then somebody was cut off. Whether it is whole isn't known: it is made anew.
            tracing::info!(instance = %instance.id, snapshot = earlier.id, "a backup that was cut off is made again");
            repository.forget(work.backup).await?;
        }
        operation.step("database");
        let made = match self.current_release(instance.id) {
            Some(release) => release::load(&self.inner.folders, instance.id, release)?,
            None => None,
        };
        folders::make_private(place)?;
        if let Some(path) = made.as_ref().and_then(|made| made.application.sqlite.as_deref()) {
            // What is a link, or isn't there, is judged by who copies it.
            let file = self.inner.folders.data(instance.id).join(plain(path));
            let size = std::fs::symlink_metadata(file).map_or(0, |about| about.len());
            has_room(&self.inner.folders, size, "a copy of the database")?;
        }
        let application = made.as_ref().map(|made| &made.application);
        let copied = match application.and_then(|application| application.sqlite.as_deref()) {
            Some(path) => self.copy_database(instance, operation, path, place).await?,
            None => match application {
                Some(application) => match self.database_to_copy(instance, application)? {
                    Some(database) => Copied::Postgresql(
                        self.dump_database(instance, &database, place, &operation.cancel).await?,
                    ),
                    None => Copied::Nothing,
                },
                None => Copied::Nothing,
            },
        };
        let found = match application {
            Some(application) => self.copy_databases(instance, operation, application, place).await?,
            None => Found::default(),
        };
        let (about, settings) = (place.join("about.json"), place.join("settings.json"));
        std::fs::write(&about, self.about(instance, work, made.as_ref(), &copied)?)?;
        std::fs::write(&settings, &work.settings)?;
        let data = self.inner.folders.data(instance.id);
        release::make_own(&data, self.user(&instance.form()))?;
        let mut parts = vec![
            Part { outside: &about, inside: "/backup/about.json" },
            Part { outside: &data, inside: "/backup/data" },
            Part { outside: &settings, inside: "/backup/settings.json" },
        ];
        let mut exclude = made.as_ref().map(|made| patterns(&made.application.exclude)).unwrap_or_default();
        if let Copied::Sqlite { copy, path } = &copied {
            parts.push(Part { outside: copy, inside: DATABASE });
            let file = exactly(&format!("/backup/data/{}", plain(path)));
            exclude.extend(["", "-wal", "-shm", "-journal"].map(|end| format!("{file}{end}")));
        }
        if let Copied::Postgresql(dump) = &copied {
            parts.push(Part { outside: dump, inside: DUMP });
        }
        operation.step("store");
        let mut instead = found.instead(&data);
        let stored = loop {
            let exclude = [exclude.as_slice(), &copies::beside(&instead)].concat();
            let tell = once_each(|percent| operation.progress("store", percent));
            match repository.store(work.backup, &parts, &instead, &exclude, tell).await {
                // An application may remove a file just before its copy is put there: then it is stored without. Nothing was
                // begun by then.
                Err(ResticError::Refused { verb, said }) if said.starts_with(NO_WALLS) => {
                    let before = instead.len();
                    instead = found.instead(&data);
                    if instead.len() >= before {
                        return Err(ResticError::Refused { verb, said }.into());
                    }
                }
                stored => break stored?,
            }
        };
        operation.step("verify");
        let (sender, mut percents) = watch::channel(0);
        let reading = repository.read_back(&stored, move |percent| {
            sender.send_replace(percent);
        });
        let telling = async {
            while percents.changed().await.is_ok() {
                let percent = *percents.borrow_and_update();
                operation.progress("verify", percent);
            }
        };
        let (read, ()) = tokio::join!(reading, telling);
        let read = read?;
        read.holds(parts.iter().map(Part::name), stored.size)?;
        let Some(snapshot) = repository.name_of(work.backup, &stored).await? else {
            return Err(Unwell::because("failed", "What was stored isn't there any more"));
        };
        let warning = warning(&copied, &found);
        Ok(Event::Stored { backup: work.backup, snapshot, size: stored.size, added: stored.added, warning })
    }

    /// Leaves nothing of a backup that didn't become one. What can't be removed now is when the next is made.
    pub(super) async fn undo(&self, instance: InstanceId, work: &BackupWork) {
        let never = CancellationToken::new();
        let repository = self.repository(instance, &work.access, &never);
        let patience = match work.access.place {
            Place::Disk => Duration::MAX,
            // It may be why there is no backup.
            Place::S3 { .. } => LONGEST_UNDOING.min(self.inner.stall),
        };
        match tokio::time::timeout(patience, repository.forget(work.backup)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, %instance, "what is left of a backup can't be removed yet");
            }
            Err(_) => tracing::warn!(%instance, "what is left of a backup isn't removed yet"),
        }
    }

    fn about(
        &self,
        instance: &Instance,
        work: &BackupWork,
        made: Option<&Made>,
        copied: &Copied,
    ) -> io::Result<Vec<u8>> {
        let form = instance.form();
        let at = match copied {
            Copied::Sqlite { path, .. } => Some(format!("data/{}", plain(path))),
            Copied::Postgresql(_) | Copied::Nothing | Copied::Unsound(_) => None,
        };
        let database = match copied {
            Copied::Nothing | Copied::Unsound(_) => None,
            Copied::Sqlite { .. } => {
                Some(DatabaseAbout { kind: "sqlite", file: "database.sqlite", belongs_at: at.as_deref() })
            }
            Copied::Postgresql(_) => {
                Some(DatabaseAbout { kind: "postgresql", file: "database.pgdump", belongs_at: None })
            }
        };
        let about = About {
            format: 1,
            backup: work.backup,
            instance: instance.id.to_string(),
            name: &form.instance_slug,
            project: &form.project_slug,
            workspace: &form.workspace_slug,
            stage: &form.stage,
            commit: made.map(|made| made.commit.as_str()),
            release: self.current_release(instance.id).map(|release| release.to_string()),
            database,
        };
        Ok(serde_json::to_vec_pretty(&about)?)
    }

    /// The one that the application names.
    async fn copy_database(
        &self,
        instance: &Instance,
        operation: &Operation,
        path: &str,
        place: &Path,
    ) -> Result<Copied, Unwell> {
        let into = place.join("database");
        let words = database::command(path, "/cache/copy");
        let last = |mut lines: mpsc::Receiver<OutputLine>| async move {
            let mut last = String::new();
            while let Some(line) = lines.recv().await {
                last = String::from_utf8_lossy(&line.text).into_owned();
            }
            last
        };
        let (ended, said) = self.run_copier(instance, operation, &words, &into, last).await?;
        match ended {
            Ended::Status(0) => {
                let copy = into.join("copy");
                // Whoever wrote it is gone, and nobody of the instance comes there: what it is, it stays.
                if !std::fs::symlink_metadata(&copy)?.is_file() {
                    return Err(Unwell::because("failed", "The copy of the database isn't a file"));
                }
                Ok(Copied::Sqlite { copy, path: path.to_owned() })
            }
            Ended::Status(status) if status == i32::from(NOT_THERE) => Ok(Copied::Nothing),
            Ended::Status(status) if status == i32::from(UNSOUND) => {
                // Better as it is than not at all: the files themselves are in the data.
                tracing::warn!(instance = %instance.id, said, "a database is stored as the files that it is");
                Ok(Copied::Unsound(path.to_owned()))
            }
            Ended::Cancelled => Err(Unwell::Cancelled),
            Ended::DiskFull => Err(Unwell::because("disk_full", "The disk of the server is full")),
            Ended::OutOfTime => {
                Err(Unwell::because("failed", "Copying the database took longer than an hour"))
            }
            Ended::OutOfMemory | Ended::Status(_) | Ended::Killed(_) => Err(Unwell::Because {
                code: "failed",
                sentence: "The database couldn't be copied".to_owned(),
                quote: Some(said),
            }),
        }
    }

    /// The snapshot of a backup, where there is one.
    pub(crate) async fn find_backup(
        &self,
        of: InstanceId,
        backup: Uuid,
        access: Access,
    ) -> Result<Option<Snapshot>, Refused> {
        let lock = self.inner.repositories.lock_of(of);
        let _reading = lock.read().await;
        let never = CancellationToken::new();
        let repository = self.repository(of, &access, &never);
        if !repository.exists().await? {
            return Ok(None);
        }
        Ok(repository.find(backup).await?)
    }

    /// Removes a backup, and with the last one of an instance that isn't held here its repository. It goes on when
    /// nobody waits for it.
    pub(crate) async fn forget_backup(
        &self,
        of: InstanceId,
        backup: Uuid,
        access: Access,
    ) -> Result<(), Refused> {
        let agent = self.clone();
        let work = tokio::spawn(async move {
            let lock = agent.inner.repositories.lock_of(of);
            let _alone = lock.write().await;
            folders::remove_file(&agent.inner.folders.archive(backup))?;
            if matches!(access.place, Place::Disk) && !agent.inner.folders.repository(of).exists() {
                return Ok(());
            }
            let never = CancellationToken::new();
            let repository = agent.repository(of, &access, &never);
            repository.forget(backup).await?;
            let is_disk = matches!(access.place, Place::Disk);
            if is_disk && agent.find(of).is_none() && repository.count().await? == 0 {
                folders::remove(&agent.inner.folders.repository(of))?;
            }
            Ok(())
        });
        work.await.map_err(|error| Refused::Io(io::Error::other(error)))?
    }
}

/// Refused where it is known beforehand that it can't fit. `what` is what takes that many bytes.
pub(super) fn has_room(folders: &Folders, size: u64, what: &str) -> Result<(), Unwell> {
    if free_space(folders) >= KEPT_FREE.saturating_add(size) {
        return Ok(());
    }
    let sentence = format!(
        "The disk of the server has too little room: {what} takes {}, and {} have to stay free",
        amount(size),
        amount(KEPT_FREE)
    );
    Err(Unwell::because("disk_full", sentence))
}

/// A path of an application's own, without what says nothing in it.
pub(crate) fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// An application's patterns as restic's: one with a slash is meant from the data folder on, one without anywhere in it.
/// None reaches what stands beside the data.
fn patterns(patterns: &[String]) -> Vec<String> {
    let whole = |pattern: &String| {
        let pattern = pattern.replace('$', "$$");
        let name = pattern.trim_end_matches('/');
        if name.contains('/') {
            format!("/backup/data/{}", pattern.trim_start_matches('/'))
        } else {
            format!("/backup/data/**/{name}")
        }
    };
    // restic reads a path as it is meant: `..` would lead out of the data.
    let is_inside = |pattern: &&String| pattern.split('/').all(|part| part != "..");
    let is_any = |pattern: &&String| !pattern.trim_matches('/').is_empty();
    patterns.iter().filter(is_inside).filter(is_any).map(whole).collect()
}
