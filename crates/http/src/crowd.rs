//! How many there are at once: of all, and from one address, so that nobody takes what there is for everybody.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use stoa_app::session::network_of;

use crate::site::Network;

/// Descriptors that are left to files, the records, git and machines.
const KEPT: u64 = 512;
/// A connection may need another one, to an application.
const OF_EACH: u64 = 2;
/// More connections than this cost more memory than any installation of this kind is given.
const MOST: u64 = 8192;
/// Where there are few descriptors at all.
const LEAST: u64 = 64;
/// One address has no more than this part of all.
const PART_OF_ONE: usize = 4;

/// A number of places. Cheap to clone: all clones share it.
#[derive(Clone)]
pub struct Crowd(Arc<Shared>);

struct Shared {
    what: &'static str,
    most: usize,
    of_one: usize,
    /// Proxies of the operator's: through one of them everybody comes.
    trusted: Vec<Network>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    of: HashMap<IpAddr, usize>,
    /// Whether it was said that one address has its own, and that there are none at all.
    is_told: bool,
    is_full_told: bool,
}

/// One of them. It counts until it is dropped.
pub(crate) struct Seat {
    crowd: Crowd,
    whose: IpAddr,
}

impl Crowd {
    /// `what` they are, for the log.
    pub(crate) fn of(what: &'static str, most: usize, of_one: usize, trusted: Vec<Network>) -> Self {
        Self(Arc::new(Shared { what, most, of_one, trusted, counts: Mutex::default() }))
    }

    /// The connections of a process that may have so many descriptors.
    #[must_use]
    pub fn of_connections(descriptors: u64, trusted: Vec<Network>) -> Self {
        let most = (descriptors.saturating_sub(KEPT) / OF_EACH).clamp(LEAST, MOST);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self::of("connections", most, most / PART_OF_ONE, trusted)
    }

    /// `None` where there are too many already.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Seat> {
        let is_trusted = self.0.trusted.iter().any(|network| network.contains(address));
        let whose = network_of(address);
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.of.get(&whose).copied().unwrap_or(0);
        if counts.all >= self.0.most {
            if !std::mem::replace(&mut counts.is_full_told, true) {
                tracing::warn!(all = counts.all, what = self.0.what, "no more are taken of anybody");
            }
            return None;
        }
        if !is_trusted && own >= self.0.of_one {
            if !std::mem::replace(&mut counts.is_told, true) {
                tracing::warn!(%whose, own, what = self.0.what, "no more are taken of one address");
            }
            return None;
        }
        counts.of.insert(whose, own + 1);
        counts.all += 1;
        Some(Seat { crowd: self.clone(), whose })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Shared { counts, most, .. } = &*self.crowd.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        match counts.of.get(&self.whose).copied() {
            Some(own) if own > 1 => _ = counts.of.insert(self.whose, own - 1),
            _ => _ = counts.of.remove(&self.whose),
        }
        if counts.all <= most / 8 {
            (counts.is_told, counts.is_full_told) = (false, false);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_address_never_takes_all_places() {
        let crowd = Crowd::of("places", 100, 64, Vec::new());
        let one = |text: &str| crowd.enter(text.parse().unwrap());
        let held: Vec<_> = (0..64).map(|_| one("203.0.113.7").unwrap()).collect();
        assert!(one("203.0.113.7").is_none() && one("::ffff:203.0.113.7").is_none());
        assert!(one("203.0.113.8").is_some());
        drop(held);
        assert!(one("203.0.113.7").is_some());
        let counts = crowd.0.counts.lock().unwrap();
        assert!(counts.of.is_empty() && counts.all == 0);
        drop(counts);
        let held: Vec<_> = (0..64).map(|n| one(&format!("2001:db8::{n:x}")).unwrap()).collect();
        assert!(one("2001:db8::ffff:1").is_none() && one("2001:db8:0:1::1").is_some());
        drop(held);
    }

    #[test]
    fn through_a_proxy_of_the_operators_everybody_comes() {
        let crowd = Crowd::of("places", 10, 2, vec![Network::parse("10.0.0.0/8").unwrap()]);
        let held: Vec<_> = (0..10).map(|_| crowd.enter("10.0.0.1".parse().unwrap()).unwrap()).collect();
        assert!(crowd.enter("10.0.0.1".parse().unwrap()).is_none(), "but no more than there are");
        drop(held);
    }

    #[test]
    fn connections_leave_descriptors_to_everything_else() {
        for descriptors in [1_024, 4_096, 16_384, 1_048_576] {
            let crowd = Crowd::of_connections(descriptors, Vec::new());
            assert!(2 * crowd.0.most + 512 <= usize::try_from(descriptors).unwrap(), "{descriptors}");
            assert!(crowd.0.of_one < crowd.0.most, "{descriptors}");
        }
    }
}
