//! The agent on this machine, with real sandboxes, real git, real restic: one program, since linking each of its parts
//! took longer than most of them run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod buckets;
mod connect_as;
mod databases;
mod deploy;
mod desks;
mod django;
mod full;
mod git;
mod hostile;
mod life;
mod link;
mod logs;
mod mail;
mod merges;
mod metrics;
mod odoo;
mod packs;
mod protocol;
mod recognised;
mod releases;
mod schedules;
mod streams;
mod support;
mod walls;
