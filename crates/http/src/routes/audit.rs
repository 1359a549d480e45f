//! The audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_app::audit::{AuditFilter, AuditRecord};
use stoa_domain::Refusal;
use stoa_domain::permission::workspace as may;
use utoipa::ToSchema;

use super::wire::{limit, page, parse_time, time};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Query, Uses};
use crate::gate::May;
use crate::router::{Routes, Sample};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/api/v1/workspaces/{workspace}/audit", all, Sample::status(200)).get(
        "/api/v1/workspaces/{workspace}/audit/mine",
        mine,
        Sample::status(200),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    actor: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct AuditView {
    id: String,
    /// The number in the workspace's chain; for owners alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    at: String,
    actor: Option<String>,
    actor_name: String,
    via: String,
    address: Option<String>,
    action: String,
    resource_kind: Option<String>,
    resource_id: Option<String>,
    resource_name: Option<String>,
    outcome: String,
    second_name: Option<String>,
    repeated: i64,
    detail: Value,
}

impl AuditView {
    fn of(record: AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            seq: Some(record.seq),
            at: time(record.at),
            actor: record.account.map(|id| id.to_string()),
            actor_name: record.actor_name,
            via: record.via,
            address: record.address,
            action: record.action,
            resource_kind: record.resource_kind,
            resource_id: record.resource_id.map(|id| id.to_string()),
            resource_name: record.resource_name,
            outcome: record.outcome,
            second_name: record.second_name,
            repeated: record.repeated,
            detail: serde_json::from_str(&record.detail).unwrap_or(Value::Null),
        }
    }
}

/// One's own events: what isn't one's own can't be asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnAuditQuery {
    action: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

fn filter(query: &AuditQuery) -> Result<AuditFilter, Refusal> {
    let id = |field: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => {
            let id = uuid::Uuid::try_parse(text);
            id.map(Some).map_err(|_| Refusal::invalid(field, "invalid", "This isn't an id."))
        }
    };
    let before = match &query.after {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Refusal::invalid("after", "invalid", "This isn't a cursor of this list."))?,
        ),
    };
    Ok(AuditFilter {
        account: id("actor", &query.actor)?.map(stoa_domain::AccountId::new),
        action: query.action.clone(),
        resource: id("resource", &query.resource)?,
        from: query.from.as_deref().map(|text| parse_time("from", text)).transpose()?,
        to: query.to.as_deref().map(|text| parse_time("to", text)).transpose()?,
        before,
    })
}

async fn all(
    May(permit): May<may::ReadAudit>,
    Uses(app): Uses,
    Query(query): Query<AuditQuery>,
) -> Answer<Object<Page<AuditView>>> {
    let wanted = limit(query.limit)?;
    let found = app.list_audit(permit, &filter(&query)?, wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| one.seq.to_string(), AuditView::of)))
}

async fn mine(
    May(permit): May<may::ReadOwnAudit>,
    Uses(app): Uses,
    Query(query): Query<OwnAuditQuery>,
) -> Answer<Object<Page<AuditView>>> {
    let OwnAuditQuery { action, from, to, limit: wanted, after } = query;
    let wanted = limit(wanted)?;
    let after = after.map(|text| {
        text.parse().map_err(|_| Refusal::invalid("after", "invalid", "This isn't a cursor of this list."))
    });
    let query = AuditQuery { actor: None, action, resource: None, from, to, limit: None, after: None };
    let found = app.list_own_audit(permit, filter(&query)?, after.transpose()?, wanted + 1).await?;
    let view = |record| AuditView { seq: None, ..AuditView::of(record) };
    Ok(Object::ok(page(found, wanted, |one| one.id.to_string(), view)))
}
