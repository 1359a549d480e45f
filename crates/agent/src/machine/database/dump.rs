//! pg_dump and pg_restore: as the instance's own role and user, in a sandbox like the application's. What a database
//! holds is its application's, and is read with no more rights than that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Agent, Database};
use crate::folders;
use crate::machine::instance::Instance;
use crate::machine::release;
use crate::machine::start::{Unwell, common_environment};
use crate::postgresql::SOCKETS;
use crate::sandbox::{Ended, Mounts, OutputLine};

/// How long either may take.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

const FILE: &str = "database.pgdump";

impl Agent {
    /// One state of the database, whatever is written to it meanwhile. The file is in a folder of its own in `place`.
    pub(in crate::machine) async fn dump_database(
        &self,
        instance: &Instance,
        database: &Database,
        place: &Path,
        cancel: &CancellationToken,
    ) -> Result<PathBuf, Unwell> {
        let into = place.join("database");
        release::make_own(&into, self.user(&instance.form()))?;
        // Not compressed: what is alike from backup to backup is stored once, and compressed there.
        let words = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password"];
        let words = words.into_iter().map(str::to_owned).chain([format!("--file=/cache/{FILE}")]);
        let said =
            self.run_beside(instance, database, "pg_dump", words.collect(), place, &into, cancel).await?;
        let file = into.join(FILE);
        // Whoever wrote it is gone, and nobody of the instance comes there: what it is, it stays.
        if !std::fs::symlink_metadata(&file).is_ok_and(|about| about.is_file()) {
            return Err(Unwell::Because {
                code: "failed",
                sentence: "The database couldn't be copied".to_owned(),
                quote: said,
            });
        }
        Ok(file)
    }

    /// Fills an empty database from such a file, which is moved for it.
    pub(in crate::machine) async fn fill_database(
        &self,
        instance: &Instance,
        database: &Database,
        file: &Path,
        place: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Unwell> {
        let (from, user) = (place.join("database"), self.user(&instance.form()));
        release::make_own(&from, user)?;
        let moved = from.join(FILE);
        std::fs::rename(file, &moved)?;
        if let Some(user) = user {
            std::os::unix::fs::lchown(&moved, Some(user), Some(user))?;
        }
        let words = [
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            "--no-password",
            &format!("--dbname={}", database.database),
            "--",
            &format!("/cache/{FILE}"),
        ];
        let words = words.map(str::to_owned).to_vec();
        self.run_beside(instance, database, "pg_restore", words, place, &from, cancel).await?;
        Ok(folders::remove(&from)?)
    }

    #[allow(clippy::too_many_arguments)]
    async fn run_beside(
        &self,
        instance: &Instance,
        database: &Database,
        program: &str,
        words: Vec<String>,
        place: &Path,
        folder: &Path,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, Unwell> {
        let programs = self.postgresql().await?.programs;
        let (nothing, sockets) = (place.join("nothing"), self.sockets_of(Some(database)));
        folders::make_private(&nothing)?;
        // The program begins in it.
        std::fs::set_permissions(&nothing, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let mounts = Mounts {
            app: &nothing,
            is_app_writable: false,
            data: None,
            cache: Some(folder),
            database: sockets.as_deref(),
        };
        let mut environment = common_environment();
        // As the application itself is told it: handed to process 1 by descriptor.
        for (name, value) in [
            ("PGHOST", SOCKETS),
            ("PGUSER", &database.name),
            ("PGDATABASE", &database.database),
            ("PGPASSWORD", database.password.reveal_text().unwrap_or_default()),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        let (sender, mut lines) = mpsc::channel::<OutputLine>(16);
        let listening = tokio::spawn(async move {
            let mut first = None;
            while let Some(line) = lines.recv().await {
                let text = String::from_utf8_lossy(&line.text);
                if !text.trim().is_empty() && first.is_none() {
                    first = Some(text.chars().take(500).collect::<String>());
                }
            }
            first
        });
        let command: Vec<String> = std::iter::once(programs.path(program)).chain(words).collect();
        let ended =
            self.run_once(instance, mounts, &command, environment, ".", LONGEST, cancel, sender).await?;
        let said = listening.await.unwrap_or_default();
        let what = if program == "pg_dump" {
            "The database couldn't be copied"
        } else {
            "The database couldn't be brought back"
        };
        match ended {
            Ended::Status(0) => Ok(said),
            Ended::Cancelled => Err(Unwell::Cancelled),
            Ended::DiskFull => Err(Unwell::because("disk_full", "The disk of the server is full")),
            Ended::OutOfTime => Err(Unwell::because("failed", format!("{what} within six hours"))),
            Ended::OutOfMemory | Ended::Status(_) => {
                Err(Unwell::Because { code: "failed", sentence: what.to_owned(), quote: said })
            }
        }
    }
}
