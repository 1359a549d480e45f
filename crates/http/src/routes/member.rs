//! Members and their permission profiles.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::member::{Profile, Question, SeenMember, SeenProfile, SetPermissions};
use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{Action, ActionSet, MemberId, Refusal};
use utoipa::ToSchema;

use super::wire::{ListQuery, after, cursor, limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{IfMatch, Json, LargeJson, Query, Uses};
use crate::conditional::{check, etag};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/members";
    const ONE: &str = "/api/v1/workspaces/{workspace}/members/{member}";
    const PERMISSIONS: &str = "/api/v1/workspaces/{workspace}/members/{member}/permissions";
    let profile = json!({ "actions": ["view_logs"], "projects": [], "instances": [], "servers": [] });
    routes
        .get(ALL, list, Operation::new("listMembers", 200, "Who is in the workspace, by name."))
        .get(ONE, view, Operation::new("viewMember", 200, "A member.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changeRole", 200, "Makes a member an owner, or an owner a plain member.")
                .body(json!({ "role": "member" }))
                .tagged()
                .refuses(&["last_owner"]),
        )
        .delete(
            ONE,
            remove,
            Operation::new("removeMember", 204, "Removes a member; on oneself, leaves.")
                .refuses(&["last_owner"]),
        )
        .get(
            PERMISSIONS,
            permissions,
            Operation::new("viewPermissions", 200, "What a member may do: all of it, for an owner.").tagged(),
        )
        .put(
            PERMISSIONS,
            set_permissions,
            Operation::new("setPermissions", 200, "Replaces what a member may do, whole.")
                .body(profile)
                .tagged()
                .refuses(&["conflict"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/members/{member}/explain",
            explain,
            Operation::new("explainPermission", 200, "Why a member may or can't do something.")
                .query("action=view_logs"),
        )
}

/// What one may do; `null` lists are an owner's: not restricted.
#[derive(Serialize, ToSchema)]
pub(super) struct PermissionsView {
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<&'static str>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    projects: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    instances: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    servers: Option<Vec<String>>,
}

fn sorted(ids: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    Some(ids)
}

impl PermissionsView {
    /// Without the actions that the token at hand isn't for.
    pub(super) fn narrowed_to(mut self, actions: ActionSet) -> Self {
        self.actions.retain(|key| Action::from_key(key).is_some_and(|action| actions.has(action)));
        self
    }

    pub(super) fn of(profile: Option<Profile>) -> Self {
        match profile {
            None => {
                let mut actions: Vec<_> = Action::ALL.map(Action::key).to_vec();
                actions.sort_unstable();
                Self { actions, projects: None, instances: None, servers: None }
            }
            Some(profile) => {
                let mut actions: Vec<_> = profile.actions.iter().map(Action::key).collect();
                actions.sort_unstable();
                Self {
                    actions,
                    projects: sorted(profile.projects.iter().map(ToString::to_string)),
                    instances: sorted(profile.instances.iter().map(ToString::to_string)),
                    servers: sorted(profile.servers.iter().map(ToString::to_string)),
                }
            }
        }
    }
}

#[derive(Serialize, ToSchema)]
struct MemberAccount {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email_verified: Option<bool>,
}

/// A member. A plain member sees of others their names and roles alone.
#[derive(Serialize, ToSchema)]
struct MemberView {
    #[schema(format = "uuid")]
    id: String,
    account: MemberAccount,
    #[schema(value_type = words::Role)]
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PermissionsView, required = false)]
    permissions: Option<PermissionsView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    joined_at: Option<String>,
    /// `null` where they were never here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, extensions(("x-may-be-missing" = json!(true))))]
    last_seen_at: Option<Option<String>>,
}

