//! Logs, read and followed under a lease.

use futures_util::StreamExt as _;
use http::header::ACCEPT;
use serde::{Deserialize, Serialize};
use stoa_app::ports::{LogLine, LogQuery};
use stoa_domain::Refusal;
use stoa_domain::permission::instance::ReadLogs;
use utoipa::ToSchema;

use super::shared::id;
use super::wire::{parse_time, time};
use crate::answer::{Answer, Raw};
use crate::argument::{Again, Around, Headers, Query};
use crate::gate::May;
use crate::router::{Routes, Sample};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/api/v1/workspaces/{workspace}/instances/{instance}/logs", read, Sample::status(200))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogsQuery {
    /// `app` or `deployment`.
    source: Option<String>,
    /// Which deployment's.
    deployment: Option<String>,
    /// Whether lines are sent as they come.
    #[serde(default)]
    follow: bool,
    q: Option<String>,
    since: Option<String>,
    until: Option<String>,
    /// A line's `position`: go on behind it.
    after: Option<String>,
    /// Newest lines, or with `after` or `since` the first of them.
    limit: Option<usize>,
}

#[derive(Serialize)]
struct LineView {
    position: String,
    at: String,
    stream: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    text: String,
}

impl LineView {
    fn of(line: LogLine) -> Self {
        Self {
            position: line.position,
            at: time(line.at),
            stream: line.stream,
            level: line.level,
            text: line.text,
        }
    }
}

fn wanted(query: LogsQuery) -> Result<LogQuery, Refusal> {
    let deployment = id("deployment", query.deployment)?;
    match (query.source.as_deref(), &deployment) {
        (None | Some("app"), None) | (None | Some("deployment"), Some(_)) => {}
        (Some("deployment"), None) => {
            return Err(Refusal::invalid("deployment", "missing", "Say which deployment's log."));
        }
        (Some("app"), Some(_)) => {
            return Err(Refusal::invalid(
                "deployment",
                "invalid",
                "The application's log isn't a deployment's.",
            ));
        }
        (Some(_), _) => {
            return Err(Refusal::invalid("source", "unknown", "This has to be app or deployment."));
        }
    }
    if query.limit.is_some_and(|limit| !(1..=10_000).contains(&limit)) {
        return Err(Refusal::invalid("limit", "out_of_range", "An answer has 1 to 10,000 lines."));
    }
    Ok(LogQuery {
        deployment,
        query: query.q.filter(|text| !text.is_empty()),
        since: query.since.map(|text| parse_time("since", &text)).transpose()?,
        until: query.until.map(|text| parse_time("until", &text)).transpose()?,
        after: query.after,
        limit: query.limit,
        follow: query.follow,
    })
}

async fn read(
    May(permit): May<ReadLogs>,
    Around(frame): Around,
    Again(asked): Again,
    Headers(headers): Headers,
    Query(query): Query<LogsQuery>,
) -> Answer<Raw> {
    let follow = query.follow;
    let events = headers
        .get(ACCEPT)
        .is_some_and(|value| value.to_str().is_ok_and(|v| v.contains("text/event-stream")));
    // The lease first: a right that ends while the log is opened ends this too.
    let lease = frame.leases.hold::<ReadLogs>(asked);
    let lines = frame.app.read_logs(permit, wanted(query)?).await?;
    let frames = lines.map(|line| {
        let line = line?;
        stream::frame(Some(line.position.clone()), &LineView::of(line))
    });
    let form = if events && follow { Form::Events } else { Form::Lines };
    Ok(Raw(stream::answer(form, lease, frames)))
}
