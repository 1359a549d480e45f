//! What is written down and made from the code: permissions, errors, reserved words.

use std::collections::BTreeSet;

use serde_json::Value;
use stoa_http::Registered;
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

fn description() -> (Vec<Registered>, Value) {
    let (_, registered) = stoa_http::routes::all("0.1.0").into_parts();
    let document = stoa_http::openapi::document(&registered, "0.1.0");
    (registered, document)
}

#[test]
fn the_description_is_the_routers() {
    let (_, document) = description();
    let text = serde_json::to_string_pretty(&document).unwrap();
    golden::compare("docs/openapi.json", &format!("{text}\n"));
}

#[test]
fn every_operation_of_the_description_says_what_it_needs() {
    let (registered, document) = description();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let permission = operation["x-stoa-permission"].as_str();
            assert!(permission.is_some_and(|permission| !permission.is_empty()), "{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            let is_word = id.starts_with(|c: char| c.is_ascii_lowercase())
                && id.bytes().all(|letter| letter.is_ascii_alphabetic());
            assert!(is_word && names.insert(id.to_owned()), "{method} {path} is called {id}");
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.') && summary.len() > 8, "{method} {path}: {summary}");
        }
    }
    assert_eq!(names.len(), registered.len());
}

#[test]
fn what_the_description_refers_to_is_there() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let (_, document) = description();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let named: BTreeSet<String> = ["schemas", "responses"]
        .iter()
        .flat_map(|kind| {
            let names = document["components"][kind].as_object().unwrap().keys();
            names.map(move |name| format!("#/components/{kind}/{name}"))
        })
        .collect();
    assert_eq!(found, named.iter().map(String::as_str).collect(), "each is used, each used one is there");
}

#[test]
fn an_operation_names_only_codes_that_there_are() {
    let known = stoa_http::openapi::statuses();
    for route in description().0 {
        for code in stoa_http::openapi::codes_of(&route) {
            assert!(known.contains_key(code), "{} {} names {code}", route.method, route.path);
        }
    }
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
