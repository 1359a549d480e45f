//! What is said to the server: by psql, behind walls of its own, with the text and the password handed over by
//! descriptor, so that neither stands in a list of processes, an environment or a log.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::stat::{Mode, fchmod};
use stoa_domain::Secret;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Cluster, MASTER, PostgresqlError, Programs, SOCKETS, sockets};
use crate::sandbox::{Program, Shown, in_memory, secret_path};

/// The places of what is handed over by descriptor.
const PASSWORD: i32 = 0;
const TEXT: i32 = 1;

/// An application that keeps a transaction open mustn't hold up what is said for all others.
const PATIENCE: &str = "-c lock_timeout=5s -c statement_timeout=60s";

/// How long it may be away: a restart after a crash takes moments.
const LONGEST_AWAY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of what it says.
const LONGEST: u64 = 256 * 1024;

/// As whom, and to which database.
pub(crate) struct Speaker<'s> {
    pub role: &'s str,
    pub password: &'s Secret,
    pub database: &'s str,
}

impl Cluster<'_> {
    /// Runs statements as the master, in the database that nobody uses. What they answer, a value a line. A server that
    /// is just being started again is waited for.
    ///
    /// # Errors
    /// What the server said of the first that failed.
    pub async fn say(&self, programs: &Programs, text: &str) -> Result<Vec<String>, PostgresqlError> {
        let deadline = Instant::now() + LONGEST_AWAY;
        loop {
            match self.say_once(programs, text).await {
                // Nothing of it was heard: it may be said again.
                Err(PostgresqlError::Away(_)) if Instant::now() < deadline => tokio::time::sleep(LOOK).await,
                other => return other,
            }
        }
    }

    /// # Errors
    /// As `say`; and `Away` at once.
    pub async fn say_once(&self, programs: &Programs, text: &str) -> Result<Vec<String>, PostgresqlError> {
        let speaker = Speaker { role: MASTER, password: self.password, database: "postgres" };
        self.say_as(programs, &speaker, text).await
    }

    /// # Errors
    /// As `say_once`.
    pub async fn say_as(
        &self,
        programs: &Programs,
        speaker: &Speaker<'_>,
        text: &str,
    ) -> Result<Vec<String>, PostgresqlError> {
        let password = speaker.password.reveal_text().unwrap_or_default();
        let passwords = Zeroizing::new(format!("*:*:*:*:{password}\n"));
        let folder = sockets(self.folders);
        let program = Program {
            words: [
                programs.path("psql").as_str(),
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--no-password",
                "--set=ON_ERROR_STOP=1",
                "--set=VERBOSITY=terse",
                &format!("--host={SOCKETS}"),
                &format!("--username={}", speaker.role),
                &format!("--dbname={}", speaker.database),
                &format!("--file={}", secret_path(TEXT)),
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: vec![
                ("PGPASSFILE", secret_path(PASSWORD)),
                ("PGCONNECT_TIMEOUT", "10".to_owned()),
                ("PGOPTIONS", PATIENCE.to_owned()),
            ],
            shown: vec![Shown { outside: &folder, inside: SOCKETS.into(), is_writable: false }],
            working_folder: "/",
            secrets: vec![secret("passwords", passwords.as_bytes())?, secret("text", text.as_bytes())?],
            capabilities: &[],
            reaches: None,
        };
        let mut program = self.sandboxes.start_program(program).await?;
        let (mut out, mut err) = (String::new(), String::new());
        let (mut answer, mut said) = ((&mut program.out).take(LONGEST), (&mut program.err).take(LONGEST));
        let (read, heard) = tokio::join!(answer.read_to_string(&mut out), said.read_to_string(&mut err));
        read?;
        heard?;
        match program.wait().await? {
            Some(0) => Ok(out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
            _ if is_away(&err) => Err(PostgresqlError::Away(format!("said: {}", first_line(&err)))),
            _ => Err(PostgresqlError::Failed(format!("refused: {}", first_line(&err)))),
        }
    }
}

/// Whether there was nobody yet, or nobody any more, to listen when psql came.
fn is_away(said: &str) -> bool {
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.contains("connect")
        && ["Connection refused", "No such file or directory", "FATAL:  the database system is "]
            .iter()
            .any(|words| line.contains(words))
}

/// psql says where in its text it was; that is nobody's business.
fn first_line(said: &str) -> String {
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    let begin = ["ERROR:", "FATAL:", "PANIC:", "error:"].iter().find_map(|word| line.find(word));
    line[begin.unwrap_or(0)..].chars().filter(|letter| !letter.is_control()).take(300).collect()
}

/// libpq takes a file of passwords that its owner alone reads.
fn secret(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = in_memory(name, bytes)?;
    fchmod(&file, Mode::from_bits_truncate(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{first_line, is_away};

    #[test]
    fn an_error_is_told_without_where_it_stood() {
        assert_eq!(
            first_line("psql:/proc/self/fd/4:3: ERROR:  database \"x\" does not exist\nmore"),
            "ERROR:  database \"x\" does not exist"
        );
        assert_eq!(first_line(""), "it said nothing");
    }

    #[test]
    fn who_heard_nothing_is_away_and_who_refused_isnt() {
        let socket = "psql: error: connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed:";
        for said in
            ["No such file or directory", "Connection refused", "FATAL:  the database system is starting up"]
        {
            assert!(is_away(&format!("{socket} {said}\n")), "{said}");
        }
        for said in [
            "FATAL:  password authentication failed for user \"i_1\"",
            "FATAL:  sorry, too many clients already",
        ] {
            assert!(!is_away(&format!("{socket} {said}\n")), "{said}");
        }
        // Something of it may have been done.
        assert!(!is_away(
            "psql:/proc/self/fd/4:3: FATAL:  terminating connection due to administrator command"
        ));
        assert!(!is_away("ERROR:  No such file or directory"));
    }
}
