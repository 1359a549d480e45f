//! Logs: read, followed, outlined and downloaded, each under a lease.

mod wanted;

use futures_util::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, header};
use serde::Serialize;
use stoa_app::ports::{LogLine, LogStretch};
use stoa_domain::permission::instance::ReadLogs;
use utoipa::ToSchema;

pub(super) use self::wanted::position;
use self::wanted::{DownloadQuery, LogsQuery, OutlineQuery};
use super::wire::time;
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Headers, Query};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/logs",
            read,
            Operation::new(
                "readLogs",
                200,
                "Lines of one of an instance's logs, or of a deployment's, and those that follow.",
            )
            .refuses(&["server_away", "too_many_requests"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/logs/outline",
            outline,
            Operation::new(
                "outlineLogs",
                200,
                "What a log holds, in stretches of a thousand lines, and where a text is in it: by it the lines of a log \
                 that is too long to be held are found.",
            )
            .refuses(&["server_away", "too_many_requests"]),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/logs/download",
            download,
            Operation::new(
                "downloadLogs",
                200,
                "All lines of a log that fit, as a file. It breaks off when the right to it ends.",
            )
            .refuses(&["server_away", "too_many_requests"]),
        )
}

/// One line of a log, without the instance's secrets. Of escape sequences it holds colours alone.
#[derive(Serialize, ToSchema)]
struct LineView {
    position: String,
    #[schema(format = DateTime)]
    at: String,
    stream: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<words::LogLevel>)]
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

    fn as_text(&self) -> String {
        let Self { at, stream, level, text, .. } = self;
        format!("{at} {} {stream} {text}", level.as_deref().unwrap_or("-"))
    }
}

/// How many lines there are of each level, whatever levels are wanted.
#[derive(Serialize, ToSchema)]
struct LevelCounts {
    error: u64,
    warn: u64,
    info: u64,
    debug: u64,
}

/// Lines of a log that follow each other.
#[derive(Serialize, ToSchema)]
struct StretchView {
    /// Of its first line that fits: those of the stretch are read with `from` this and a `limit` of `lines`.
    position: String,
    /// When its first line was written.
    #[schema(format = DateTime)]
    at: String,
    /// When its last line was.
    #[schema(format = DateTime)]
    until: String,
    /// How many fit.
    lines: u64,
    levels: LevelCounts,
    /// Which of those that fit hold what is to be found, from 0. 100,000 are told; what is beyond is only counted.
    found: Vec<u32>,
    /// How many of those that fit hold it.
    hits: u64,
}

impl StretchView {
    fn of(stretch: LogStretch) -> Self {
        let [error, warn, info, debug] = stretch.levels;
        Self {
            position: stretch.position,
            at: time(stretch.at),
            until: time(stretch.until),
            lines: stretch.lines,
            levels: LevelCounts { error, warn, info, debug },
            found: stretch.found,
            hits: stretch.hits,
        }
    }
}

impl Frames for StretchView {
    const CONTENT_TYPES: &'static [&'static str] = &["application/x-ndjson"];
    const RESUMES: bool = false;
}

/// A line in a file: as JSON, or as text that begins with its time, level and stream.
struct LineOfFile;

impl utoipa::PartialSchema for LineOfFile {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl ToSchema for LineOfFile {}

impl Frames for LineOfFile {
    const CONTENT_TYPES: &'static [&'static str] = &["text/plain", "application/x-ndjson"];
    const RESUMES: bool = false;
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
    let lines = frame.app.read_logs(permit, query.wanted()?).await?;
    let frames = lines.map(|line| {
        let line = line?;
        stream::frame(Some(line.position.clone()), &LineView::of(line))
    });
    let form = if events && follow { Form::Events } else { Form::Lines };
    Ok(Streamed::new(stream::answer_in_pieces(form, lease, frames)))
}

async fn outline(
    May(permit): May<ReadLogs>,
    Around(frame): Around,
    Again(asked): Again,
    Query(query): Query<OutlineQuery>,
) -> Answer<Streamed<StretchView>> {
    let lease = frame.leases.follow::<ReadLogs>(asked).await?;
    let (wanted, find) = query.wanted()?;
    let stretches = frame.app.outline_logs(permit, wanted, find).await?;
    let frames = stretches.map(|stretch| stream::frame(None, &StretchView::of(stretch?)));
    Ok(Streamed::new(stream::answer_in_pieces(Form::Lines, lease, frames)))
}

async fn download(
    May(permit): May<ReadLogs>,
    Around(frame): Around,
    Again(asked): Again,
    Query(query): Query<DownloadQuery>,
) -> Answer<Streamed<LineOfFile>> {
    let lease = frame.leases.follow::<ReadLogs>(asked).await?;
    let (form, wanted) = (query.form()?, query.wanted()?);
    let name = match (&wanted.deployment, wanted.source) {
        (Some(_), _) => "deployment-log",
        (None, stoa_app::ports::LogSource::Application) => "application-log",
        (None, stoa_app::ports::LogSource::Init) => "init-log",
        (None, stoa_app::ports::LogSource::Proxy) => "proxy-log",
    };
    let lines = frame.app.download_logs(permit, wanted).await?;
    let frames = lines.map(move |line| {
        let line = LineView::of(line?);
        match form {
            Form::Text => Ok(stream::text(line.as_text())),
            _ => stream::frame(None, &line),
        }
    });
    let mut response = stream::answer_in_pieces(form, lease, frames);
    let ending = if form == Form::Text { "txt" } else { "ndjson" };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}.{ending}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Whatever is in it, no browser takes it for a page.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    Ok(Streamed::new(response))
}
