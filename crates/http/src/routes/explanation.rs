//! Explanations of logs and failed deployments, streamed under a lease.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::ai::{Evidence, Stretch, Telling};
use stoa_domain::Refusal;
use stoa_domain::permission::ai::Explain;
use utoipa::ToSchema;

use super::ai::TokensView;
use super::log::position;
use super::shared::id;
use super::wire::{parse_time, time};
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Json};
use crate::gate::May;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/api/v1/workspaces/{workspace}/instances/{instance}/ai/explain",
        explain,
        Operation::new(
            "explainLog",
            200,
            "Explains a deployment, or a stretch of an instance's log; what the provider refuses comes as `event: end`.",
        )
        .body(json!({ "deployment": "{deployment}" }))
        .refuses(&["conflict", "provider_error", "server_away", "too_many_requests"]),
    )
}

/// What to explain: a deployment, or what was logged between two moments, or from one line to another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExplainWish {
    /// The deployment, or with two moments or lines the one whose log it is; without it it's the application's log.
    #[schema(format = "uuid")]
    deployment: Option<String>,
    #[schema(format = DateTime)]
    since: Option<String>,
    #[schema(format = DateTime)]
    until: Option<String>,
    /// The `position` of the first line; with two moments, of those between them.
    from: Option<String>,
    /// And that of the last line.
    to: Option<String>,
}

/// One piece: exactly one of these, but `done` and `usage` come together, last.
#[derive(Default, Serialize, ToSchema)]
struct ExplanationPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reading: Option<ReadingView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    evidence: Option<EvidenceView>,
    /// Words of the answer: Markdown, in which `[L12]` names a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delta: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    usage: Option<TokensView>,
}

/// How many lines the provider is shown, of how many that were read.
#[derive(Serialize, ToSchema)]
struct ReadingView {
    lines: usize,
    of: usize,
}

/// A line that the words behind it name.
#[derive(Serialize, ToSchema)]
struct EvidenceView {
    /// `12` of `[L12]`.
    line: usize,
    /// By which the log finds it.
    position: String,
    #[schema(format = DateTime)]
    at: String,
    /// Without secrets.
    text: String,
}

impl Frames for ExplanationPart {
    const CONTENT_TYPES: &'static [&'static str] = &["text/event-stream"];
    const RESUMES: bool = false;
}

impl ExplanationPart {
    fn of(telling: Telling) -> Self {
        match telling {
            Telling::Reading { lines, of } => {
                Self { reading: Some(ReadingView { lines, of }), ..Self::default() }
            }
            Telling::Words(words) => Self { delta: Some(words), ..Self::default() },
            Telling::Evidence(Evidence { line, position, at, text }) => {
                let evidence = EvidenceView { line, position, at: time(at), text };
                Self { evidence: Some(evidence), ..Self::default() }
            }
            Telling::Done(tokens) => {
                Self { done: Some(true), usage: Some(TokensView::of(tokens)), ..Self::default() }
            }
            // Of other answers.
            Telling::Writing(_) | Telling::Edit(_) | Telling::Profile(_) => Self::default(),
        }
    }
}

fn wanted(wish: ExplainWish) -> Result<Stretch, Refusal> {
    let deployment = id("deployment", wish.deployment)?;
    let both = |field, detail| Refusal::invalid(field, "missing", detail);
    let between = match (wish.from, wish.to) {
        (None, None) => None,
        (Some(from), Some(to)) => position("from", Some(from))?.zip(position("to", Some(to))?),
        (None, Some(_)) => return Err(both("from", "Say the first line too.")),
        (Some(_), None) => return Err(both("to", "Say the last line too.")),
    };
    match (wish.since, wish.until, deployment) {
        (Some(since), Some(until), deployment) => Ok(Stretch::Lines {
            deployment,
            since: Some(parse_time("since", &since)?),
            // Answers tell milliseconds: the line that ends the stretch lies within its own.
            until: Some(parse_time("until", &until)?.plus_millis(1)),
            between,
        }),
        (None, None, deployment) if between.is_some() => {
            Ok(Stretch::Lines { deployment, since: None, until: None, between })
        }
        (None, None, Some(deployment)) => Ok(Stretch::Deployment(deployment)),
        (None, None, None) => Err(both("deployment", "Say which deployment, or between what.")),
        (None, ..) => Err(both("since", "Say since when.")),
        (_, None, _) => Err(both("until", "Say until when.")),
    }
}

async fn explain(
    May(permit): May<Explain>,
    Around(frame): Around,
    Again(asked): Again,
    Json(wish): Json<ExplainWish>,
) -> Answer<Streamed<ExplanationPart>> {
    // The lease first: a right that ends while the log is read ends this too.
    let lease = frame.leases.follow::<Explain>(asked).await?;
    let telling = frame.app.explain_log(permit, wanted(wish)?).await?;
    let frames = telling.map(|telling| stream::frame(None, &ExplanationPart::of(telling?)));
    Ok(Streamed::new(stream::answer(Form::Events, lease, frames)))
}
