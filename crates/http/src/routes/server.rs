//! Servers of a workspace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::server::{CreateServer, Join, MachinePlace, SeenServer};
use stoa_domain::permission::server as may;
use stoa_domain::{Refusal, Secret};
use utoipa::ToSchema;

use super::shared::{Blocked, abilities, wanted};
use super::wire::{ListQuery, cursor, page, time};
use crate::answer::{Answer, Done, Object, Page};
use crate::argument::{Again, IfMatch, Json, OwnWord, Query, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::{May, Reason, Webhook};
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::socket::{Socket, Upgraded};

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/servers";
    const ONE: &str = "/api/v1/workspaces/{workspace}/servers/{server}";
    routes
        .get(ALL, list, Operation::new("listServers", 200, "Servers that the caller sees, by name."))
        .post(
            ALL,
            create,
            Operation::new(
                "createServer",
                201,
                "Makes this machine a server of the workspace, or makes the command by which another joins.",
            )
            .body(json!({ "name": "{unique}", "local": true }))
            .tagged()
            .refuses(&["administrator_required", "conflict", "slug_taken"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/servers/{server}/join",
            join,
            Operation::new(
                "renewJoin",
                200,
                "Makes the command by which a machine joins anew. The one before counts no more.",
            )
            // The sample's server has its machine.
            .meets(409)
            .refuses(&["conflict"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/servers/{server}/forget",
            forget,
            Operation::new(
                "forgetServer",
                204,
                "Removes a server whose machine never comes back, with its instances.",
            )
            .body(json!({ "confirm": "Its name" }))
            // The sample's machine is there.
            .meets(409)
            .refuses(&["conflict"]),
        )
        .get(
            "/api/v1/agent",
            link,
            // The tests of all routes have no connection that could be upgraded: there is nobody behind it to be decided on.
            Operation::new("linkAgent", 101, "The link of a server's agent, as a WebSocket.")
                .refuses(&["invalid"])
                .meets(422),
        )
        .get(
            "/internal/agents/{id}",
            between_replicas,
            Operation::new(
                "reachAgent",
                101,
                "What one replica asks of a machine that another reaches, as a WebSocket.",
            )
            .refuses(&["invalid", "not_found"])
            .meets(422),
        )
        .get(ONE, view, Operation::new("viewServer", 200, "A server, with how its machine is.").tagged())
        .patch(
            ONE,
            change,
            Operation::new("changeServer", 200, "Renames a server.")
                .body(json!({ "name": "{unique}" }))
                .tagged(),
        )
        .delete(
            ONE,
            delete,
            Operation::new("deleteServer", 204, "Removes a server that has no instances.")
                .refuses(&["conflict"]),
        )
}

/// Where replicas ask each other for machines, whichever name they do it by.
pub(crate) const INTERNAL: &str = "/internal/agents/";

/// What its machine says of itself.
#[derive(Serialize, ToSchema)]
struct MachineView {
    version: String,
    processors: u32,
    /// Percent, 0 to 100.
    processor_used: f32,
    /// Bytes.
    memory: u64,
    memory_used: u64,
    disk: u64,
    disk_used: u64,
    uptime_seconds: u64,
    /// Why no instance can run there, and what to install.
    no_sandbox: Option<String>,
    /// Why instances there reach nothing outside.
    no_outgoing: Option<String>,
    /// By what limits are enforced.
    limits_by: String,
}

/// What is run on a machine that is to be a server: once, and until then.
#[derive(Serialize, ToSchema)]
struct JoinView {
    command: String,
    token: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

impl JoinView {
    fn of(join: Join) -> Self {
        let text = |secret: &Secret| secret.reveal_text().unwrap_or_default().to_owned();
        Self { command: text(&join.command), token: text(&join.token), expires_at: time(join.expires_at) }
    }
}

#[derive(Serialize, ToSchema)]
struct RenewedJoinView {
    join: JoinView,
}

#[derive(Serialize, ToSchema)]
struct ServerView {
    #[schema(format = "uuid")]
    id: String,
    slug: String,
    name: String,
    is_local: bool,
    /// `ready`; `away` while its machine doesn't answer; `waiting` until one has joined.
    #[schema(value_type = words::ServerStatus)]
    status: &'static str,
    machine: Option<MachineView>,
    /// When its machine was last there, while it is away.
    #[schema(format = DateTime)]
    away_since: Option<String>,
    /// In the answer that makes the server, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    join: Option<JoinView>,
    /// How many instances of those that the caller sees stand on it.
    instances: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(value_type = Vec<words::MayVerb>)]
    may: Vec<&'static str>,
    blocked: BTreeMap<&'static str, Blocked>,
}

impl ServerView {
    fn of(seen: SeenServer) -> Self {
        let (may, blocked) = abilities(seen.abilities);
        let machine = seen.facts.map(|facts| MachineView {
            version: facts.version,
            processors: facts.processors,
            processor_used: facts.processor_used,
            memory: facts.memory,
            memory_used: facts.memory_used,
            disk: facts.disk,
            disk_used: facts.disk_used,
            uptime_seconds: facts.uptime_seconds,
            no_sandbox: facts.no_sandbox,
            no_outgoing: facts.no_outgoing,
            limits_by: facts.limits_by,
        });
        let status = match (&machine, seen.server.place) {
            (Some(_), _) => "ready",
            (None, MachinePlace::Nowhere) => "waiting",
            (None, _) => "away",
        };
        Self {
            id: seen.server.id.to_string(),
            slug: seen.server.slug,
            name: seen.server.name,
            is_local: seen.server.is_local,
            away_since: (status == "away").then_some(seen.server.seen_at).flatten().map(time),
            join: seen.join.map(JoinView::of),
            status,
            machine,
            instances: seen.server.instances,
            created_at: time(seen.server.created_at),
            may,
            blocked,
        }
    }
}

impl Revised for SeenServer {
    type Revision = i64;

    fn tag(&self) -> Result<String, stoa_app::Failure> {
        etag(&(self.server.id.to_string(), &self.server.name))
    }

    fn revision(self) -> i64 {
        self.server.revision
    }
}

fn answer(seen: SeenServer) -> Answer<Object<ServerView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(ServerView::of(seen)).tagged(tag))
}

async fn list(
    May(permit): May<may::List>,
    Uses(app): Uses,
    Query(query): Query<ListQuery>,
) -> Answer<Object<Page<ServerView>>> {
    let (length, wanted) = wanted(query)?;
    let found = app.list_servers(permit, &wanted).await?;
    Ok(Object::ok(page(found, length, |seen| cursor(&seen.server.name, seen.server.id), ServerView::of)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewServer {
    name: String,
    /// This machine; another joins by the command that is answered.
    #[serde(default)]
    local: bool,
}

async fn create(
    May(permit): May<may::Create>,
    Uses(app): Uses,
    Again(asked): Again,
    Json(wish): Json<NewServer>,
) -> Answer<Object<ServerView>> {
    let wish = CreateServer { name: wish.name, local: wish.local };
    let seen = app.create_server(permit, &asked.account, wish).await?;
    let tag = seen.tag()?;
    let is_secret = seen.join.is_some();
    let created = Object::created(ServerView::of(seen)).tagged(tag);
    Ok(if is_secret { created.secret() } else { created })
}

async fn join(May(permit): May<may::Join>, Uses(app): Uses) -> Answer<Object<RenewedJoinView>> {
    let join = app.renew_join(permit).await?;
    Ok(Object::ok(RenewedJoinView { join: JoinView::of(join) }).secret())
}

/// Why the link needs no sign-in.
struct Agents;

impl Reason for Agents {
    const WHY: &'static str = "agents and installation know each other by certificate";
}

/// Why that needs none.
struct Replicas;

impl Reason for Replicas {
    const WHY: &'static str = "replicas know each other by the installation's own certificate";
}

async fn between_replicas(
    _: Webhook<Replicas>,
    Uses(app): Uses,
    OwnWord(machine): OwnWord,
    socket: Socket,
) -> Answer<Upgraded> {
    let machine = machine.parse().map_err(|_| Refusal::NotFound)?;
    let place = app.enter_replica()?;
    Ok(socket.hand_over(move |wire| async move { app.answer_replica(wire, machine, place).await }))
}

/// Whoever it is shows so within: by TLS of its own, whatever stands between.
async fn link(from: Webhook<Agents>, Uses(app): Uses, socket: Socket) -> Answer<Upgraded> {
    let place = app.enter_link(from.alone)?;
    Ok(socket.hand_over(move |wire| async move { app.answer_link(wire, place).await }))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<ServerView>> {
    answer(app.view_server(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeServer {
    name: String,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<ChangeServer>,
) -> Answer<Object<ServerView>> {
    let expected = expected(wanted, app.load_server_for_change(&permit)).await?;
    answer(app.change_server(permit, &wish.name, expected).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForgetServer {
    /// The server's name.
    confirm: String,
}

async fn forget(
    May(permit): May<may::Forget>,
    Uses(app): Uses,
    Json(wish): Json<ForgetServer>,
) -> Answer<Done> {
    app.forget_server(permit, &wish.confirm).await?;
    Ok(Done(None))
}

async fn delete(May(permit): May<may::Delete>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_server_for_change(&permit)).await?;
    app.delete_server(permit, expected).await?;
    Ok(Done(None))
}
