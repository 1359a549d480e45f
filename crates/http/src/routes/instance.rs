//! Instances: seen, made, changed, and acted on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::instance::act::DeleteInstance;
use stoa_app::instance::create::CreateInstance;
use stoa_app::instance::deploy::DeployInstance;
use stoa_app::instance::{Accepted, ChangeInstance, InstanceFilter, SeenInstance};
use stoa_domain::instance::{InstanceStatus, RestartMode, Stage, Visibility};
use stoa_domain::permission::instance as may;
use stoa_domain::{ProjectId, Refusal, ServerId};
use utoipa::ToSchema;

use super::environment::VariableWish;
use super::shared::{Blocked, JobView, NamedView, abilities, wanted, word};
use super::wire::{ListQuery, cursor, page, time};
use crate::answer::{Answer, Object, Page};
use crate::argument::{AnyJson, IfMatch, Json, Query, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

const STAGES: &str = "production, staging or development";
pub(super) const VISIBILITIES: &str = "public or members";

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/instances";
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}";
    const BUSY: [&str; 2] = ["conflict", "instance_busy"];
    let new = json!({
        "name": "{unique}", "project": "{project}", "server": "{server}", "stage": "staging", "branch": "main",
    });
    routes
        .get(ALL, list, Operation::new("listInstances", 200, "Instances that the caller sees, by name."))
        .post(
            ALL,
            create,
            Operation::new(
                "createInstance",
                202,
                "Makes an instance, which begins with deploying its branch.",
            )
            .body(new)
            .tagged()
            .refuses(&["conflict", "no_sandbox", "server_away", "slug_taken"]),
        )
        .get(ONE, view, Operation::new("viewInstance", 200, "An instance.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changeInstance", 200, "Changes an instance's name, visibility or protection.")
                .body(json!({ "visibility": "members" }))
                .tagged(),
        )
        .delete(
            ONE,
            delete,
            Operation::new("deleteInstance", 202, "Deletes an instance with everything that it has.")
                .tagged()
                .body(json!({ "confirm": "{instance_name}" }))
                .refuses(&BUSY)
                .refuses(&["owner_required", "production_protected", "server_away"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/restart",
            restart,
            Operation::new("restartInstance", 202, "Restarts an instance.")
                .tagged()
                .body(json!({ "mode": "soft" }))
                .refuses(&BUSY)
                .refuses(&["no_sandbox", "server_away"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/start",
            start,
            Operation::new("startInstance", 202, "Starts an instance that is stopped.")
                .tagged()
                .body(json!({}))
                // The sample's instance runs.
                .meets(409)
                .refuses(&BUSY)
                .refuses(&["no_sandbox", "server_away"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/stop",
            stop,
            Operation::new("stopInstance", 202, "Stops an instance that runs.")
                .tagged()
                .body(json!({}))
                .refuses(&BUSY)
                .refuses(&["server_away"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/deploy",
            deploy,
            Operation::new("deployInstance", 202, "Deploys a commit, or goes back to an earlier release.")
                .tagged()
                .body(json!({}))
                .refuses(&BUSY)
                .refuses(&["no_sandbox", "server_away"]),
        )
}

/// An instance as the caller sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct InstanceView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    project: NamedView,
    /// `null` where the caller isn't allowed it.
    server: Option<NamedView>,
    #[schema(value_type = words::Stage)]
    stage: &'static str,
    #[schema(value_type = words::InstanceStatus)]
    status: &'static str,
    /// Its server isn't reached: `status` is the last one that is known.
    is_server_away: bool,
    /// Why it failed, or nothing of it runs although it is to, in one sentence.
    reason: Option<String>,
    branch: String,
    /// The commit that it runs.
    commit: Option<String>,
    url: Option<String>,
    #[schema(value_type = words::InstanceVisibility)]
    visibility: &'static str,
    is_protected: bool,
    /// Its data came from production, and it isn't: no mail goes out.
    is_mail_off: bool,
    /// The data of the backup that it is made of hasn't come yet, and nothing brings it: it waits for a restore.
    lacks_data: bool,
    /// The backup that it was made of, for whoever may see the instance of that. It may be deleted by now.
    #[schema(format = "uuid")]
    made_of: Option<String>,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: BTreeMap<&'static str, Blocked>,
    /// The one that runs, else the one that waits.
    job: Option<JobView>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl InstanceView {
    fn of(seen: SeenInstance) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        let instance = seen.instance;
        Self {
            id: instance.id.to_string(),
            slug: instance.slug,
            name: instance.name,
            project: NamedView::of(instance.project),
            server: instance.server.map(NamedView::of),
            stage: instance.stage.key(),
            status: instance.status.key(),
            is_server_away: seen.is_server_away,
            reason: instance.reason,
            branch: instance.branch,
            commit: instance.commit,
            url: seen.url,
            visibility: instance.visibility.key(),
            is_protected: instance.is_protected,
            is_mail_off: instance.is_mail_off,
            lacks_data: instance.state.lacks_its_data,
            made_of: instance.made_of.map(|backup| backup.to_string()),
            may,
            blocked,
            job: seen.job.map(JobView::of),
            created_at: time(instance.created_at),
        }
    }
}

impl Revised for SeenInstance {
    type Revision = i64;

    fn tag(&self) -> Result<String, stoa_app::Failure> {
        let instance = &self.instance;
        etag(&(instance.id.to_string(), &instance.name, instance.visibility.key(), instance.is_protected))
    }

    fn revision(self) -> i64 {
        self.instance.revision
    }
}

fn answer(seen: SeenInstance) -> Answer<Object<InstanceView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(InstanceView::of(seen)).tagged(tag))
}

/// Where a job is followed.
pub(super) fn job_place(workspace: stoa_domain::WorkspaceId, job: &JobView) -> String {
    format!("/api/v1/workspaces/{workspace}/jobs/{}", job.id)
}

/// What was begun: the instance, with its job, and where to follow that.
pub(super) fn accepted(begun: Accepted, workspace: stoa_domain::WorkspaceId) -> Answer<Object<InstanceView>> {
    let job = JobView::of(begun.job);
    let place = job_place(workspace, &job);
    let tag = begun.instance.tag()?;
    let view = InstanceView { job: Some(job), ..InstanceView::of(begun.instance) };
    Ok(Object::accepted(view, &place).tagged(tag))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstancesQuery {
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    after: Option<String>,
    q: Option<String>,
    /// Its slug or its id.
    project: Option<String>,
    /// Its slug or its id.
    server: Option<String>,
    #[schema(value_type = Option<words::Stage>)]
    stage: Option<String>,
    #[schema(value_type = Option<words::InstanceStatus>)]
    status: Option<String>,
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<InstancesQuery>,
) -> Answer<Object<Page<InstanceView>>> {
    let InstancesQuery { limit, after, q, project, server, stage, status } = query;
    let (length, wanted) = wanted(ListQuery { limit, after, q })?;
    let workspace = permit.workspace();
    let filter = InstanceFilter {
        project: app.named_in_query(workspace, "project", project, ProjectId::new).await?,
        server: app.named_in_query(workspace, "server", server, ServerId::new).await?,
        stage: word("stage", stage.as_deref(), Stage::from_key, STAGES)?,
        status: word("status", status.as_deref(), InstanceStatus::from_key, "a status of instances")?,
    };
    let found = app.list_instances(permit, &filter, &wanted).await?;
    Ok(Object::ok(page(
        found,
        length,
        |seen| cursor(&seen.instance.name, seen.instance.id),
        InstanceView::of,
    )))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInstance {
    name: String,
    project: String,
    server: String,
    #[schema(value_type = words::Stage)]
    stage: String,
    branch: String,
    #[serde(default)]
    environment: Vec<VariableWish>,
    /// `public` where nothing is said, but `members` for one that is made of a backup.
    #[schema(value_type = Option<words::InstanceVisibility>)]
    visibility: Option<String>,
    /// The backup whose data, database and commit it begins with.
    #[schema(format = "uuid")]
    from_backup: Option<String>,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Json(wish): Json<NewInstance>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let stage = Stage::from_key(&wish.stage)
        .ok_or_else(|| Refusal::invalid("stage", "unknown", format!("This has to be {STAGES}.")))?;
    let wish = CreateInstance {
        name: wish.name,
        project: wish.project,
        server: wish.server,
        stage,
        branch: wish.branch,
        environment: wish.environment.into_iter().map(VariableWish::wanted).collect(),
        visibility: word("visibility", wish.visibility.as_deref(), Visibility::from_key, VISIBILITIES)?,
        from_backup: wish.from_backup,
    };
    accepted(app.create_instance(permit, wish).await?, workspace)
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<InstanceView>> {
    answer(app.view_instance(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstanceChange {
    name: Option<String>,
    is_protected: Option<bool>,
    #[schema(value_type = Option<words::InstanceVisibility>)]
    visibility: Option<String>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<InstanceChange>,
) -> Answer<Object<InstanceView>> {
    let expected_revision = expected(wanted, app.load_instance_for_change(&permit)).await?;
    let visibility = word("visibility", wish.visibility.as_deref(), Visibility::from_key, VISIBILITIES)?;
    let InstanceChange { name, is_protected, .. } = wish;
    answer(
        app.change_instance(permit, ChangeInstance { name, visibility, is_protected, expected_revision })
            .await?,
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstanceDeletion {
    /// Its name, typed again.
    confirm: String,
    /// Whether work that goes on is cancelled first.
    #[serde(default)]
    cancel: bool,
    /// Whether a last backup is made first, where anything was deployed. Where that fails, nothing is deleted.
    #[serde(default)]
    backup: bool,
}

async fn delete(
    May(permit): May<may::Delete>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<InstanceDeletion>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let expected_revision = expected(wanted, app.load_instance_for_change(&permit)).await?;
    let InstanceDeletion { confirm, cancel, backup } = wish;
    let wish = DeleteInstance { confirm, cancel, backup, expected_revision };
    accepted(app.delete_instance(permit, wish).await?, workspace)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestartInstance {
    /// `soft` or `hard`.
    #[schema(value_type = words::RestartMode)]
    mode: String,
}

async fn restart(
    May(permit): May<may::Restart>,
    Uses(app): Uses,
    Json(wish): Json<RestartInstance>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let mode = RestartMode::from_key(&wish.mode)
        .ok_or_else(|| Refusal::invalid("mode", "unknown", "This has to be soft or hard."))?;
    accepted(app.restart_instance(permit, mode).await?, workspace)
}

/// Nothing to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn start(
    May(permit): May<may::Start>,
    Uses(app): Uses,
    AnyJson(Nothing {}): AnyJson<Nothing>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    accepted(app.start_instance(permit).await?, workspace)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StopInstance {
    /// Whether work that goes on is cancelled first.
    #[serde(default)]
    cancel: bool,
}

async fn stop(
    May(permit): May<may::Stop>,
    Uses(app): Uses,
    AnyJson(wish): AnyJson<StopInstance>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    accepted(app.stop_instance(permit, wish.cancel).await?, workspace)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeployRelease {
    /// The branch's newest where it isn't said.
    commit: Option<String>,
    /// A release that was kept, to go back to.
    #[schema(format = "uuid")]
    release: Option<String>,
}

async fn deploy(
    May(permit): May<may::Deploy>,
    Uses(app): Uses,
    AnyJson(wish): AnyJson<DeployRelease>,
) -> Answer<Object<InstanceView>> {
    let workspace = permit.workspace();
    let DeployRelease { commit, release } = wish;
    accepted(app.deploy_instance(permit, DeployInstance { commit, release }).await?, workspace)
}
