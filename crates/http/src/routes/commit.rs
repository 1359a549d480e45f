//! Commits: as a list shows them, and one with what it changes.

use serde::{Deserialize, Serialize};
use stoa_app::ports::{Commit, Difference};
use stoa_domain::change::{ChangedFile, Changes, FileDifference, Hunk};
use stoa_domain::permission::project as may;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Object};
use crate::argument::{NamedCommit, Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/projects/{project}/commits/{commit}",
            view,
            Operation::new("viewCommit", 200, "A commit that a branch or a tag has, with what it changes.")
                .refuses(&["too_many_requests"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/projects/{project}/difference",
            difference,
            Operation::new("viewDifference", 200, "What a branch changed since it parted from another.")
                .query("source=topic&target=main")
                .refuses(&["conflict", "too_many_requests"]),
        )
}

#[derive(Serialize, ToSchema)]
pub(super) struct CommitView {
    id: String,
    subject: String,
    author_name: String,
    author_email: String,
    #[schema(format = DateTime)]
    at: String,
}

impl CommitView {
    pub(super) fn of(commit: Commit) -> Self {
        Self {
            id: commit.id.to_string(),
            subject: commit.subject,
            author_name: commit.author_name,
            author_email: commit.author_email,
            at: time(commit.at),
        }
    }
}

/// A file that differs.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedFileView {
    path: String,
    /// Where it was before, where it was renamed.
    from: Option<String>,
    #[schema(value_type = words::FileChange)]
    change: &'static str,
    #[schema(value_type = words::FileForm)]
    form: &'static str,
    /// Lines; null for what has none.
    added: Option<u64>,
    removed: Option<u64>,
}

impl ChangedFileView {
    pub(super) fn of(file: ChangedFile) -> Self {
        Self {
            path: file.path,
            from: file.from,
            change: file.change.key(),
            form: file.form.key(),
            added: file.lines.map(|(added, _)| added),
            removed: file.lines.map(|(_, removed)| removed),
        }
    }
}

/// A stretch of a file that differs, with a few lines around it.
#[derive(Serialize, ToSchema)]
struct HunkView {
    /// The first line and how many, before and after.
    old_start: u64,
    old_lines: u64,
    new_start: u64,
    new_lines: u64,
    /// Each begins with a space, `+`, `-`, or a backslash for what is said of the line before it.
    lines: Vec<String>,
}

impl HunkView {
    fn of(hunk: Hunk) -> Self {
        let Hunk { before: (old_start, old_lines), after: (new_start, new_lines), lines } = hunk;
        Self { old_start, old_lines, new_start, new_lines, lines }
    }
}

#[derive(Serialize, ToSchema)]
struct FileDifferenceView {
    #[serde(flatten)]
    file: ChangedFileView,
    hunks: Vec<HunkView>,
    /// There is more of it than is told.
    is_cut: bool,
}

impl FileDifferenceView {
    fn of(difference: FileDifference) -> Self {
        let FileDifference { file, hunks, is_cut } = difference;
        Self { file: ChangedFileView::of(file), hunks: hunks.into_iter().map(HunkView::of).collect(), is_cut }
    }
}

/// A commit with what it changes against its first parent.
#[derive(Serialize, ToSchema)]
struct CommitDifferenceView {
    #[serde(flatten)]
    commit: CommitView,
    /// Whole, as it was written.
    message: String,
    committer_name: String,
    parents: Vec<String>,
    /// 300 at most.
    files: Vec<FileDifferenceView>,
    file_count: u64,
    added: u64,
    removed: u64,
}

/// What a branch changed.
#[derive(Serialize, ToSchema)]
struct DifferenceView {
    /// 300 at most.
    files: Vec<FileDifferenceView>,
    file_count: u64,
    added: u64,
    removed: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DifferenceQuery {
    /// The branch whose changes are shown.
    source: String,
    /// The branch from which it parted.
    target: String,
}

async fn difference(
    May(permit): May<may::View>,
    Uses(app): Uses,
    Query(query): Query<DifferenceQuery>,
) -> Answer<Object<DifferenceView>> {
    let Changes { all, files } = app.view_difference(permit, &query.source, &query.target).await?;
    Ok(Object::ok(DifferenceView {
        files: files.into_iter().map(FileDifferenceView::of).collect(),
        file_count: all.count,
        added: all.added,
        removed: all.removed,
    }))
}

async fn view(
    May(permit): May<may::View>,
    Uses(app): Uses,
    NamedCommit(commit): NamedCommit,
) -> Answer<Object<CommitDifferenceView>> {
    let Difference { commit, message, committer_name, parents, all, files } =
        app.view_commit(permit, &commit).await?;
    Ok(Object::ok(CommitDifferenceView {
        commit: CommitView::of(commit),
        message,
        committer_name,
        parents: parents.iter().map(ToString::to_string).collect(),
        files: files.into_iter().map(FileDifferenceView::of).collect(),
        file_count: all.count,
        added: all.added,
        removed: all.removed,
    }))
}
