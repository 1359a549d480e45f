//! Members, and what each may do.

mod permissions;
mod summary;
mod why;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::member::{Granted, ListMembers, MemberFilter, SeenMember};
use stoa_app::preset::SeenPreset;
use stoa_domain::member::Role;
use stoa_domain::permission::member as may;
use stoa_domain::{Action, MemberId, Refusal};
use utoipa::ToSchema;

use self::summary::SummaryView;
use super::shared::{account_status, word};
use super::wire::{after, cursor, limit, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{IfMatch, Json, Query, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) use self::permissions::PermissionsView;
pub use self::permissions::read_permissions;

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/members";
    const ONE: &str = "/api/v1/workspaces/{workspace}/members/{member}";
    let routes = routes
        .get(
            ALL,
            list,
            Operation::new("listMembers", 200, "Who is in the workspace, by name.")
                .refuses(&["owner_required"]),
        )
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
        );
    why::routes(permissions::routes(routes))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = words::AccountStatus, required = false)]
    status: Option<&'static str>,
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
    /// In place of `permissions`, where the list was asked for in brief.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = SummaryView, required = false)]
    summary: Option<SummaryView>,
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
        Self::told(seen, false, &[])
    }

    fn told(seen: SeenMember, is_brief: bool, presets: &[SeenPreset]) -> Self {
        let SeenMember { member, private } = seen;
        let whole = private.is_some();
        let granted = private.map(|private| private.granted);
        let (permissions, summary) = match granted {
            None => (None, None),
            Some(Granted::Summary(summary)) => (None, Some(SummaryView::of(&summary, presets))),
            Some(Granted::Everything) if is_brief => (None, Some(SummaryView::everything())),
            Some(granted) => (Some(PermissionsView::of(granted.into_profile())), None),
        };
        Self {
            id: member.id.to_string(),
            role: member.role.key(),
            account: MemberAccount {
                name: member.name,
                email: whole.then_some(member.email),
                email_verified: whole.then_some(member.email_verified),
                status: whole.then_some(account_status(member.is_active)),
            },
            permissions,
            summary,
            joined_at: whole.then(|| time(member.joined_at)),
            last_seen_at: whole.then(|| member.last_seen_at.map(time)),
        }
    }
}

impl Revised for SeenMember {
    type Revision = i64;

    fn tag(&self) -> Result<String, stoa_app::Failure> {
        etag(&(self.member.id.to_string(), self.member.role.key()))
    }

    fn revision(self) -> i64 {
        self.member.revision
    }
}

fn answer(seen: SeenMember) -> Answer<Object<MemberView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(MemberView::of(seen)).tagged(tag))
}

/// What the list of members may be asked with.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct MembersQuery {
    /// 1 to 200; 50 where it isn't said.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Text to search for, without regard to case.
    q: Option<String>,
    /// Only owners, or only plain members.
    #[schema(value_type = Option<words::Role>)]
    role: Option<String>,
    /// Only those who have this action permission now; for owners to ask.
    #[schema(value_type = Option<words::ActionKey>)]
    action: Option<String>,
    /// Profiles in a few words (`summary`) instead of whole (`permissions`).
    brief: Option<bool>,
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<MembersQuery>,
) -> Answer<Object<Page<MemberView>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), MemberId::new(uuid::Uuid::nil()))?;
    let is_brief = query.brief.unwrap_or(false);
    let filter = MemberFilter {
        role: word("role", query.role.as_deref(), Role::from_key, "owner or member")?,
        action: word(
            "action",
            query.action.as_deref(),
            Action::from_key,
            "one of the ten action permissions",
        )?,
    };
    let wish = ListMembers { search: query.q, filter, is_brief, limit: wanted + 1 };
    let listed = app.list_members(permit, (&name, id), wish).await?;
    let view = |seen| MemberView::told(seen, is_brief, &listed.presets);
    Ok(Object::ok(page(listed.members, wanted, |seen| cursor(&seen.member.name, seen.member.id), view)))
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
    let expected = expected(wanted, app.load_member_for_change(&permit)).await?;
    answer(app.change_role(permit, role, expected).await?)
}

async fn remove(May(permit): May<may::Remove>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_member_for_change(&permit)).await?;
    app.remove_member(permit, expected).await?;
    Ok(Done(None))
}
