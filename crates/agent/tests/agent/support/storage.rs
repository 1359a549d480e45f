//! An S3-compatible storage with a bucket, and a door that can be shut.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use stoa_agent::protocol::{RepositoryPlace, SecretText};
use stoa_domain::Secret;

pub struct Storage {
    child: Child,
    folder: PathBuf,
    pub port: u16,
    pub bucket: String,
    pub key_id: String,
    pub key: String,
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Storage {
    /// `None` where it can't be had on this machine, which is said.
    pub fn start(folder: &Path) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/storage-server");
        let mut child = Command::new(script)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [port, bucket, key_id, key] = words.as_slice() else {
            assert_eq!(child.wait().unwrap().code(), Some(75), "{line}");
            super::need::lacks("storage", false);
            return None;
        };
        let [bucket, key_id, key] = [bucket, key_id, key].map(|word| (*word).to_owned());
        Some(Self { child, folder: folder.to_owned(), port: port.parse().unwrap(), bucket, key_id, key })
    }

    /// `stall`: nothing is answered; `away`: 503; empty: as it is.
    pub fn is_now(&self, mode: &str) {
        std::fs::write(self.folder.join("mode"), mode).unwrap();
    }

    /// A repository of that name in it.
    pub fn place(&self, host: &str, name: &str) -> RepositoryPlace {
        RepositoryPlace::S3 {
            url: format!("http://{host}:{}/{}/{name}", self.port, self.bucket),
            addresses: vec!["127.0.0.1".parse().unwrap()],
            key_id: self.key_id.clone(),
            key: SecretText(Secret::from_text(self.key.clone())),
            region: None,
        }
    }
}
