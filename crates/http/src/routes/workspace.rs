//! Workspaces, and what a slug may be.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::workspace::{ChangeWorkspace, Counts, CreateWorkspace, SeenWorkspace, WorkspaceRecord};
use stoa_domain::permission::workspace as may;
use stoa_domain::{AccountNeed, LogoId, WorkspaceId};
use utoipa::ToSchema;

use super::account::operations;
use super::member::PermissionsView;
use super::shared::{Blocked, abilities};
use super::wire::{ListQuery, after, cursor, limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{IfMatch, Json, Query, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::{AccountOperation, May, SignedIn};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces";
    const ONE: &str = "/api/v1/workspaces/{workspace}";
    routes
        .get(
            "/api/v1/slug",
            slug,
            Operation::new("checkSlug", 200, "The slug that a name gives, and whether it is free.")
                .query("name=Acme")
                .refuses(&["too_many_requests"]),
        )
        .get(ALL, list, Operation::new("listWorkspaces", 200, "The caller's workspaces, by name."))
        .post(
            ALL,
            create,
            Operation::new("createWorkspace", 201, "Makes a workspace; its maker becomes its owner.")
                .body(json!({ "name": "{unique}" }))
                .tagged()
                .refuses(&["slug_taken", "administrator_required", "too_many_requests"]),
        )
        .get(
            ONE,
            view,
            Operation::new("viewWorkspace", 200, "A workspace, and what the caller may there.").tagged(),
        )
        .patch(
            ONE,
            change,
            Operation::new(
                "changeWorkspace",
                200,
                "Changes a workspace's name, slug, colour or what it demands.",
            )
            .body(json!({ "name": "Acme" }))
            .tagged()
            .refuses(&["slug_taken"]),
        )
        .delete(
            ONE,
            delete,
            Operation::new("deleteWorkspace", 204, "Deletes a workspace that has no instances.")
                .body(json!({ "confirm": "{workspace_slug}" }))
                // The sample's workspace has instances.
                .meets(409)
                .refuses(&["conflict"]),
        )
}

operations! {
    AskingForSlugs SignedIn "workspace.check_slug",
    Listing SignedIn "workspace.list",
    Creating Unnarrowed "workspace.create",
}

pub(super) fn logo_url(workspace: &WorkspaceRecord) -> Option<String> {
    workspace.logo.map(|logo| format!("/api/v1/workspaces/{}/logo?v={}", workspace.id, version_of(logo)))
}

/// Where the bearer of an invitation's link finds the logo. The link's secret was made by Stoa, of letters that stand in
/// an address as they are.
pub(super) fn linked_logo_url(token: &str, logo: LogoId) -> String {
    format!("/api/v1/invitations/{token}/logo?v={}", version_of(logo))
}

/// Another word for each picture.
fn version_of(logo: LogoId) -> String {
    logo.uuid().simple().to_string().split_off(20)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SlugQuery {
    name: String,
}

#[derive(Serialize, ToSchema)]
struct SlugView {
    slug: String,
    available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::SlugReason, required = false)]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    suggestion: Option<String>,
}

async fn slug(
    SignedIn(permit, _): SignedIn<AskingForSlugs>,
    Uses(app): Uses,
    Query(query): Query<SlugQuery>,
) -> Answer<Object<SlugView>> {
    let answer = app.check_slug(permit, &query.name).await?;
    Ok(Object::ok(SlugView {
        slug: answer.slug,
        available: answer.available,
        reason: answer.reason,
        suggestion: answer.suggestion,
    }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct WorkspaceView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = words::Role)]
    role: &'static str,
    /// The caller's own membership.
    #[schema(format = "uuid")]
    member_id: String,
    logo_url: Option<String>,
    primary_color: String,
    /// Whether its members need a second factor.
    requires_second_factor: bool,
    #[schema(format = DateTime)]
    created_at: String,
    permissions: PermissionsView,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: std::collections::BTreeMap<&'static str, Blocked>,
    /// Whether a model provider is set: what it is asked for is shown then.
    ai: bool,
}

