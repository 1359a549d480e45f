//! Reading what git says of a merge that doesn't go by itself: which files, why, and which of the target's lines.

use std::collections::{BTreeMap, HashMap};

use stoa_domain::change::{ConflictKind, FileConflict};

/// Files that are named.
const MOST_FILES: usize = 300;
/// Files of which lines are told.
const MOST_WITH_LINES: usize = 60;
/// Places of one file.
const MOST_PLACES: usize = 100;
/// Bytes of one file's difference that are read.
pub(super) const MOST_OF_A_FILE: usize = 1024 * 1024;

/// What git told, without lines.
pub(super) struct Told {
    pub files: Vec<FileConflict>,
    /// Of the target's files: the object that each is.
    pub targets: HashMap<String, String>,
    pub count: usize,
}

/// Reads the output of `merge-tree -z`: the tree, the entries in conflict, an empty word, the messages.
pub(super) fn read(text: &str) -> Told {
    let mut words = text.split('\0').skip(1);
    let mut targets = HashMap::new();
    let mut kinds: BTreeMap<String, ConflictKind> = BTreeMap::new();
    for entry in words.by_ref().take_while(|entry| !entry.is_empty()) {
        let Some((about, path)) = entry.split_once('\t') else { continue };
        let mut about = about.split(' ');
        let (_mode, object, stage) = (about.next(), about.next(), about.next());
        if let (Some(object), Some("2")) = (object, stage) {
            targets.insert(path.to_owned(), object.to_owned());
        }
        kinds.entry(path.to_owned()).or_insert(ConflictKind::Other);
    }
    while let Some(count) = words.next().and_then(|count| count.parse::<usize>().ok()) {
        let paths: Vec<&str> = words.by_ref().take(count).collect();
        let (Some(kind), Some(_message)) = (words.next(), words.next()) else { break };
        let (Some(kind), Some(path)) = (kind_of(kind), paths.first()) else { continue };
        let known = kinds.entry((*path).to_owned()).or_insert(kind);
        // A file without lines is told of twice: that it has none says more.
        if *known == ConflictKind::Other || kind == ConflictKind::Binary {
            *known = kind;
        }
    }
    let count = kinds.len();
    let file = |(path, kind)| FileConflict { path, kind, lines: Vec::new() };
    Told { files: kinds.into_iter().take(MOST_FILES).map(file).collect(), targets, count }
}

/// By git's stable words for a conflict; `None` for what is only said.
fn kind_of(words: &str) -> Option<ConflictKind> {
    let kind = words.strip_prefix("CONFLICT (")?.strip_suffix(')')?;
    Some(match kind {
        "contents" => ConflictKind::Lines,
        "binary" => ConflictKind::Binary,
        "modify/delete" => ConflictKind::Removed,
        "file/directory" | "distinct modes" | "distinct types" => ConflictKind::Form,
        _ if kind.starts_with("submodule") => ConflictKind::Submodule,
        _ if kind.contains("rename") => ConflictKind::Renamed,
        _ => ConflictKind::Other,
    })
}

/// Those of which lines are told.
pub(super) fn with_lines(files: &mut [FileConflict]) -> impl Iterator<Item = &mut FileConflict> {
    let has_lines = |file: &&mut FileConflict| {
        matches!(file.kind, ConflictKind::Lines | ConflictKind::Renamed | ConflictKind::Other)
    };
    files.iter_mut().filter(has_lines).take(MOST_WITH_LINES)
}

/// The target's lines that are in conflict, from the difference between the target's file and the merged one, in which
/// git puts marks around them. The marks carry the commits' names, so that no file's own text is taken for one.
pub(super) fn lines(difference: &str, source: &str, target: &str) -> Vec<(u64, u64)> {
    let (opens, closes) = (format!("+<<<<<<< {target}"), format!("+>>>>>>> {source}"));
    let mut found = Vec::new();
    // The next of the target's lines, and where the open place begins.
    let (mut next, mut first, mut last) = (1, None, None);
    for line in difference.lines() {
        if let Some(at) = before(line) {
            next = at;
        } else if line.starts_with('-') && !line.starts_with("---") {
            next += 1;
        } else if line.starts_with(&opens) {
            (first, last) = (Some(next), None);
        } else if line == "+=======" && first.is_some() && last.is_none() {
            last = Some(next - 1);
        } else if line.starts_with(&closes) {
            let place = first.take().zip(last.take());
            found.extend(place.filter(|_| found.len() < MOST_PLACES));
        }
    }
    found
}

/// The first line before, of a hunk's head: `@@ -12,3 +12,9 @@`. With a count of nought it stands behind that line.
fn before(line: &str) -> Option<u64> {
    let (range, _) = line.strip_prefix("@@ -")?.split_once(' ')?;
    let (first, count) = range.split_once(',').unwrap_or((range, "1"));
    let first: u64 = first.parse().ok()?;
    Some(if count == "0" { first + 1 } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_messages_are_read_and_the_kind_that_says_most_stays() {
        let object = "a".repeat(40);
        let entry = |stage: u8, path: &str| format!("100644 {object} {stage}\t{path}");
        let said = |paths: &[&str], kind: &str| {
            let mut words = vec![paths.len().to_string()];
            words.extend(paths.iter().map(|path| (*path).to_owned()));
            words.extend([kind.to_owned(), "whatever is said".to_owned()]);
            words
        };
        let entries = vec![
            object.clone(),
            entry(1, "x.txt"),
            entry(2, "x.txt"),
            entry(3, "x.txt"),
            entry(2, "b.png"),
            // The empty word ends the entries.
            String::new(),
        ];
        let messages = [
            said(&["x.txt"], "Auto-merging"),
            said(&["x.txt"], "CONFLICT (contents)"),
            said(&["b.png"], "CONFLICT (contents)"),
            said(&["b.png"], "CONFLICT (binary)"),
            said(&["gone.txt", "new.txt"], "CONFLICT (rename/delete)"),
        ];
        let text = [entries, messages.concat()].concat().join("\0");
        let told = read(&text);
        let kinds: Vec<_> = told.files.iter().map(|file| (file.path.as_str(), file.kind.key())).collect();
        assert_eq!(kinds, [("b.png", "binary"), ("gone.txt", "renamed"), ("x.txt", "lines")]);
        assert_eq!((told.count, told.targets.len()), (3, 2));
    }

    #[test]
    fn places_are_told_in_the_lines_of_the_target() {
        let (source, target) = ("5".repeat(40), "7".repeat(40));
        let difference = format!(
            "--- a/x\n+++ b/x\n@@ -2,0 +3,1 @@\n+<<<<<<< {target}\n@@ -4,0 +6,3 @@\n+=======\n+other\n+>>>>>>> {source}\n\
             @@ -9,0 +20,4 @@\n+<<<<<<< {target}\n+=======\n+added\n+>>>>>>> {source}\n\
             @@ -12 +30 @@\n-old\n+new\n"
        );
        assert_eq!(lines(&difference, &source, &target), [(3, 4), (10, 9)]);
        // Marks of the file's own are text.
        assert!(lines("@@ -1,0 +1,3 @@\n+<<<<<<< HEAD\n+=======\n+>>>>>>> x\n", &source, &target).is_empty());
    }
}
