//! Why a member may or can't, and who may.

use serde::{Deserialize, Serialize};
use stoa_app::member::{Able, Question};
use stoa_domain::MemberId;
use stoa_domain::permission::member as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Object, Page};
use crate::argument::{Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::routes::wire::{after, cursor, limit, page, time};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/members/{member}/explain",
            explain,
            Operation::new("explainPermission", 200, "Why a member may or can't do something.")
                .query("action=view_logs"),
        )
        .get(
            "/api/v1/workspaces/{workspace}/permissions/who",
            who,
            Operation::new("findWho", 200, "Who may do something, by name.").query("action=view_logs"),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExplainQuery {
    #[schema(value_type = Option<words::AskedKey>)]
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
    /// When it ends, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    until: Option<String>,
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
        until: explained.until.map(time),
    }))
}

/// A question about an action, one resource, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WhoQuery {
    /// 1 to 200; 50 where it isn't said.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
    #[schema(value_type = Option<words::AskedKey>)]
    action: Option<String>,
    project: Option<String>,
    instance: Option<String>,
    server: Option<String>,
}

/// Somebody who may.
#[derive(Serialize, ToSchema)]
struct AbleView {
    /// The member's.
    #[schema(format = "uuid")]
    id: String,
    name: String,
    email: String,
    #[schema(value_type = words::Role)]
    role: &'static str,
    #[schema(value_type = words::Reason)]
    because: &'static str,
    /// When it ends, or null.
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl AbleView {
    fn of(able: Able) -> Self {
        Self {
            id: able.member.id.to_string(),
            name: able.member.name,
            email: able.member.email,
            role: able.member.role.key(),
            because: able.because.key(),
            until: able.until.map(time),
        }
    }
}

async fn who(
    May(permit): May<may::FindWho>,
    Uses(app): Uses,
    Query(query): Query<WhoQuery>,
) -> Answer<Object<Page<AbleView>>> {
    let wanted = limit(query.limit)?;
    let (name, id) = after(query.after.as_deref(), MemberId::new(uuid::Uuid::nil()))?;
    let WhoQuery { action, project, instance, server, .. } = query;
    let question = Question { action, project, instance, server };
    let found = app.find_who(permit, question, (&name, id), wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |able| cursor(&able.member.name, able.member.id), AbleView::of)))
}
