//! Addresses: what is taken has one canonical form, and that form is an address with the same one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_domain::email::EmailAddress;

fuzz_target!(|text: &str| {
    let Some(address) = EmailAddress::parse(text) else { return };
    let canonical = address.canonical().to_owned();
    assert!(canonical.is_ascii() || !canonical.contains(char::is_whitespace), "{canonical:?}");
    assert_eq!(canonical.matches('@').count(), 1, "{canonical:?}");
    assert!(!canonical.contains(char::is_control) && !canonical.contains(char::is_whitespace));
    let again =
        EmailAddress::parse(&canonical).unwrap_or_else(|| panic!("{canonical:?} isn't taken any more"));
    assert_eq!(again.canonical(), canonical, "of {text:?}");
    let shown = EmailAddress::parse(address.as_shown()).unwrap_or_else(|| panic!("{:?}", address.as_shown()));
    assert_eq!(shown.canonical(), canonical, "what is shown is the same address");
});
