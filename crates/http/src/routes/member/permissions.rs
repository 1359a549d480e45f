//! Permission profiles: seen, replaced whole, of one member or of several, and what they may hold at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::Failure;
use stoa_app::member::{OneOfSeveral, Profile, SeenProfile, SetPermissions, check_count};
use stoa_domain::permission::member as may;
use stoa_domain::{Action, ActionSet, Refusal};
use utoipa::ToSchema;

use crate::answer::{Answer, Object};
use crate::argument::{IfMatch, LargeJson, Uses};
use crate::conditional::{check, etag};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::routes::wire::{parse_time, time};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/members/{member}/permissions";
    const SEVERAL: &str = "/api/v1/workspaces/{workspace}/members/permissions";
    let profile = json!({ "actions": ["view_logs"], "projects": [], "instances": [], "servers": [],
        "until": { "view_logs": "2099-12-31T23:00:00Z" } });
    let several = json!({ "members": [{ "id": "{member}" }],
        "actions": ["view_logs"], "projects": [], "instances": [], "servers": [] });
    routes
        .get(
            ONE,
            permissions,
            Operation::new("viewPermissions", 200, "What a member may do: all of it, for an owner.").tagged(),
        )
        .put(
            ONE,
            set_permissions,
            Operation::new("setPermissions", 200, "Replaces what a member may do, whole.")
                .body(profile)
                .tagged()
                .refuses(&["conflict"]),
        )
        .put(
            SEVERAL,
            set_several,
            Operation::new(
                "setPermissionsOfSeveral",
                200,
                "Gives several members the same profile, all or none.",
            )
            .body(several)
            .refuses(&["conflict", "precondition_failed"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/permissions/grantable",
            grantable,
            Operation::new("listGrantable", 200, "Everything that a profile may hold, by name."),
        )
}

/// What one may do; `null` lists are an owner's: not restricted.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct PermissionsView {
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<&'static str>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    projects: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    instances: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<words::Id>>)]
    servers: Option<Vec<String>>,
    /// When an entry ends, by the action's key or the id: only of those that do.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    until: BTreeMap<String, String>,
}

fn sorted(ids: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    Some(ids)
}

impl PermissionsView {
    /// Without the actions that the token at hand isn't for.
    pub(in crate::routes) fn narrowed_to(mut self, actions: ActionSet) -> Self {
        let is_lost = |key: &str| Action::from_key(key).is_some_and(|action| !actions.has(action));
        self.actions.retain(|key| !is_lost(key));
        self.until.retain(|key, _| !is_lost(key));
        self
    }

    pub(in crate::routes) fn of(profile: Option<Profile>) -> Self {
        match profile {
            None => {
                let mut actions: Vec<_> = Action::ALL.map(Action::key).to_vec();
                actions.sort_unstable();
                Self { actions, projects: None, instances: None, servers: None, until: BTreeMap::new() }
            }
            Some(profile) => {
                let mut actions: Vec<_> = profile.actions.iter().map(Action::key).collect();
                actions.sort_unstable();
                Self {
                    actions,
                    projects: sorted(profile.projects.iter().map(ToString::to_string)),
                    instances: sorted(profile.instances.iter().map(ToString::to_string)),
                    servers: sorted(profile.servers.iter().map(ToString::to_string)),
                    until: profile.until.iter().map(|(granted, at)| (granted.key(), time(*at))).collect(),
                }
            }
        }
    }
}

fn permissions_answer(seen: SeenProfile) -> Answer<Object<PermissionsView>> {
    let view = PermissionsView::of(seen.profile);
    let tag = etag(&view)?;
    Ok(Object::ok(view).tagged(tag))
}

/// The revision of a profile that is still as its client loaded it.
fn unchanged(wanted: &str, current: SeenProfile) -> Result<i64, Failure> {
    let revision = current.revision;
    check(Some(wanted), &etag(&PermissionsView::of(current.profile))?)?;
    Ok(revision)
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
    /// When an entry ends, by the action's key or the id.
    #[serde(default)]
    #[schema(required = false)]
    until: BTreeMap<String, String>,
}

/// Reads the body of a profile as a request's is read: what `fuzz/` tries with inputs that nobody would send.
///
/// # Errors
/// `Invalid`, naming the field.
pub fn read_permissions(body: &[u8]) -> Result<(), Refusal> {
    crate::body::parse::<NewPermissions>(body).and_then(wish).map(drop)
}

