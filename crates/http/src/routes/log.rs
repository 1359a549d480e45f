//! Logs, read and followed under a lease.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use stoa_app::ports::{LogLine, LogQuery};
use stoa_domain::Refusal;
use stoa_domain::permission::instance::ReadLogs;
use utoipa::ToSchema;

use super::shared::id;
use super::wire::{parse_time, time};
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Headers, Query};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/api/v1/workspaces/{workspace}/instances/{instance}/logs",
        read,
        Operation::new(
            "readLogs",
            200,
            "Lines of an instance's log, or of a deployment's, and those that follow.",
        )
        .refuses(&["too_many_requests"]),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogsQuery {
    /// `app` or `deployment`.
    #[schema(value_type = Option<words::LogSource>)]
    source: Option<String>,
    /// Which deployment's.
    #[schema(format = "uuid")]
    deployment: Option<String>,
    /// Whether lines are sent as they come.
    #[serde(default)]
    follow: bool,
    q: Option<String>,
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    until: Option<String>,
    /// A line's `position`: go on behind it.
    after: Option<String>,
    /// Newest lines, or with `after` or `since` the first of them.
    #[schema(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// One line of a log.
#[derive(Serialize, ToSchema)]
struct LineView {
    position: String,
    #[schema(format = DateTime)]
    at: String,
    stream: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    level: Option<String>,
    text: String,
}

impl Frames for LineView {
    const CONTENT_TYPES: &'static [&'static str] = &["application/x-ndjson", "text/event-stream"];
    const RESUMES: bool = false;
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
) -> Answer<Streamed<LineView>> {
    let follow = query.follow;
    let events = stream::accepts(&headers, "text/event-stream");
    // The lease first: a right that ends while the log is opened ends this too.
    let lease = frame.leases.follow::<ReadLogs>(asked).await?;
    let lines = frame.app.read_logs(permit, wanted(query)?).await?;
    let frames = lines.map(|line| {
        let line = line?;
        stream::frame(Some(line.position.clone()), &LineView::of(line))
    });
    let form = if events && follow { Form::Events } else { Form::Lines };
    Ok(Streamed::new(stream::answer(form, lease, frames)))
}
