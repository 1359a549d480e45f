//! The body of a permission profile: read strictly, and refused with the field that is wrong.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_domain::Refusal;
use stoa_http::routes::read_permissions;

fuzz_target!(|body: &[u8]| {
    match read_permissions(body) {
        Ok(()) => assert_eq!(body.iter().find(|byte| !byte.is_ascii_whitespace()), Some(&b'{')),
        Err(Refusal::Invalid(problems)) => {
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.detail.is_empty()));
        }
        Err(other) => panic!("{other:?}"),
    }
});
