//! Projects, their branches and commits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::project::{ChangeProject, CreateProject, SeenBranch, SeenProject};
use stoa_app::remote::WishedRemote;
use stoa_domain::Refusal;
use stoa_domain::permission::project as may;
use utoipa::ToSchema;

use super::commit::CommitView;
use super::remote::{self, NewCredential, RemoteStateView};
use super::shared::{Blocked, abilities, wanted};
use super::wire::{ListQuery, cursor, limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{IfMatch, Json, Query, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/projects";
    const ONE: &str = "/api/v1/workspaces/{workspace}/projects/{project}";
    routes
        .get(ALL, list, Operation::new("listProjects", 200, "Projects that the caller sees, by name."))
        .post(
            ALL,
            create,
            Operation::new(
                "createProject",
                201,
                "Makes a project with an empty repository, or with a remote one.",
            )
            .body(json!({ "name": "{unique}" }))
            .tagged(),
        )
        .get(ONE, view, Operation::new("viewProject", 200, "A project.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changeProject", 200, "Changes a project's name, slug or default branch.")
                .body(json!({ "name": "{unique}" }))
                .tagged()
                .refuses(&["slug_taken"]),
        )
        .delete(
            ONE,
            delete,
            Operation::new(
                "deleteProject",
                204,
                "Deletes a project that has no instances, and its repository.",
            )
            // The sample's project has an instance.
            .meets(409)
            .refuses(&["conflict"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/projects/{project}/branches",
            branches,
            Operation::new("listBranches", 200, "The branches, the default one first, then the newest."),
        )
        .get(
            "/api/v1/workspaces/{workspace}/projects/{project}/commits",
            commits,
            Operation::new("listCommits", 200, "Commits of a branch, newest first."),
        )
}

#[derive(Serialize, ToSchema)]
struct RepositoryView {
    #[schema(value_type = words::RepositoryKind)]
    kind: &'static str,
    /// What `git clone` takes: below the public URL, or the remote's own.
    url: String,
    has_commits: bool,
    /// How it stands with a remote one; null for one that Stoa hosts.
    remote: Option<RemoteStateView>,
}

#[derive(Serialize, ToSchema)]
struct ProjectView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    default_branch: String,
    repository: RepositoryView,
    /// How many of its instances the caller sees.
    instances: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: BTreeMap<&'static str, Blocked>,
}

impl ProjectView {
    fn of(seen: SeenProject) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        Self {
            id: seen.project.id.to_string(),
            repository: RepositoryView {
                kind: if seen.project.remote.is_some() { "remote" } else { "hosted" },
                url: seen.clone_url,
                has_commits: seen.project.has_commits,
                remote: seen.project.remote.map(RemoteStateView::of),
            },
            slug: seen.project.slug,
            name: seen.project.name,
            default_branch: seen.project.default_branch,
            instances: seen.project.instances,
            created_at: time(seen.project.created_at),
            may,
            blocked,
        }
    }
}

impl Revised for SeenProject {
    type Revision = i64;

    fn tag(&self) -> Result<String, stoa_app::Failure> {
        let project = &self.project;
        etag(&(project.id.to_string(), &project.name, &project.slug, &project.default_branch))
    }

    fn revision(self) -> i64 {
        self.project.revision
    }
}

fn answer(seen: SeenProject) -> Answer<Object<ProjectView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(ProjectView::of(seen)).tagged(tag))
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<ProjectView>>> {
    let (length, wanted) = wanted(query)?;
    let found = app.list_projects(permit, &wanted).await?;
    Ok(Object::ok(page(found, length, |seen| cursor(&seen.project.name, seen.project.id), ProjectView::of)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRepository {
    #[schema(value_type = words::RepositoryKind)]
    kind: String,
    /// Of a remote one: `https://…`, `ssh://…` or `user@host:path`.
    url: Option<String>,
    /// A token, for `https`. By ssh Stoa makes a deploy key.
    credential: Option<NewCredential>,
}

impl NewRepository {
    /// None where Stoa is to host it.
    fn remote(self) -> Result<Option<WishedRemote>, Refusal> {
        let unexpected = |field, detail| Err(Refusal::invalid(field, "unexpected", detail));
        match (self.kind.as_str(), self.url) {
            ("remote", Some(url)) => Ok(Some(remote::wished(url, self.credential))),
            ("remote", None) => Err(Refusal::invalid(
                "repository.url",
                "required",
                "Give the address of the remote repository.",
            )),
            ("hosted", Some(_)) => {
                unexpected("repository.url", "A repository that Stoa hosts has no address to give.")
            }
            ("hosted", None) if self.credential.is_some() => {
                unexpected("repository.credential", "A repository that Stoa hosts needs no credential.")
            }
            ("hosted", None) => Ok(None),
            _ => Err(Refusal::invalid(
                "repository.kind",
                "unknown",
                "A repository is hosted, by Stoa itself, or remote.",
            )),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProject {
    name: String,
    default_branch: Option<String>,
    /// Hosted where it isn't said.
    repository: Option<NewRepository>,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Json(wish): Json<NewProject>,
) -> Answer<Object<ProjectView>> {
    let remote = wish.repository.map_or(Ok(None), NewRepository::remote)?;
    let wish = CreateProject { name: wish.name, default_branch: wish.default_branch, remote };
    let seen = app.create_project(permit, wish).await?;
    let tag = seen.tag()?;
    Ok(Object::created(ProjectView::of(seen)).tagged(tag))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<ProjectView>> {
    answer(app.view_project(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProjectChange {
    name: Option<String>,
    slug: Option<String>,
    default_branch: Option<String>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<ProjectChange>,
) -> Answer<Object<ProjectView>> {
    let expected_revision = expected(wanted, app.load_project_for_change(&permit)).await?;
    let ProjectChange { name, slug, default_branch } = wish;
    answer(app.change_project(permit, ChangeProject { name, slug, default_branch, expected_revision }).await?)
}

async fn delete(May(permit): May<may::Delete>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_project_for_change(&permit)).await?;
    app.delete_project(permit, expected).await?;
    Ok(Done(None))
}

/// An instance that deploys a branch.
#[derive(Serialize, ToSchema)]
struct OnBranchView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = words::Stage)]
    stage: &'static str,
    #[schema(value_type = words::InstanceStatus)]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct BranchView {
    name: String,
    is_default: bool,
    /// Null where the branch was deleted: it is the default one, or something still deploys it.
    commit: Option<CommitView>,
    /// Commits that the default branch hasn't; null where either is gone.
    ahead: Option<u64>,
    /// Commits of the default branch that it hasn't; null where either is gone.
    behind: Option<u64>,
    /// Of those that the caller sees.
    instances: Vec<OnBranchView>,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: BTreeMap<&'static str, Blocked>,
}

impl BranchView {
    fn of(seen: SeenBranch) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        Self {
            name: seen.name.to_string(),
            is_default: seen.is_default,
            commit: seen.commit.map(CommitView::of),
            ahead: seen.ahead,
            behind: seen.behind,
            instances: seen
                .instances
                .into_iter()
                .map(|on| OnBranchView {
                    id: on.id.to_string(),
                    slug: on.slug,
                    name: on.name,
                    stage: on.stage.key(),
                    status: on.status.key(),
                })
                .collect(),
            may,
            blocked,
        }
    }
}

/// How many of a list that is counted through are passed over.
fn passed_over(after: Option<String>) -> Result<usize, Refusal> {
    let wrong = |_| Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
    after.map_or(Ok(0), |after| after.parse().map_err(wrong))
}

/// A page of what was found, with one item more than wanted where the list goes on.
fn counted<T, V>(mut found: Vec<T>, skip: usize, wanted: usize, view: impl Fn(T) -> V) -> Page<V> {
    let next = (found.len() > wanted).then(|| (skip + wanted).to_string());
    found.truncate(wanted);
    Page { items: found.into_iter().map(view).collect(), next }
}

async fn branches(
    May(permit): May<may::View>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<BranchView>>> {
    let wanted = usize::try_from(limit(query.limit)?).unwrap_or(0);
    let skip = passed_over(query.after)?;
    let found = app.list_branches(permit, query.q.as_deref(), skip, wanted + 1).await?;
    Ok(Object::ok(counted(found, skip, wanted, BranchView::of)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommitsQuery {
    /// The default branch where it isn't said.
    branch: Option<String>,
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
}

async fn commits(
    May(permit): May<may::View>,
    Uses(app): Uses,
    Query(query): Query<CommitsQuery>,
) -> Answer<Object<Page<CommitView>>> {
    let wanted = usize::try_from(limit(query.limit)?).unwrap_or(0);
    let skip = passed_over(query.after)?;
    let found = app.list_commits(permit, query.branch.as_deref(), skip, wanted + 1).await?;
    Ok(Object::ok(counted(found, skip, wanted, CommitView::of)))
}
