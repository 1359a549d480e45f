//! The edge as it is served: a real listener, real connections, the real git program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod application;
mod connect;
mod downloads;
mod git;
mod ide;
mod losses;
mod members;
mod page;
mod proxy;
mod rewinds;
mod served;
mod slow;
mod unread;
mod warnings;
mod whole;
mod wire;
