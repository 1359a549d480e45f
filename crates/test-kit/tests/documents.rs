//! What is written down and made from the code: permissions, errors, reserved words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use test_kit::golden;

#[test]
fn the_table_of_permissions_is_the_routers() {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    golden::compare("docs/permissions.md", &stoa_http::openapi::permission_table(&registered));
}

#[test]
fn the_list_of_errors_is_the_codes() {
    golden::compare("docs/errors.md", &stoa_http::problem::documentation());
}

#[test]
fn every_operation_of_the_description_says_what_it_needs() {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    let document = stoa_http::openapi::document(&registered, "0.1.0");
    let mut described = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let permission = operation["x-stoa-permission"].as_str();
            assert!(permission.is_some_and(|permission| !permission.is_empty()), "{method} {path}");
            described += 1;
        }
    }
    assert_eq!(described, registered.len());
}

#[test]
fn no_workspace_can_take_a_first_word_of_an_address() {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    let segments: BTreeSet<String> = stoa_http::page::first_segments(&registered);
    assert!(segments.contains("api") && segments.contains("git"), "{segments:?}");
    // No slug has a dot.
    for segment in segments.into_iter().filter(|segment| !segment.contains('.')) {
        assert!(
            stoa_domain::slug::RESERVED.contains(&segment.as_str()),
            "{segment} is the first word of an address, and free"
        );
    }
}
