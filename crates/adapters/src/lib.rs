//! The real bodies of `app`'s ports: the key vault, the mail server, the clock, randomness, logos, repositories, the
//! machine that Stoa stands on, and the one way outside.

pub mod buckets;
pub mod certificates;
pub mod clock;
pub mod folders;
pub mod logo;
pub mod machines;
pub mod mail;
pub mod master_key;
pub mod models;
pub mod names;
pub mod outgoing;
pub mod provider;
pub mod remotes;
pub mod repositories;
pub mod vault;
