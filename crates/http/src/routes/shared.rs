//! Forms that servers, projects and instances share.

use std::collections::BTreeMap;

use serde::Serialize;
use stoa_app::Page as Wanted;
use stoa_app::abilities::{Abilities, Verb};
use stoa_app::instance::Named;
use stoa_app::job::SeenJob;
use stoa_domain::Refusal;
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire::{ListQuery, after, limit, time};
use crate::openapi::words;
use crate::problem::tell;

/// Why something that is allowed can't be done now.
#[derive(Serialize, ToSchema)]
pub(super) struct Blocked {
    #[schema(value_type = words::ProblemCode)]
    pub code: &'static str,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub until: Option<String>,
}

/// What a caller may do to one thing, and what of it the state forbids now.
pub(super) type May = (Vec<&'static str>, BTreeMap<&'static str, Blocked>);

pub(super) fn abilities(abilities: Abilities) -> May {
    let blocked = |(verb, refusal): (Verb, Refusal)| {
        let told = tell(&refusal);
        (verb.key(), Blocked { code: told.code, detail: told.detail, until: None })
    };
    (abilities.may.into_iter().map(Verb::key).collect(), abilities.blocked.into_iter().map(blocked).collect())
}

/// Whether an account can be signed in to, in the API's word.
pub(super) const fn account_status(is_active: bool) -> &'static str {
    if is_active { "active" } else { "disabled" }
}

/// Something that another object names.
#[derive(Serialize, ToSchema)]
pub(super) struct NamedView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
}

impl NamedView {
    pub(super) fn of<I: std::fmt::Display>(named: Named<I>) -> Self {
        Self { id: named.id.to_string(), slug: named.slug, name: named.name }
    }
}

/// What went wrong with a job. `detail` may quote a log: it stands here for whoever may read it.
#[derive(Serialize, ToSchema)]
pub(super) struct JobError {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Work that goes on after its answer.
#[derive(Serialize, ToSchema)]
pub(super) struct JobView {
    #[schema(format = "uuid")]
    pub id: String,
    #[schema(value_type = words::JobKind)]
    kind: &'static str,
    #[schema(format = "uuid")]
    instance: Option<String>,
    #[schema(value_type = words::JobStatus)]
    status: &'static str,
    step: String,
    #[schema(minimum = 0, maximum = 100)]
    progress: Option<i64>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    error: Option<JobError>,
}

impl JobView {
    pub(super) fn of(seen: SeenJob) -> Self {
        let job = seen.job;
        Self {
            id: job.id.to_string(),
            kind: job.kind.key(),
            instance: job.instance.map(|id| id.to_string()),
            status: job.status.key(),
            step: job.step,
            progress: job.progress,
            created_at: time(job.created_at),
            ended_at: job.ended_at.map(time),
            error: job.error_code.map(|code| JobError { code, detail: job.detail }),
        }
    }
}

/// What a list by name is asked, with one item more than wanted: it only says that the list goes on.
///
/// # Errors
/// `Invalid`.
pub(super) fn wanted(query: ListQuery) -> Result<(i64, Wanted), Refusal> {
    let length = limit(query.limit)?;
    let after = match query.after.as_deref() {
        None => None,
        some => Some(after::<Uuid>(some, Uuid::nil())?),
    };
    let search = query.q.filter(|search| !search.trim().is_empty());
    Ok((length, Wanted { limit: length + 1, after, search }))
}

/// An id in a query.
///
/// # Errors
/// `Invalid`, naming the field.
pub(super) fn id<I: std::str::FromStr>(field: &str, text: Option<String>) -> Result<Option<I>, Refusal> {
    text.map(|text| text.parse().map_err(|_| Refusal::invalid(field, "invalid", "This isn't an id.")))
        .transpose()
}

/// A word of a closed set, in a query or a body.
///
/// # Errors
/// `Invalid`, naming the field.
pub(super) fn word<T>(
    field: &str,
    text: Option<&str>,
    from_key: fn(&str) -> Option<T>,
    allowed: &str,
) -> Result<Option<T>, Refusal> {
    let wrong = || Refusal::invalid(field, "unknown", format!("This has to be {allowed}."));
    text.map(|text| from_key(text).ok_or_else(wrong)).transpose()
}
