//! Pictures: whatever is sent as whatever kind is refused with a sentence, or becomes a small square PNG.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_adapters::logo::make;
use stoa_app::ports::PictureKind;

fuzz_target!(|sent: &[u8]| {
    let Some((kind, sent)) = sent.split_first() else { return };
    let kind = PictureKind::ALL[usize::from(*kind) % PictureKind::ALL.len()];
    match make(kind, sent) {
        Ok(png) => {
            assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() <= 512 * 1024);
            let side =
                |at: usize| png[at..at + 4].iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
            assert!(side(16) == side(20) && (1..=512).contains(&side(16)));
        }
        Err(unfit) => assert!(unfit.sentence.ends_with('.'), "{unfit:?}"),
    }
});
