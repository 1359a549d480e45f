//! Secrets that each world holds. After each test they are looked for where none may stand in the clear: in what was
//! written to a log, and below folders.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, Once, PoisonError};

use memchr::memmem;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on all is kept that Stoa writes to its log in this process, whatever its level.
pub fn listen() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let ours = ["stoa_app", "stoa_http", "stoa_storage", "stoa_adapters", "stoa_agent", "stoa_domain"];
        let ours = Targets::new().with_targets(ours.map(|name| (name, LevelFilter::TRACE)));
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Ear);
        // A test that has a log of its own is without this.
        let _ = tracing_subscriber::registry().with(layer).with(ours).try_init();
    });
}

/// None of these stands in what was heard so far.
///
/// # Panics
/// Where one does.
pub fn was_not_heard(secrets: &[&str]) {
    is_absent(secrets, "the log", &HEARD.lock().unwrap_or_else(PoisonError::into_inner));
}

/// None of these stands in the clear there.
///
/// # Panics
/// Where one does.
pub fn is_absent(secrets: &[&str], place: &str, bytes: &[u8]) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if let Some(at) = memmem::find(bytes, secret.as_bytes()) {
            let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + secret.len() + 40)];
            panic!("the canary {secret:?} stands in {place}: {}", String::from_utf8_lossy(around));
        }
    }
}

/// None of these stands in the clear in a file below a folder, but in what is below `allowed` folders of it.
///
/// # Panics
/// Where one does.
pub fn is_absent_below(secrets: &[&str], folder: &Path, allowed: &[&str]) {
    let mut command = Command::new("grep");
    command.args(["--recursive", "--files-with-matches", "--text", "--fixed-strings", "--devices=skip"]);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        command.arg("--regexp").arg(secret);
    }
    let output = command.arg("--").arg(folder).output().expect("grep is there");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_allowed = |file: &str| {
        let below = Path::new(file).strip_prefix(folder).unwrap_or(Path::new(file));
        allowed.iter().any(|allowed| below.starts_with(allowed))
    };
    let found: Vec<&str> = found.lines().filter(|file| !is_allowed(file)).collect();
    assert!(found.is_empty(), "a canary of {secrets:?} stands in the clear in {found:?}");
}
