//! A first backup and one of data that hasn't changed, against restic started by hand on the same files: the same work,
//! which is storing and reading all of it back, and storing alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use stoa_agent::protocol::{BeginBackup, RepositoryAccess, RepositoryPlace, SecretText};
use stoa_domain::{ProjectId, Secret};
use uuid::Uuid;

use crate::machine::Machine;
use crate::measured::{Measured, middle};

/// Each turn has a repository of its own.
const TURNS: u32 = 3;
const FILES: u64 = 128;
/// Of each.
const BYTES: usize = 256 * 1024;
const PASSWORD: &str = "a-password-of-a-repository";

/// Seconds: of a first one and of an unchanged one, each against the same work and against storing alone.
pub async fn measure() -> [Measured; 4] {
    let mut first = Times::default();
    let mut again = Times::default();
    for number in 0..TURNS {
        let place = tempfile::tempdir().expect("a folder");
        let machine = Machine::start(&place.path().join("state")).await;
        let instance = machine.instance(ProjectId::new(Uuid::now_v7()), number).await;
        let data = machine.state.join("data").join(instance.to_string());
        fill(&data, number);
        let by_hand = ByHand::new(place.path(), &data);
        for times in [&mut first, &mut again] {
            let password = SecretText(Secret::from_text(PASSWORD.to_owned()));
            let access = RepositoryAccess { password, place: RepositoryPlace::Disk {} };
            let wanted =
                BeginBackup { backup: Uuid::now_v7(), repository: access, settings: "{}".to_owned() };
            let began = Instant::now();
            let begun = machine.client.back_up(machine.order(), instance, &wanted).await.expect("it begins");
            machine.done(&begun).await;
            times.here.push(began.elapsed().as_secs_f64());
            let began = Instant::now();
            by_hand.store();
            let stored = began.elapsed().as_secs_f64();
            by_hand.read_back();
            times.stored.push(stored);
            times.whole.push(began.elapsed().as_secs_f64());
        }
    }
    [first.against_whole(), first.against_stored(), again.against_whole(), again.against_stored()]
}

#[derive(Default)]
struct Times {
    here: Vec<f64>,
    stored: Vec<f64>,
    whole: Vec<f64>,
}

impl Times {
    fn against_whole(&self) -> Measured {
        Measured { here: middle(self.here.clone()), bare: middle(self.whole.clone()) }
    }

    fn against_stored(&self) -> Measured {
        Measured { here: middle(self.here.clone()), bare: middle(self.stored.clone()) }
    }
}

/// What doesn't become smaller by being compressed, and is another in each turn.
fn fill(data: &Path, number: u32) {
    std::fs::create_dir_all(data).expect("a folder");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::from(number) + 1);
    for file in 0..FILES {
        let mut bytes = Vec::with_capacity(BYTES);
        while bytes.len() < BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        std::fs::write(data.join(format!("{file}.bin")), bytes).expect("written");
    }
}

struct ByHand {
    repository: PathBuf,
    key: PathBuf,
    data: PathBuf,
}

impl ByHand {
    fn new(place: &Path, data: &Path) -> Self {
        let (repository, key) = (place.join("by-hand"), place.join("key"));
        std::fs::write(&key, PASSWORD).expect("written");
        Self { repository, key, data: data.to_owned() }
    }

    /// Makes the repository where there is none.
    fn store(&self) {
        if !self.repository.exists() {
            self.restic(&["init"]);
        }
        let data = self.data.to_string_lossy().into_owned();
        self.restic(&["backup", "--host", "bench", "--", &data]);
    }

    fn read_back(&self) {
        self.restic(&["dump", "--archive", "tar", "--", "latest", "/"]);
    }

    fn restic(&self, arguments: &[&str]) {
        let ended = Command::new("restic")
            .args(["--no-cache", "--quiet", "--password-file"])
            .arg(&self.key)
            .arg("--repo")
            .arg(&self.repository)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .expect("restic");
        assert!(ended.success(), "restic {arguments:?}");
    }
}
