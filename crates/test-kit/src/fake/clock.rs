//! Time that passes when a test says so, and randomness that is the same in every run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use stoa_app::ports::{Clock, NewIds, Rng};
use stoa_domain::Timestamp;

/// 2026-11-24T12:00:00Z.
const START: i64 = 1_795_521_600_000_000;

/// A clock that stands still until it is moved.
pub struct FakeClock(AtomicI64);

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(START))
    }
}

impl FakeClock {
    pub fn pass_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers one after the other, spread over 64 bits.
#[derive(Default)]
pub struct FakeRng(AtomicU64);

impl FakeRng {
    fn next(&self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): enough to look random, the same in each run.
        let mut state =
            self.0.fetch_add(1, Ordering::SeqCst).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    }
}

impl Rng for FakeRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

impl NewIds for FakeRng {
    fn new_id(&self, now: Timestamp) -> uuid::Uuid {
        let millis = u64::try_from(now.micros() / 1000).unwrap();
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        // A counter in front keeps ids of one moment in order.
        let order = u32::try_from(self.0.load(Ordering::SeqCst) & 0xffff_ffff).unwrap().to_be_bytes();
        random[..4].copy_from_slice(&order);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
