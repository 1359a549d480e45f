//! What Stoa does, verb by verb: the only thing that HTTP, the command line and jobs call.
//!
//! A use-case takes a permit, never an id that somebody sent. What lies outside is a port; its real body is in
//! `adapters`, a fake one in `test-kit`.

pub mod abilities;
pub mod account;
pub mod administration;
pub mod ai;
mod attempt;
pub mod audit;
pub mod authority;
pub mod backup;
pub mod certificate;
pub mod connect_as;
pub mod desk;
pub mod event;
pub mod example;
pub mod failure;
pub mod host;
pub mod house;
pub mod idempotency;
pub mod instance;
pub mod invitation;
pub mod job;
pub mod log;
pub mod logo;
pub mod machine;
pub mod mail;
pub mod member;
pub mod metrics;
pub mod passwords;
pub mod pointing;
pub mod ports;
pub mod preset;
pub mod project;
pub mod provider;
pub mod remote;
mod search;
pub mod second_factor;
pub mod secrets;
pub mod server;
pub mod session;
pub mod settings;
pub mod token;
pub mod workspace;

pub use failure::{Away, Failure, Fault, GitKilled};
pub use settings::Settings;
pub use stoa_storage::page::Page;

use std::sync::Arc;

use stoa_storage::Store;

/// Everything a use-case needs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    settings: Settings,
    outside: ports::Outside,
    known_facts: machine::KnownFacts,
    link_places: machine::LinkPlaces,
    views: member::Views,
    merge_places: project::MergePlaces,
    cookie_turns: connect_as::CookieTurns,
    remote_guards: remote::Guards,
}

impl App {
    #[must_use]
    pub fn new(store: Store, settings: Settings, outside: ports::Outside) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                settings,
                outside,
                known_facts: machine::KnownFacts::default(),
                link_places: machine::LinkPlaces::default(),
                views: member::Views::default(),
                merge_places: project::MergePlaces::default(),
                cookie_turns: connect_as::CookieTurns::default(),
                remote_guards: remote::Guards::default(),
            }),
        }
    }

    pub(crate) fn cookie_turns(&self) -> &connect_as::CookieTurns {
        &self.inner.cookie_turns
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn merge_places(&self) -> &project::MergePlaces {
        &self.inner.merge_places
    }

    pub(crate) fn remote_guards(&self) -> &remote::Guards {
        &self.inner.remote_guards
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn known_facts(&self) -> &machine::KnownFacts {
        &self.inner.known_facts
    }

    pub(crate) fn link_places(&self) -> &machine::LinkPlaces {
        &self.inner.link_places
    }

    pub(crate) fn views(&self) -> &member::Views {
        &self.inner.views
    }

    pub(crate) fn outside(&self) -> &ports::Outside {
        &self.inner.outside
    }
}
