//! What AI proposes, streamed under a lease: an edit of a file in the IDE, and a permission profile. Neither is carried
//! out here: the one goes into an editor, the other into a form.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::ai::{EditWanted, Edited, ProposedProfile, Telling};
use stoa_domain::permission::ai::{Edit, ProposeProfile};
use stoa_domain::{Action, Refusal};
use utoipa::ToSchema;

use super::ai::TokensView;
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Json};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::stream::{self, Form};

pub(super) fn routes(routes: Routes) -> Routes {
    const CALLS: &[&str] = &["conflict", "provider_error", "too_many_requests"];
    routes
        .post(
            "/api/v1/workspaces/{workspace}/instances/{instance}/ai/edit",
            edit,
            Operation::new(
                "proposeEdit",
                200,
                "Proposes an edit of a text of the IDE, and changes nothing; what the provider refuses comes as `event: end`.",
            )
            .body(json!({ "path": "app.py", "text": "print(1)\n", "instruction": "Greet whoever looks." }))
            .refuses(CALLS),
        )
        .post(
            "/api/v1/workspaces/{workspace}/ai/profile",
            profile,
            Operation::new(
                "proposeProfile",
                200,
                "Proposes a permission profile from a sentence, and changes nothing; what the provider refuses comes as `event: end`.",
            )
            .body(json!({ "sentence": "Tests staging and reads its logs." }))
            .refuses(CALLS),
        )
}

/// What is to be changed in a text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditWish {
    /// In the working copy. It names the text and isn't read.
    path: String,
    /// As it stands in the editor, up to 64 KiB. Secrets are taken out before it leaves, and are in the answer again.
    text: String,
    instruction: String,
    /// The first line that is written anew, from 1; without it and `to` it is the whole text, up to 16 KiB.
    from: Option<u32>,
    /// And the last one.
    to: Option<u32>,
}

/// One piece: exactly one of these, but `done` and `usage` come together, last.
#[derive(Default, Serialize, ToSchema)]
struct EditPart {
    /// Words on what is changed: Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delta: Option<String>,
    /// Lines that are written so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    writing: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    edit: Option<EditedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    usage: Option<TokensView>,
}

/// Lines as they are proposed.
#[derive(Serialize, ToSchema)]
struct EditedView {
    /// The first line in whose place they stand, from 1.
    from: usize,
    /// And the last one.
    to: usize,
    text: String,
    /// Secrets that stood in these lines and don't any more.
    missing_secrets: usize,
}

/// Of whom a profile is proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileWish {
    /// What somebody is to do here, up to 500 characters.
    sentence: String,
}

/// One piece: exactly one of these, but `done` and `usage` come together, last.
#[derive(Default, Serialize, ToSchema)]
struct ProfilePart {
    /// Words on what is proposed: Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delta: Option<String>,
    /// Lines that are written so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    writing: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    profile: Option<ProposedProfileView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    usage: Option<TokensView>,
}

/// A profile that an owner may save. Nothing is in it that there isn't.
#[derive(Serialize, ToSchema)]
struct ProposedProfileView {
    #[schema(value_type = Vec<words::ActionKey>)]
    actions: Vec<&'static str>,
    #[schema(value_type = Vec<words::Id>)]
    projects: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    instances: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    servers: Vec<String>,
    /// What else the model wrote into it: left out.
    unknown: Vec<String>,
    /// Projects, instances and servers that the model wasn't shown, because there are so many.
    not_shown: usize,
    /// Where some weren't: those that were. Of the others the profile says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shown: Option<ShownView>,
}

#[derive(Serialize, ToSchema)]
struct ShownView {
    #[schema(value_type = Vec<words::Id>)]
    projects: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    instances: Vec<String>,
    #[schema(value_type = Vec<words::Id>)]
    servers: Vec<String>,
}

impl Frames for EditPart {
    const CONTENT_TYPES: &'static [&'static str] = &["text/event-stream"];
    const RESUMES: bool = false;
}

