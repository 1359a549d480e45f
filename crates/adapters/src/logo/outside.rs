//! Reading what somebody sent in a process of its own: it gets the bytes, can open nothing, and ends within seconds.
//! Whatever a picture makes of a decoder happens there, and not where requests are served.

use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use stoa_app::ports::{Logos, PictureKind};
use stoa_app::{Failure, Fault};
use stoa_domain::{Refusal, brand};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::{LARGEST, Unfit, draw, make};

/// By which the program knows that it is to read a picture.
pub const ARGUMENT: &str = "read-logo";

/// How many may wait for their turn; beyond that one is asked to come back.
const WAITING: usize = 16;
/// Seconds of a processor, and of the clock.
const PROCESSOR_SECONDS: u64 = 10;
const WITHIN: Duration = Duration::from_secs(20);
/// Bytes of memory, the program's own included.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Bytes of the stack: drawings nest.
const STACK: usize = 64 * 1024 * 1024;
/// Bytes of what is sent, at most: more was refused before.
const LARGEST_SENT: u64 = 4 * 1024 * 1024;

const MADE: u8 = b'+';
const UNFIT: u8 = b'-';

/// The program as it reads one picture from standard input. `kind` is its media type.
///
/// # Errors
/// A sentence, where it can't even begin.
pub fn run(kind: &str) -> Result<(), String> {
    close_off().map_err(|error| format!("the limits can't be set: {error}"))?;
    let kind =
        PictureKind::ALL.into_iter().find(|one| one.key() == kind).ok_or("this is no kind of picture")?;
    let mut sent = Vec::new();
    std::io::stdin().lock().take(LARGEST_SENT).read_to_end(&mut sent).map_err(|error| error.to_string())?;
    let reading = std::thread::Builder::new().stack_size(STACK).spawn(move || make(kind, &sent));
    // A decoder that stumbles over a picture says as much of the picture as one that refuses it.
    let made = reading.map_err(|error| error.to_string())?.join().unwrap_or_else(|_| Err(broke()));
    let mut out = std::io::stdout().lock();
    let told = match made {
        Ok(png) => [vec![MADE], png].concat(),
        Err(unfit) => [vec![UNFIT], format!("{} {}", unfit.code, unfit.sentence).into_bytes()].concat(),
    };
    out.write_all(&told).and_then(|()| out.flush()).map_err(|error| error.to_string())
}

/// From here on nothing can be opened: no file, no connection. What is open is standard input and output.
fn close_off() -> nix::Result<()> {
    let limits = [
        (Resource::RLIMIT_NOFILE, 3),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, PROCESSOR_SECONDS),
        (Resource::RLIMIT_AS, MEMORY),
    ];
    limits.into_iter().try_for_each(|(resource, most)| setrlimit(resource, most, most))
}

/// Pictures read by another process of the same program.
pub struct ProcessLogos {
    program: PathBuf,
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl ProcessLogos {
    /// `program` reads a picture when it is started with [`ARGUMENT`] and a media type. `at_once` are read at a time.
    #[must_use]
    pub fn new(program: PathBuf, at_once: usize) -> Self {
        Self {
            program,
            turns: Arc::new(Semaphore::new(at_once.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    async fn read(&self, kind: PictureKind, sent: Bytes) -> Result<Vec<u8>, Failure> {
        let place = self.waiting.clone().try_acquire_owned();
        let _place = place.map_err(|_| Refusal::TooManyRequests { retry_after: 5 })?;
        let _turn = self.turns.clone().acquire_owned().await.map_err(Fault::new)?;
        let mut child = Command::new(&self.program)
            .args([ARGUMENT, kind.key()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Fault::new)?;
        let (Some(mut into), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Fault::new("the process that reads pictures has no pipes").into());
        };
        let mut told = Vec::new();
        let talking = async {
            // One that ends before it has read all says why by how it ended.
            let feeding = async move { into.write_all(&sent).await };
            let most = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
            let mut out = out.take(most);
            let (_, heard) = tokio::join!(feeding, out.read_to_end(&mut told));
            heard?;
            child.wait().await
        };
        let Ok(ended) = tokio::time::timeout(WITHIN, talking).await else { return Err(refusal(too_slow())) };
        let ended = ended.map_err(Fault::new)?;
        heard(ended, &told)
    }
}

fn too_slow() -> Unfit {
    Unfit::new("too_slow", "The picture takes too long to draw. Simplify it, or export it as PNG.")
}

fn broke() -> Unfit {
    Unfit::new("not_drawn", "The picture can't be drawn. Open it in a picture editor, and save it as PNG.")
}

fn refusal(unfit: Unfit) -> Failure {
    Refusal::invalid("logo", unfit.code, unfit.sentence).into()
}

/// What the other process made of it.
fn heard(ended: ExitStatus, told: &[u8]) -> Result<Vec<u8>, Failure> {
    if let Some(signal) = ended.signal() {
        let is_time = [Signal::SIGXCPU as i32, Signal::SIGKILL as i32].contains(&signal);
        if is_time {
            return Err(refusal(too_slow()));
        }
        tracing::warn!(signal, "a process that read a picture broke");
        let said =
            "The picture takes more memory to draw than Stoa gives to one. Simplify it, or export it as PNG.";
        return Err(refusal(Unfit::new("too_large", said)));
    }
    match told.split_first() {
        Some((&MADE, png)) if ended.success() => Ok(png.to_vec()),
        Some((&UNFIT, text)) if ended.success() => {
            let text = String::from_utf8_lossy(text);
            let (code, sentence) = text.split_once(' ').unwrap_or(("unreadable", &text));
            Err(refusal(Unfit::new(Unfit::known(code).unwrap_or("unreadable"), sentence)))
        }
        _ => Err(Fault::new(format!("the process that reads pictures ended with {ended}")).into()),
    }
}

impl Logos for ProcessLogos {
    fn make(&self, kind: PictureKind, sent: Bytes) -> BoxFuture<'_, Result<Vec<u8>, Failure>> {
        Box::pin(self.read(kind, sent))
    }

    fn draw(&self, initials: String, color: String) -> BoxFuture<'_, Result<Vec<u8>, Failure>> {
        Box::pin(drawn(initials, color))
    }
}

/// The initials, on a thread that no request waits for another's work on.
///
/// # Errors
/// A fault.
pub async fn drawn(initials: String, color: String) -> Result<Vec<u8>, Failure> {
    let drawing = tokio::task::spawn_blocking(move || {
        let color = brand::parse(&color).ok_or("the workspace's colour isn't one")?;
        draw(&initials, &brand::tile(color))
    });
    Ok(drawing.await.map_err(Fault::new)?.map_err(Fault::new)?)
}
