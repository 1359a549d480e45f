//! `stoa restore FILE`: brings a backup back, into an empty data folder and nowhere else.
//!
//! Everything is looked at before anything is put in place. What is unpacked lies aside until it is known to be right;
//! then the repositories are given their names, and last of all the records.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_adapters::master_key;
use stoa_adapters::vault::MasterVault;
use stoa_agent::folders;
use stoa_agent::git::Repository;
use stoa_storage::Store;
use stoa_storage::keeping::{self, Look, Voided};
use stoa_storage::store::Place;

use super::archive::{ArchiveError, Reader, Unpacked};
use super::place::{self, name_it, refuse_unless_empty, restoring};
use super::{counted, on_postgres, repositories, repositories_counted, written};
use crate::failure::Ended;
use crate::output::{complain, say};
use crate::serve::{place_of_records, take_lock};
use crate::settings::Settings;

/// Standard input instead of a file.
const FROM_INPUT: &str = "-";

/// `is_trusted`: a file that proves nothing, because an earlier program wrote it, is taken as it is.
///
/// # Errors
/// Where the file can't be restored, or the folder isn't empty. Nothing is changed then.
pub async fn restore(settings: Settings, file: String, is_trusted: bool) -> Result<(), Ended> {
    refuse_unless_empty(&settings)?;
    let mut reader = tokio::task::block_in_place(|| open(&settings, &file))?;
    let key = refuse_other_key(&settings, &reader)?.backup_key();
    tokio::task::block_in_place(|| reader.prove(&key, is_trusted))?;
    if let Place::Postgres(address) = place_of_records(&settings)? {
        keeping::is_empty_address(&address).await?;
    }
    let _lock = take_lock(&settings)?;
    refuse_unless_empty(&settings)?;
    let aside = restoring(&settings.data_dir);
    let outcome = async {
        let unwritable = |error| written("what an earlier restore left can't be removed", error);
        place::remove_half_restored(&settings).map_err(unwritable)?;
        folders::remove(&aside).map_err(unwritable)?;
        folders::make_private(&aside).map_err(|error| written(&aside.display().to_string(), error))?;
        let unpacked = tokio::task::block_in_place(|| reader.unpack(&aside))?;
        let (look, voided) = begin_anew(&unpacked.records).await?;
        let count = take_in(&settings, &look, &unpacked).await?;
        put_in_place(&settings, &unpacked.records).await?;
        Ok::<_, Ended>((look, voided, count))
    }
    .await;
    let cleaned = clean_up(&settings, &aside, outcome.is_err());
    match (outcome, cleaned) {
        (Ok((look, voided, count)), Ok(())) => {
            tell(&settings, &reader, &look, voided, count);
            Ok(())
        }
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(ended), cleaned) => {
            // Why nothing was restored is what counts; that something of it is left comes beside it.
            if let Err(error) = cleaned {
                complain(&format!("note: what the restore left can't be removed: {error}"));
            }
            Err(ended)
        }
    }
}

/// What didn't become whole goes; only a process that is killed leaves it, and then no start goes on with it.
fn clean_up(settings: &Settings, aside: &Path, has_failed: bool) -> std::io::Result<()> {
    if has_failed {
        place::remove_half_restored(settings)?;
    }
    folders::remove(&restoring(&settings.repositories_dir))?;
    folders::remove(aside)
}

/// Opens the file. What comes on standard input is kept without a name until it is over, because it is read twice.
fn open(settings: &Settings, file: &str) -> Result<Reader, Ended> {
    if file != FROM_INPUT {
        let opened = File::open(file).map_err(|error| ArchiveError::Unreadable(file.into(), error))?;
        return Ok(Reader::open(Path::new(file), opened)?);
    }
    if io::stdin().is_terminal() {
        return Err(Ended::said("a backup doesn't come from a terminal: name a file"));
    }
    refuse_without_key(settings)?;
    let unmade = |error| written("what comes on standard input can't be kept", error);
    folders::make_private(&settings.data_dir).map_err(unmade)?;
    let mut kept = OpenOptions::new()
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_TMPFILE)
        .open(&settings.data_dir)
        .map_err(unmade)?;
    io::copy(&mut io::stdin().lock(), &mut kept).map_err(unmade)?;
    kept.seek(SeekFrom::Start(0)).map_err(unmade)?;
    Ok(Reader::open(Path::new("standard input"), kept)?)
}

