//! Terminals: bytes over a WebSocket. One that is left stays, for the account that opened it.

use serde::{Deserialize, Serialize};
use stoa_app::ports::TerminalSize;
use stoa_domain::permission::ide as may;
use stoa_domain::{Refusal, TerminalId};
use utoipa::ToSchema;

use crate::answer::{Answer, Object};
use crate::argument::{Again, Around, Query, Uses};
use crate::gate::May;
use crate::router::{Operation, Routes};
use crate::socket::{Socket, Upgraded, carry};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/terminals",
            list,
            Operation::new("listTerminals", 200, "One's own terminals on an instance that are open.")
                .refuses(&super::DESK),
        )
        .get(
            "/api/v1/workspaces/{workspace}/instances/{instance}/terminal",
            open,
            // The tests of all routes have no connection that could be upgraded: that it is decided is what counts.
            Operation::new("openTerminal", 101, "A terminal on an instance, as a WebSocket.")
                .refuses(&super::DESK)
                .refuses(&["cross_origin", "too_many_requests"])
                .meets(422),
        )
}

#[derive(Serialize, ToSchema)]
struct TerminalView {
    /// By which it is attached to again.
    #[schema(format = "uuid")]
    session: String,
}

#[derive(Serialize, ToSchema)]
struct TerminalsView {
    items: Vec<TerminalView>,
}

async fn list(May(permit): May<may::Read>, Uses(app): Uses) -> Answer<Object<TerminalsView>> {
    let items = app.list_terminals(permit).await?.into_iter();
    let items = items.map(|terminal| TerminalView { session: terminal.to_string() }).collect();
    Ok(Object::ok(TerminalsView { items }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TerminalQuery {
    /// One that was opened before; without it a new one is.
    #[schema(format = "uuid")]
    session: Option<String>,
    #[schema(minimum = 1, maximum = 1000)]
    cols: Option<u16>,
    #[schema(minimum = 1, maximum = 1000)]
    rows: Option<u16>,
}

async fn open(
    May(permit): May<may::OpenTerminal>,
    Around(frame): Around,
    Again(asked): Again,
    Query(query): Query<TerminalQuery>,
    socket: Socket,
) -> Answer<Upgraded> {
    let wanted: Option<TerminalId> = match query.session {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| Refusal::NotFound)?),
    };
    let size = TerminalSize { columns: query.cols.unwrap_or(80), rows: query.rows.unwrap_or(24) };
    // The lease first: a right that ends while the terminal is opened ends this too.
    let lease = frame.leases.follow::<may::OpenTerminal>(asked).await?;
    let (terminal, ends) = frame.app.use_terminal(permit, wanted, size).await?;
    Ok(carry(socket, terminal, ends, lease))
}
