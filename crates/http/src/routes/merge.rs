//! Merging branches: shown first, then done.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::project::merge::{MergeBranches, MergeDeployment, MergeDone, MergePreview};
use stoa_domain::change::{ChangedFile, FileConflict, Merging};
use stoa_domain::permission::project as may;
use utoipa::ToSchema;

use super::commit::{ChangedFileView, CommitView};
use crate::answer::{Answer, Object};
use crate::argument::{Again, Json, Uses};
use crate::conflict_view;
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/api/v1/workspaces/{workspace}/projects/{project}/merge",
        merge,
        Operation::new(
            "mergeBranches",
            200,
            "Merges a branch into another and deploys what deploys that one, or shows what that would do.",
        )
        .body(json!({ "source": "topic", "target": "main", "dry_run": true }))
        .refuses(&["target_not_allowed", "merge_conflict", "conflict", "too_many_requests"])
        .refuses(&["remote_refused", "remote_unavailable"]),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeWish {
    /// The branch that is merged.
    source: String,
    /// The branch into which.
    target: String,
    /// What the merge commit says; a sentence with both names where nothing is said.
    #[schema(max_length = 10_000)]
    message: Option<String>,
    /// Shows what it would do, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// Where the source stood when it was looked at: if it has moved since, nothing is merged.
    source_commit: Option<String>,
    /// And the target.
    target_commit: Option<String>,
}

/// An instance that deploys the target.
#[derive(Serialize, ToSchema)]
struct MergeInstanceView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = words::Stage)]
    stage: &'static str,
    /// The server's name, where the caller is allowed it.
    server: Option<String>,
}

impl MergeInstanceView {
    fn of(record: stoa_app::instance::InstanceRecord) -> Self {
        Self {
            id: record.id.to_string(),
            slug: record.slug,
            name: record.name,
            stage: record.stage.key(),
            server: record.server.map(|server| server.name),
        }
    }
}

/// A deployment that was begun by a merge.
#[derive(Serialize, ToSchema)]
struct MergeDeploymentView {
    #[schema(format = "uuid")]
    id: String,
    number: i64,
    #[schema(format = "uuid")]
    job: String,
    instance: MergeInstanceView,
}

/// A merge that was carried out, or that had nothing to do.
#[derive(Serialize, ToSchema)]
struct MergedView {
    #[schema(value_type = words::MergeStatus)]
    status: &'static str,
    /// Where the target stands.
    commit: String,
    deployments: Vec<MergeDeploymentView>,
}

/// A branch and where it stands.
#[derive(Serialize, ToSchema)]
struct MergeEndView {
    branch: String,
    commit: String,
}

/// The first and the last line, counted from 1; a last one before the first: nothing of the target's, the source's lines
/// belong before `from`.
#[derive(Serialize, ToSchema)]
struct ConflictLinesView {
    from: u64,
    to: u64,
}

/// A file that two branches changed in ways that don't go together.
#[derive(Serialize, ToSchema)]
struct MergeConflictView {
    path: String,
    #[schema(value_type = words::MergeConflictKind)]
    kind: &'static str,
    /// In the target's file; none for what has no lines.
    lines: Vec<ConflictLinesView>,
    /// Why, in a sentence.
    detail: &'static str,
}

impl MergeConflictView {
    fn of(file: &FileConflict) -> Self {
        let lines = file.lines.iter().map(|(from, to)| ConflictLinesView { from: *from, to: *to }).collect();
        Self {
            path: file.path.clone(),
            kind: file.kind.key(),
            lines,
            detail: conflict_view::sentence(file.kind),
        }
    }
}

/// What a merge would do.
#[derive(Serialize, ToSchema)]
struct MergePreviewView {
    #[schema(value_type = words::MergePreviewStatus)]
    status: &'static str,
    source: MergeEndView,
    target: MergeEndView,
    /// Of the source, that the target hasn't; the newest first, 50 at most.
    commits: Vec<CommitView>,
    commit_count: u64,
    /// 300 at most.
    files: Vec<ChangedFileView>,
    file_count: u64,
    /// Lines.
    added: u64,
    removed: u64,
    /// There are more files than were counted.
    is_cut: bool,
    /// 300 at most.
    conflicts: Vec<MergeConflictView>,
    conflict_count: usize,
    /// What would be deployed.
    deploys: Vec<MergeInstanceView>,
    /// What the commit would say.
    message: String,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum MergeAnswer {
    Done(MergedView),
    Preview(Box<MergePreviewView>),
}

fn preview(shown: MergePreview) -> MergePreviewView {
    let MergePreview { source, target, review, deploys, message } = shown;
    let status = match &review.merging {
        Merging::UpToDate => "up_to_date",
        Merging::Conflicts(_) => "conflicts",
        Merging::Clean | Merging::Unrelated | Merging::TooLarge => "clean",
    };
    let conflicts = match review.merging {
        Merging::Conflicts(conflicts) => conflicts,
        _ => stoa_domain::change::FileConflicts::default(),
    };
    let end = |(branch, commit): (stoa_domain::branch::BranchName, stoa_domain::branch::CommitId)| {
        MergeEndView { branch: branch.to_string(), commit: commit.to_string() }
    };
    MergePreviewView {
        status,
        source: end(source),
        target: end(target),
        commits: review.commits.into_iter().map(CommitView::of).collect(),
        commit_count: review.commit_count,
        files: review.files.files.into_iter().map(|file: ChangedFile| ChangedFileView::of(file)).collect(),
        file_count: review.files.count,
        added: review.files.added,
        removed: review.files.removed,
        is_cut: review.files.is_cut,
        conflicts: conflicts.files.iter().map(MergeConflictView::of).collect(),
        conflict_count: conflicts.count,
        deploys: deploys.into_iter().map(MergeInstanceView::of).collect(),
        message,
    }
}

fn done(done: MergeDone) -> MergedView {
    let deployment = |MergeDeployment { id, number, job, instance }| MergeDeploymentView {
        id: id.to_string(),
        number,
        job: job.to_string(),
        instance: MergeInstanceView::of(instance),
    };
    MergedView {
        status: if done.is_merged { "merged" } else { "up_to_date" },
        commit: done.commit.to_string(),
        deployments: done.deployments.into_iter().map(deployment).collect(),
    }
}

/// The gate decides on the project; on what deploys the target it is decided once the body has named it.
async fn merge(
    May(_): May<may::Merge>,
    Uses(app): Uses,
    Again(asked): Again,
    Json(wish): Json<MergeWish>,
) -> Answer<Object<MergeAnswer>> {
    let MergeWish { source, target, message, dry_run, source_commit, target_commit } = wish;
    let wish = MergeBranches { source, target, message, source_commit, target_commit };
    let answer = if dry_run {
        let shown = app.preview_merge(&asked.account, &asked.path, wish).await?;
        MergeAnswer::Preview(Box::new(preview(shown)))
    } else {
        MergeAnswer::Done(done(app.merge(&asked.account, &asked.path, wish).await?))
    };
    Ok(Object::ok(answer))
}
