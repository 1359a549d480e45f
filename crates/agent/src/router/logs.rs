//! `/v1/instances/{id}/logs`.

use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::StatusCode;
use stoa_domain::InstanceId;

use super::ask::{Asked, Id, Told};
use super::stream::Leased;
use crate::logs::{self, Level, Levels, Of, Query};
use crate::machine::Agent;
use crate::machine::logs::Source;
use crate::protocol::{Code, LineView, LogQuery, Problem, StretchView, TellSecrets};

/// Bytes of a text that is looked for.
const LONGEST: usize = 4096;

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::Invalid, detail)
}

fn source(asked: Option<&str>) -> Result<Source, Problem> {
    match asked {
        None => Ok(Source::Application),
        Some("init") => Ok(Source::Init),
        Some("proxy") => Ok(Source::Proxy),
        Some(id) => {
            let refused = |_| invalid("A source is the id of a deployment, `init` or `proxy`.");
            id.parse().map(Source::Deployment).map_err(refused)
        }
    }
}

fn levels(asked: Option<&str>) -> Result<Levels, Problem> {
    let Some(asked) = asked else { return Ok(Levels::default()) };
    let known = asked.split(',').map(Level::parse).collect::<Option<Vec<_>>>();
    known.map(Levels::only).ok_or_else(|| invalid("Levels are error, warn, info and debug."))
}

/// The log, and what is asked of it.
fn wanted(
    agent: &Agent,
    instance: InstanceId,
    asked: LogQuery,
) -> Result<(std::path::PathBuf, Query), Problem> {
    let source = source(asked.source.as_deref())?;
    if let Some(revision) = asked.secrets {
        agent.has_secrets(instance, revision)?;
    }
    if [&asked.query, &asked.find].into_iter().flatten().any(|text| text.len() > LONGEST) {
        return Err(invalid("A text that is looked for has 4,096 bytes at most."));
    }
    let query = Query {
        text: asked.query,
        since: asked.from,
        until: asked.to,
        levels: levels(asked.levels.as_deref())?,
        of: if source == Source::Init { Of::Stoa } else { Of::All },
        sandbox: None,
        after: asked.after,
        before: asked.before,
        begin: asked.begin,
        end: asked.end,
        limit: asked.limit,
        follow: asked.follow,
        look: agent.look(instance, &source),
    };
    Ok((agent.log_folder(instance, &source), query))
}

fn unreadable(error: &std::io::Error) -> Problem {
    Problem::new(Code::Failed, format!("The log can't be read: {error}."))
}

/// Told, and nothing is begun by it: it needs no order.
pub(super) async fn tell_secrets(
    Id(instance): Id<InstanceId>,
    State(agent): State<Agent>,
    Told(told): Told<TellSecrets>,
) -> StatusCode {
    let secrets = told.secrets.into_iter().map(|secret| secret.0).collect();
    agent.tell_secrets(instance, told.revision, secrets, told.anew).await;
    StatusCode::NO_CONTENT
}

/// The lines that fit. A log that isn't there yet is an empty one: it may be followed before its first line, and
/// before the machine was told of its instance.
pub(super) async fn read(
    Id(instance): Id<InstanceId>,
    Asked(asked): Asked<LogQuery>,
    State(agent): State<Agent>,
    leased: Leased,
) -> Result<Response, Problem> {
    let (folder, query) = wanted(&agent, instance, asked)?;
    let lines = logs::read(folder, query);
    Ok(leased.answer(lines.map(|line| {
        line.map(|line| LineView {
            position: line.position,
            at: line.at,
            stream: line.stream,
            level: line.level.key().to_owned(),
            text: line.text,
        })
        .map_err(|error| unreadable(&error))
    })))
}

/// How many lines of which level stand where.
pub(super) async fn outline(
    Id(instance): Id<InstanceId>,
    Asked(mut asked): Asked<LogQuery>,
    State(agent): State<Agent>,
    leased: Leased,
) -> Result<Response, Problem> {
    let find = asked.find.take();
    let (folder, query) = wanted(&agent, instance, asked)?;
    let stretches = logs::outline(folder, query, find);
    Ok(leased.answer(stretches.map(|stretch| {
        stretch
            .map(|stretch| StretchView {
                position: stretch.position,
                at: stretch.at,
                until: stretch.until,
                lines: stretch.lines,
                levels: stretch.levels,
                found: stretch.found,
                hits: stretch.hits,
            })
            .map_err(|error| unreadable(&error))
    })))
}