impl Frames for ProfilePart {
    const CONTENT_TYPES: &'static [&'static str] = &["text/event-stream"];
    const RESUMES: bool = false;
}

impl EditPart {
    fn of(telling: Telling) -> Self {
        match telling {
            Telling::Words(words) => Self { delta: Some(words), ..Self::default() },
            Telling::Writing(lines) => Self { writing: Some(lines), ..Self::default() },
            Telling::Edit(Edited { first, last, text, missing_secrets }) => {
                let edit = EditedView { from: first, to: last, text, missing_secrets };
                Self { edit: Some(edit), ..Self::default() }
            }
            Telling::Done(tokens) => {
                Self { done: Some(true), usage: Some(TokensView::of(tokens)), ..Self::default() }
            }
            // Of other answers.
            Telling::Reading { .. } | Telling::Evidence(_) | Telling::Profile(_) => Self::default(),
        }
    }
}

impl ProfilePart {
    fn of(telling: Telling) -> Self {
        match telling {
            Telling::Words(words) => Self { delta: Some(words), ..Self::default() },
            Telling::Writing(lines) => Self { writing: Some(lines), ..Self::default() },
            Telling::Profile(ProposedProfile {
                actions,
                projects,
                instances,
                servers,
                unknown,
                not_shown,
                shown,
            }) => {
                let profile = ProposedProfileView {
                    actions: actions.into_iter().map(Action::key).collect(),
                    projects: projects.iter().map(ToString::to_string).collect(),
                    instances: instances.iter().map(ToString::to_string).collect(),
                    servers: servers.iter().map(ToString::to_string).collect(),
                    unknown,
                    not_shown,
                    shown: shown.map(|shown| ShownView {
                        projects: shown.projects.iter().map(ToString::to_string).collect(),
                        instances: shown.instances.iter().map(ToString::to_string).collect(),
                        servers: shown.servers.iter().map(ToString::to_string).collect(),
                    }),
                };
                Self { profile: Some(profile), ..Self::default() }
            }
            Telling::Done(tokens) => {
                Self { done: Some(true), usage: Some(TokensView::of(tokens)), ..Self::default() }
            }
            // Of other answers.
            Telling::Reading { .. } | Telling::Evidence(_) | Telling::Edit(_) => Self::default(),
        }
    }
}

fn wanted(wish: EditWish) -> Result<EditWanted, Refusal> {
    let EditWish { path, text, instruction, from, to } = wish;
    let line = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let lines = match (from, to) {
        (None, None) => None,
        (Some(from), Some(to)) => Some((line(from), line(to))),
        (None, Some(_)) => return Err(Refusal::invalid("from", "missing", "Say the first line too.")),
        (Some(_), None) => return Err(Refusal::invalid("to", "missing", "Say the last line too.")),
    };
    Ok(EditWanted { path, text, instruction, lines })
}

async fn edit(
    May(permit): May<Edit>,
    Around(frame): Around,
    Again(asked): Again,
    Json(wish): Json<EditWish>,
) -> Answer<Streamed<EditPart>> {
    let lease = frame.leases.follow::<Edit>(asked).await?;
    let telling = frame.app.propose_edit(permit, wanted(wish)?).await?;
    let frames = telling.map(|telling| stream::frame(None, &EditPart::of(telling?)));
    Ok(Streamed::new(stream::answer(Form::Events, lease, frames)))
}

async fn profile(
    May(permit): May<ProposeProfile>,
    Around(frame): Around,
    Again(asked): Again,
    Json(wish): Json<ProfileWish>,
) -> Answer<Streamed<ProfilePart>> {
    let lease = frame.leases.follow::<ProposeProfile>(asked).await?;
    let telling = frame.app.propose_profile(permit, wish.sentence).await?;
    let frames = telling.map(|telling| stream::frame(None, &ProfilePart::of(telling?)));
    Ok(Streamed::new(stream::answer(Form::Events, lease, frames)))
}
