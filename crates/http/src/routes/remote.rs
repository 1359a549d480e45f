//! Remote repositories of projects, and the webhooks by which they say that something was pushed.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::remote::{
    ChangeRemote, Hooked, RemoteState, SeenRemote, TestedRemote, WishedRemote, WishedToken,
};
use stoa_domain::Secret;
use stoa_domain::permission::remote as may;
use stoa_domain::remote::RemoteProblem;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Done, Object};
use crate::argument::{Headers, IfMatch, Json, OwnWord, SentHook, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::{May, Reason, Webhook};
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const REMOTE: &str = "/api/v1/workspaces/{workspace}/projects/{project}/remote";
    const CREDENTIAL: &str = "/api/v1/workspaces/{workspace}/projects/{project}/remote/credential";
    const WEBHOOK: &str = "/api/v1/workspaces/{workspace}/projects/{project}/remote/webhook";
    routes
        .get(
            REMOTE,
            view,
            Operation::new("viewRemote", 200, "How a project's remote repository is reached.")
                .tagged()
                .refuses(&["conflict"]),
        )
        .patch(
            REMOTE,
            change,
            Operation::new(
                "changeRemote",
                200,
                "Changes the address, the token, or the key that the host has to show. Another place voids the token and the pinned key.",
            )
            .body(json!({ "url": "https://git.example.com/team/other.git" }))
            .tagged()
            .refuses(&["conflict", "remote_refused", "remote_unavailable", "too_many_requests"]),
        )
        .delete(
            CREDENTIAL,
            remove_credential,
            Operation::new("removeRemoteCredential", 200, "Takes the token away, or puts a new deploy key in the old one's place.")
                .tagged()
                .refuses(&["conflict", "precondition_failed"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/projects/{project}/remote/test",
            test,
            Operation::new("testRemote", 200, "Connects to the remote repository, and says what came of it.")
                .refuses(&["conflict", "too_many_requests"]),
        )
        .post(
            "/api/v1/workspaces/{workspace}/projects/{project}/remote/fetch",
            fetch,
            Operation::new("fetchRemote", 200, "Has the remote repository fetched as soon as there is a place.")
                .tagged()
                .refuses(&["conflict", "too_many_requests"]),
        )
        .post(
            WEBHOOK,
            make_webhook,
            Operation::new("makeWebhook", 201, "Makes a webhook in place of the one that was, and tells its secret this once.")
                .refuses(&["conflict"]),
        )
        .delete(
            WEBHOOK,
            remove_webhook,
            Operation::new("removeWebhook", 204, "Removes the webhook.").refuses(&["conflict"]),
        )
        .post(
            "/api/v1/hooks/{token}",
            hear,
            Operation::new(
                "hearWebhook",
                204,
                "What a remote repository calls when something was pushed to it, signed as GitHub or GitLab do. It is then fetched.",
            )
            .raw("application/json", b"{}")
            // The sample's is nobody's.
            .meets(404)
            .refuses(&["not_found", "too_many_requests"]),
        )
}

/// What keeps a remote repository from being fetched.
#[derive(Serialize, ToSchema)]
pub(super) struct RemoteProblemView {
    #[schema(value_type = words::RemoteProblemCode)]
    code: String,
    /// What it is, and what to do.
    detail: String,
    /// In git's own words, without anything secret.
    said: String,
    /// Since when it fails.
    #[schema(format = DateTime)]
    since: Option<String>,
}

/// How it stands with a remote repository.
#[derive(Serialize, ToSchema)]
pub(super) struct RemoteStateView {
    /// Where it is.
    url: String,
    /// `waiting`: it wasn't tried yet.
    #[schema(value_type = words::RemoteStatus)]
    status: &'static str,
    /// When it was last fetched whole.
    #[schema(format = DateTime)]
    fetched_at: Option<String>,
    #[schema(format = DateTime)]
    tried_at: Option<String>,
    problem: Option<RemoteProblemView>,
    /// Names there that can't be a branch's or a tag's here, such as one that begins with a hyphen.
    passed_over: i64,
}

impl RemoteStateView {
    pub(super) fn of(state: RemoteState) -> Self {
        let since = state.failing_since.map(time);
        let status = if state.is_running {
            "fetching"
        } else if state.problem.is_some() {
            "failing"
        } else if state.fetched_at.is_some() {
            "fetched"
        } else {
            "waiting"
        };
        let problem = state.problem.map(|(code, said)| RemoteProblemView {
            detail: RemoteProblem::from_key(&code).map_or("", RemoteProblem::sentence).to_owned(),
            code,
            said,
            since,
        });
        Self {
            url: state.url,
            status,
            fetched_at: state.fetched_at.map(time),
            tried_at: state.tried_at.map(time),
            problem,
            passed_over: state.passed_over,
        }
    }
}

/// The key by which a host proves itself, as it is compared.
#[derive(Serialize, ToSchema)]
struct HostKeyView {
    kind: String,
    /// `SHA256:…`, as ssh-keygen says it.
    fingerprint: String,
}

#[derive(Serialize, ToSchema)]
struct RemoteView {
    /// Where it is.
    url: String,
    /// `waiting`: it wasn't tried yet.
    #[schema(value_type = words::RemoteStatus)]
    status: &'static str,
    /// When it was last fetched whole.
    #[schema(format = DateTime)]
    fetched_at: Option<String>,
    #[schema(format = DateTime)]
    tried_at: Option<String>,
    problem: Option<RemoteProblemView>,
    /// Names there that can't be a branch's or a tag's here, such as one that begins with a hyphen.
    passed_over: i64,
    #[schema(value_type = words::RemoteCredential)]
    credential: &'static str,
    /// The name that goes with a token.
    user: Option<String>,
    /// The deploy key that Stoa made, to be given to the remote: reading is enough to deploy, writing is needed to merge.
    public_key: Option<String>,
    host_key: Option<HostKeyView>,
    /// The fingerprint of the key that the host shows instead of the pinned one.
    offered_host_key: Option<String>,
    webhook_url: Option<String>,
    /// When the webhook was last called.
    #[schema(format = DateTime)]
    webhook_heard_at: Option<String>,
    /// When it is fetched by itself.
    #[schema(format = DateTime)]
    next_fetch_at: String,
}

impl RemoteView {
    fn of(seen: SeenRemote) -> Self {
        let RemoteStateView { url, status, fetched_at, tried_at, problem, passed_over } =
            RemoteStateView::of(seen.state);
        Self {
            url,
            status,
            fetched_at,
            tried_at,
            problem,
            passed_over,
            credential: seen.credential.key(),
            user: seen.user,
            public_key: seen.public_key,
            host_key: seen.host_key.map(|(kind, fingerprint)| HostKeyView { kind, fingerprint }),
            offered_host_key: seen.offered_key,
            webhook_url: seen.webhook_url,
            webhook_heard_at: seen.heard_at.map(time),
            next_fetch_at: time(seen.next_at),
        }
    }
}

impl Revised for SeenRemote {
    type Revision = i64;

    fn tag(&self) -> Result<String, stoa_app::Failure> {
        etag(&(&self.state.url, self.credential.key(), self.revision))
    }

    fn revision(self) -> i64 {
        self.revision
    }
}

fn answer(seen: SeenRemote) -> Answer<Object<RemoteView>> {
    let tag = seen.tag()?;
    Ok(Object::ok(RemoteView::of(seen)).tagged(tag))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<RemoteView>> {
    answer(app.view_remote(permit).await?)
}

/// A token for a repository by HTTPS.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredential {
    /// The name that goes with it, where the host asks for a certain one.
    user: Option<String>,
    /// Kept sealed, and never told again.
    token: String,
}

impl NewCredential {
    fn wished(self) -> WishedToken {
        WishedToken { user: self.user, token: Secret::from_text(self.token) }
    }
}

pub(super) fn wished(url: String, credential: Option<NewCredential>) -> WishedRemote {
    WishedRemote { url, credential: credential.map(NewCredential::wished) }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoteChange {
    /// `https://…`, `ssh://…` or `user@host:path`.
    url: Option<String>,
    credential: Option<NewCredential>,
    /// The fingerprint that the host shows now, which counts from then on.
    host_key: Option<String>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<RemoteChange>,
) -> Answer<Object<RemoteView>> {
    let expected_revision = expected(wanted, app.load_remote_for_change(&permit)).await?;
    let RemoteChange { url, credential, host_key } = wish;
    let credential = credential.map(NewCredential::wished);
    answer(app.change_remote(permit, ChangeRemote { url, credential, host_key, expected_revision }).await?)
}

async fn remove_credential(
    May(permit): May<may::RemoveCredential>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
) -> Answer<Object<RemoteView>> {
    let expected_revision = expected(wanted, app.load_remote_for_change(&permit)).await?;
    answer(app.remove_remote_credential(permit, expected_revision).await?)
}

/// What a test of a connection came to.
#[derive(Serialize, ToSchema)]
struct RemoteTestView {
    ok: bool,
    /// How many branches it has.
    branches: Option<usize>,
    default_branch: Option<String>,
    problem: Option<RemoteProblemView>,
    /// The fingerprint of the key that the host shows instead of the pinned one.
    offered_host_key: Option<String>,
}

async fn test(May(permit): May<may::Test>, Uses(app): Uses) -> Answer<Object<RemoteTestView>> {
    Ok(Object::ok(match app.test_remote(permit).await? {
        TestedRemote::Well { branches, default_branch } => RemoteTestView {
            ok: true,
            branches: Some(branches),
            default_branch,
            problem: None,
            offered_host_key: None,
        },
        TestedRemote::Not { problem, said, offered_key } => RemoteTestView {
            ok: false,
            branches: None,
            default_branch: None,
            problem: Some(RemoteProblemView {
                code: problem.key().to_owned(),
                detail: problem.sentence().to_owned(),
                said,
                since: None,
            }),
            offered_host_key: offered_key,
        },
    }))
}

async fn fetch(May(permit): May<may::Fetch>, Uses(app): Uses) -> Answer<Object<RemoteView>> {
    answer(app.fetch_remote_now(permit).await?)
}

#[derive(Serialize, ToSchema)]
struct WebhookView {
    /// Where the remote is to send what happens.
    url: String,
    /// By which it proves itself: GitHub's *Secret*, GitLab's *Secret token*. In this answer, and never again.
    secret: String,
}

async fn make_webhook(May(permit): May<may::MakeWebhook>, Uses(app): Uses) -> Answer<Object<WebhookView>> {
    let made = app.make_webhook(permit).await?;
    let secret = made.secret.reveal_text().unwrap_or_default().to_owned();
    Ok(Object::created(WebhookView { url: made.url, secret }).secret())
}

async fn remove_webhook(May(permit): May<may::RemoveWebhook>, Uses(app): Uses) -> Answer<Done> {
    app.remove_webhook(permit).await?;
    Ok(Done(None))
}

/// A webhook proves itself by the secret that it was given.
struct Caller;

impl Reason for Caller {
    const WHY: &'static str = "a webhook proves itself by its secret";
}

async fn hear(
    gate: Webhook<Caller>,
    Uses(app): Uses,
    OwnWord(hook): OwnWord,
    Headers(headers): Headers,
    sent: SentHook,
) -> Answer<Done> {
    let met = app.meet_webhook(&hook, gate.visitor.address.as_str()).await?;
    let body = sent.read().await?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hooked =
        Hooked { signature: header("x-hub-signature-256"), token: header("x-gitlab-token"), body: &body };
    app.hear_webhook(met, hooked).await?;
    Ok(Done(None))
}
