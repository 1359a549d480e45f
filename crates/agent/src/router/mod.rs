//! The agent's router: all that can be asked and ordered of a machine, for whoever stands at the other end of the
//! connection. It has no user interface and no idea of members; who may do what was decided before.
//!
//! No request and no body is ever logged here: the forms of instances hold secrets.

mod ask;
mod backups;
mod commands;
mod desk_files;
mod desks;
mod instances;
mod logs;
mod machine;
mod metrics;
mod mirrors;
mod operations;
mod refuse;
mod socket;
mod stream;
mod terminals;
mod visitors;

pub use socket::listen;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post, put};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::machine::Agent;
use crate::protocol::{Code, Problem};

/// Requests under way on one connection at once. Each reader of a log is one.
const AT_ONCE: u32 = 4096;

/// Bytes of a request's body that may be on their way: more than that waits at the sender.
const WINDOW: u32 = 1 << 20;

/// For all requests of a connection together: no request is held up by others that aren't read.
const ALL_WINDOWS: u32 = 1 << 30;

/// Bytes of an answer that wait for a slow reader.
const SENT_AHEAD: usize = 64 * 1024;

/// The routes. Ids in paths are UUIDs and nothing else.
// No member reaches these, so there is nothing for a gate to decide.
#[allow(clippy::disallowed_methods)]
pub fn router(agent: Agent) -> Router {
    Router::new()
        .route("/v1/hello", get(machine::hello))
        .route("/v1/machine", get(machine::machine))
        .route("/v1/machine/samples", get(metrics::of_machine))
        .route("/v1/changes", get(instances::changes))
        .route("/v1/instances", get(instances::list))
        .route("/v1/instances/{id}", put(instances::put).delete(operations::delete))
        .route("/v1/instances/{id}/deployments", post(operations::deploy))
        .route("/v1/instances/{id}/start", post(operations::start))
        .route("/v1/instances/{id}/stop", post(operations::stop))
        .route("/v1/instances/{id}/restart", post(operations::restart))
        .route("/v1/instances/{id}/release", post(operations::release))
        .route("/v1/instances/{id}/backups", post(backups::create))
        .route("/v1/instances/{id}/backups/{backup}", get(backups::find).delete(backups::delete))
        .route("/v1/instances/{id}/backups/{backup}/archive", get(backups::archive))
        .route("/v1/instances/{id}/restore", post(backups::restore))
        .route("/v1/instances/{id}/processes", get(instances::processes))
        .route("/v1/instances/{id}/logs", get(logs::read))
        .route("/v1/instances/{id}/secrets", put(logs::tell_secrets))
        .route("/v1/instances/{id}/socket", post(visitors::socket))
        .route("/v1/visits", post(visitors::noted))
        .route("/v1/instances/{id}/logs/outline", get(logs::outline))
        .route("/v1/instances/{id}/samples", get(metrics::of_instance))
        .route("/v1/instances/{id}/commands/list", post(commands::list))
        .route("/v1/instances/{id}/commands/open", post(commands::open))
        .route("/v1/instances/{id}/commands/end", post(commands::end))
        .route("/v1/instances/{id}/desks/{account}", post(desks::open).delete(desks::end))
        .route("/v1/instances/{id}/desks/{account}/hold", get(desks::hold))
        .route("/v1/instances/{id}/desks/{account}/files", get(desk_files::list).post(desk_files::change))
        .route(
            "/v1/instances/{id}/desks/{account}/file",
            get(desk_files::read).put(desk_files::write).delete(desk_files::remove),
        )
        .route("/v1/instances/{id}/desks/{account}/search", post(desks::search))
        .route("/v1/instances/{id}/desks/{account}/git/status", get(desks::status))
        .route("/v1/instances/{id}/desks/{account}/git/diff", get(desks::diff))
        .route("/v1/instances/{id}/desks/{account}/git/original", get(desks::original))
        .route("/v1/instances/{id}/desks/{account}/git/stage", post(desks::stage))
        .route("/v1/instances/{id}/desks/{account}/git/commit", post(desks::make_commit))
        .route("/v1/instances/{id}/desks/{account}/git/merge", post(desks::merge))
        .route("/v1/instances/{id}/desks/{account}/git/pushed", post(desks::pushed))
        .route("/v1/instances/{id}/desks/{account}/pack", post(desks::pack))
        .route("/v1/instances/{id}/desks/{account}/terminals", get(terminals::list))
        .route(
            "/v1/instances/{id}/desks/{account}/terminals/{terminal}",
            post(terminals::attach).delete(terminals::end),
        )
        .route("/v1/mirrors/{project}", get(mirrors::heads).put(mirrors::put))
        .route("/v1/operations/{id}", get(operations::find))
        .route("/v1/operations/{id}/events", get(operations::events))
        .route("/v1/operations/{id}/cancel", post(operations::cancel))
        .fallback(nothing)
        .method_not_allowed_fallback(nothing)
        .with_state(agent)
}

async fn nothing() -> Problem {
    Problem::new(Code::Invalid, "The agent has no such route.")
}

/// Answers on one connection, with HTTP/2, until it ends.
///
/// # Errors
/// Where the other side breaks the protocol, or the connection breaks.
pub async fn serve(
    router: Router,
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> io::Result<()> {
    let served = builder().serve_connection(TokioIo::new(connection), TowerToHyperService::new(router));
    served.await.map_err(io::Error::other)
}

/// The same by a link: the other side is asked whether it is there each `ping`, and has that long to say so.
pub(crate) async fn serve_link(
    router: Router,
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ping: Duration,
    patience: Duration,
) -> io::Result<()> {
    let mut builder = builder();
    builder.timer(TokioTimer::new()).keep_alive_interval(ping).keep_alive_timeout(patience);
    let served = builder.serve_connection(TokioIo::new(connection), TowerToHyperService::new(router));
    served.await.map_err(io::Error::other)
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(AT_ONCE)
        // Many readers of logs may go away at once, with frames for them still on their way.
        .max_pending_accept_reset_streams(Some(AT_ONCE as usize))
        .max_local_error_reset_streams(None)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(ALL_WINDOWS)
        .max_send_buf_size(SENT_AHEAD);
    builder
}
