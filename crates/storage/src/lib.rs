//! The records of Stoa: SQL, rows, migrations and transactions, on SQLite and PostgreSQL alike.
//!
//! It knows the domain and nothing above it. Whoever writes comes with an authority, and leaves an audit event.

pub mod account;
pub mod attempt;
pub mod audit;
pub mod event;
pub mod failure;
pub mod installation;
pub mod invitation;
pub mod locate;
pub mod mail;
pub mod member;
pub mod profile;
pub mod session;
pub mod standing;
pub mod statement;
pub mod store;
pub mod token;
pub mod tx;
pub mod value;
pub mod workspace;

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
        account::STATEMENTS,
        attempt::STATEMENTS,
        audit::STATEMENTS,
        event::STATEMENTS,
        installation::STATEMENTS,
        invitation::STATEMENTS,
        locate::STATEMENTS,
        mail::STATEMENTS,
        member::STATEMENTS,
        profile::STATEMENTS,
        session::STATEMENTS,
        standing::STATEMENTS,
        token::STATEMENTS,
        workspace::STATEMENTS,
        writer::STATEMENTS,
    ]
    .concat()
}
