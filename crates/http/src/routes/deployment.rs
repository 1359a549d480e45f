//! Deployments of an instance, numbered within it.

use serde::{Deserialize, Serialize};
use stoa_app::instance::DeploymentRecord;
use stoa_domain::Refusal;
use stoa_domain::permission::instance as may;
use utoipa::ToSchema;

use super::shared::JobView;
use super::wire::{limit, page, time};
use crate::answer::{Answer, Object, Page};
use crate::argument::{Query, Uses};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/deployments";
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/deployments/{deployment}";
    routes
        .get(ALL, list, Operation::new("listDeployments", 200, "An instance's deployments, newest first."))
        .get(ONE, view, Operation::new("viewDeployment", 200, "A deployment."))
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/deployments/{deployment}/cancel",
            cancel,
            Operation::new("cancelDeployment", 200, "Cancels a deployment that waits or runs.")
                // The sample's deployment is over.
                .meets(409)
                .refuses(&["conflict"]),
        )
}

#[derive(Serialize, ToSchema)]
struct StartedBy {
    name: String,
}

#[derive(Serialize, ToSchema)]
struct DeploymentView {
    #[schema(format = "uuid")]
    id: String,
    number: i64,
    commit: String,
    branch: String,
    /// `push`, `deploy`, …: what it came of.
    #[schema(value_type = words::Cause)]
    cause: &'static str,
    started_by: Option<StartedBy>,
    #[schema(value_type = words::Outcome)]
    status: &'static str,
    step: String,
    /// Why it failed, in one sentence.
    reason: Option<String>,
    /// What the log said there.
    quote: Option<String>,
    #[schema(format = "uuid")]
    job: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// What came of it, while it is kept: to go back to.
    #[schema(format = "uuid")]
    release: Option<String>,
    /// Whether it brought what the instance runs: after going back, the one that went back.
    is_current: bool,
    /// Whether one can go back to what came of it: it is kept, and isn't what runs.
    can_go_back: bool,
}

impl DeploymentView {
    fn of(deployment: DeploymentRecord) -> Self {
        Self {
            id: deployment.id.to_string(),
            number: deployment.number,
            commit: deployment.commit,
            branch: deployment.branch,
            cause: deployment.cause.key(),
            started_by: deployment.account_name.map(|name| StartedBy { name }),
            status: deployment.status.key(),
            step: deployment.step,
            reason: deployment.reason,
            quote: deployment.reason_quote,
            job: deployment.job.to_string(),
            created_at: time(deployment.created_at),
            started_at: deployment.started_at.map(time),
            ended_at: deployment.ended_at.map(time),
            release: deployment.release.map(|id| id.to_string()),
            is_current: deployment.is_current,
            can_go_back: deployment.can_go_back,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeploymentsQuery {
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
}

async fn list(
    May(permit): May<may::ListDeployments>,
    Uses(app): Uses,
    Query(query): Query<DeploymentsQuery>,
) -> Answer<Object<Page<DeploymentView>>> {
    let wrong = || Refusal::invalid("after", "invalid", "This isn't a cursor of this list.");
    let length = limit(query.limit)?;
    let before = query.after.map(|after| after.parse().map_err(|_| wrong())).transpose()?;
    let found = app.list_deployments(permit, before, length + 1).await?;
    Ok(Object::ok(page(found, length, |deployment| deployment.number.to_string(), DeploymentView::of)))
}

async fn view(May(permit): May<may::ViewDeployment>, Uses(app): Uses) -> Answer<Object<DeploymentView>> {
    Ok(Object::ok(DeploymentView::of(app.view_deployment(permit).await?)))
}

async fn cancel(May(permit): May<may::CancelDeployment>, Uses(app): Uses) -> Answer<Object<JobView>> {
    Ok(Object::ok(JobView::of(app.cancel_deployment(permit).await?)))
}
