//! Where a host leads by the DNS, and where it should.

use std::net::IpAddr;

use stoa_domain::certificate::{Leads, leads};
use stoa_domain::host::normal;

pub use stoa_storage::instance::settings::domains::Pointing;

use crate::App;

impl App {
    /// The host of the page, without a port.
    pub(crate) fn public_host(&self) -> String {
        let url = &self.settings().public_url;
        normal(url.split_once("://").map_or(url.as_str(), |(_, host)| host))
    }

    /// The addresses of a host, and those by which this installation is reached: the page's, and the one that the
    /// instance was given.
    pub(crate) async fn where_it_leads(&self, host: &str, given: Option<&str>) -> Pointing {
        let names = &self.outside().names;
        let to = names.addresses(host.to_owned()).await;
        let mut should = Vec::new();
        let public = self.public_host();
        for name in [Some(public.as_str()), given].into_iter().flatten() {
            match name.parse::<IpAddr>() {
                Ok(address) => should.push(address),
                Err(_) => should.extend(names.addresses(name.to_owned()).await.unwrap_or_default()),
            }
        }
        should.sort_unstable();
        should.dedup();
        Pointing { leads: leads(to.as_deref(), Some(&should)), to: to.unwrap_or_default(), should }
    }
}

/// What is wrong with where a host leads, without a full stop; `None` where nothing is, as far as is known.
pub(crate) fn sentence(host: &str, pointing: &Pointing) -> Option<String> {
    let list = |all: &[IpAddr]| all.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let should = match pointing.should.as_slice() {
        [] => String::new(),
        all => format!(", and should point to {}", list(all)),
    };
    match pointing.leads {
        Leads::Here | Leads::Unknown => None,
        Leads::Nowhere => Some(format!("{host} has no address{should}")),
        Leads::Elsewhere => Some(format!("{host} points to {}{should}", list(&pointing.to))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_both_addresses() {
        let here = IpAddr::from([192, 0, 2, 1]);
        let of = |leads, to: &[IpAddr], should: &[IpAddr]| {
            let pointing = Pointing { leads, to: to.to_vec(), should: should.to_vec() };
            sentence("shop.example", &pointing)
        };
        let elsewhere = of(Leads::Elsewhere, &[IpAddr::from([203, 0, 113, 9])], &[here]);
        assert_eq!(
            elsewhere.as_deref(),
            Some("shop.example points to 203.0.113.9, and should point to 192.0.2.1")
        );
        assert_eq!(
            of(Leads::Nowhere, &[], &[here]).as_deref(),
            Some("shop.example has no address, and should point to 192.0.2.1")
        );
        assert_eq!(of(Leads::Nowhere, &[], &[]).as_deref(), Some("shop.example has no address"));
        assert_eq!(of(Leads::Here, &[here], &[here]), None);
    }
}
