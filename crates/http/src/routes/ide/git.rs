//! Git on a working copy: how it stands, what differs, staging, commits as the member, merging what the branch has
//! gained, and the push.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::desk::SeenWorkingCopy;
use stoa_app::ports::{Against, Staging};
use stoa_domain::Refusal;
use stoa_domain::permission::ide as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Binary, Done, Object};
use crate::argument::{Again, Around, Json, Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::problem::tell;
use crate::router::{Operation, Routes};
use crate::routes::shared::{Blocked, NamedView};

/// Paths of one order.
const MOST_PATHS: usize = 5000;

pub(super) fn routes(routes: Routes) -> Routes {
    let refused = ["conflict", "invalid", "no_sandbox", "payload_too_large", "server_away"];
    routes
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/status",
            status,
            Operation::new(
                "viewWorkingCopy",
                200,
                "How one's working copy stands, and what a push of it would do.",
            )
            .refuses(&refused),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/diff",
            diff,
            Operation::new("diffWorkingCopy", 200, "What differs in one's working copy, in git's own form.")
                .refuses(&refused),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/original",
            original,
            Operation::new("readOriginal", 200, "A file as it is in the branch, or was in the last commit.")
                .query("path=app.py")
                .refuses(&refused),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/stage",
            stage,
            Operation::new(
                "stageFiles",
                204,
                "Stages files for the next commit, unstages them, or takes them back.",
            )
            .body(json!({ "do": "stage", "paths": ["app.py"] }))
            .refuses(&refused),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/commit",
            commit,
            Operation::new("commitInDesk", 200, "Commits what is staged, as oneself.")
                .body(json!({ "message": "Keep the cart", "all": true }))
                .refuses(&refused),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/merge",
            merge,
            Operation::new("mergeInDesk", 200, "Merges into one's working copy what its branch has gained.")
                .refuses(&refused),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/git/push",
            push,
            // Without the repositories that git itself serves nothing is pushed: in the tests of all routes.
            Operation::new(
                "pushFromDesk",
                200,
                "Pushes one's working copy to the instance's branch, which deploys it.",
            )
            .refuses(&refused)
            .refuses(&[
                "target_not_allowed",
                "too_many_requests",
                "owner_required",
                "remote_refused",
                "remote_unavailable",
            ])
            .meets(503),
        )
}

#[derive(Serialize, ToSchema)]
struct ChangeView {
    path: String,
    /// Where it was before.
    from: Option<String>,
    /// A letter as git-status has it: `M`, `A`, `D`, `R`, `C`, `T`, `U`; or a full stop for none.
    staged: String,
    /// The same, and `?` for a file that git doesn't know.
    unstaged: String,
    is_conflict: bool,
}

#[derive(Serialize, ToSchema)]
struct OwnCommitView {
    id: String,
    subject: String,
}

/// How a working copy stands.
#[derive(Serialize, ToSchema)]
struct WorkingCopyView {
    /// The branch that it was made of, and is pushed to.
    branch: String,
    /// The one that is checked out.
    head: Option<String>,
    commit: Option<String>,
    /// Where the branch stood when it was last taken over.
    base: Option<String>,
    ahead: u64,
    behind: u64,
    /// Whether the branch has moved since.
    is_moved: bool,
    is_merging: bool,
    changes: Vec<ChangeView>,
    /// Whether there are more changes than these.
    is_cut: bool,
    /// What a push would bring, newest first, 50 at most.
    commits: Vec<OwnCommitView>,
    /// The instances that a push deploys, of those that one sees.
    deploys: Vec<NamedView>,
    /// Why one can't push.
    push_blocked: Option<Blocked>,
}

fn view(seen: SeenWorkingCopy) -> WorkingCopyView {
    let copy = seen.copy;
    let changes = copy.changes.into_iter().map(|change| ChangeView {
        path: change.path,
        from: change.from,
        staged: change.staged,
        unstaged: change.unstaged,
        is_conflict: change.is_conflict,
    });
    let commits = copy.commits.into_iter();
    let commits = commits.map(|commit| OwnCommitView { id: commit.id, subject: commit.subject });
    let blocked = |refusal: &Refusal| {
        let told = tell(refusal);
        Blocked { code: told.code, detail: told.detail, until: None }
    };
    WorkingCopyView {
        branch: copy.branch,
        head: copy.head,
        commit: copy.commit,
        base: copy.base,
        ahead: copy.ahead,
        behind: copy.behind,
        is_moved: seen.is_moved,
        is_merging: copy.is_merging,
        changes: changes.collect(),
        is_cut: copy.is_cut,
        commits: commits.collect(),
        deploys: seen.deploys.into_iter().map(NamedView::of).collect(),
        push_blocked: seen.push_refusal.as_ref().map(blocked),
    }
}

