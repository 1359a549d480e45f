//! What is looked at on the way of an instance: its branches, and its log in files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::git;
use crate::support::terminal::Terminal;

/// Branches and what is in them: seen, merged, and not merged where both changed the same.
pub fn branches_are_merged(terminal: &Terminal, work: &Path) {
    let branch = |name: &str, text: &str| {
        let branch: &[&[&str]] = &[
            &["checkout", "--quiet", "-b", name, "main"],
            &["add", "."],
            &["commit", "--quiet", "-m", name],
            &["push", "--quiet", "stoa", name],
        ];
        for (number, words) in branch.iter().enumerate() {
            let (succeeded, said) = git(work, words);
            assert!(succeeded, "{said}");
            if number == 0 {
                std::fs::write(work.join("notes"), text).unwrap();
            }
        }
    };
    branch("topic", "of the topic\n");
    branch("other", "of another\n");
    let project = |words: &[&str]| terminal.stoa(&[&["project"][..], words].concat());
    let preview = project(&["merge", "shop", "topic", "main", "--dry-run"]).well();
    assert!(preview.starts_with("Merge topic into main: 1 commits, 1 files, +1 -0\n"), "{preview}");
    assert!(preview.contains("  notes  +1 -0") && preview.contains("No instance deploys main."), "{preview}");
    let unasked = project(&["merge", "shop", "topic", "main"]);
    assert!(unasked.said.starts_with("Merge topic into main"), "{}", unasked.said);
    unasked.refused(2, "nothing was merged: say --yes");
    project(&["merge", "shop", "topic", "nowhere", "--yes"]).refused(1, "");
    let listed = project(&["branches", "shop"]).well();
    let row = |listed: &str, name: &str| -> Vec<String> {
        let line = listed.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row(&listed, "BRANCH"), ["BRANCH", "COMMIT", "AHEAD", "BEHIND", "SUBJECT", "INSTANCES"]);
    assert_eq!(row(&listed, "topic")[2..], ["1", "0", "topic"], "{listed}");
    let merged = project(&["merge", "shop", "topic", "main", "--yes"]).well();
    assert!(merged.starts_with("topic is merged into main: "), "{merged}");
    assert_eq!(row(&project(&["branches", "shop"]).well(), "other")[2..], ["1", "2", "other"]);
    assert!(project(&["merge", "shop", "topic", "main"]).well().contains("has all commits of topic already"));
    // The two changed the same: which file, and that nothing came of it.
    let clash = project(&["merge", "shop", "other", "main"]);
    assert!(clash.said.contains("conflict in notes"), "{}", clash.said);
    clash.refused(1, "nothing was merged. Resolve the conflicts first");
    project(&["merge", "shop", "other", "main", "--yes"]).refused(1, "");
    assert_eq!(row(&project(&["branches", "shop"]).well(), "other")[2..], ["1", "2", "other"]);

    let begin = &row(&listed, "topic")[1];
    let shown = project(&["commit", "shop", begin, "--branch", "topic"]).well();
    assert!(shown.starts_with("Commit ") && shown.contains(&format!("  {begin}")), "{shown}");
    assert!(shown.contains("\n    topic\n"), "{shown}");
    let difference = "1 files, +1 -0\n\n--- /dev/null\n+++ b/notes\n@@ -0,0 +1,1 @@\n+of the topic\n";
    assert!(shown.ends_with(difference), "{shown}");
    project(&["commit", "shop", "0000000"]).refused(1, "none of the newest 200 commits");
    project(&["commit", "shop", &"0".repeat(40)]).refused(1, "");
}

/// A log in a file: all of it, and a range from line to line.
pub fn logs_become_files(terminal: &Terminal) {
    let file = |name: &str| terminal.folder.path().join(name).to_str().unwrap().to_owned();
    let written = |name: &str, more: &[&str]| {
        let words = ["instance", "logs", "ticker", "--search", "tick", "--to", &file(name)];
        let told = terminal.json(&[&words[..], more].concat());
        assert_eq!(told["file"], file(name));
        let text = std::fs::read_to_string(file(name)).unwrap();
        assert_eq!(told["lines"], text.lines().count(), "{told}");
        text
    };
    let objects = written("objects", &["--form", "ndjson"]);
    let objects: Vec<Value> = objects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let position = |number: usize| objects[number]["position"].as_str().unwrap();
    let text = written("text", &["--from", position(1), "--through", position(3)]);
    let told = |object: &Value| {
        let level = object["level"].as_str().unwrap_or("-");
        format!("{} {level} stdout {}\n", object["at"].as_str().unwrap(), object["text"].as_str().unwrap())
    };
    assert_eq!(text, objects[1..=3].iter().map(told).collect::<String>());
    assert_eq!(std::fs::metadata(file("text")).unwrap().permissions().mode() & 0o777, 0o600);
    let words = ["instance", "logs", "ticker", "--to", &file("text"), "--follow"];
    terminal.stoa(&words).refused(2, "--follow");
    terminal.stoa(&["instance", "logs", "ticker", "--from", position(1)]).refused(2, "--to");
}
