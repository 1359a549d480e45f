//! Keeping an installation, with the real program: backed up while it is used, brought back, moved to PostgreSQL, and
//! what an earlier program has written read by this one. What is cut short, changed, newer, of another key or stopped in
//! the middle is refused with a sentence, and nothing is changed.

#![allow(clippy::print_stdout)]

mod archives;
mod backup;
mod earlier;
mod ground;
mod migrate;
