//! The server's PostgreSQL: one cluster of the agent's own, in a sandbox of its own, for the databases of instances.
//!
//! It listens on one socket and on no network. Who may connect to what stands in `pg_hba.conf`, which is written here,
//! role by role: an instance's role reaches its own database and no other. It goes on when the agent ends, as instances
//! do, and is found again.

mod programs;
mod server;
pub(crate) mod sql;

use std::io;
use std::path::{Path, PathBuf};

use stoa_domain::Secret;
use thiserror::Error;

use crate::folders::{self, Folders};
use crate::sandbox::Sandboxes;

pub(crate) use programs::Programs;
pub(crate) use server::Server;

/// Where an instance finds the socket.
pub(crate) const SOCKETS: &str = "/run/postgresql";

/// The role that everything is made by.
const MASTER: &str = "stoa";

/// What isn't possible with it.
#[derive(Debug, Error)]
pub(crate) enum PostgresqlError {
    #[error(
        "PostgreSQL isn't installed on the server, and the application asks for a database of it. Install it: apt-get install postgresql"
    )]
    NotInstalled,
    #[error(
        "The server's databases are of PostgreSQL {0}, which isn't installed any more. Install it: apt-get install postgresql-{0}"
    )]
    OtherVersion(u32),
    #[error("The server's PostgreSQL {0}")]
    Failed(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where everything of it lies, and how it is reached.
pub(crate) struct Cluster<'c> {
    pub folders: &'c Folders,
    pub sandboxes: &'c Sandboxes,
    /// Of the role that everything is made by.
    pub password: &'c Secret,
}

impl Cluster<'_> {
    /// The folder that is its data: `cluster` in it.
    fn base(&self) -> PathBuf {
        self.folders.postgresql().join("base")
    }

    fn cluster(&self) -> PathBuf {
        self.base().join("cluster")
    }

    fn run(&self) -> PathBuf {
        self.folders.postgresql().join("run")
    }

    /// The number of the user that it runs as: below those of instances.
    fn user(&self) -> Option<u32> {
        self.sandboxes.abilities().is_root().then_some(199_999)
    }

    /// Writes who may connect to what. It holds for connections from the next reload on.
    pub fn write_access(&self, names: &[String]) -> io::Result<()> {
        let file = self.cluster().join("pg_hba.conf");
        folders::write_whole(&file, access(names).as_bytes())?;
        std::os::unix::fs::chown(&file, self.user(), self.user())
    }

    /// Bytes that a database takes on the disk.
    pub fn size(&self, oid: u32) -> io::Result<u64> {
        folders::size(&self.cluster().join("base").join(oid.to_string()))
    }
}

/// The folder of the socket, to be mounted into sandboxes.
pub(crate) fn sockets(folders: &Folders) -> PathBuf {
    folders.postgresql().join("sockets")
}

/// The second name of a database: what is brought back stands under it until it is switched to, and then what it
/// replaced.
pub(crate) fn aside(name: &str) -> String {
    format!("{name}_aside")
}

/// `pg_hba.conf`: the first line that fits decides.
fn access(names: &[String]) -> String {
    let mut text = String::from("# Written by Stoa at each change of it.\n");
    text.push_str(&format!("local all \"{MASTER}\" scram-sha-256\n"));
    for name in names {
        text.push_str(&format!("local \"{name}\",\"{}\" \"{name}\" scram-sha-256\n", aside(name)));
    }
    text.push_str("local all all reject\nlocal replication all reject\n");
    text
}

/// A file's text, where there is one.
fn text_of(file: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::access;

    #[test]
    fn a_role_reaches_its_own_database_and_nobody_reaches_the_rest() {
        let text = access(&["i_1".to_owned(), "i_2".to_owned()]);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "local all \"stoa\" scram-sha-256",
                "local \"i_1\",\"i_1_aside\" \"i_1\" scram-sha-256",
                "local \"i_2\",\"i_2_aside\" \"i_2\" scram-sha-256",
                "local all all reject",
                "local replication all reject",
            ]
        );
    }
}
