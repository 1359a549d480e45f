//! One place of a ring, as it lies on disk: 72 bytes, the lowest of each number first. The stretch's number (8); of each
//! series the sum (8) and of how many it is (4); and a checksum of all of it (4), so that what was torn by a crash, and
//! what was never written, is told from what was measured.

use super::{Measured, SERIES};

pub(super) const SIZE: usize = 8 + SERIES * 12 + 4;

/// What was measured in one stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub stretch: i64,
    sums: [(u64, u32); SERIES],
}

impl Place {
    pub fn new(stretch: i64) -> Self {
        Self { stretch, sums: [(0, 0); SERIES] }
    }

    pub fn add(&mut self, measured: &Measured) {
        for ((sum, count), value) in self.sums.iter_mut().zip(measured) {
            // What doesn't fit any more is left out whole: the mean stays one.
            if let Some(value) = value
                && let Some((more, another)) = sum.checked_add(*value).zip(count.checked_add(1))
            {
                (*sum, *count) = (more, another);
            }
        }
    }

    pub fn means(&self) -> Measured {
        self.sums.map(|(sum, count)| sum.checked_div(u64::from(count)))
    }

    pub fn write(&self) -> [u8; SIZE] {
        let mut bytes = Vec::with_capacity(SIZE);
        bytes.extend_from_slice(&self.stretch.to_le_bytes());
        for (sum, count) in self.sums {
            bytes.extend_from_slice(&sum.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        let mut written = [0; SIZE];
        written.copy_from_slice(&bytes);
        written
    }

    /// `None`: nothing was written here, or not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<4>()?;
        if content.len() + 4 != SIZE || checksum(content) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (stretch, mut rest) = content.split_first_chunk::<8>()?;
        let mut sums = [(0, 0); SERIES];
        for pair in &mut sums {
            let (sum, behind) = rest.split_first_chunk::<8>()?;
            let (count, behind) = behind.split_first_chunk::<4>()?;
            *pair = (u64::from_le_bytes(*sum), u32::from_le_bytes(*count));
            rest = behind;
        }
        Some(Self { stretch: i64::from_le_bytes(*stretch), sums })
    }
}

/// FNV-1a of 32 bits. It guards against accidents alone, and of zeros it isn't zero.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
