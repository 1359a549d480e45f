//! Stoa over HTTP: gates, routes, wire types, problem responses, event streams, the proxy and the embedded page.
//!
//! It knows the use-cases and never storage. A permission is named by the type of a handler's first argument and
//! nowhere else; no status code exists outside this crate.

pub mod answer;
pub mod argument;
pub mod gate;
pub mod git;
pub mod openapi;
pub mod page;
pub mod peer;
pub mod problem;
pub mod proxy;
pub mod router;
pub mod routes;
pub mod site;

mod body;
mod challenge;
mod conditional;
mod conflict_view;
mod cookie;
mod crowd;
mod download;
mod holds;
mod lease;
mod listen;
mod origin;
mod patience;
mod repeat;
mod server;
mod socket;
mod stream;
mod to_https;

pub use crowd::Crowd;
pub use listen::{serve, serve_tls};
pub use patience::Patience;
pub use router::{Registered, Routes};
pub use server::{api, edge};
pub use site::{Frame, Site};
pub use to_https::to_https;