async fn status(May(permit): May<may::Read>, Uses(app): Uses) -> Answer<Object<WorkingCopyView>> {
    Ok(Object::ok(view(app.working_copy(permit).await?)))
}

fn against(text: Option<&str>) -> Result<Against, Refusal> {
    let Some(text) = text else { return Ok(Against::Branch) };
    let found = Against::ALL.into_iter().find(|one| one.key() == text);
    found.ok_or_else(|| Refusal::invalid("against", "unknown", "This has to be branch, head or staged."))
}

fn checked(path: String) -> Result<String, Refusal> {
    if path.is_empty() || path.contains('\0') {
        return Err(Refusal::invalid("path", "invalid", "A path is one of the working copy's files."));
    }
    Ok(path)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DiffQuery {
    /// What the working copy is compared with; the branch where nothing is said.
    #[schema(value_type = Option<words::Against>)]
    against: Option<String>,
    path: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DiffView {
    text: String,
    is_cut: bool,
}

async fn diff(
    May(permit): May<may::Read>,
    Uses(app): Uses,
    Query(query): Query<DiffQuery>,
) -> Answer<Object<DiffView>> {
    let path = query.path.map(checked).transpose()?;
    let (text, is_cut) = app.desk_difference(permit, against(query.against.as_deref())?, path).await?;
    Ok(Object::ok(DiffView { text, is_cut }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OriginalQuery {
    #[schema(value_type = Option<words::Against>)]
    against: Option<String>,
    path: String,
}

async fn original(
    May(permit): May<may::Read>,
    Uses(app): Uses,
    Query(query): Query<OriginalQuery>,
) -> Answer<Binary> {
    let against = against(query.against.as_deref())?;
    Ok(Binary::whole(app.original_file(permit, against, checked(query.path)?).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StageFiles {
    /// `discard` goes back to what the last commit has.
    #[schema(value_type = words::Staging)]
    r#do: String,
    /// All that differs where it is empty.
    #[serde(default)]
    paths: Vec<String>,
}

async fn stage(May(permit): May<may::Change>, Uses(app): Uses, Json(wish): Json<StageFiles>) -> Answer<Done> {
    let staging = Staging::ALL
        .into_iter()
        .find(|one| one.key() == wish.r#do)
        .ok_or_else(|| Refusal::invalid("do", "unknown", "This has to be stage, unstage or discard."))?;
    if wish.paths.len() > MOST_PATHS {
        return Err(Refusal::invalid("paths", "too_many", "Name 5,000 paths at most.").into());
    }
    let paths = wish.paths.into_iter().map(checked).collect::<Result<_, _>>()?;
    app.stage_files(permit, staging, paths).await?;
    Ok(Done(None))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeCommit {
    message: String,
    /// Stages everything before.
    #[serde(default)]
    all: bool,
}

#[derive(Serialize, ToSchema)]
struct OwnCommitMade {
    commit: String,
}

async fn commit(
    May(permit): May<may::Commit>,
    Uses(app): Uses,
    Json(wish): Json<MakeCommit>,
) -> Answer<Object<OwnCommitMade>> {
    let commit = app.commit_in_desk(permit, wish.message, wish.all).await?;
    Ok(Object::ok(OwnCommitMade { commit: commit.to_string() }))
}

#[derive(Serialize, ToSchema)]
struct MergedInDesk {
    /// Paths that have to be settled by hand, staged and committed.
    conflicts: Vec<String>,
}

async fn merge(May(permit): May<may::Merge>, Uses(app): Uses) -> Answer<Object<MergedInDesk>> {
    Ok(Object::ok(MergedInDesk { conflicts: app.merge_in_desk(permit).await? }))
}

#[derive(Serialize, ToSchema)]
struct PushedView {
    /// Where the branch stands now.
    commit: String,
    branch: String,
    /// The instances that are deployed, of those that one sees.
    deploys: Vec<NamedView>,
    /// What the server noticed of what was pushed.
    warnings: Vec<String>,
}

async fn push(
    May(permit): May<may::Push>,
    Around(frame): Around,
    Again(asked): Again,
) -> Answer<Object<PushedView>> {
    let git = frame.git().ok_or(Refusal::Unavailable)?;
    let pushed = git.push_from_desk(permit, asked).await?;
    Ok(Object::ok(PushedView {
        commit: pushed.commit.to_string(),
        branch: pushed.branch.to_string(),
        deploys: pushed.deploys.into_iter().map(NamedView::of).collect(),
        warnings: pushed.warnings,
    }))
}
