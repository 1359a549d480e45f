//! Base URLs of model servers: what is taken is kept in one form, leads to nothing but a host that may be asked, and
//! every call made below it stays there.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stoa_adapters::models::HttpModels;
use stoa_adapters::outgoing::{Outgoing, Rules};
use stoa_app::ports::Models as _;
use url::{Host, Url};

static MODELS: LazyLock<HttpModels> = LazyLock::new(|| HttpModels::new(Outgoing::new(Rules::default())));

fuzz_target!(|text: &str| {
    let Ok(kept) = MODELS.check_base_url(text) else { return };
    assert!(kept.is_ascii() && !kept.contains(char::is_control) && !kept.contains(' '), "{kept:?}");
    let url = Url::parse(&kept).unwrap_or_else(|error| panic!("{kept:?}: {error}"));
    assert!(matches!(url.scheme(), "http" | "https"), "{kept}");
    assert!(url.username().is_empty() && url.password().is_none(), "{kept}");
    assert!(url.query().is_none() && url.fragment().is_none() && url.port() != Some(0), "{kept}");
    match url.host() {
        Some(Host::Domain(name)) => assert!(!name.trim_end_matches('.').is_empty(), "{kept}"),
        Some(Host::Ipv4(address)) => assert!(!is_near(address.into()), "{kept}"),
        Some(Host::Ipv6(address)) => assert!(!is_near(address.into()), "{kept}"),
        None => panic!("{kept} has no host"),
    }
    assert_eq!(MODELS.check_base_url(&kept).as_deref(), Ok(kept.as_str()), "of {text:?}");
    // As a call is made: below the base, and read again by the client.
    let call = format!("{kept}/chat/completions");
    let uri: http::Uri = call.parse().unwrap_or_else(|error| panic!("{call:?}: {error}"));
    let asked = Url::parse(&uri.to_string()).unwrap_or_else(|error| panic!("{call:?}: {error}"));
    assert_eq!(asked.origin(), url.origin(), "{call}");
    assert!(asked.path().ends_with("/chat/completions"), "{call}");
});

/// Written without the product's own rules: what std says of an address that must not be reached unlisted.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}
