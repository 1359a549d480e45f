//! Descriptions of merges before they are done, streamed under a lease.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::ai::Telling;
use stoa_app::project::merge::Names;
use stoa_domain::permission::ai::DescribeMerge;
use utoipa::ToSchema;

use super::ai::TokensView;
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Json};
use crate::gate::May;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/api/v1/workspaces/{workspace}/projects/{project}/ai/merge",
        describe,
        Operation::new(
            "describeMerge",
            200,
            "Describes what a merge would change and what is risky; what the provider refuses comes as `event: end`.",
        )
        .body(json!({ "source": "topic", "target": "main" }))
        .refuses(&["target_not_allowed", "conflict", "provider_error", "too_many_requests"]),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DescriptionWish {
    source: String,
    target: String,
}

/// One piece: `delta`, or last `done` and `usage` together.
#[derive(Default, Serialize, ToSchema)]
struct DescriptionPart {
    /// Words of the answer: Markdown.
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

impl Frames for DescriptionPart {
    const CONTENT_TYPES: &'static [&'static str] = &["text/event-stream"];
    const RESUMES: bool = false;
}

impl DescriptionPart {
    fn of(telling: Telling) -> Self {
        match telling {
            Telling::Words(words) => Self { delta: Some(words), ..Self::default() },
            Telling::Done(tokens) => {
                Self { done: Some(true), usage: Some(TokensView::of(tokens)), ..Self::default() }
            }
            // Of other answers.
            Telling::Reading { .. }
            | Telling::Evidence(_)
            | Telling::Writing(_)
            | Telling::Edit(_)
            | Telling::Profile(_) => Self::default(),
        }
    }
}

async fn describe(
    May(_): May<DescribeMerge>,
    Around(frame): Around,
    Again(mut asked): Again,
    Json(wish): Json<DescriptionWish>,
) -> Answer<Streamed<DescriptionPart>> {
    let names = Names::parse(&wish.source, &wish.target)?;
    // The lease asks about the target too, whatever comes to deploy it.
    asked.path = asked.path.with_target(&names.target);
    let lease = frame.leases.follow::<DescribeMerge>(asked.clone()).await?;
    let telling = frame.app.describe_merge(&asked.account, &asked.path, names).await?;
    let frames = telling.map(|telling| stream::frame(None, &DescriptionPart::of(telling?)));
    Ok(Streamed::new(stream::answer(Form::Events, lease, frames)))
}
