//! The records of Stoa: SQL, rows, migrations and transactions, on SQLite and PostgreSQL alike.
//!
//! It knows the domain and nothing above it. Whoever writes comes with an authority, and leaves an audit event.

pub mod audit;
pub mod event;
pub mod failure;
pub mod locate;
pub mod member;
pub mod standing;
pub mod statement;
pub mod store;
pub mod tx;
pub mod value;

mod migrate;
mod notify;
mod row;
mod writer;

pub use failure::{Failure, StorageFault};
pub use migrate::known_version;
pub use statement::Statement;
pub use store::{Clock, NewIds, Place, Store, Work};
pub use tx::{Touched, Tx};

/// Every statement of this crate: for the test that prepares them all on both databases.
#[must_use]
pub fn statements() -> Vec<Statement> {
    [
        audit::STATEMENTS,
        event::STATEMENTS,
        locate::STATEMENTS,
        member::STATEMENTS,
        standing::STATEMENTS,
        writer::STATEMENTS,
    ]
    .concat()
}
