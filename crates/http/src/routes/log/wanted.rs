//! What is asked of a log, checked.

use serde::Deserialize;
use stoa_app::ports::{LogQuery, LogSource};
use stoa_domain::Refusal;
use utoipa::ToSchema;

use super::super::shared::id;
use super::super::wire::parse_time;
use crate::openapi::words;
use crate::stream::Form;

/// Letters of a text that is looked for.
const LONGEST: usize = 1_000;

/// Lines of one answer.
const MOST: usize = 10_000;

const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    /// `app`, `init`, `proxy` or `deployment`.
    #[schema(value_type = Option<words::LogSource>)]
    source: Option<String>,
    /// Which deployment's.
    #[schema(format = "uuid")]
    deployment: Option<String>,
    /// Whether lines are sent as they come.
    #[serde(default)]
    pub follow: bool,
    /// Text that a line has to hold, without regard to case.
    #[schema(max_length = 1000)]
    q: Option<String>,
    /// Levels that are wanted, with commas between.
    #[schema(example = "error,warn")]
    level: Option<String>,
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    until: Option<String>,
    /// A line's `position`: go on behind it.
    after: Option<String>,
    /// A line's `position`: the newest of those before it.
    before: Option<String>,
    /// A line's `position`: begin with it.
    from: Option<String>,
    /// A line's `position`: end with it.
    to: Option<String>,
    /// Newest lines, or with `after`, `from` or `since` the first of them.
    #[schema(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutlineQuery {
    /// `app`, `init`, `proxy` or `deployment`.
    #[schema(value_type = Option<words::LogSource>)]
    source: Option<String>,
    /// Which deployment's.
    #[schema(format = "uuid")]
    deployment: Option<String>,
    /// Text that a line has to hold, without regard to case.
    #[schema(max_length = 1000)]
    q: Option<String>,
    /// Text whose places are told.
    #[schema(max_length = 1000)]
    find: Option<String>,
    /// Levels that are wanted, with commas between.
    #[schema(example = "error,warn")]
    level: Option<String>,
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    until: Option<String>,
    /// A line's `position`: only what is before it.
    before: Option<String>,
    /// A line's `position`: begin with it.
    from: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DownloadQuery {
    /// `app`, `init`, `proxy` or `deployment`.
    #[schema(value_type = Option<words::LogSource>)]
    source: Option<String>,
    /// Which deployment's.
    #[schema(format = "uuid")]
    deployment: Option<String>,
    /// Text that a line has to hold, without regard to case.
    #[schema(max_length = 1000)]
    q: Option<String>,
    /// Levels that are wanted, with commas between.
    #[schema(example = "error,warn")]
    level: Option<String>,
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    until: Option<String>,
    /// A line's `position`: begin with it.
    from: Option<String>,
    /// A line's `position`: end with it.
    to: Option<String>,
    /// `text`, or `ndjson`.
    #[schema(value_type = Option<words::LogForm>)]
    form: Option<String>,
}

impl LogsQuery {
    pub fn wanted(self) -> Result<LogQuery, Refusal> {
        if self.limit.is_some_and(|limit| !(1..=MOST).contains(&limit)) {
            return Err(Refusal::invalid("limit", "out_of_range", "An answer has 1 to 10,000 lines."));
        }
        let begins = [&self.after, &self.before, &self.from].into_iter().flatten().count();
        if begins > 1 {
            let said = "A reading begins at one place: after, before or from.";
            return Err(Refusal::invalid("from", "invalid", said));
        }
        if self.follow && (self.before.is_some() || self.to.is_some()) {
            return Err(Refusal::invalid("follow", "invalid", "What ends at a line isn't followed."));
        }
        let query = checked(self.source, self.deployment, self.q, self.level, self.since, self.until)?;
        Ok(LogQuery {
            after: position("after", self.after)?,
            before: position("before", self.before)?,
            from: position("from", self.from)?,
            to: position("to", self.to)?,
            limit: self.limit,
            follow: self.follow,
            ..query
        })
    }
}

