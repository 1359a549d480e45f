//! The audit log.

use std::fmt::Write as _;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_app::audit::{AuditFilter, AuditRecord, Outcome, sentence};
use stoa_domain::permission::workspace as may;
use stoa_domain::{AccountId, Refusal, Timestamp, WorkspaceId};
use utoipa::ToSchema;

use super::shared::{id, word};
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
            Operation::new("listAudit", 200, "The workspace's audit log, newest first.")
                .refuses(&["too_many_requests"]),
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
    /// A member's id, or an account's.
    #[schema(format = "uuid")]
    actor: Option<String>,
    #[schema(value_type = Option<words::AuditAction>)]
    action: Option<String>,
    #[schema(format = "uuid")]
    resource: Option<String>,
    #[schema(value_type = Option<words::AuditOutcome>)]
    outcome: Option<String>,
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
    /// What `actor_name` did, in words: "restarted shop-production". It isn't part of the chain.
    sentence: String,
    /// The chain's id: the workspace's. This and what follows are for owners alone: with `seq` and the fields above they
    /// are all that `hash` is made of, so that an export can be checked by `stoa audit verify` where Stoa isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    workspace: Option<String>,
    /// `at` as it is hashed: microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    at_microseconds: Option<i64>,
    /// `detail` as it is hashed, letter by letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail_text: Option<String>,
    /// The hash of the record before; 64 zeros for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    previous_hash: Option<String>,
    /// SHA-256 over the record and `previous_hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hash: Option<String>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl AuditView {
    /// As whoever did it sees it: nothing that counts the events of others.
    fn of(record: AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            seq: None,
            at: time(record.at),
            sentence: sentence(&record),
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
            workspace: None,
            at_microseconds: None,
            detail_text: None,
            previous_hash: None,
            hash: None,
        }
    }

    /// With its place in the chain.
    fn in_chain(record: AuditRecord, workspace: WorkspaceId) -> Self {
        Self {
            seq: Some(record.seq),
            workspace: Some(workspace.to_string()),
            at_microseconds: Some(record.at.micros()),
            detail_text: Some(record.detail.clone()),
            previous_hash: Some(hex(&record.previous_hash)),
            hash: Some(hex(&record.hash)),
            ..Self::of(record)
        }
    }
}

/// A record as an export has it, which `stoa audit verify` reads.
///
/// # Errors
/// Where it can't be written as JSON.
pub fn exported(record: AuditRecord, chain: WorkspaceId) -> serde_json::Result<Value> {
    serde_json::to_value(AuditView::in_chain(record, chain))
}

/// One's own events: what isn't one's own can't be asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnAuditQuery {
    #[schema(value_type = Option<words::AuditAction>)]
    action: Option<String>,
    #[schema(value_type = Option<words::AuditOutcome>)]
    outcome: Option<String>,
    #[schema(format = DateTime)]
    from: Option<String>,
    #[schema(format = DateTime)]
    to: Option<String>,
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    after: Option<String>,
}

fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    text.map(|text| parse_time(field, text)).transpose()
}

fn outcome(text: Option<&str>) -> Result<Option<Outcome>, Refusal> {
    word("outcome", text, Outcome::from_key, "done, refused or failed")
}

fn filter(query: &AuditQuery, account: Option<AccountId>) -> Result<AuditFilter, Refusal> {
    let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
    Ok(AuditFilter {
        account,
        action: query.action.clone(),
        resource: id("resource", query.resource.clone())?,
        outcome: outcome(query.outcome.as_deref())?,
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
        before: query.after.as_ref().map(|text| text.parse().map_err(|_| wrong())).transpose()?,
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
    let account = match id("actor", query.actor.clone())? {
        None => None,
        Some(actor) => Some(app.audited_account(&permit, actor).await?),
    };
    let (filter, workspace) = (filter(&query, account)?, permit.workspace());
    if accepts(&headers, "application/x-ndjson") {
        // The lease first: a right that ends while the export is opened ends this too.
        let lease = frame.leases.follow::<may::ReadAudit>(asked).await?;
        let records = app.export_audit(permit, filter);
        let frames = records.map(move |record| stream::frame(None, &AuditView::in_chain(record?, workspace)));
        return Ok(Listed::Lines(Streamed::new(stream::answer(Form::Lines, lease, frames))));
    }
    let wanted = limit(query.limit)?;
    let found = app.list_audit(permit, &filter, wanted + 1).await?;
    let view = |record| AuditView::in_chain(record, workspace);
    Ok(Listed::Page(Object::ok(page(found, wanted, |one| one.seq.to_string(), view))))
}

async fn mine(
    May(permit): May<may::ReadOwnAudit>,
    Uses(app): Uses,
    Query(query): Query<OwnAuditQuery>,
) -> Answer<Object<Page<AuditView>>> {
    let wanted = limit(query.limit)?;
    let after = query.after.map(|text| {
        text.parse().map_err(|_| Refusal::invalid("after", "invalid", "This isn't a cursor of this list."))
    });
    let filter = AuditFilter {
        action: query.action,
        outcome: outcome(query.outcome.as_deref())?,
        from: moment("from", query.from.as_deref())?,
        to: moment("to", query.to.as_deref())?,
        ..AuditFilter::default()
    };
    let found = app.list_own_audit(permit, filter, after.transpose()?, wanted + 1).await?;
    Ok(Object::ok(page(found, wanted, |one| one.id.to_string(), AuditView::of)))
}
