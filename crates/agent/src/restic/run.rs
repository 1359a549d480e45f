//! Running restic.

use std::io;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc;

use super::{Place, REPOSITORY, Repository, ResticError, STORED, words};
use crate::sandbox::{Program, RunningProgram, Shown, disk_is_full, in_memory, secret_path};

/// The places of what is handed over by descriptor.
const PASSWORD: i32 = 0;
pub(super) const MORE_SECRET: i32 = 1;
const CREDENTIALS: i32 = 2;

/// Bytes of what it says that are kept: progress isn't, and errors repeat themselves.
const MOST_SAID: usize = 64 * 1024;
/// Bytes of an answer, such as a list of snapshots.
const LONGEST: usize = 16 << 20;
const PIECE: usize = 256 * 1024;

/// What it said.
pub(super) struct Ran {
    pub out: String,
}

/// For what tells no progress.
pub(super) fn nothing(_: u8) {}

impl Repository<'_> {
    pub(super) async fn run(
        &self,
        words: &[&str],
        shown: Vec<Shown<'_>>,
        capabilities: &'static [&'static str],
        tell: impl FnMut(u8) + Send,
    ) -> Result<Ran, ResticError> {
        self.run_with(words, shown, capabilities, None, tell).await
    }

    pub(super) async fn run_with(
        &self,
        words: &[&str],
        shown: Vec<Shown<'_>>,
        capabilities: &'static [&'static str],
        more: Option<&[u8]>,
        mut tell: impl FnMut(u8) + Send,
    ) -> Result<Ran, ResticError> {
        let mut program = self.start(words, shown, capabilities, more).await?;
        let mut answer = String::new();
        let reading = async {
            let mut lines = BufReader::new(&mut program.out);
            let mut line = Vec::new();
            loop {
                line.clear();
                if lines.read_until(b'\n', &mut line).await? == 0 {
                    return io::Result::Ok(());
                }
                let text = String::from_utf8_lossy(&line);
                match words::percent(&text) {
                    Some(percent) => tell(percent),
                    None if answer.len() + text.len() <= LONGEST => answer.push_str(&text),
                    None => return Err(io::Error::other("restic said more than anybody can read")),
                }
            }
        };
        let said = said(&mut program.err);
        let ended = self.watched(async { tokio::join!(reading, said) }).await;
        let (read, said) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // Whoever takes away its lock now finds all that it wrote.
                program.end().await;
                return Err(error);
            }
        };
        read?;
        let status = self.watched(program.wait()).await??;
        judge(words[0], status, said).map(|()| Ran { out: answer })
    }

    /// What it writes goes to `into`, as fast as that is taken.
    pub(super) async fn pipe(
        &self,
        words: &[&str],
        capabilities: &'static [&'static str],
        into: mpsc::Sender<Bytes>,
    ) -> Result<(), ResticError> {
        let mut program = self.start(words, Vec::new(), capabilities, None).await?;
        let reading = async move {
            let mut pieces = tokio_util::io::ReaderStream::with_capacity(&mut program.out, PIECE);
            while let Some(piece) = pieces.next().await {
                if into.send(piece?).await.is_err() {
                    return Err(io::Error::from(io::ErrorKind::BrokenPipe));
                }
            }
            drop(pieces);
            io::Result::Ok(program)
        };
        let mut program = self.watched(reading).await??;
        let said = self.watched(said(&mut program.err)).await?;
        let status = self.watched(program.wait()).await??;
        judge(words[0], status, said)
    }

    /// Until it is over, is cancelled, or the disk is full. Dropping the work ends the program.
    async fn watched<T>(&self, work: impl Future<Output = T>) -> Result<T, ResticError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ResticError::Cancelled),
            () = disk_is_full(self.folder.parent().unwrap_or(&self.folder)) => Err(ResticError::DiskFull),
            outcome = work => Ok(outcome),
        }
    }

    async fn start(
        &self,
        words: &[&str],
        mut shown: Vec<Shown<'_>>,
        capabilities: &'static [&'static str],
        more: Option<&[u8]>,
    ) -> Result<RunningProgram, ResticError> {
        if self.cancel.is_cancelled() {
            return Err(ResticError::Cancelled);
        }
        let mut line = vec!["restic".to_owned(), "--no-cache".to_owned(), "--quiet".to_owned()];
        // Progress is told where the answer is JSON; `--quiet` would silence it.
        if words.contains(&"--json") && words[0] == "backup" {
            line.pop();
        }
        line.extend(["--password-file".to_owned(), secret_path(PASSWORD)]);
        let mut environment = vec![("RESTIC_PROGRESS_FPS", "2".to_owned()), ("HOME", "/tmp".to_owned())];
        let mut secrets = vec![
            in_memory("password", self.access.password.reveal())?,
            in_memory("more", more.unwrap_or_default())?,
        ];
        let mut reaches_network = false;
        match &self.access.place {
            Place::Disk => {
                line.extend(["--repo".to_owned(), REPOSITORY.to_owned()]);
                shown.push(Shown { outside: &self.folder, inside: REPOSITORY, is_writable: true });
            }
            Place::S3 { url, key_id, key, region } => {
                reaches_network = true;
                line.extend(["--repo".to_owned(), format!("s3:{url}")]);
                let key = key.reveal_text().unwrap_or_default();
                let text = zeroize::Zeroizing::new(format!(
                    "[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {key}\n"
                ));
                secrets.push(in_memory("credentials", text.as_bytes())?);
                environment.push(("AWS_SHARED_CREDENTIALS_FILE", secret_path(CREDENTIALS)));
                environment.extend(region.iter().map(|region| ("AWS_DEFAULT_REGION", region.clone())));
            }
        }
        line.extend(words.iter().map(|&word| word.to_owned()));
        let working_folder = if words[0] == "backup" { STORED } else { "/" };
        let program = Program {
            words: line,
            environment,
            shown,
            working_folder,
            secrets,
            capabilities,
            reaches_network,
        };
        Ok(self.sandboxes.start_program(program).await?)
    }
}

/// What it says on its standard error, as far as that is kept.
async fn said(pipe: &mut tokio::net::unix::pipe::Receiver) -> String {
    let (mut said, mut piece) = (Vec::new(), vec![0; 8192]);
    loop {
        match pipe.read(&mut piece).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&said).trim().to_owned(),
            Ok(length) => {
                let room = MOST_SAID.saturating_sub(said.len());
                said.extend_from_slice(&piece[..length.min(room)]);
            }
        }
    }
}

/// What a status means. Files that went away while they were to be read are no failure: the application runs.
fn judge(verb: &str, status: Option<i32>, said: String) -> Result<(), ResticError> {
    match status {
        Some(0) => Ok(()),
        Some(3) if verb == "backup" && words::only_vanished(&said) => Ok(()),
        _ if said.contains("no space left on device") => Err(ResticError::DiskFull),
        _ if said.contains("wrong password or no key found") => Err(ResticError::WrongKey),
        _ if said.contains("already locked") => Err(ResticError::Locked(words::first_line(&said))),
        _ if said.contains("execvp restic") => Err(ResticError::NotInstalled),
        _ => {
            let verb = words::verb(verb);
            Err(ResticError::Refused { verb, said: words::first_line(&said) })
        }
    }
}
