//! A repository on this disk, made as `restic init` makes one: which would measure for a second or two how much a password
//! can be stretched, and write a key that takes half a second to open (see `key`).

use std::io;
use std::path::Path;

use serde_json::json;

use super::key::{KeyFile, MasterKey, fill};
use crate::folders;

/// The degree of the polynomials by which restic cuts files into pieces.
const DEGREE: u32 = 53;

/// The folders of a repository, but for those of its data.
const FOLDERS: [&str; 4] = ["index", "keys", "locks", "snapshots"];

/// `version`: of the format, 1 or 2.
///
/// # Errors
/// Where it can't be written.
pub(super) fn make(folder: &Path, version: u8, password: &[u8]) -> io::Result<()> {
    for name in FOLDERS {
        folders::make_private(&folder.join(name))?;
    }
    for first in 0..=u8::MAX {
        folders::make_private(&folder.join(format!("data/{first:02x}")))?;
    }
    let master = MasterKey::draw()?;
    let key = KeyFile::seal(&master, password, &jiff::Timestamp::now().to_string())?;
    folders::write_whole(&folder.join("keys").join(key.name), key.text.as_bytes())?;
    let mut id = [0; 32];
    fill(&mut id)?;
    let config = json!({
        "version": version,
        "id": id.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "chunker_polynomial": format!("{:x}", polynomial()?),
    });
    folders::write_whole(&folder.join("config"), &master.seal(config.to_string().as_bytes())?)
}

/// A random irreducible polynomial over two elements, a bit for each power: one of every 27 that end with 1 is.
fn polynomial() -> io::Result<u64> {
    loop {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        let drawn = u64::from_le_bytes(bytes) & ((1 << DEGREE) - 1) | 1 << DEGREE | 1;
        if is_irreducible(drawn) {
            return Ok(drawn);
        }
    }
}

/// Ben-Or's test: one that has a factor has one of at most half its degree, and all of a degree n divide `x^(2^n) - x`.
fn is_irreducible(of: u64) -> bool {
    let x = 0b10;
    let mut power = x;
    (0..DEGREE / 2).all(|_| {
        power = product(power, power, of);
        common(of, power ^ x) == 1
    })
}

/// The product of two, modulo a third of `DEGREE`.
fn product(mut left: u64, mut right: u64, modulus: u64) -> u64 {
    let mut product = 0;
    while right != 0 {
        if right & 1 == 1 {
            product ^= left;
        }
        left <<= 1;
        if left >> DEGREE & 1 == 1 {
            left ^= modulus;
        }
        right >>= 1;
    }
    product
}

/// The greatest that divides both.
fn common(mut left: u64, mut right: u64) -> u64 {
    while right != 0 {
        while left.leading_zeros() <= right.leading_zeros() {
            left ^= right << (right.leading_zeros() - left.leading_zeros());
        }
        (left, right) = (right, left);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_with_a_factor_is_found_out() {
        // The one of restic's own tests, and x^53 + x^6 + x^2 + x + 1.
        assert!(is_irreducible(0x3D_A335_8B4D_C173));
        assert!(is_irreducible(1 << 53 | 0b100_0111));
        // Times x + 1, x^2 + x + 1, and the product of one of degree 26 and one of degree 27.
        let times = |left: u64, right: u64| {
            (0..64).filter(|bit| right >> bit & 1 == 1).fold(0, |sum, bit| sum ^ left << bit)
        };
        assert!(!is_irreducible(times(1 << 52 | 0b1001, 0b11)));
        assert!(!is_irreducible(times(1 << 51 | 0b100_1011, 0b111)));
        assert!(!is_irreducible(times(1 << 26 | 0b100_0111, 1 << 27 | 0b10_0111)));
    }
}
