//! Several processes of Stoa on one PostgreSQL: each is known to the others, and shows at its start that it has the
//! same folder of repositories as they. (That it has the same master key is shown where the key is loaded.)

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_agent::folders;
use stoa_app::ports::{Clock as _, NewIds as _, Rng as _};
use stoa_app::secrets::hash_of;
use stoa_domain::ReplicaId;
use stoa_storage::Store;
use stoa_storage::replica::{GONE_SECONDS, Joined, NewReplica, OtherReplica};
use tokio_util::sync::CancellationToken;

use crate::failure::Ended;
use crate::settings::Settings;

/// How often one says that it is still there: some may be missed before it counts as gone.
const EACH: Duration = Duration::from_secs(GONE_SECONDS as u64 / 3);

/// A file that another machine has just written may take this long to be seen on this one.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

/// This process among the others. None of it is needed on SQLite, where there are no others.
#[derive(Clone)]
pub struct Replica {
    store: Store,
    id: ReplicaId,
    word_hash: Vec<u8>,
    word: PathBuf,
}

fn words(settings: &Settings) -> PathBuf {
    settings.repositories_dir.join(".replicas")
}

/// Joins the others; on SQLite there is nothing to join.
///
/// # Errors
/// Where it may not run beside them: it can't be reached, has another folder of repositories or another set-up token.
pub async fn join(settings: &Settings, store: &Store) -> Result<Option<Replica>, Ended> {
    if store.is_sqlite() {
        return Ok(None);
    }
    let id = own_id(&settings.data_dir)
        .map_err(|error| Ended::because(&format!("{}", settings.data_dir.display()), error))?;
    let (word, word_hash) = write_word(&words(settings), id).map_err(|error| {
        Ended::because(&format!("STOA_REPOSITORIES_DIR {}", settings.repositories_dir.display()), error)
    })?;
    let replica = Replica { store: store.clone(), id, word_hash: word_hash.clone(), word };
    let new = NewReplica {
        id,
        name: nix::unistd::gethostname()
            .map_or_else(|_| "unnamed".to_owned(), |name| name.to_string_lossy().into_owned()),
        internal_url: settings.internal_url.as_ref().map(|url| url.to_string()),
        word_hash,
        setup_token_hash: settings.setup_token.as_ref().and_then(|token| token.reveal_text()).map(hash_of),
        has_machine: settings.local_server,
    };
    let joined = store.join_replicas(new).await.map_err(|failure| Ended::said(format!("{failure:?}")))?;
    let refused = match joined {
        Joined::Taken { others, forgotten } => {
            for gone in forgotten {
                folders::remove_file(&words(settings).join(gone.to_string()))?;
            }
            match find_other_folder(&words(settings), &others).await {
                None => return Ok(Some(replica)),
                Some(other) => format!(
                    "STOA_REPOSITORIES_DIR {} isn't the folder that the replica {} has: what it wrote there can't be read here. All replicas need the same one",
                    settings.repositories_dir.display(),
                    other.name
                ),
            }
        }
        Joined::WithoutUrl { other } => format!(
            "STOA_INTERNAL_URL has to be set: another replica, {other}, runs on these records already, and each has to be reached by the others"
        ),
        Joined::OtherWithoutUrl { other } => format!(
            "another replica, {other}, runs on these records without STOA_INTERNAL_URL. Start it anew with one, then this one"
        ),
        Joined::WithoutSetupToken => {
            "STOA_SETUP_TOKEN has to be set, to the same for all replicas, until Stoa is set up".to_owned()
        }
        Joined::OtherSetupToken => {
            "STOA_SETUP_TOKEN isn't the one that the other replicas were started with".to_owned()
        }
    };
    replica.leave().await;
    Err(Ended::said(refused))
}

impl Replica {
    /// Says that this one is there, until `stop`. Ends early where another process goes by its id.
    ///
    /// # Errors
    /// Then.
    pub async fn stay(self, stop: CancellationToken) -> Result<(), Ended> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EACH) => {}
            }
            match self.store.see_replica(self.id, self.word_hash.clone()).await {
                Ok(true) => {}
                Ok(false) => {
                    return Err(Ended::said(
                        "another process was started as this replica, from a copy of its data directory. Each replica needs a data directory of its own",
                    ));
                }
                Err(failure) => tracing::warn!(?failure, "the other replicas can't be told of this one"),
            }
        }
    }

    /// Says that it isn't there any more. A start needn't wait for it then.
    pub async fn leave(&self) {
        if let Err(failure) = self.store.leave_replicas(self.id, self.word_hash.clone()).await {
            tracing::debug!(?failure, "this replica counts as there for some more seconds");
        }
        if let Err(error) = folders::remove_file(&self.word) {
            tracing::debug!(%error, "what this replica wrote for the others stays");
        }
    }
}

/// The same at every start on this data directory.
fn own_id(data_dir: &Path) -> io::Result<ReplicaId> {
    let file = data_dir.join("replica");
    match std::fs::read_to_string(&file) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file `replica` holds no id")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = ReplicaId::new(SystemRng.new_id(SystemClock.now()));
            folders::write_whole(&file, format!("{id}\n").as_bytes())?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

/// A word that nobody can guess, in a file that the others look for. Its place and its hash.
fn write_word(folder: &Path, id: ReplicaId) -> io::Result<(PathBuf, Vec<u8>)> {
    folders::make_private(folder)?;
    let mut bytes = [0_u8; 32];
    SystemRng.fill(&mut bytes);
    let word: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = folder.join(id.to_string());
    folders::write_whole(&file, word.as_bytes())?;
    Ok((file, hash_of(&word)))
}

/// One of the others whose word isn't in this folder.
async fn find_other_folder<'o>(folder: &Path, others: &'o [OtherReplica]) -> Option<&'o OtherReplica> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let missing = others.iter().find(|other| {
            std::fs::read_to_string(folder.join(other.id.to_string()))
                .map_or(true, |word| hash_of(&word) != other.word_hash)
        });
        if missing.is_none() || tokio::time::Instant::now() >= deadline {
            return missing;
        }
        tokio::time::sleep(LOOK).await;
    }
}
