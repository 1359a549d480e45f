//! The contract of the HTTP API, line by line: what holds for all operations, and what each noun promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod administration;
mod ai;
mod audit;
mod backup_storage;
mod backups;
mod bodies;
mod certificates;
mod changes;
mod connect_as;
mod counts;
mod damage;
mod deletion;
mod emails;
mod examples;
mod failures;
mod generated;
mod grants;
mod ide;
mod invitations;
mod limits;
mod logos;
mod logs;
mod merges;
mod metrics;
mod order;
mod origins;
mod passkeys;
mod presets;
mod processes;
mod providers;
mod remotes;
mod resets;
mod searches;
mod second_factors;
mod servers_elsewhere;
mod settings;
mod several;
mod team;
mod tokens;
mod trust;
mod view_as;
mod who;
mod work;
