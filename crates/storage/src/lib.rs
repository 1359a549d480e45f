//! The records of Stoa: SQL, rows, migrations and transactions, on SQLite and PostgreSQL alike.
//!
//! It knows the domain and nothing above it. Whoever writes comes with an authority, and leaves an audit event.

pub mod account;
pub mod administration;
pub mod ai;
pub mod attempt;
pub mod audit;
pub mod backup;
pub mod ceremony;
pub mod certificate;
pub mod connect_as;
pub mod deployment;
pub mod desk;
mod detail;
pub mod event;
pub mod example;
pub mod failure;
mod forget;
pub mod head;
pub mod host;
pub mod idempotency;
pub mod identity;
pub mod installation;
pub mod instance;
pub mod invitation;
pub mod job;
pub mod keeping;
mod later;
mod listed;
pub mod locate;
pub mod logo;
pub mod machine;
pub mod mail;
pub mod mailed_link;
pub mod member;
pub mod merge;
pub mod page;
pub mod preset;
pub mod profile;
pub mod project;
pub mod remote;
pub mod replica;
pub mod second_factor;
pub mod server;
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
        account::DELETE_STATEMENTS,
        account::ENDING_STATEMENTS,
        account::STATEMENTS,
        administration::STATEMENTS,
        administration::change::STATEMENTS,
        ai::STATEMENTS,
        attempt::STATEMENTS,
        audit::STATEMENTS,
        backup::STATEMENTS,
        backup::carry::STATEMENTS,
        backup::keep::STATEMENTS,
        backup::make::STATEMENTS,
        backup::place::STATEMENTS,
        backup::schedule::STATEMENTS,
        ceremony::STATEMENTS,
        certificate::STATEMENTS,
        certificate::tries::STATEMENTS,
        connect_as::STATEMENTS,
        connect_as::keep::STATEMENTS,
        deployment::STATEMENTS,
        desk::STATEMENTS,
        event::STATEMENTS,
        forget::STATEMENTS,
        head::STATEMENTS,
        host::STATEMENTS,
        idempotency::STATEMENTS,
        identity::STATEMENTS,
        installation::STATEMENTS,
        instance::STATEMENTS,
        instance::create::STATEMENTS,
        instance::form::STATEMENTS,
        invitation::STATEMENTS,
        job::STATEMENTS,
        job::carry::STATEMENTS,
        job::claim::STATEMENTS,
        job::start::STATEMENTS,
        job::tell::STATEMENTS,
        keeping::chain::STATEMENTS,
        keeping::epoch::STATEMENTS,
        listed::STATEMENTS,
        locate::STATEMENTS,
        logo::STATEMENTS,
        machine::STATEMENTS,
        mail::STATEMENTS,
        mailed_link::STATEMENTS,
        member::STATEMENTS,
        merge::STATEMENTS,
        preset::STATEMENTS,
        &profile::statements(),
        &instance::settings::statements(),
        project::STATEMENTS,
        remote::STATEMENTS,
        remote::turn::STATEMENTS,
        replica::STATEMENTS,
        second_factor::PASSKEY_STATEMENTS,
        second_factor::STATEMENTS,
        server::STATEMENTS,
        session::STATEMENTS,
        standing::STATEMENTS,
        token::STATEMENTS,
        workspace::STATEMENTS,
        workspace::counts::STATEMENTS,
        writer::STATEMENTS,
    ]
    .concat()
}
