//! The time of day, identifiers and randomness of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use stoa_app::ports::{Clock, NewIds, Rng};
use stoa_domain::Timestamp;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place in the control plane that reads the time of day.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Secrets made without randomness would be worse than none at all.
            tracing::error!(%error, "the operating system gives no randomness");
            std::process::abort();
        }
    }
}

impl NewIds for SystemRng {
    fn new_id(&self, now: Timestamp) -> uuid::Uuid {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        // 12 bits below the millisecond keep identifiers of one process in order.
        let below = u16::try_from((now.micros() % 1000) * 4096 / 1000).unwrap_or(0);
        random[0] = u8::try_from(below >> 8).unwrap_or(0);
        random[1] = u8::try_from(below & 0xff).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_version_seven_and_in_order() {
        let rng = SystemRng;
        let ids: Vec<_> =
            (0..5).map(|n| rng.new_id(Timestamp::from_micros(1_790_000_000_000_000 + n * 2))).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
