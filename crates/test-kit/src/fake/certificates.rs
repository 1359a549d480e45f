//! A certificate authority in memory: it issues at once, or says why not.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use stoa_app::ports::{Certificates, IssueProblem, Issued, KeepsForAuthority};
use stoa_domain::{Secret, Timestamp};
use tokio::sync::Semaphore;

/// The life of what it issues, in seconds: 90 days.
const LIFE: i64 = 90 * 24 * 3600;

pub struct FakeCertificates {
    /// Hosts, and whether an account was brought along.
    asked: Mutex<Vec<(String, bool)>>,
    refuses: Mutex<Option<IssueProblem>>,
    /// What the authority takes for now.
    now: Mutex<i64>,
    /// How many may be answered.
    door: Semaphore,
    directory: Mutex<&'static str>,
}

impl Default for FakeCertificates {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            refuses: Mutex::default(),
            now: Mutex::default(),
            door: Semaphore::new(Semaphore::MAX_PERMITS),
            directory: Mutex::new("https://authority.example/directory"),
        }
    }
}

impl FakeCertificates {
    /// Whatever is asked for from now on is refused like this; with `None` it is issued.
    pub fn refuse(&self, problem: Option<IssueProblem>) {
        *self.refuses.lock().unwrap() = problem;
    }

    /// Another authority from now on.
    pub fn move_to(&self, directory: &'static str) {
        *self.directory.lock().unwrap() = directory;
    }

    /// Its clock.
    pub fn set_now(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now.micros();
    }

    /// From now on nobody is answered, until `open`.
    pub fn close(&self) {
        self.door.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn open(&self) {
        self.door.add_permits(1000);
    }

    /// How many have asked since they were last taken.
    #[must_use]
    pub fn count_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// What was asked for since the last time, by host: and whether an account was brought along.
    #[must_use]
    pub fn take_asked(&self) -> Vec<(String, bool)> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked
    }
}

impl Certificates for FakeCertificates {
    fn directory(&self) -> &str {
        *self.directory.lock().unwrap()
    }

    fn issue(
        &self,
        host: String,
        account: Option<Secret>,
        keeps: Arc<dyn KeepsForAuthority>,
    ) -> BoxFuture<'_, Result<Issued, IssueProblem>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((host.clone(), account.is_some()));
            if account.is_none() {
                keeps.account(Secret::from_text("canary account".to_owned())).await?;
            }
            keeps
                .challenge(format!("token-of-{}", host.replace('.', "-")), format!("answer for {host}"))
                .await?;
            let _answered = self.door.acquire().await.unwrap();
            if let Some(problem) = self.refuses.lock().unwrap().clone() {
                return Err(problem);
            }
            let begins_at = Timestamp::from_micros(*self.now.lock().unwrap());
            Ok(Issued {
                chain: format!("chain of {host}"),
                key: Secret::from_text(format!("canary key of {host}")),
                begins_at,
                ends_at: begins_at.plus_seconds(LIFE),
            })
        })
    }
}
