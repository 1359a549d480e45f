//! The body of a permission profile: read strictly, and refused with the field that is wrong.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    stoa_http::read_permissions(body);
});
