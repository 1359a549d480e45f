//! Colours: three or six digits and nothing else, kept in one form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_domain::color::Color;

fuzz_target!(|text: &str| {
    let Some(color) = Color::parse(text) else { return };
    assert!(text.is_ascii() && [4, 7].contains(&text.len()), "{text:?}");
    let kept = color.to_string();
    assert_eq!(Color::parse(&kept), Some(color));
    assert!(
        kept.len() == 7 && kept.bytes().skip(1).all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        "{kept}"
    );
    assert!(["#ffffff", "#000000"].contains(&color.label()));
});
