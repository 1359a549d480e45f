//! AI settings of a workspace: for its owners.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::Failure;
use stoa_app::ai::clean::Piece;
use stoa_app::ai::{SeenAi, SeenUsage, Tokens, Tried, WantedAi};
use stoa_domain::Secret;
use stoa_domain::permission::ai as may;
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Done, Object};
use crate::argument::{IfMatch, Json, Uses};
use crate::conditional::{Revised, etag, expected};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/ai";
    let sample = json!({
        "provider": "ollama", "model": "llama3.1", "base_url": "http://127.0.0.1:11434", "api_key": "",
    });
    const CALLS: &[&str] = &["conflict", "provider_error", "too_many_requests"];
    routes
        .get(
            ONE,
            view,
            Operation::new("viewAi", 200, "The workspace's AI settings, without the key.").tagged(),
        )
        .put(
            ONE,
            change,
            Operation::new("setAi", 200, "Sets the AI provider, its model, its address and its key.")
                .body(sample)
                .tagged(),
        )
        .delete(ONE, remove, Operation::new("removeAi", 204, "Removes the AI provider and its key."))
        .post(
            "/api/v1/workspaces/{workspace}/ai/test",
            test,
            Operation::new("testAi", 200, "Asks the provider something, and shows its answer.")
                .refuses(CALLS),
        )
        .get(
            "/api/v1/workspaces/{workspace}/ai/models",
            models,
            Operation::new("listAiModels", 200, "The models that the provider offers for the saved key.")
                .refuses(CALLS),
        )
        .get(
            "/api/v1/workspaces/{workspace}/ai/usage",
            usage,
            Operation::new("viewAiUsage", 200, "What was asked of AI in the last thirty days, and by whom."),
        )
        .post(
            "/api/v1/workspaces/{workspace}/ai/preview",
            preview,
            Operation::new("previewAi", 200, "What of a text would leave for the provider.")
                .body(json!({ "text": "password=hunter2" })),
        )
}

#[derive(Serialize, ToSchema)]
struct AiView {
    /// `null` where none is set.
    #[schema(value_type = Option<words::AiProvider>)]
    provider: Option<&'static str>,
    model: Option<String>,
    base_url: Option<String>,
    api_key_set: bool,
    /// `null` also of a key that is too short to show any of it.
    api_key_last4: Option<String>,
    /// Who set it.
    api_key_set_by: Option<String>,
    #[schema(format = DateTime)]
    api_key_set_at: Option<String>,
}

impl Revised for SeenAi {
    type Revision = i64;

    fn tag(&self) -> Result<String, Failure> {
        let key = self.key.as_ref().map(|key| (&key.last4, key.set_at.micros()));
        let provider = self.provider.map(stoa_domain::ai::Provider::key);
        etag(&("ai", provider, &self.model, &self.base_url, key, self.revision))
    }

    fn revision(self) -> i64 {
        self.revision
    }
}

fn answer(seen: SeenAi) -> Answer<Object<AiView>> {
    let tag = seen.tag()?;
    let view = AiView {
        provider: seen.provider.map(stoa_domain::ai::Provider::key),
        model: seen.model,
        base_url: seen.base_url,
        api_key_set: seen.key.is_some(),
        api_key_last4: seen.key.as_ref().and_then(|key| key.last4.clone()),
        api_key_set_by: seen.key.as_ref().map(|key| key.set_by.clone()),
        api_key_set_at: seen.key.as_ref().map(|key| time(key.set_at)),
    };
    Ok(Object::ok(view).tagged(tag))
}

