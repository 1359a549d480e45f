//! The fake outside: a clock that is set by hand, randomness that repeats, a machine and repositories in memory, a
//! mail box.

pub mod clock;
pub mod machines;
pub mod mail;
pub mod repositories;