impl OutlineQuery {
    /// And what is to be found.
    pub fn wanted(self) -> Result<(LogQuery, Option<String>), Refusal> {
        let query = checked(self.source, self.deployment, self.q, self.level, self.since, self.until)?;
        let find = sought("find", self.find)?;
        let (before, from) = (position("before", self.before)?, position("from", self.from)?);
        Ok((LogQuery { before, from, ..query }, find))
    }
}

impl DownloadQuery {
    pub fn form(&self) -> Result<Form, Refusal> {
        match self.form.as_deref() {
            None | Some("text") => Ok(Form::Text),
            Some("ndjson") => Ok(Form::Lines),
            Some(_) => Err(Refusal::invalid("form", "unknown", "This has to be text or ndjson.")),
        }
    }

    pub fn wanted(self) -> Result<LogQuery, Refusal> {
        let query = checked(self.source, self.deployment, self.q, self.level, self.since, self.until)?;
        let (from, to) = (position("from", self.from)?, position("to", self.to)?);
        Ok(LogQuery { from, to, ..query })
    }
}

fn checked(
    source: Option<String>,
    deployment: Option<String>,
    q: Option<String>,
    level: Option<String>,
    since: Option<String>,
    until: Option<String>,
) -> Result<LogQuery, Refusal> {
    let deployment = id("deployment", deployment)?;
    let source = match (source.as_deref(), &deployment) {
        (None | Some("app"), None) | (None | Some("deployment"), Some(_)) => LogSource::Application,
        (Some("init"), None) => LogSource::Init,
        (Some("proxy"), None) => LogSource::Proxy,
        (Some("deployment"), None) => {
            return Err(Refusal::invalid("deployment", "missing", "Say which deployment's log."));
        }
        (Some("app" | "init" | "proxy"), Some(_)) => {
            return Err(Refusal::invalid("deployment", "invalid", "This log isn't a deployment's."));
        }
        (Some(_), _) => {
            let said = "This has to be app, init, proxy or deployment.";
            return Err(Refusal::invalid("source", "unknown", said));
        }
    };
    let since = since.map(|text| parse_time("since", &text)).transpose()?;
    let until = until.map(|text| parse_time("until", &text)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(Refusal::invalid("until", "out_of_range", "The end is before the beginning."));
    }
    let levels = level.map(|text| levels(&text)).transpose()?.unwrap_or_default();
    Ok(LogQuery { source, deployment, query: sought("q", q)?, levels, since, until, ..LogQuery::default() })
}

fn levels(text: &str) -> Result<Vec<String>, Refusal> {
    let levels: Vec<String> = text.split(',').map(str::to_owned).collect();
    if levels.len() > LEVELS.len() || !levels.iter().all(|level| LEVELS.contains(&level.as_str())) {
        let said = "Levels are error, warn, info and debug, with commas between.";
        return Err(Refusal::invalid("level", "unknown", said));
    }
    Ok(levels)
}

fn sought(field: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
        let said = "A text that is looked for has 1,000 letters at most.";
        return Err(Refusal::invalid(field, "too_long", said));
    }
    Ok(text.filter(|text| !text.is_empty()))
}

/// Segment and offset, as lines have them: numbers that no log comes near, and which every sum with them can take.
const FARTHEST: u64 = 1_000_000_000_000_000;

pub(in crate::routes) fn position(field: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    let is_number = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u64>().is_ok_and(|number| number <= FARTHEST)
    };
    let is_position =
        |text: &String| text.split_once('-').is_some_and(|(one, two)| is_number(one) && is_number(two));
    match text {
        Some(text) if !is_position(&text) => {
            Err(Refusal::invalid(field, "invalid", "This isn't the position of a line."))
        }
        text => Ok(text),
    }
}
