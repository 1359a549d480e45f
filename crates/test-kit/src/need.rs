//! What a machine may lack, and a test needs: `postgresql`, `root`, `network`, `npm`, `django`, `storage`.

use std::io::Write as _;

/// Whether a test can't be run for want of something, which whoever runs it is told. Where `TESTS_NEED` says that it is
/// there, such a test fails instead: nobody takes it for one that has passed.
#[allow(clippy::print_stderr)]
pub fn lacks(what: &str, is_there: bool) -> bool {
    if is_there {
        return false;
    }
    let needed = std::env::var("TESTS_NEED").unwrap_or_default();
    assert!(!needed.split(' ').any(|word| word == what), "this test needs {what}, and TESTS_NEED demands it");
    eprintln!("skipped: this test needs {what}");
    // What a test that has passed says is shown by nobody: whoever runs them all has a list made, and shows that.
    if let Some(list) = std::env::var_os("TESTS_SKIPPED") {
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(list);
        let written = opened.and_then(|mut list| list.write_all(format!("{what}\n").as_bytes()));
        assert!(written.is_ok(), "what is skipped can't be written down: {written:?}");
    }
    true
}
