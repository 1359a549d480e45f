//! Which crate may know which, and under which licences the others are that the program is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each crate and those of ours that it may use. Every other arrow is refused.
const FLOORS: &[(&str, &[&str])] = &[
    ("stoa-domain", &[]),
    ("stoa-storage", &["stoa-domain"]),
    ("stoa-app", &["stoa-domain", "stoa-storage"]),
    ("stoa-agent", &["stoa-domain"]),
    ("stoa-adapters", &["stoa-domain", "stoa-app", "stoa-agent"]),
    ("stoa-http", &["stoa-domain", "stoa-app"]),
    ("stoa", &["stoa-domain", "stoa-storage", "stoa-app", "stoa-agent", "stoa-adapters", "stoa-http"]),
    // These two are no part of the program.
    ("test-kit", &["stoa-domain", "stoa-storage", "stoa-app", "stoa-agent", "stoa-adapters", "stoa-http"]),
    (
        "bench",
        &["stoa-domain", "stoa-storage", "stoa-app", "stoa-agent", "stoa-adapters", "stoa-http", "test-kit"],
    ),
];

/// TLS is rustls with aws-lc-rs, everywhere.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(arguments)
        .args(["--locked", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}

/// The licences that deny.toml allows.
fn licences() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deny.toml");
    let deny: toml::Table = std::fs::read_to_string(file).expect("deny.toml").parse().expect("TOML");
    let listed = deny["licenses"]["allow"].as_array().expect("a list");
    listed.iter().map(|licence| licence.as_str().expect("a name").to_owned()).collect()
}

fn metadata() -> Value {
    serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("JSON")
}

/// Arrows that the product's code has: dependencies of a build, not of tests.
fn arrows(metadata: &Value, of_tests: bool) -> BTreeMap<String, BTreeSet<String>> {
    let ours: BTreeSet<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    let mut arrows = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let used = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| (dependency["kind"] == "dev") == of_tests)
            .map(|dependency| dependency["name"].as_str().unwrap())
            .filter(|name| ours.contains(name))
            .map(str::to_owned)
            .collect();
        arrows.insert(package["name"].as_str().unwrap().to_owned(), used);
    }
    arrows
}

#[test]
fn no_crate_knows_one_that_it_may_not() {
    let metadata = metadata();
    let mut seen = BTreeSet::new();
    for (package, used) in arrows(&metadata, false) {
        let (_, allowed) = FLOORS
            .iter()
            .find(|(name, _)| *name == package)
            .unwrap_or_else(|| panic!("{package} has no floor"));
        for other in &used {
            assert!(allowed.contains(&other.as_str()), "{package} may not know {other}");
        }
        seen.insert(package);
    }
    for (name, _) in FLOORS {
        assert!(seen.contains(*name), "{name} is a floor without a crate");
    }
}

#[test]
fn tests_reach_above_their_floor_through_the_test_kit_alone() {
    let metadata = metadata();
    for (package, used) in arrows(&metadata, true) {
        let (_, allowed) = FLOORS.iter().find(|(name, _)| *name == package).unwrap();
        for other in &used {
            let fine = other == "test-kit" || allowed.contains(&other.as_str());
            assert!(fine, "tests of {package} may not know {other}");
        }
    }
}

#[test]
fn everything_that_is_built_on_may_be_built_on() {
    let licences = licences();
    // The tree, not the lock file: that also names what no feature of ours asks for.
    let tree = cargo(&["tree", "--workspace", "--prefix", "none", "--format", "{p}|{l}"]);
    let mut counted = 0;
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let (package, licence) = line.split_once('|').expect("a package and its licence");
        let name = package.split(' ').next().unwrap();
        let licence = licence.trim_end_matches(" (*)");
        assert!(!BANNED.contains(&name), "{name} is banned: TLS is rustls with aws-lc-rs");
        assert!(is_allowed(licence, &licences), "{package} is under '{licence}'");
        counted += 1;
    }
    assert!(counted > 100, "cargo told of {counted} crates only");
}

/// Whether an SPDX expression can be met by licences of the list. `/` is an older way to write `OR`.
fn is_allowed(expression: &str, licences: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = either(&words, &mut at, licences);
    met && at == words.len()
}

fn either(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let mut met = both(words, at, licences);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, licences);
    }
    met
}

fn both(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let mut met = one(words, at, licences);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, licences);
    }
    met
}

fn one(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = either(words, at, licences);
        *at += 1;
        return met;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    licences.contains(&licence)
}

#[test]
fn licences_are_read_as_they_are_written() {
    let licences = BTreeSet::from(["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned));
    let fits = |expression| is_allowed(expression, &licences);
    assert!(fits("MIT OR GPL-3.0-only") && fits("MIT/Apache-2.0"));
    assert!(fits("(MIT OR GPL-3.0-only) AND Unicode-3.0"));
    assert!(!fits("MIT AND GPL-3.0-only") && !fits("GPL-3.0-only") && !fits(""));
    assert!(!fits("(MIT OR GPL-3.0-only) AND GPL-3.0-only"));
}

/// The client is a program of the API's like anybody's: what it needs of Stoa it asks for.
#[test]
fn the_client_knows_the_api_and_nothing_else_of_stoas() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stoa/src/client");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the client") {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (name, _) in FLOORS.iter().filter(|(name, _)| *name != "stoa") {
            let module = format!("{}::", name.replace('-', "_"));
            assert!(!text.contains(&module), "{} knows {name}", path.display());
        }
        let within = text.match_indices("crate::").map(|(at, _)| &text[at..]);
        for rest in within {
            assert!(rest.starts_with("crate::output::"), "{} reaches beyond: {:.40}", path.display(), rest);
        }
        seen += 1;
    }
    assert!(seen > 10);
}
