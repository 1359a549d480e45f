//! Hashing of passwords: argon2id, on a small pool of its own, never on a thread that serves requests.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use stoa_domain::{Refusal, Secret};
use tokio::sync::Semaphore;

use crate::failure::{Failure, Fault};

/// Memory in KiB, passes and lanes: 19 MiB, 2, 1.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many may wait for their turn; beyond that one is asked to come back.
const WAITING: usize = 128;

#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that no password has, so that an unknown address takes as long as a known one.
    decoy: Arc<str>,
    /// In KiB.
    memory: u32,
}

/// The outcome of a comparison.
pub struct Verified {
    pub matches: bool,
    /// The same password under today's parameters, where the kept hash has others.
    pub better_hash: Option<String>,
}

fn hasher(memory: u32) -> Result<Argon2<'static>, Fault> {
    let params = Params::new(memory, PASSES, LANES, None).map_err(|error| Fault::new(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8], salt: [u8; 16], memory: u32) -> Result<String, Fault> {
    let hasher = hasher(memory)?;
    let hash =
        hasher.hash_password_with_salt(password, &salt).map_err(|error| Fault::new(error.to_string()))?;
    Ok(hash.to_string())
}

fn matches(password: &[u8], kept: &str, memory: u32) -> Result<bool, Fault> {
    let parsed = PasswordHash::new(kept).map_err(|error| Fault::new(error.to_string()))?;
    Ok(hasher(memory)?.verify_password(password, &parsed).is_ok())
}

/// Whether a hash was made with today's parameters.
fn is_current(kept: &str, memory: u32) -> bool {
    kept.starts_with(&format!("$argon2id$v=19$m={memory},t={PASSES},p={LANES}$"))
}

impl Passwords {
    /// `threads` hashes at once.
    ///
    /// # Errors
    /// A fault of the hasher.
    pub fn new(threads: usize) -> Result<Self, Fault> {
        Self::with_memory(threads, MEMORY)
    }

    /// With so many KiB for each hash. Less than [`Passwords::new`] takes is for tests alone, which make thousands.
    ///
    /// # Errors
    /// A fault of the hasher: below 8 KiB there is none.
    pub fn with_memory(threads: usize, memory: u32) -> Result<Self, Fault> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(threads.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: hash(b"no account has this password", [7; 16], memory)?.into(),
            memory,
        })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let place = self.waiting.clone().try_acquire_owned();
        let _place = place.map_err(|_| Refusal::TooManyRequests { retry_after: 5 })?;
        let turn = self.turns.clone().acquire_owned().await.map_err(Fault::new)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(done.await.map_err(Fault::new)??)
    }

    /// A PHC string of the password.
    ///
    /// # Errors
    /// `TooManyRequests`, or a fault.
    pub async fn hash(&self, password: Secret, salt: [u8; 16]) -> Result<String, Failure> {
        let memory = self.memory;
        self.in_turn(move || hash(password.reveal(), salt, memory)).await
    }

    /// Compares. Without a kept hash it takes as long, and doesn't match.
    ///
    /// # Errors
    /// `TooManyRequests`, or a fault.
    pub async fn verify(
        &self,
        password: Secret,
        kept: Option<String>,
        salt: [u8; 16],
    ) -> Result<Verified, Failure> {
        let (decoy, memory) = (self.decoy.clone(), self.memory);
        self.in_turn(move || {
            let known = kept.is_some();
            let kept = kept.unwrap_or_else(|| decoy.to_string());
            let matches = matches(password.reveal(), &kept, memory)? && known;
            let is_old = matches && !is_current(&kept, memory);
            let better_hash = if is_old { Some(hash(password.reveal(), salt, memory)?) } else { None };
            Ok(Verified { matches, better_hash })
        })
        .await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other() {
        let passwords = Passwords::new(1).unwrap();
        let secret = |text: &str| Secret::from_text(text.to_owned());
        let kept = passwords.hash(secret("correct horse"), [1; 16]).await.unwrap();
        assert!(is_current(&kept, MEMORY), "{kept}");
        let same = passwords.verify(secret("correct horse"), Some(kept.clone()), [2; 16]).await.unwrap();
        assert!(same.matches && same.better_hash.is_none());
        assert!(!passwords.verify(secret("wrong horse"), Some(kept), [2; 16]).await.unwrap().matches);
        assert!(!passwords.verify(secret("correct horse"), None, [2; 16]).await.unwrap().matches);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_matches_and_is_made_anew() {
        let secret = || Secret::from_text("correct horse".to_owned());
        let kept = Passwords::with_memory(1, 64).unwrap().hash(secret(), [1; 16]).await.unwrap();
        let verified = Passwords::new(1).unwrap().verify(secret(), Some(kept), [2; 16]).await.unwrap();
        assert!(verified.matches);
        assert!(is_current(&verified.better_hash.unwrap(), MEMORY));
    }
}