impl WorkspaceView {
    fn of(seen: SeenWorkspace) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        Self {
            id: seen.workspace.id.to_string(),
            member_id: seen.member.to_string(),
            logo_url: logo_url(&seen.workspace),
            role: if seen.is_owner { "owner" } else { "member" },
            created_at: time(seen.workspace.created_at),
            slug: seen.workspace.slug,
            name: seen.workspace.name,
            primary_color: seen.workspace.primary_color,
            requires_second_factor: seen.workspace.requires_second_factor,
            permissions: PermissionsView::of(seen.profile).narrowed_to(seen.actions),
            may,
            blocked,
            ai: seen.has_ai,
        }
    }
}

impl Revised for SeenWorkspace {
    type Revision = i64;

    /// Of what an owner can edit.
    fn tag(&self) -> Result<String, stoa_app::Failure> {
        let workspace = &self.workspace;
        let look = (&workspace.name, &workspace.slug, &workspace.primary_color);
        etag(&(look, workspace.requires_second_factor))
    }

    fn revision(self) -> i64 {
        self.workspace.revision
    }
}

pub(super) fn answer(seen: SeenWorkspace) -> Answer<Object<WorkspaceView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(WorkspaceView::of(seen)).tagged(tag))
}

/// How much there is, of what the caller may see.
#[derive(Serialize, ToSchema)]
struct WorkspaceCounts {
    members: i64,
    /// Null for whoever may list no projects there.
    projects: Option<i64>,
    instances: i64,
}

impl WorkspaceCounts {
    fn of(counts: Counts) -> Self {
        Self { members: counts.members, projects: counts.projects, instances: counts.instances }
    }
}

#[derive(Serialize, ToSchema)]
struct ListedWorkspace {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[schema(value_type = words::Role)]
    role: &'static str,
    logo_url: Option<String>,
    primary_color: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: std::collections::BTreeMap<&'static str, Blocked>,
    /// Null where the workspace demands a second factor that the caller hasn't: then nothing may be done there either.
    counts: Option<WorkspaceCounts>,
}

async fn list(
    SignedIn(permit, _): SignedIn<Listing>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<ListedWorkspace>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), WorkspaceId::INSTALLATION)?;
    let search = query.q.as_deref().map(str::trim).filter(|search| !search.is_empty());
    let mine = app.list_workspaces(permit, (&name, id), search, wanted + 1).await?;
    Ok(Object::ok(page(
        mine,
        wanted,
        |listed| cursor(&listed.mine.workspace.name, listed.mine.workspace.id),
        |listed| {
            let (workspace, role) = (listed.mine.workspace, listed.mine.role);
            let (may, blocked) = abilities(listed.abilities);
            ListedWorkspace {
                id: workspace.id.to_string(),
                logo_url: logo_url(&workspace),
                created_at: time(workspace.created_at),
                slug: workspace.slug,
                name: workspace.name,
                role: role.key(),
                primary_color: workspace.primary_color,
                may,
                blocked,
                counts: listed.counts.map(WorkspaceCounts::of),
            }
        },
    )))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWorkspace {
    name: String,
    slug: Option<String>,
}

async fn create(
    SignedIn(permit, _): SignedIn<Creating>,
    Uses(app): Uses,
    Json(wish): Json<NewWorkspace>,
) -> Answer<Object<WorkspaceView>> {
    let seen = app.create_workspace(permit, CreateWorkspace { name: wish.name, slug: wish.slug }).await?;
    let tag = seen.tag()?;
    Ok(Object::created(WorkspaceView::of(seen)).tagged(tag))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<WorkspaceView>> {
    answer(app.view_workspace(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkspaceWish {
    name: Option<String>,
    slug: Option<String>,
    primary_color: Option<String>,
    /// Only by an owner whose own account has one.
    requires_second_factor: Option<bool>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<WorkspaceWish>,
) -> Answer<Object<WorkspaceView>> {
    let expected_revision = expected(wanted, app.load_for_change(&permit)).await?;
    let wish = ChangeWorkspace {
        name: wish.name,
        slug: wish.slug,
        primary_color: wish.primary_color,
        requires_second_factor: wish.requires_second_factor,
        expected_revision,
    };
    answer(app.change_workspace(permit, wish).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    confirm: String,
}

async fn delete(
    May(permit): May<may::Delete>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<Confirmed>,
) -> Answer<Done> {
    let expected = expected(wanted, app.load_for_change(&permit)).await?;
    app.delete_workspace(permit, &wish.confirm, expected).await?;
    Ok(Done(None))
}
