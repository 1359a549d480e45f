//! What happens in a workspace, told as it happens to whoever may see it.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use stoa_app::Failure;
use stoa_app::event::{EventRecord, EventType};
use stoa_domain::permission::workspace::FollowEvents;
use stoa_domain::{EventId, Refusal, ResourceKind, Timestamp, WorkspaceId};
use utoipa::ToSchema;

use super::wire::time;
use crate::answer::{Answer, Frames, Streamed};
use crate::argument::{Again, Around, Headers, Query};
use crate::gate::May;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::stream;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/api/v1/workspaces/{workspace}/events",
        follow,
        Operation::new(
            "followEvents",
            200,
            "What happens in the workspace, to whom may see it, as it happens.",
        )
        .streams()
        .refuses(&["too_many_requests"]),
    )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// The id of the last event that was read, where no `Last-Event-ID` says it.
    after: Option<String>,
    /// For owners: the id of the member as whom to look on, where no `Stoa-View-As` says it.
    view_as: Option<String>,
    /// `true`: heartbeats, which are comments otherwise, are events named `heartbeat`, one at once and one each 15 seconds.
    heartbeats: Option<bool>,
}

#[derive(Serialize, ToSchema)]
struct ResourceView {
    #[schema(value_type = words::Kind)]
    kind: String,
    #[schema(format = "uuid")]
    id: String,
}

#[derive(Serialize, ToSchema)]
struct EventView {
    #[schema(value_type = words::EventType)]
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ResourceView, required = false)]
    resource: Option<ResourceView>,
    #[schema(format = DateTime)]
    at: String,
}

impl Frames for EventView {
    const CONTENT_TYPES: &'static [&'static str] = &["text/event-stream"];
    const RESUMES: bool = true;
}

impl EventView {
    fn of(event: EventRecord) -> Self {
        // Of these it says that they were, not what: the page asks anew.
        let names = !["access_changed", "refused"].contains(&event.kind.as_str());
        let resource =
            names.then(|| ResourceView { kind: event.resource_kind, id: event.resource.to_string() });
        Self { r#type: event.kind, resource, at: time(event.at) }
    }

    /// The last that a member hears. It is of no record, and so without an id: nobody goes on from there.
    fn of_end(workspace: WorkspaceId, at: Timestamp) -> Self {
        let kind = ResourceKind::Workspace.key().to_owned();
        let resource = Some(ResourceView { kind, id: workspace.to_string() });
        Self { r#type: EventType::MembershipEnded.key().to_owned(), resource, at: time(at) }
    }
}

async fn follow(
    May(permit): May<FollowEvents>,
    Around(frame): Around,
    Again(asked): Again,
    Headers(headers): Headers,
    Query(query): Query<EventsQuery>,
) -> Answer<Streamed<EventView>> {
    let last =
        headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned).or(query.after);
    // One that can't be read, after an update perhaps: from now on. The page asks everything anew when it connects.
    let after: Option<EventId> = last.and_then(|last| last.parse().ok());
    // An address that is written in some other way is refused rather than answered as the owner's own.
    if query.view_as.is_some() && asked.account.viewing.is_none() {
        return Err(Refusal::invalid("view_as", "invalid", "This isn't a member's id.").into());
    }
    // Whoever looks on as a member is none there: what ends then is the looking on.
    let (workspace, app) = (permit.workspace(), frame.app.clone());
    let is_own = asked.account.viewing.is_none();
    let farewell = move |failure: &Failure| {
        let is_over = is_own && matches!(failure, Failure::Refused(Refusal::NotFound));
        is_over.then(|| stream::frame(None, &EventView::of_end(workspace, app.now()))).transpose()
    };
    let lease = frame.leases.follow::<FollowEvents>(asked).await?;
    let frames = frame.app.follow_events(permit, after).await?.map(|event| {
        let event = event?;
        stream::frame(Some(event.id.to_string()), &EventView::of(event))
    });
    let beats = query.heartbeats == Some(true);
    Ok(Streamed::new(stream::answer_with_farewell(lease, frames, farewell, beats)))
}
