//! Files in conflict, as a problem and a preview tell them.

use serde_json::{Value, json};
use stoa_domain::change::{ConflictKind, FileConflicts};

pub(crate) const fn sentence(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Lines => "Both changed the same lines.",
        ConflictKind::Binary => "Both changed it, and it has no lines that could be merged.",
        ConflictKind::Removed => "One changed it, the other removed it.",
        ConflictKind::Renamed => "It was renamed, and something else stands in its way.",
        ConflictKind::Form => "It is a file in one and a folder or a link in the other.",
        ConflictKind::Submodule => "Both point to other commits of another repository.",
        ConflictKind::Other => "Both changed it.",
    }
}

pub(crate) fn of(conflicts: &FileConflicts) -> Value {
    let file = |file: &stoa_domain::change::FileConflict| {
        let lines: Vec<Value> =
            file.lines.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
        json!({ "path": file.path, "kind": file.kind.key(), "lines": lines, "detail": sentence(file.kind) })
    };
    conflicts.files.iter().map(file).collect()
}
