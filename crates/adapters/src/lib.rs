//! The real bodies of `app`'s ports: the key vault, the mail server, the clock, randomness, repositories and the
//! machine that Stoa stands on.

pub mod clock;
pub mod machines;
pub mod mail;
pub mod master_key;
pub mod repositories;
pub mod vault;
