//! The real program, killed: at random moments under load, and at each step of a deployment, a backup, a restore, of its
//! database's part of both, of a deletion, of a merge and of a desk. Or what it has begun is killed, and it lives on.
//! Afterwards everything that was acknowledged is there, and nothing is without an owner.

mod backups;
mod children;
mod databases;
mod deletions;
mod desks;
mod log;
mod merges;
mod rounds;
mod shop;
mod steps;
