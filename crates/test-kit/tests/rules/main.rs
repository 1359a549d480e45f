//! What holds for every route, every error, every write and every file of the tree, whatever it is for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod errors;
mod events;
mod floors;
mod hidden;
mod lists;
mod records;
mod repeat;
mod sweep;
mod tidy;
