//! The tidy rules: what every file of the tree holds to, read from the files themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

/// No hand-written file is longer.
const LONGEST: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the tree")
}

/// The files of the tree, as git knows them: followed, and new ones that aren't ignored.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("paths are text");
    let files: Vec<String> =
        listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect();
    assert!(files.len() > 100, "git told of {} files only", files.len());
    files
}

fn text(path: &str) -> Option<String> {
    std::fs::read(root().join(path)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Files that a program wrote.
fn is_generated(path: &str) -> bool {
    path.ends_with("Cargo.lock")
        || path.ends_with("package-lock.json")
        || path.ends_with(".snap")
        || path.starts_with("ui/src/api/")
        || path.starts_with("docs/") && path.ends_with(".md") && !path.starts_with("docs/decisions/")
        || path.contains("/golden/")
}

fn is_code(path: &str) -> bool {
    [".rs", ".ts", ".tsx", ".mjs", ".css", ".py", ".sql"].iter().any(|end| path.ends_with(end))
}

/// Complaints are gathered, so that one run tells of them all.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_hand_written_file_is_too_long() {
    let long = files().into_iter().filter(|path| is_code(path) && !is_generated(path)).filter_map(|path| {
        let lines = text(&path)?.lines().count();
        (lines > LONGEST).then(|| format!("{path} has {lines} lines, {LONGEST} are allowed"))
    });
    none(long.collect());
}

#[test]
fn each_module_says_first_what_it_is_for() {
    let silent = files().into_iter().filter(|path| path.ends_with(".rs")).filter_map(|path| {
        let text = text(&path)?;
        (!text.starts_with("//! ")).then(|| format!("{path} doesn't open with //!"))
    });
    none(silent.collect());
}

#[test]
fn nothing_is_put_off_in_a_comment() {
    // Written in two parts, so that this file may be read by its own rule.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut complaints = Vec::new();
    for path in files().into_iter().filter(|path| is_code(path) && !is_generated(path)) {
        let Some(text) = text(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                complaints.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(complaints);
}

#[test]
fn no_file_names_the_machine_that_it_was_written_on() {
    let words = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/.")];
    let hosts = [concat!("registry", ".npmjs"), concat!("index", ".crates.io"), concat!("pypi", ".org")];
    let mut complaints = Vec::new();
    for path in files() {
        let Some(text) = text(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            let host = hosts.iter().any(|host| line.contains(host));
            if host || words.iter().any(|word| line.contains(word)) {
                complaints.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(complaints);
}

#[test]
fn no_shell_is_started_with_words_put_together() {
    let shells = [concat!("Command::new(\"", "sh\""), concat!("Command::new(\"", "bash\"")];
    let shells = shells.into_iter().chain([concat!("Command::new(\"/bin/", "sh\"")]).collect::<Vec<_>>();
    let product = files()
        .into_iter()
        .filter(|path| path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs"));
    let mut complaints = Vec::new();
    for path in product {
        let text = text(&path).unwrap_or_default();
        if shells.iter().any(|shell| text.contains(shell)) {
            complaints.push(format!("{path} starts a shell"));
        }
    }
    none(complaints);
}

/// What stands in backquotes or in a link, and looks like a path of this tree.
fn named_paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let is_path = |word: &&str| {
        ["crates/", "ui/", "docs/", "examples/", "scripts/", "bench/", "sabotage/"]
            .iter()
            .any(|head| word.starts_with(head))
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    };
    quoted.chain(linked).filter(is_path).collect()
}

#[test]
fn the_maps_name_only_what_is_there() {
    let mut complaints = Vec::new();
    for map in ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md"] {
        let text = text(map).unwrap_or_else(|| panic!("{map} isn't there"));
        let paths = named_paths(&text);
        assert!(!paths.is_empty(), "{map} names no path");
        let lost = paths.into_iter().filter(|path| !root().join(path).exists());
        complaints.extend(lost.map(|path| format!("{map} names {path}, which isn't there")));
    }
    none(complaints);
}

#[test]
fn examples_in_comments_are_tried_where_there_are_any() {
    let files = files();
    let opens =
        |line: &str| line.starts_with("//") && line.trim_start_matches(['/', '!', ' ']).starts_with("```");
    let mut complaints = Vec::new();
    for manifest in files.iter().filter(|path| path.starts_with("crates/") && path.ends_with("/Cargo.toml")) {
        let sources = manifest.replace("Cargo.toml", "src/");
        if !root().join(&sources).join("lib.rs").is_file() {
            continue;
        }
        let has_examples = files
            .iter()
            .filter(|path| path.starts_with(&sources) && path.ends_with(".rs"))
            .any(|path| text(path).unwrap().lines().any(|line| opens(line.trim_start())));
        let is_tried = !text(manifest).unwrap().lines().any(|line| line == "doctest = false");
        if has_examples != is_tried {
            complaints.push(format!("{manifest}: examples in comments: {has_examples}; tried: {is_tried}"));
        }
    }
    none(complaints);
}

#[test]
fn the_lock_of_the_page_names_no_place_to_download_from() {
    let lock = text("ui/package-lock.json").expect("ui/package-lock.json");
    assert!(!lock.contains("\"resolved\""), "npm was run without the tree's .npmrc");
}

#[test]
fn every_crate_and_folder_is_on_the_map() {
    let map = text("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    let mut folders: Vec<String> = files()
        .iter()
        .filter_map(|path| {
            let parts: Vec<&str> = path.split('/').collect();
            match parts.as_slice() {
                ["crates", name, _, ..] => Some(format!("crates/{name}")),
                [folder, _, ..] if !folder.starts_with('.') && *folder != "crates" => {
                    Some((*folder).to_owned())
                }
                _ => None,
            }
        })
        .collect();
    folders.sort();
    folders.dedup();
    none(
        folders
            .into_iter()
            .filter(|folder| !map.contains(&format!("`{folder}`")) && !map.contains(&format!("`{folder}/")))
            .map(|folder| format!("ARCHITECTURE.md doesn't say what {folder} is"))
            .collect(),
    );
}

#[test]
fn decisions_are_numbered_without_a_gap() {
    let mut numbers: Vec<usize> = files()
        .iter()
        .filter_map(|path| path.strip_prefix("docs/decisions/"))
        .map(|name| {
            let (number, rest) = name.split_once('-').unwrap_or_else(|| panic!("{name} has no number"));
            assert!(number.len() == 4 && rest.ends_with(".md"), "{name} isn't NNNN-words.md");
            number.parse().unwrap_or_else(|_| panic!("{name} has no number"))
        })
        .collect();
    numbers.sort_unstable();
    assert!(!numbers.is_empty());
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}
