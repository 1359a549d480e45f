//! Names become slugs: whatever is typed, what comes of it is one, and stays the same when it is made one again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_domain::name::{Name, initials};
use stoa_domain::slug::Slug;

fuzz_target!(|text: &str| {
    let plain = Slug::plain_of(text);
    assert!(
        plain.len() <= 40 && plain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    );
    assert_eq!(Slug::plain_of(&plain), plain, "{text:?}");
    if let Ok(slug) = Slug::of_workspace(text) {
        assert_eq!(slug.as_str(), text, "what is a slug is one letter by letter");
        assert!((2..=40).contains(&text.len()) && !text.contains("--"));
        assert!(!text.starts_with("xn--") && !text.starts_with('-') && !text.ends_with('-'));
    }
    let numbered = Slug::numbered(&plain, 7);
    assert!(numbered.len() <= 40, "{numbered}");
    if let Ok(name) = Name::parse(text) {
        let again = Name::parse(name.as_str()).map(Name::into_string);
        assert_eq!(again.as_deref(), Ok(name.as_str()), "a name that is kept is kept as it is");
        assert!(!initials(name.as_str()).is_empty());
    }
});
