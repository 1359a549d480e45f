//! The router on a socket in the agent's own folder: for commands on the same machine, by whoever may open it.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use tokio::net::UnixListener;

/// Between two tries where no connection can be taken: the process has no descriptor left.
const AGAIN: Duration = Duration::from_secs(1);

/// Answers there, too, until the process ends. The socket's folder says who can open it.
///
/// # Errors
/// Where it can't be listened on.
pub fn listen(router: Router, socket: &Path) -> io::Result<()> {
    // Of the process before: there is one at a time.
    crate::folders::remove_file(socket)?;
    let listener = std::os::unix::net::UnixListener::from(crate::init::listen(socket)?);
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    let served = super::serve(router.clone(), connection);
                    tokio::spawn(async move {
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "a command's connection broke");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a command can't be heard");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    });
    Ok(())
}
