//! What a machine may lack, and a test needs.

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
    true
}
