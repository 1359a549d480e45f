//! What tests stand on: both databases, a world with a fake outside, a client over HTTP without a network.
//!
//! Used by tests only. The fakes stand for what can't run in every test; the real parts have tests of their own.

// A test that can't go on ends; that is what tests are for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod authenticator;
pub mod canary;
pub mod client;
pub mod databases;
pub mod described;
pub mod fake;
pub mod golden;
pub mod need;
pub mod remote_host;
pub mod schema;
pub mod stream;
pub mod work;
pub mod world;

pub use client::{Answer, Client};
pub use databases::Kind;
pub use stream::Stream;
pub use world::World;

/// Makes two tests of one: on SQLite and on PostgreSQL.
///
/// ```ignore
/// on_both_databases! {
///     async fn a_slug_is_taken_once(world: World) { … }
/// }
/// ```
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn test($world: $crate::World) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test($crate::World::on($crate::Kind::Sqlite).await).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test($crate::World::on($crate::Kind::Postgres).await).await;
            }
        }
    )*};
}
