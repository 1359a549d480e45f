//! pg_dump and pg_restore: with the rights of the instance's own role and as its user, in a sandbox like the
//! application's. What a database holds is its application's, and is read with no more rights than that.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Agent, Database, unless};
use crate::folders;
use crate::logs::{LONGEST as LONGEST_LINE, Look};
use crate::machine::instance::Instance;
use crate::machine::release;
use crate::machine::start::{Unwell, common_environment};
use crate::postgresql::SOCKETS;
use crate::sandbox::{Ended, Mounts, OutputLine};

/// How long either may take.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

const FILE: &str = "database.pgdump";

/// What either said: without secrets, because an error quotes what is in the database.
#[derive(Default)]
struct Said {
    /// The first that says what went wrong, else the first.
    quote: Option<String>,
    is_error: bool,
    is_disk_full: bool,
}

impl Said {
    fn hear(&mut self, line: &[u8], look: &Look) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let kept = &line[..line.len().min(LONGEST_LINE)];
        let text = look.quote(kept, kept.len() < line.len());
        self.is_disk_full |= text.contains("No space left on device");
        let is_error = text.contains("error: ");
        if self.quote.is_none() || (is_error && !self.is_error) {
            self.quote = Some(text.chars().take(500).collect());
            self.is_error = is_error;
        }
    }
}

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
        self.run_beside(instance, database, "pg_dump", words.collect(), place, &into, cancel).await?;
        let file = into.join(FILE);
        // Whoever wrote it is gone, and nobody of the instance comes there: what it is, it stays.
        if !std::fs::symlink_metadata(&file).is_ok_and(|about| about.is_file()) {
            return Err(Unwell::because("failed", "The database couldn't be copied: nothing was written"));
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
    ) -> Result<(), Unwell> {
        let hiring = async {
            let ready = self.postgresql().await?;
            // Not as the application's own role, whose connections may all be taken.
            let worker = self.worker(&ready, database).await?;
            Ok((ready.programs, worker))
        };
        let (programs, worker) = unless(cancel, hiring).await?;
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
            ("PGUSER", worker.role.as_str()),
            ("PGDATABASE", &database.database),
            ("PGPASSWORD", worker.password.reveal_text().unwrap_or_default()),
            // Whatever the application has set for its database.
            ("PGOPTIONS", "-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0"),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        let (sender, mut lines) = mpsc::channel::<OutputLine>(16);
        let look = Look { masks: self.masks(instance.id), ..Look::default() };
        let listening = tokio::spawn(async move {
            let mut said = Said::default();
            while let Some(line) = lines.recv().await {
                said.hear(&line.text, &look);
            }
            said
        });
        let role = format!("--role={}", database.name);
        let command: Vec<String> = [programs.path(program), role].into_iter().chain(words).collect();
        let ended =
            self.run_once(instance, mounts, &command, environment, ".", LONGEST, cancel, sender).await?;
        let said = listening.await.map_err(io::Error::other)?;
        let what = if program == "pg_dump" {
            "The database couldn't be copied"
        } else {
            "The database couldn't be brought back"
        };
        match ended {
            Ended::Status(0) => Ok(()),
            Ended::Cancelled => Err(Unwell::Cancelled),
            _ if said.is_disk_full || ended == Ended::DiskFull => {
                Err(Unwell::because("disk_full", "The disk of the server is full"))
            }
            Ended::OutOfTime => Err(Unwell::because("failed", format!("{what} within six hours"))),
            Ended::OutOfMemory | Ended::DiskFull | Ended::Status(_) | Ended::Killed(_) => {
                Err(Unwell::Because { code: "failed", sentence: what.to_owned(), quote: said.quote })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stoa_domain::Secret;

    use super::*;
    use crate::logs::Masks;

    #[test]
    fn what_is_quoted_says_what_went_wrong_and_no_secret() {
        let secret = Secret::from_text("a-long-secret".to_owned());
        let look = Look { masks: Arc::new(Masks::of([&secret])), ..Look::default() };
        let mut said = Said::default();
        for line in [
            "",
            "pg_restore: while PROCESSING TOC:",
            "pg_restore: error: ERROR:  invalid: \"a-long-secret\"",
            "pg_restore: error: another",
        ] {
            said.hear(line.as_bytes(), &look);
        }
        let quote = said.quote.as_deref();
        assert_eq!(quote, Some("pg_restore: error: ERROR:  invalid: \"[secret removed]\""));
        assert!(!said.is_disk_full);
        said.hear(b"pg_dump: error: could not write to output file: No space left on device", &look);
        assert!(said.is_disk_full);
    }
}
