//! Running restic.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc;

use super::{Place, REPOSITORY, Repository, ResticError, STORED, words};
use crate::folders::{LEAST_FREE, free_space};
use crate::sandbox::processes::{Moved, Processes};
use crate::sandbox::{Program, Reached, RunningProgram, Shown, disk_is_full, in_memory, secret_path};

/// The places of what is handed over by descriptor.
const PASSWORD: i32 = 0;
pub(super) const MORE_SECRET: i32 = 1;
const CREDENTIALS: i32 = 2;

/// Certificates that count besides the system's own.
const AUTHORITIES: &str = "/authorities.pem";

/// Bytes of what it says that are kept: progress isn't, and errors repeat themselves.
const MOST_SAID: usize = 64 * 1024;
/// Bytes of an answer, such as a list of snapshots.
const LONGEST: usize = 16 << 20;
const PIECE: usize = 256 * 1024;

/// How often it is looked whether anything moves, while it is waited for that.
const LOOKS: u32 = 10;
/// What is less than this is what a program does that waits.
const LEAST_BYTES: u64 = 64 * 1024;
const LEAST_TICKS: u64 = 100;

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
        let watch = Watch::of(&program, self.stall);
        let mut answer = String::new();
        let reading = async {
            let mut lines = BufReader::new(&mut program.out);
            let mut line = Vec::new();
            loop {
                line.clear();
                if lines.read_until(b'\n', &mut line).await? == 0 {
                    return io::Result::Ok(());
                }
                watch.heard(line.len());
                let text = String::from_utf8_lossy(&line);
                match words::percent(&text) {
                    Some(percent) => tell(percent),
                    None if answer.len() + text.len() <= LONGEST => answer.push_str(&text),
                    None => return Err(io::Error::other("restic said more than anybody can read")),
                }
            }
        };
        let said = said(&mut program.err);
        let ended = self.watched(&watch, async { tokio::join!(reading, said) }).await;
        let (read, said) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // Whoever takes away its lock now finds all that it wrote.
                program.end().await;
                return Err(error);
            }
        };
        read?;
        let status = self.watched(&watch, program.wait()).await??;
        self.judge(words[0], status, said).map(|()| Ran { out: answer })
    }

    /// What it writes goes to `into`, as fast as that is taken.
    pub(super) async fn pipe(
        &self,
        words: &[&str],
        capabilities: &'static [&'static str],
        into: mpsc::Sender<Bytes>,
    ) -> Result<(), ResticError> {
        let mut program = self.start(words, Vec::new(), capabilities, None).await?;
        let watch = Watch::of(&program, self.stall);
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
        let mut program = self.watched(&watch, reading).await??;
        let said = self.watched(&watch, said(&mut program.err)).await?;
        let status = self.watched(&watch, program.wait()).await??;
        self.judge(words[0], status, said)
    }

    /// What a status means, where nothing else is wrong.
    fn judge(&self, verb: &str, status: Option<i32>, said: String) -> Result<(), ResticError> {
        match judge(verb, status, said) {
            // It fails in many ways where it can't write, some of them without a word of why.
            Err(ResticError::Refused { .. }) if self.has_no_room() => Err(ResticError::DiskFull),
            judged => judged,
        }
    }

    fn has_no_room(&self) -> bool {
        free_space(self.beside()).is_ok_and(|bytes| bytes < LEAST_FREE)
    }

    /// On the disk that it writes to.
    fn beside(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// Until it is over, is cancelled, the disk is full, or nothing moves any more. Dropping the work ends the program.
    async fn watched<T>(&self, watch: &Watch, work: impl Future<Output = T>) -> Result<T, ResticError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ResticError::Cancelled),
            () = disk_is_full(self.beside()) => Err(ResticError::DiskFull),
            () = watch.until_it_stalls() => Err(ResticError::Stalled(self.stall)),
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
        if words.contains(&"--json") && matches!(words[0], "backup" | "restore") {
            line.pop();
        }
        line.extend(["--password-file".to_owned(), secret_path(PASSWORD)]);
        let mut environment = vec![("RESTIC_PROGRESS_FPS", "2".to_owned()), ("HOME", "/tmp".to_owned())];
        let mut secrets = vec![
            in_memory("password", self.access.password.reveal())?,
            in_memory("more", more.unwrap_or_default())?,
        ];
        let mut reaches = None;
        // What the operator has named for every outgoing call.
        let authorities = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).filter(|file| file.is_file());
        match &self.access.place {
            Place::Disk => {
                line.extend(["--repo".to_owned(), REPOSITORY.to_owned()]);
                shown.push(Shown { outside: &self.folder, inside: REPOSITORY.into(), is_writable: true });
            }
            Place::S3 { url, host, addresses, key_id, key, region } => {
                reaches = Some(Reached { host, addresses });
                line.extend(["--repo".to_owned(), format!("s3:{url}")]);
                // A bucket in the host's name would be another host than the one that was checked.
                line.extend(["--option".to_owned(), "s3.bucket-lookup=path".to_owned()]);
                if let Some(file) = &authorities {
                    shown.push(Shown { outside: file, inside: AUTHORITIES.into(), is_writable: false });
                    line.extend(["--cacert".to_owned(), AUTHORITIES.to_owned()]);
                }
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
        let program =
            Program { words: line, environment, shown, working_folder, secrets, capabilities, reaches };
        Ok(self.sandboxes.start_program(program).await?)
    }
}

/// How far a program has come: it may take as long as it takes, but not stand still.
struct Watch {
    pid: Option<i32>,
    patience: Duration,
    /// Bytes of what it said: what tells that nothing moves isn't a move.
    heard: AtomicU64,
}

impl Watch {
    fn of(program: &RunningProgram, patience: Duration) -> Self {
        Self { pid: program.pid(), patience, heard: AtomicU64::new(0) }
    }

    fn heard(&self, bytes: usize) {
        self.heard.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn look(&self) -> Option<Moved> {
        let moved = Processes::read().ok()?.moved_by(self.pid?)?;
        Some(Moved { bytes: moved.bytes.saturating_sub(self.heard.load(Ordering::Relaxed)), ..moved })
    }

    /// Until it has done as good as nothing for that long. Where it can't be seen, it isn't judged.
    async fn until_it_stalls(&self) {
        let mut last = self.look();
        let mut since = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(self.patience / LOOKS).await;
            let now = self.look();
            let has_moved = match (last, now) {
                (Some(last), Some(now)) => {
                    now.bytes < last.bytes
                        || now.bytes - last.bytes >= LEAST_BYTES
                        || now.ticks < last.ticks
                        || now.ticks - last.ticks >= LEAST_TICKS
                }
                _ => true,
            };
            if has_moved {
                (last, since) = (now, tokio::time::Instant::now());
            } else if since.elapsed() >= self.patience {
                return;
            }
        }
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
        Some(3) if verb == "backup" && words::may_be_lacking(&said) => Err(ResticError::Lacking),
        _ if said.contains("no space left on device") => Err(ResticError::DiskFull),
        _ if said.contains("wrong password or no key found") => Err(ResticError::WrongKey),
        _ if said.contains("already locked") => Err(ResticError::Locked(words::first_line(&said))),
        _ if words::is_damage(&said) => Err(ResticError::Damaged(words::first_line(&said))),
        _ if said.contains("execvp restic") => Err(ResticError::NotInstalled),
        _ => {
            let verb = words::verb(verb);
            Err(ResticError::Refused { verb, said: words::first_line(&said) })
        }
    }
}
