//! What the edge knows of the installation: its public origin, its cookie, its trusted proxies.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use stoa_app::App;

use crate::git::{Git, WeakGit};
use crate::holds::Holds;
use crate::lease::Leases;
use crate::patience::Patience;
use crate::proxy::Visits;

/// The public address and what follows from it.
#[derive(Debug, Clone)]
pub struct Site {
    /// `https://stoa.example`, without a final slash: what `Origin` has to equal.
    pub origin: String,
    /// The host of the origin, without its port.
    pub host: String,
    pub port: u16,
    pub secure: bool,
    /// Whether the public URL is a loopback one: then the other loopback names serve the API too.
    pub loopback: bool,
    pub trusted_proxies: Vec<Network>,
    pub version: &'static str,
}

/// An address, or a network of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// `10.0.0.0/8`, `::1`, `192.0.2.7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.trim().parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(whole), |p| p.parse().ok())?;
        (prefix <= whole).then_some(Self { address, prefix })
    }

    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
            IpAddr::V6(v6) => (v6.to_bits(), false),
        };
        let ((mine, mine4), (theirs, theirs4)) = (bits(self.address), bits(other));
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        mine4 == theirs4 && mine & mask == theirs & mask
    }
}

impl Site {
    /// The session cookie's name. Cookies don't know ports, so on plain HTTP the name does.
    #[must_use]
    pub fn cookie(&self) -> String {
        if self.secure { "__Host-stoa".to_owned() } else { format!("stoa-{}", self.port) }
    }
}

/// What every handler stands on. Cheap to clone.
#[derive(Clone)]
pub struct Frame {
    pub app: App,
    pub site: Arc<Site>,
    pub leases: Leases,
    pub(crate) visits: Arc<Visits>,
    pub(crate) patience: Patience,
    pub(crate) holds: Holds,
    /// Where git is served, once it is.
    git: Arc<OnceLock<WeakGit>>,
    set_up: Arc<AtomicBool>,
}

impl Frame {
    #[must_use]
    pub fn new(app: App, site: Site) -> Self {
        let leases = Leases::new(app.clone());
        let visits = Arc::new(Visits::new(crate::proxy::visit::random()));
        let (site, set_up) = (Arc::new(site), Arc::new(AtomicBool::new(false)));
        let (holds, git) = (Holds::default(), Arc::default());
        Self { app, site, leases, visits, patience: Patience::default(), holds, git, set_up }
    }

    /// Seals the cookies of visitors by a key that all replicas have. Without one each start has its own, and visitors
    /// of instances for members go the way over the public host once more.
    #[must_use]
    pub fn with_visit_key(self, key: [u8; 32]) -> Self {
        Self { visits: Arc::new(Visits::new(key)), ..self }
    }

    /// Waits for bodies in another way.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Where the repositories are pushed to.
    pub(crate) fn git(&self) -> Option<Git> {
        self.git.get().and_then(WeakGit::upgrade)
    }

    /// The first that is told counts.
    pub(crate) fn serves_git(&self, git: WeakGit) {
        let _ = self.git.set(git);
    }

    /// Whether the first account exists. Asked of the records until it does, never after.
    pub(crate) async fn is_set_up(&self) -> Result<bool, stoa_app::Failure> {
        if self.set_up.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let done = !self.app.is_setup_needed().await?;
        self.set_up.store(done, Ordering::Relaxed);
        Ok(done)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_own_addresses() {
        let ten = Network::parse("10.0.0.0/8").unwrap();
        assert!(ten.contains("10.200.3.4".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.1.1".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("203.0.113.1".parse().unwrap()));
        assert!(!Network::parse("0.0.0.0/0").unwrap().contains("::1".parse().unwrap()));
        assert!(Network::parse("10.0.0.0/33").is_none() && Network::parse("proxy").is_none());
    }
}
