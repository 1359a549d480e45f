//! What the machine knows of names and of itself.

use std::io;
use std::net::IpAddr;

use futures_util::future::BoxFuture;

/// Names and own addresses: the system's, or in a test what it says.
pub trait Surroundings: Send + Sync + 'static {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
    /// Those of all the machine's interfaces.
    ///
    /// # Errors
    /// Where the system doesn't tell.
    fn own_addresses(&self) -> io::Result<Vec<IpAddr>>;
}

pub struct System;

impl Surroundings for System {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    /// Asked anew each time: an interface may come while Stoa runs.
    fn own_addresses(&self) -> io::Result<Vec<IpAddr>> {
        let interfaces = nix::ifaddrs::getifaddrs()?;
        let address = |interface: nix::ifaddrs::InterfaceAddress| {
            let storage = interface.address?;
            let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        };
        Ok(interfaces.filter_map(address).collect())
    }
}