fn wish(new: NewPermissions) -> Result<SetPermissions, Refusal> {
    let mut until = BTreeMap::new();
    for (key, text) in new.until {
        let at = parse_time(&format!("until.{key}"), &text)?;
        until.insert(key, at);
    }
    Ok(SetPermissions {
        actions: new.actions,
        projects: new.projects,
        instances: new.instances,
        servers: new.servers,
        until,
    })
}

async fn set_permissions(
    May(permit): May<may::SetPermissions>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    LargeJson(new): LargeJson<NewPermissions>,
) -> Answer<Object<PermissionsView>> {
    let expected_revision = match wanted {
        None => None,
        Some(wanted) => Some(unchanged(&wanted, app.load_permissions_for_change(&permit).await?)?),
    };
    permissions_answer(app.set_permissions(permit, wish(new)?, expected_revision).await?)
}

/// One of the members who get the same.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OneMember {
    #[schema(format = "uuid")]
    id: String,
    /// The `ETag` of its permissions as they were loaded: refused with 412 where it isn't the newest.
    etag: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPermissionsOfSeveral {
    /// 1 to 500.
    members: Vec<OneMember>,
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    projects: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    instances: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    servers: Vec<String>,
    /// When an entry ends, by the action's key or the id.
    #[serde(default)]
    #[schema(required = false)]
    until: BTreeMap<String, String>,
}

/// Who has been given the same, and what.
#[derive(Serialize, ToSchema)]
struct SetView {
    #[schema(value_type = Vec<words::Id>)]
    members: Vec<String>,
    permissions: PermissionsView,
    /// The new `ETag` of the permissions of each.
    etag: String,
}

async fn set_several(
    May(permit): May<may::SetPermissionsOfSeveral>,
    Uses(app): Uses,
    LargeJson(new): LargeJson<NewPermissionsOfSeveral>,
) -> Answer<Object<SetView>> {
    let NewPermissionsOfSeveral { members, actions, projects, instances, servers, until } = new;
    let wish = wish(NewPermissions { actions, projects, instances, servers, until })?;
    check_count(members.len())?;
    let mut wanted = Vec::with_capacity(members.len());
    for OneMember { id, etag } in members {
        let expected_revision = match etag {
            None => None,
            Some(tag) => match app.load_permissions_of_one(&permit, &id).await {
                Ok(current) => Some(unchanged(&tag, current)?),
                // Told with its place in the list, further on.
                Err(Failure::Refused(Refusal::NotFound)) => None,
                Err(other) => return Err(other.into()),
            },
        };
        wanted.push(OneOfSeveral { member: id, expected_revision });
    }
    let (members, seen) = app.set_permissions_of_several(permit, wanted, wish).await?;
    let permissions = PermissionsView::of(seen.profile);
    let etag = etag(&permissions)?;
    Ok(Object::ok(SetView { members: members.iter().map(ToString::to_string).collect(), permissions, etag }))
}

/// Something that a list may hold.
#[derive(Serialize, ToSchema)]
struct GrantableView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::Stage, required = false)]
    stage: Option<&'static str>,
}

/// Everything that a profile may hold, each list by name.
#[derive(Serialize, ToSchema)]
struct AllGrantableView {
    projects: Vec<GrantableView>,
    instances: Vec<GrantableView>,
    servers: Vec<GrantableView>,
}

async fn grantable(
    May(permit): May<may::ListGrantable>,
    Uses(app): Uses,
) -> Answer<Object<AllGrantableView>> {
    let all = app.list_grantable(permit).await?;
    let view = |id: String, slug, name, stage| GrantableView { id, slug, name, stage };
    Ok(Object::ok(AllGrantableView {
        projects: all
            .projects
            .into_iter()
            .map(|one| view(one.id.to_string(), one.slug, one.name, None))
            .collect(),
        instances: all
            .instances
            .into_iter()
            .map(|(one, stage)| view(one.id.to_string(), one.slug, one.name, Some(stage.key())))
            .collect(),
        servers: all
            .servers
            .into_iter()
            .map(|one| view(one.id.to_string(), one.slug, one.name, None))
            .collect(),
    }))
}