async fn view(May(permit): May<may::View>, Uses(app): Uses) -> Answer<Object<AiView>> {
    answer(app.view_ai(permit).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetAi {
    #[schema(value_type = words::AiProvider)]
    provider: String,
    model: String,
    /// Required for `ollama` and `custom`, refused for the others.
    base_url: Option<String>,
    /// Left out, the key stays if provider and base URL do. An empty text is none.
    api_key: Option<String>,
}

async fn change(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    IfMatch(wanted): IfMatch,
    Json(wish): Json<SetAi>,
) -> Answer<Object<AiView>> {
    let expected = expected(wanted, app.load_ai_for_change(&permit)).await?;
    let SetAi { provider, model, base_url, api_key } = wish;
    let wanted = WantedAi { provider, model, base_url, key: api_key.map(Secret::from_text), expected };
    answer(app.change_ai(permit, wanted).await?)
}

async fn remove(May(permit): May<may::Remove>, Uses(app): Uses, IfMatch(wanted): IfMatch) -> Answer<Done> {
    let expected = expected(wanted, app.load_ai_for_change(&permit)).await?;
    app.remove_ai(permit, expected).await?;
    Ok(Done(None))
}

#[derive(Serialize, ToSchema)]
struct TestedView {
    ok: bool,
    model: String,
    /// From the request to the end of the answer.
    latency_ms: u64,
    /// The answer, cut where it is long.
    reply: String,
    usage: TokensView,
}

/// Tokens, as the provider counts them.
#[derive(Serialize, ToSchema)]
pub(super) struct TokensView {
    input_tokens: i64,
    output_tokens: i64,
}

impl TokensView {
    pub(super) fn of(tokens: Tokens) -> Self {
        Self { input_tokens: tokens.input, output_tokens: tokens.output }
    }
}

async fn test(May(permit): May<may::Test>, Uses(app): Uses) -> Answer<Object<TestedView>> {
    let Tried { model, latency_ms, reply, tokens } = app.test_ai(permit).await?;
    Ok(Object::ok(TestedView { ok: true, model, latency_ms, reply, usage: TokensView::of(tokens) }))
}

#[derive(Serialize, ToSchema)]
struct ModelsView {
    items: Vec<String>,
    /// Always `null`: it is one list.
    next: Option<String>,
}

async fn models(May(permit): May<may::ListModels>, Uses(app): Uses) -> Answer<Object<ModelsView>> {
    Ok(Object::ok(ModelsView { items: app.list_ai_models(permit).await?, next: None }))
}

#[derive(Serialize, ToSchema)]
struct UsageOfMember {
    #[schema(format = "uuid")]
    id: String,
    /// Of one that has left, the name that it had then.
    name: String,
    /// False of one that has left.
    is_member: bool,
    requests: i64,
    usage: TokensView,
}

#[derive(Serialize, ToSchema)]
struct UsageOfDay {
    /// The day's first moment.
    #[schema(format = DateTime)]
    day: String,
    requests: i64,
    usage: TokensView,
}

#[derive(Serialize, ToSchema)]
struct AiUsageView {
    #[schema(format = DateTime)]
    since: String,
    /// Who asked most stands first.
    members: Vec<UsageOfMember>,
    /// The newest first; those on which nothing was asked aren't there.
    days: Vec<UsageOfDay>,
}

async fn usage(May(permit): May<may::ViewUsage>, Uses(app): Uses) -> Answer<Object<AiUsageView>> {
    let SeenUsage { since, members, days } = app.view_ai_usage(permit).await?;
    let members = members.into_iter().map(|whose| UsageOfMember {
        id: whose.member.to_string(),
        name: whose.name,
        is_member: whose.is_member,
        requests: whose.requests,
        usage: TokensView::of(whose.tokens),
    });
    let days = days.into_iter().map(|of| UsageOfDay {
        day: time(of.day),
        requests: of.requests,
        usage: TokensView::of(of.tokens),
    });
    Ok(Object::ok(AiUsageView { since: time(since), members: members.collect(), days: days.collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewText {
    text: String,
}

/// A part of a line: text that leaves, or what was in its place.
#[derive(Serialize, ToSchema)]
struct PieceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
    /// `password removed`, `token removed`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    removed: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct PreviewView {
    lines: Vec<Vec<PieceView>>,
}

async fn preview(
    May(permit): May<may::Preview>,
    Uses(app): Uses,
    Json(wish): Json<PreviewText>,
) -> Answer<Object<PreviewView>> {
    let view = |piece| match piece {
        Piece::Text(text) => PieceView { text: Some(text), removed: None },
        Piece::Removed(what) => PieceView { text: None, removed: Some(what.words()) },
    };
    let lines = app.preview_cleaning(permit, &wish.text).await?;
    let lines = lines.into_iter().map(|line| line.into_iter().map(view).collect()).collect();
    Ok(Object::ok(PreviewView { lines }).secret())
}
