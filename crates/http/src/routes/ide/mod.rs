//! The IDE: a member's own desk on an instance, its files, git and terminals.

mod files;
mod git;
mod terminal;

use serde::{Deserialize, Serialize};
use stoa_app::ports::DeskOf;
use stoa_domain::permission::ide as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Done, Object};
use crate::argument::{Again, Around, Query, Uses};
use crate::gate::May;
use crate::router::{Operation, Routes};

/// Where everything of a desk is asked for may meet these.
const DESK: [&str; 3] = ["conflict", "no_sandbox", "server_away"];

pub(super) fn routes(routes: Routes) -> Routes {
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/desk";
    let routes = routes
        .post(
            ONE,
            open,
            Operation::new(
                "openDesk",
                200,
                "Opens one's own desk on an instance: its sandbox and working copy.",
            )
            .refuses(&DESK),
        )
        .delete(
            ONE,
            end,
            Operation::new("endDesk", 204, "Ends one's own desk on an instance, with all that runs in it.")
                .refuses(&DESK),
        );
    let routes = files::routes(routes);
    let routes = git::routes(routes);
    terminal::routes(routes)
}

/// One's own desk.
#[derive(Serialize, ToSchema)]
struct DeskView {
    /// The branch that the working copy was made of.
    branch: String,
    /// Whether the working copy was made just now.
    is_new: bool,
}

async fn open(
    May(permit): May<may::Open>,
    Around(frame): Around,
    Again(asked): Again,
) -> Answer<Object<DeskView>> {
    let desk = DeskOf { instance: *permit.target(), account: permit.account() };
    frame.holds.hold(&frame, &asked, desk).await?;
    let opened = frame.app.open_desk(permit).await?;
    Ok(Object::ok(DeskView { branch: opened.branch, is_new: opened.is_new }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndDesk {
    /// Whether the working copy goes too, with all that wasn't pushed.
    #[serde(default)]
    discard: bool,
}

async fn end(May(permit): May<may::End>, Uses(app): Uses, Query(query): Query<EndDesk>) -> Answer<Done> {
    app.end_desk(permit, query.discard).await?;
    Ok(Done(None))
}
