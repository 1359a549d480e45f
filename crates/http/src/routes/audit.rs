//! The audit log.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_app::audit::{AuditFilter, AuditRecord};
use stoa_domain::Refusal;
use stoa_domain::permission::workspace as may;
use utoipa::ToSchema;

use super::wire::{limit, page, parse_time, time};
use crate::answer::{Answer, Listed, Object, Page, Streamed};
use crate::argument::{Again, Around, Headers, Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form, accepts};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/audit",
            all,
            Operation::new("listAudit", 200, "The workspace's audit log, newest first."),
        )
        .get(
            "/api/v1/workspaces/{workspace}/audit/mine",
            mine,
            Operation::new("listOwnAudit", 200, "One's own audit events in the workspace, newest first."),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    #[schema(format = "uuid")]
    actor: Option<String>,
    action: Option<String>,
    #[schema(format = "uuid")]
    resource: Option<String>,
    #[schema(format = DateTime)]
    from: Option<String>,
    #[schema(format = DateTime)]
    to: Option<String>,
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct AuditView {
    #[schema(format = "uuid")]
    id: String,
    /// The number in the workspace's chain; for owners alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
    #[schema(format = DateTime)]
    at: String,
    #[schema(format = "uuid")]
    actor: Option<String>,
    actor_name: String,
    #[schema(value_type = words::Way)]
    via: String,
    address: Option<String>,
    action: String,
    #[schema(value_type = Option<words::Kind>)]
    resource_kind: Option<String>,
    #[schema(format = "uuid")]
    resource_id: Option<String>,
    resource_name: Option<String>,
    #[schema(value_type = words::AuditOutcome)]
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
    Around(frame): Around,
    Again(asked): Again,
    Headers(headers): Headers,
    Query(query): Query<AuditQuery>,
) -> Answer<Listed<AuditView>> {
    let app = &frame.app;
    if accepts(&headers, "application/x-ndjson") {
        // The lease first: a right that ends while the export is opened ends this too.
        let lease = frame.leases.hold::<may::ReadAudit>(asked);
        let records = app.export_audit(permit, filter(&query)?);
        let frames = records.map(|record| stream::frame(None, &AuditView::of(record?)));
        return Ok(Listed::Lines(Streamed::new(stream::answer(Form::Lines, lease, frames))));
    }
    let wanted = limit(query.limit)?;
    let found = app.list_audit(permit, &filter(&query)?, wanted + 1).await?;
    let found = page(found, wanted, |one| one.seq.to_string(), AuditView::of);
    Ok(Listed::Page(Object::ok(found)))
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
