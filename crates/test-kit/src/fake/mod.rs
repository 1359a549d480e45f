//! The fake outside: a clock that is set by hand, randomness that repeats, a machine and repositories in memory, a
//! mail box, and pictures that are read in the same process.

mod archives;
pub mod buckets;
pub mod certificates;
pub mod clock;
pub mod desks;
pub mod expectations;
pub mod fleet;
pub mod folders;
pub mod logos;
pub mod machines;
pub mod mail;
pub mod models;
pub mod names;
pub mod provider;
pub mod remotes;
pub mod repositories;
mod silent;