fn refuse_without_key(settings: &Settings) -> Result<(), Ended> {
    if settings.master_key_file.exists() {
        return Ok(());
    }
    Err(Ended::said(format!(
        "the master key that the backup was made with is needed: put it at {} with mode 0600, or name its place with STOA_MASTER_KEY_FILE. Nothing was changed",
        settings.master_key_file.display()
    )))
}

/// The key is known to be the right one before anything is unpacked.
fn refuse_other_key(settings: &Settings, reader: &Reader) -> Result<MasterVault, Ended> {
    let file = settings.master_key_file.display();
    refuse_without_key(settings)?;
    let vault = MasterVault::new(master_key::load(&settings.master_key_file, false)?);
    let key_check = STANDARD.decode(&reader.manifest.key_check).unwrap_or_default();
    if vault.is_key_of(&key_check) {
        return Ok(vault);
    }
    Err(Ended::said(format!(
        "the master key {file} isn't the one that this backup was made with. Put the right one there; nothing was changed"
    )))
}

/// Looks the records over, brings them up to date, and ends everything that was given out.
async fn begin_anew(records: &Path) -> Result<(Look, Voided), Ended> {
    keeping::check(records).await?;
    let store = Store::open(Place::Sqlite(records.to_owned()), Arc::new(SystemClock), Arc::new(SystemRng))
        .await
        .map_err(|fault| Ended::because("the records of the backup can't be opened", fault))?;
    if let Err(fault) = store.verify_chains().await {
        complain(&Ended::because("note: in this backup", fault).to_string());
    }
    let voided = store.begin_epoch().await.map_err(|failure| Ended::said(format!("{failure:?}")))?;
    store.close().await;
    drop(store);
    keeping::fold(records).await?;
    Ok((keeping::look(records).await?, voided))
}

/// Makes the repositories of the bundles, aside, and gives each its name once all are whole.
async fn take_in(settings: &Settings, look: &Look, unpacked: &Unpacked) -> Result<i64, Ended> {
    let folder = repositories(settings)?;
    let aside = restoring(&settings.repositories_dir);
    folders::remove(&aside)?;
    folders::make_private(&aside).map_err(|error| written(&aside.display().to_string(), error))?;
    for (project, bundle) in &unpacked.repositories {
        if !look.hosted.contains(project) {
            return Err(Ended::said(format!("the backup holds a repository of no project: {project}")));
        }
        let repository = Repository::at(aside.join(format!("{project}.git")));
        let what = format!("the repository {project} can't be made");
        repository.create("main").await.map_err(|error| Ended::because(&what, error))?;
        repository.unbundle(bundle).await.map_err(|error| Ended::because(&what, error))?;
        std::fs::remove_file(bundle)?;
    }
    for (project, _) in &unpacked.repositories {
        std::fs::rename(aside.join(format!("{project}.git")), folder.place(*project))?;
    }
    Ok(i64::try_from(unpacked.repositories.len()).unwrap_or(i64::MAX))
}

/// The last step: from then on there is an installation.
async fn put_in_place(settings: &Settings, records: &Path) -> Result<(), Ended> {
    match place_of_records(settings)? {
        Place::Sqlite(file) => {
            name_it(records, &file).map_err(|error| written(&file.display().to_string(), error))
        }
        Place::Postgres(address) => {
            // That the audit log holds was looked at before.
            keeping::move_to_postgres(records, &address).await.map(drop)?;
            Ok(())
        }
    }
}

fn tell(settings: &Settings, reader: &Reader, look: &Look, voided: Voided, count: i64) {
    let sum = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    say(&format!(
        "Restored as of {}: {}, {}, {}.",
        reader.manifest.created_at,
        counted(look.accounts, "account", "accounts"),
        counted(look.workspaces, "workspace", "workspaces"),
        repositories_counted(count, i64::try_from(look.hosted.len()).unwrap_or(i64::MAX) - count),
    ));
    say(&format!(
        "Everybody has to sign in again: {}, {} and {} have ended. Mails that waited won't be sent. Invitations that waited have expired: resend them under Members.",
        counted(sum(voided.sessions), "session", "sessions"),
        counted(sum(voided.tokens), "access token", "access tokens"),
        counted(sum(voided.links), "link", "links"),
    ));
    if look.instances > 0 {
        say(&format!(
            "{} in the records. What instances keep themselves isn't part of a backup: bring {} back from where you keep it before the start, or deploy them again.",
            counted(look.instances, "instance is", "instances are"),
            crate::serve::agent_folder(settings).display()
        ));
    }
    if settings.database_url.is_some() {
        on_postgres(look.has_local_machine && !settings.local_server);
    }
    say(&format!("Start it with: stoa serve{}", settings.data_dir_flag()));
}
