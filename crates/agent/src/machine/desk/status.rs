//! How a working copy stands, read from what git says inside of the desk. It may say anything: whoever writes there can
//! put another git in its place, and only deceives himself.

use crate::protocol::desk::{ChangeView, OwnCommitView, StatusView};

/// Changes that are told, and commits.
const MOST_CHANGES: usize = 5000;
pub(super) const MOST_COMMITS: &str = "--max-count=50";

/// What git says where none is checked out: a commit, what is no branch, or what leads nowhere.
const NO_BRANCH: [&str; 3] = ["(detached)", "(null)", "(unknown)"];

/// Reads `git status --porcelain=v2 --branch -z`.
pub(super) fn read(text: &str, branch: &str) -> StatusView {
    let mut status = StatusView {
        branch: branch.to_owned(),
        head: None,
        commit: None,
        base: None,
        ahead: 0,
        behind: 0,
        is_merging: false,
        changes: Vec::new(),
        is_cut: false,
        commits: Vec::new(),
    };
    let mut records = text.split('\0');
    while let Some(record) = records.next() {
        if let Some(header) = record.strip_prefix("# ") {
            match header.split_once(' ') {
                Some(("branch.oid", oid)) if oid != "(initial)" => status.commit = Some(oid.to_owned()),
                Some(("branch.head", head)) if !NO_BRANCH.contains(&head) => {
                    status.head = Some(head.to_owned())
                }
                _ => {}
            }
            continue;
        }
        let is_renamed = record.starts_with("2 ");
        let from = if is_renamed { records.next().map(str::to_owned) } else { None };
        let Some(change) = change(record, from) else { continue };
        if status.changes.len() == MOST_CHANGES {
            status.is_cut = true;
            break;
        }
        status.changes.push(change);
    }
    status
}

fn change(record: &str, from: Option<String>) -> Option<ChangeView> {
    let (kind, rest) = record.split_once(' ')?;
    if kind == "?" {
        let (staged, unstaged) = (".".to_owned(), "?".to_owned());
        return Some(ChangeView { path: rest.to_owned(), from: None, staged, unstaged, is_conflict: false });
    }
    // Fields before the path: of a change seven, of a rename eight, of a conflict nine.
    let fields = match kind {
        "1" => 7,
        "2" => 8,
        "u" => 9,
        _ => return None,
    };
    let path = rest.splitn(fields + 1, ' ').nth(fields)?.to_owned();
    let mut letters = rest.chars();
    let (staged, unstaged) = (letters.next()?.to_string(), letters.next()?.to_string());
    Some(ChangeView { path, from, staged, unstaged, is_conflict: kind == "u" })
}

/// Reads `git log -z --format=%H%x00%s`.
pub(super) fn commits(text: &str) -> Vec<OwnCommitView> {
    let words: Vec<&str> = text.split('\0').collect();
    let pairs = words.chunks_exact(2);
    pairs.map(|pair| OwnCommitView { id: pair[0].trim().to_owned(), subject: pair[1].to_owned() }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change_is_read() {
        let text = "# branch.oid aaaa\0# branch.head main\0# branch.upstream x\0# branch.ab +1 -2\0\
            1 .M N... 100644 100644 100644 aa bb a file.py\0\
            1 A. N... 000000 100644 100644 00 bb new.py\0\
            2 R. N... 100644 100644 100644 aa bb R100 to here.py\0from there.py\0\
            u UU N... 100644 100644 100644 100644 aa bb cc both.py\0\
            ? folder/\0! ignored\0";
        let status = read(text, "main");
        assert_eq!((status.head.as_deref(), status.commit.as_deref()), (Some("main"), Some("aaaa")));
        let told: Vec<String> = status
            .changes
            .iter()
            .map(|one| {
                format!("{}{} {} {:?} {}", one.staged, one.unstaged, one.path, one.from, one.is_conflict)
            })
            .collect();
        assert_eq!(
            told,
            [
                ".M a file.py None false",
                "A. new.py None false",
                "R. to here.py Some(\"from there.py\") false",
                "UU both.py None true",
                ".? folder/ None false",
            ]
        );
        assert_eq!(commits("a\0one\0b\0two\0").len(), 2);
        assert_eq!(commits("").len(), 0);
    }

    #[test]
    fn nonsense_is_no_status() {
        let status = read("1\0 \0\0# \0# branch.oid\0u U\0? \0", "main");
        assert!(status.changes.iter().all(|change| change.path.is_empty()), "{status:?}");
        for head in ["(detached)", "(null)", "(unknown)"] {
            assert_eq!(read(&format!("# branch.head {head}\0"), "main").head, None);
        }
        let many = "? x\0".repeat(MOST_CHANGES + 1);
        assert!(read(&many, "main").is_cut);
    }
}
