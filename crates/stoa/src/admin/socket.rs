//! By which `stoa admin` asks the Stoa that runs: a line of JSON each way.
//!
//! The socket lies in the data directory, which is its owner's alone: whoever can open it can read the records and the
//! key as well. Who it is comes from the kernel, not from what they say.

use std::fs::Permissions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Uid, User};
use stoa_app::App;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::order::{Answer, Order, carry_out};
use crate::failure::Ended;

/// Longest order.
const LONGEST: u64 = 64 * 1024;
/// How long one may take to be said.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before listening again, where that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// What the operating system calls a user; its number where it has no name.
pub fn user_name(uid: u32) -> String {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| uid.to_string(), |user| user.name)
}

/// Answers there until the process ends.
///
/// # Errors
/// Where it can't be listened on.
pub fn listen(app: App, socket: &Path) -> std::io::Result<()> {
    let listener = std::os::unix::net::UnixListener::from(listen_alone(socket)?);
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => drop(tokio::spawn(serve(app.clone(), connection))),
                Err(error) => {
                    tracing::warn!(%error, "a command can't be heard");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    });
    Ok(())
}

/// A socket for its owner alone, whatever the umask says: it is made where nobody else looks, and moved into its place
/// with its mode.
fn listen_alone(socket: &Path) -> std::io::Result<OwnedFd> {
    let mut folder = socket.as_os_str().to_owned();
    folder.push(".new");
    let folder = PathBuf::from(folder);
    if folder.exists() {
        // Of a process that was ended here.
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let inside = folder.join("socket");
    let listener = stoa_agent::init::listen(&inside)?;
    std::fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
    // In place of the one of the process before: there is one at a time.
    std::fs::rename(&inside, socket)?;
    std::fs::remove_dir(&folder)?;
    Ok(listener)
}

async fn serve(app: App, connection: UnixStream) {
    if let Err(error) = answer(app, connection).await {
        tracing::debug!(%error, "a command's connection broke");
    }
}

async fn answer(app: App, mut connection: UnixStream) -> std::io::Result<()> {
    let uid = connection.peer_cred()?.uid();
    if uid != 0 && uid != Uid::effective().as_raw() {
        tracing::warn!(uid, "a command of another user's was refused");
        return Ok(());
    }
    let user = user_name(uid);
    let (read, mut write) = connection.split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Order>(&line) {
        Ok(order) => carry_out(&app, order, &user).await,
        Err(_) => {
            Err("The Stoa that runs is of another version than this command. Start it again.".to_owned())
        }
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    write.shutdown().await
}

/// Asks the Stoa that runs.
///
/// # Errors
/// Where it can't be asked; within, the sentence by which it refused.
pub async fn ask(socket: &Path, order: &Order) -> Result<Result<Answer, String>, Ended> {
    let unheard = |error| Ended::because("Stoa runs, but can't be asked", error);
    let mut connection = stoa_agent::init::connect(socket).await.map_err(unheard)?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    connection.write_all(&text).await.map_err(unheard)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.map_err(unheard)?;
    if answer.is_empty() {
        return Err(Ended::said("Stoa ended before it answered. See whether it was done, then repeat"));
    }
    serde_json::from_slice(&answer).map_err(|_| {
        Ended::said("the Stoa that runs is of another version than this command. Start it again")
    })
}
