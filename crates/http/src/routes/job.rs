//! Jobs: work that goes on after its answer.

use serde::Deserialize;
use stoa_app::job::JobFilter;
use stoa_domain::InstanceId;
use stoa_domain::job::JobStatus;
use stoa_domain::permission::job as may;
use utoipa::ToSchema;

use super::shared::{JobView, id, word};
use super::wire::{limit, page};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/jobs/{job}";
    routes
        .get(
            "/api/v1/workspaces/{workspace}/jobs",
            list,
            Operation::new("listJobs", 200, "Jobs of the instances that the caller sees, newest first."),
        )
        .get(ONE, view, Operation::new("viewJob", 200, "A job, and how it stands."))
        .post(
            "/api/v1/workspaces/{workspace}/jobs/{job}/cancel",
            cancel,
            Operation::new("cancelJob", 200, "Cancels a job that waits or runs.").refuses(&["conflict"]),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JobsQuery {
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    after: Option<String>,
    #[schema(value_type = Option<words::JobStatus>)]
    status: Option<String>,
    /// Its slug or its id.
    instance: Option<String>,
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<JobsQuery>,
) -> Answer<Object<Page<JobView>>> {
    const STATUSES: &str = "queued, running, succeeded, failed or cancelled";
    let length = limit(query.limit)?;
    let instance =
        app.named_in_query(permit.workspace(), "instance", query.instance, InstanceId::new).await?;
    let filter = JobFilter {
        status: word("status", query.status.as_deref(), JobStatus::from_key, STATUSES)?,
        instance,
        before: id("after", query.after)?,
        limit: length + 1,
    };
    let found = app.list_jobs(permit, &filter).await?;
    Ok(Object::ok(page(found, length, |seen| seen.job.id.to_string(), JobView::of)))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<JobView>> {
    Ok(Object::ok(JobView::of(app.view_job(permit).await?)))
}

async fn cancel(May(permit): May<may::Cancel>, Uses(app): Uses) -> Answer<Object<JobView>> {
    Ok(Object::ok(JobView::of(app.cancel_job(permit).await?)))
}
