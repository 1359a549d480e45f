//! The real program, killed: at random moments under load, and at each step of a deployment, a backup, a restore, of its
//! database's part of both, of a merge and of a desk. Afterwards everything that was acknowledged is there, and nothing is without an owner.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod databases;
mod desks;
mod log;
mod merges;
mod rounds;
mod shop;
mod steps;
#[path = "../support/mod.rs"]
mod support;
