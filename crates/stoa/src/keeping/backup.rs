//! `stoa backup FILE`: the records and the hosted repositories in one file, whether Stoa runs or not.
//!
//! First the records, as they are at one moment, then the repositories: what was pushed in between is newer than the
//! records say, which is what a start settles anyway (`compare_heads`). The other way round, a push would be lost.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoa_adapters::master_key;
use stoa_adapters::vault::MasterVault;
use stoa_agent::folders;
use stoa_agent::git::Repository;
use stoa_storage::keeping::{self, Look};
use stoa_storage::store::Place;
use zeroize::Zeroizing;

use super::archive::{FORMAT, Manifest, RECORDS, Writer};
use super::place::{Unfinished, name_it};
use super::proof::Key;
use super::{about_the_key, counted, refuse_half_restored, repositories, repositories_counted, written};
use crate::failure::Ended;
use crate::output;
use crate::serve::place_of_records;
use crate::settings::Settings;

/// Standard output instead of a file.
const TO_OUTPUT: &str = "-";

/// What became of a backup.
struct Done {
    look: Look,
    repositories: i64,
    /// Nothing was ever pushed to these.
    empty: i64,
    /// Of projects that were deleted meanwhile.
    gone: i64,
}

/// # Errors
/// Where something can't be read, or the file can't be written. Nothing is left of it then.
pub async fn backup(settings: Settings, to: String) -> Result<(), Ended> {
    refuse_half_restored(&settings)?;
    let aside = place_aside(&settings, &to)?;
    // Beside the wish to end, which is heard while a large file is being written.
    let asked = crate::serve::asked_to_end()?;
    let work = tokio::spawn({
        let aside = aside.clone();
        async move { write(&settings, &to, aside).await }
    });
    tokio::select! {
        outcome = work => outcome?,
        () = asked => {
            // Whatever is still written there goes with its folder.
            folders::remove(&aside)?;
            Err(Ended::said("ended before the backup was whole: nothing is left of it"))
        }
    }
}

/// Where it lies until it is whole.
fn place_aside(settings: &Settings, to: &str) -> Result<PathBuf, Ended> {
    if to == TO_OUTPUT {
        return Ok(settings.data_dir.join(".backup"));
    }
    let file = Path::new(to);
    let named = file.file_name().ok_or_else(|| Ended::said(format!("{to} isn't a file's name")))?;
    // It isn't made: where a disk should be and isn't, the backup would lie on the wrong one.
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(Ended::said(format!(
            "there is no folder {}. If it is of another disk, see whether that is mounted; otherwise make it first",
            folder.display()
        )));
    }
    Ok(file.with_file_name(format!(".{}.part", named.to_string_lossy())))
}

async fn write(settings: &Settings, to: &str, aside: PathBuf) -> Result<(), Ended> {
    if to == TO_OUTPUT {
        if io::stdout().is_terminal() {
            return Err(Ended::said(
                "a backup isn't for a terminal: name a file, or send it on: stoa backup - > FILE",
            ));
        }
        if !settings.data_dir.is_dir() {
            return Err(Ended::said(format!("there are no records in {}", settings.data_dir.display())));
        }
        let aside = Unfinished::take(aside)?;
        let done = gather(settings, &aside, io::stdout()).await?.0;
        tell(settings, &done, "Backed up", output::complain);
        return Ok(());
    }
    let file = PathBuf::from(to);
    if file.exists() {
        return Err(Ended::said(format!(
            "{to} is there already, and no backup is written over: name another file"
        )));
    }
    let aside = Unfinished::take(aside)?;
    let whole = aside.file("whole");
    let unwritable = |error| written(&format!("{to} can't be written"), error);
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&whole).map_err(unwritable)?;
    let (done, out): (Done, File) = gather(settings, &aside, out).await?;
    let size = out.metadata().map_err(unwritable)?.len();
    out.sync_all().map_err(unwritable)?;
    name_it(&whole, &file).map_err(unwritable)?;
    tell(settings, &done, &format!("Backed up to {to}, {size} bytes"), output::say);
    Ok(())
}

fn tell(settings: &Settings, done: &Done, head: &str, say: impl Fn(&str)) {
    say(&format!(
        "{head}: {}, {}, {}.",
        counted(done.look.accounts, "account", "accounts"),
        counted(done.look.workspaces, "workspace", "workspaces"),
        repositories_counted(done.repositories, done.empty),
    ));
    if done.gone > 0 {
        say(&format!(
            "{} not there (any more) and left out.",
            counted(done.gone, "repository was", "repositories were")
        ));
    }
    say(&about_the_key(settings));
    if done.look.instances > 0 {
        say(&format!(
            "What instances keep themselves (data, releases, logs) isn't in it either: on this machine it lies in {}.",
            crate::serve::agent_folder(settings).display()
        ));
    }
}

async fn gather<W: Write>(settings: &Settings, aside: &Unfinished, out: W) -> Result<(Done, W), Ended> {
    let records = aside.file(RECORDS);
    copy_records(settings, &records).await?;
    let look = keeping::look(&records).await?;
    let Some(key_check) = &look.key_check else {
        return Err(Ended::said("Stoa was never started here: there is nothing to back up"));
    };
    let key = key(settings, key_check)?;
    let now = super::now()?;
    let manifest = Manifest {
        format: FORMAT,
        stoa: crate::VERSION.to_owned(),
        schema: look.version,
        created_at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        key_check: STANDARD.encode(key_check),
    };
    let unwritable = |error| written("the backup can't be written", error);
    let at = u64::try_from(now.as_second()).unwrap_or(0);
    let mut writer = Writer::begin(out, &manifest, at, &key).map_err(unwritable)?;
    tokio::task::block_in_place(|| writer.add_records(&records)).map_err(unwritable)?;
    std::fs::remove_file(&records).map_err(unwritable)?;
    let (mut count, mut empty, mut gone) = (0, 0, 0);
    let folder = repositories(settings)?;
    for project in &look.hosted {
        let repository = Repository::at(folder.place(*project));
        if !repository.exists() {
            gone += 1;
            continue;
        }
        let bundle = aside.file("bundle");
        let has_commits = repository
            .bundle(&bundle)
            .await
            .map_err(|error| Ended::because(&format!("the repository {project} can't be read"), error))?;
        if has_commits {
            tokio::task::block_in_place(|| writer.add_repository(*project, &bundle)).map_err(unwritable)?;
            std::fs::remove_file(&bundle).map_err(unwritable)?;
            count += 1;
        } else {
            empty += 1;
        }
    }
    let out = tokio::task::block_in_place(|| writer.end()).map_err(unwritable)?;
    Ok((Done { look, repositories: count, empty, gone }, out))
}

/// The key that proves a backup: of the very master key that these records were made with.
fn key(settings: &Settings, key_check: &[u8]) -> Result<Zeroizing<Key>, Ended> {
    let vault = MasterVault::new(master_key::load(&settings.master_key_file, false)?);
    if vault.is_key_of(key_check) {
        return Ok(vault.backup_key());
    }
    Err(Ended::said(format!(
        "the master key {} isn't the one that these records were sealed with, and the backup would prove nothing",
        settings.master_key_file.display()
    )))
}

async fn copy_records(settings: &Settings, into: &Path) -> Result<(), Ended> {
    let copied = match place_of_records(settings)? {
        Place::Sqlite(file) => keeping::copy_file(&file, into).await,
        Place::Postgres(address) => keeping::copy_address(&address, into).await.map(drop),
    };
    copied.map_err(|fault| Ended::because("the records can't be copied", fault))
}
