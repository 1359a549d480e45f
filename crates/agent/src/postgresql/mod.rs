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
pub(crate) use server::{Server, share};

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
    /// Nothing of what was to be said was heard.
    #[error("The server's PostgreSQL doesn't answer: it {0}")]
    Away(String),
    #[error("Nobody waits for the server's PostgreSQL any more")]
    Cancelled,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl PostgresqlError {
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Failed(said) if said.contains("No space left on device"))
    }
}

/// Who is let in where: a role into its own database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Door {
    pub name: String,
    /// The number of the user whose processes alone are let in as that role, where instances have users of their own.
    /// Otherwise whoever has its password is.
    pub user: Option<u32>,
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
    fn write_access(&self, doors: &[Door]) -> io::Result<()> {
        let file = self.cluster().join("pg_hba.conf");
        folders::write_whole(&file, access(doors).as_bytes())?;
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

/// The role by which Stoa itself works in a database: with the rights of its owner and places of its own.
pub(crate) fn working(name: &str) -> String {
    format!("{name}_work")
}

/// `pg_hba.conf`: the first line that fits decides.
fn access(doors: &[Door]) -> String {
    let mut text = String::from("# Written by Stoa at each change of it.\n");
    text.push_str(&format!("local all \"{MASTER}\" scram-sha-256\n"));
    for Door { name, user } in doors {
        let databases = format!("\"{name}\",\"{}\"", aside(name));
        // The kernel says whose process it is that connects: a password alone leads in from nowhere else.
        let method = if user.is_some() { "peer" } else { "scram-sha-256" };
        text.push_str(&format!("local {databases} \"{name}\" {method}\n"));
        text.push_str(&format!("local {databases} \"{}\" scram-sha-256\n", working(name)));
    }
    text.push_str("local all all reject\nlocal replication all reject\n");
    text
}

/// `/etc/passwd` as PostgreSQL sees it: by it the user of a process has the name of the role that it may be. `own`:
/// what was there before anybody was let in.
fn users(own: &str, doors: &[Door]) -> String {
    let is_role = |line: &&str| line.starts_with("i_");
    let mut text: String =
        own.lines().filter(|line| !is_role(line)).map(|line| format!("{line}\n")).collect();
    for Door { name, user } in doors {
        if let Some(user) = user {
            text.push_str(&format!("{name}:x:{user}:{user}::/tmp:/usr/sbin/nologin\n"));
        }
    }
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
    use super::*;

    #[test]
    fn a_role_reaches_its_own_database_and_nobody_reaches_the_rest() {
        let door = |name: &str, user| Door { name: name.to_owned(), user };
        let doors = [door("i_1", Some(200_001)), door("i_2", None)];
        let text = access(&doors);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "local all \"stoa\" scram-sha-256",
                "local \"i_1\",\"i_1_aside\" \"i_1\" peer",
                "local \"i_1\",\"i_1_aside\" \"i_1_work\" scram-sha-256",
                "local \"i_2\",\"i_2_aside\" \"i_2\" scram-sha-256",
                "local \"i_2\",\"i_2_aside\" \"i_2_work\" scram-sha-256",
                "local all all reject",
                "local replication all reject",
            ]
        );
        let own = "root:x:0:0::/tmp:/usr/sbin/nologin\napp:x:199999:199999::/tmp:/bin/sh\n";
        let named = users(own, &doors);
        assert_eq!(named, format!("{own}i_1:x:200001:200001::/tmp:/usr/sbin/nologin\n"));
        assert_eq!(users(&named, &[]), own, "whoever has gone has no name any more");
    }
}
