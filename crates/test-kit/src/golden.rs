//! Golden files: what a test compares with a file of the tree, and writes anew when `UPDATE_GOLDEN` is set.

use std::path::PathBuf;

/// A path below the root of the tree.
#[must_use]
pub fn path_in_tree(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Compares, or writes.
///
/// # Panics
/// Where the file says something else.
pub fn compare(path: &str, made: &str) {
    let file = path_in_tree(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if kept == made {
        return;
    }
    let first = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    let line = first.unwrap_or_else(|| kept.lines().count().min(made.lines().count()));
    panic!(
        "{path} isn't what the code says any more, from line {} on:\n  in the file: {}\n  made now:    {}\nRun the tests with UPDATE_GOLDEN=1 and look at the difference.",
        line + 1,
        kept.lines().nth(line).unwrap_or("(its end)"),
        made.lines().nth(line).unwrap_or("(its end)"),
    );
}
