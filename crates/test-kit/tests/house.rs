//! The house is in order: its floors, its files, its map, its licences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use test_kit::golden::path_in_tree;

/// Lines of a hand-written file at most.
const LONGEST: usize = 600;

fn metadata(more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(more)
        .current_dir(path_in_tree("."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Files under version control, where this is a checkout.
fn tracked() -> Vec<String> {
    let output =
        Command::new("git").args(["ls-files", "-z"]).current_dir(path_in_tree(".")).output().unwrap();
    assert!(output.status.success(), "the tests run in a checkout");
    let files = String::from_utf8(output.stdout).unwrap();
    files
        .split('\0')
        .filter(|file| !file.is_empty() && path_in_tree(file).is_file())
        .map(str::to_owned)
        .collect()
}

fn text(file: &str) -> Option<String> {
    String::from_utf8(std::fs::read(path_in_tree(file)).unwrap()).ok()
}

#[test]
fn no_crate_knows_a_floor_above_it() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("stoa-domain", &[][..]),
        ("stoa-storage", &["stoa-domain"]),
        ("stoa-app", &["stoa-domain", "stoa-storage"]),
        ("stoa-agent", &["stoa-domain"]),
        ("stoa-adapters", &["stoa-domain", "stoa-app", "stoa-agent"]),
        ("stoa-http", &["stoa-domain", "stoa-app"]),
        ("stoa", &["stoa-domain", "stoa-storage", "stoa-app", "stoa-agent", "stoa-adapters", "stoa-http"]),
    ]);
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let own: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some(allowed) = allowed.get(name) else {
            assert!(matches!(name, "test-kit" | "bench"), "{name} has no floor");
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            // Tests may use the kit, and what it is made of.
            if own.contains(on) && dependency["kind"] != "dev" {
                assert!(allowed.contains(&on), "{name} must not know {on}");
            }
        }
    }
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_is_for() {
    for file in tracked() {
        let is_code = [".rs", ".ts", ".tsx", ".mjs", ".py", ".css"].iter().any(|end| file.ends_with(end));
        let Some(text) = text(&file).filter(|_| is_code) else { continue };
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{file} has {lines} lines");
        if file.ends_with(".rs") {
            assert!(text.starts_with("//!") || text.starts_with("#!"), "{file} doesn't say what it is for");
        }
    }
}

#[test]
fn every_path_of_the_map_leads_somewhere() {
    for map in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
        let text = text(map).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for path in quoted.chain(linked) {
            let is_path = ["crates/", "ui/", "docs/", "examples/", "scripts/"]
                .iter()
                .any(|head| path.starts_with(head));
            if is_path && !path.contains(['<', '*', ' ']) {
                assert!(path_in_tree(path).exists(), "{map} names {path}");
            }
        }
    }
}

#[test]
fn nothing_of_a_machine_and_nothing_unfinished_is_in_the_tree() {
    // Put together here, so that this file doesn't hold them.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX "].concat()];
    for file in tracked() {
        let Some(text) = text(&file) else { continue };
        if file == "LICENSE" || file.ends_with("lock.json") || file == "Cargo.lock" {
            continue;
        }
        for word in &words {
            assert!(!text.contains(word.as_str()), "{file} has a {word}");
        }
        for home in ["work", "root"].map(|name| format!("/{name}/")) {
            assert!(!text.contains(&home), "{file} names {home}");
        }
    }
}

#[test]
fn the_lock_of_the_page_names_no_place_to_download_from() {
    if let Some(lock) = text_if_there("ui/package-lock.json") {
        assert!(!lock.contains("\"resolved\""), "npm was run without the tree's .npmrc");
    }
}

fn text_if_there(file: &str) -> Option<String> {
    Path::exists(&path_in_tree(file)).then(|| text(file)).flatten()
}

#[test]
fn every_library_may_be_used() {
    let allowed: BTreeSet<String> = {
        let deny: toml::Table = text("deny.toml").unwrap().parse().unwrap();
        let list = deny["licenses"]["allow"].as_array().unwrap();
        list.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let metadata = metadata(&[]);
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let license = package["license"].as_str().unwrap_or_default();
        // An expression of SPDX: one branch of each `OR` that is allowed whole is enough.
        let fits = license.replace('/', " OR ").split(" OR ").any(|branch| {
            branch.split(" AND ").all(|one| allowed.contains(one.trim().trim_matches(['(', ')']).trim()))
        });
        assert!(fits, "{name} is licensed under {license:?}");
    }
}