impl MemberView {
    fn of(seen: SeenMember) -> Self {
        let SeenMember { member, private } = seen;
        let whole = private.is_some();
        Self {
            id: member.id.to_string(),
            role: member.role.key(),
            account: MemberAccount {
                name: member.name,
                email: whole.then_some(member.email),
                email_verified: whole.then_some(member.email_verified),
            },
            permissions: private.map(|private| PermissionsView::of(private.profile)),
            joined_at: whole.then(|| time(member.joined_at)),
            last_seen_at: whole.then(|| member.last_seen_at.map(time)),
        }
    }
}

fn tag(seen: &SeenMember) -> Result<String, stoa_app::Failure> {
    etag(&(seen.member.id.to_string(), seen.member.role.key()))
}

fn answer(seen: SeenMember) -> Answer<Object<MemberView>> {
    let tag = tag(&seen)?;
    Ok(Object::ok(MemberView::of(seen)).tagged(tag))
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<MemberView>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), MemberId::new(uuid::Uuid::nil()))?;
    let members = app.list_members(permit, (&name, id), query.q.as_deref(), wanted + 1).await?;
    Ok(Object::ok(page(members, wanted, |seen| cursor(&seen.member.name, seen.member.id), MemberView::of)))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<MemberView>> {
    answer(app.view_member(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRole {
    #[schema(value_type = words::Role)]
    role: String,
}

async fn change(
    May(permit): May<may::ChangeRole>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<ChangeRole>,
) -> Answer<Object<MemberView>> {
    let role = Role::from_key(&wish.role)
        .ok_or_else(|| Refusal::invalid("role", "unknown", "A role is owner or member."))?;
    let expected = match wanted {
        None => None,
        Some(wanted) => {
            let current = app.load_member_for_change(&permit).await?;
            check(Some(&wanted), &tag(&current)?)?;
            Some(current.member.revision)
        }
    };
    answer(app.change_role(permit, role, expected).await?)
}

async fn remove(May(permit): May<may::Remove>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    if wanted.is_some() {
        check(wanted.as_deref(), &tag(&app.load_member_for_change(&permit).await?)?)?;
    }
    app.remove_member(permit).await?;
    Ok(Done(None))
}

fn permissions_answer(seen: SeenProfile) -> Answer<Object<PermissionsView>> {
    let view = PermissionsView::of(seen.profile);
    let tag = etag(&view)?;
    Ok(Object::ok(view).tagged(tag))
}

async fn permissions(
    May(permit): May<may::ViewPermissions>,
    Uses(app): Uses,
) -> Answer<Object<PermissionsView>> {
    permissions_answer(app.view_permissions(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPermissions {
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    projects: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    instances: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    servers: Vec<String>,
}

async fn set_permissions(
    May(permit): May<may::SetPermissions>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    LargeJson(wish): LargeJson<NewPermissions>,
) -> Answer<Object<PermissionsView>> {
    let expected_revision = match wanted {
        None => None,
        Some(wanted) => {
            let current = app.load_permissions_for_change(&permit).await?;
            let revision = current.revision;
            check(Some(&wanted), &etag(&PermissionsView::of(current.profile))?)?;
            Some(revision)
        }
    };
    let wish = SetPermissions {
        actions: wish.actions,
        projects: wish.projects,
        instances: wish.instances,
        servers: wish.servers,
        expected_revision,
    };
    permissions_answer(app.set_permissions(permit, wish).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExplainQuery {
    #[schema(value_type = Option<words::ActionKey>)]
    action: Option<String>,
    project: Option<String>,
    instance: Option<String>,
    server: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Explanation {
    allowed: bool,
    #[schema(value_type = words::Reason)]
    because: &'static str,
    detail: String,
}

async fn explain(
    May(permit): May<may::Explain>,
    Uses(app): Uses,
    Query(query): Query<ExplainQuery>,
) -> Answer<Object<Explanation>> {
    let ExplainQuery { action, project, instance, server } = query;
    let explained = app.explain(permit, Question { action, project, instance, server }).await?;
    Ok(Object::ok(Explanation {
        allowed: explained.because.allowed(),
        because: explained.because.key(),
        detail: explained.detail,
    }))
}
