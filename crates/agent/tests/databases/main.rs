//! Databases on a real PostgreSQL: given, walled off from each other, kept through crashes, backed up, brought back and
//! dropped with their instances.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod crashes;
mod ends;
mod shop;
#[path = "../support/mod.rs"]
mod support;
mod walls;
