//! Every route of the API, one file per noun.

mod account;
mod administration;
mod ai;
mod audit;
mod backup;
mod backup_storage;
mod commit;
mod connect_as;
mod deployment;
mod description;
mod email;
mod environment;
mod event;
mod example;
mod explanation;
mod ide;
mod instance;
mod invitation;
mod job;
mod log;
mod logo;
mod member;
mod merge;
mod metrics;
mod passkey;
mod preset;
mod process;
mod project;
mod proposal;
mod provider;
mod remote;
mod reset;
mod schedule;
mod second_factor;
mod server;
mod session;
mod settings;
mod shared;
mod system;
mod token;
mod wire;
mod workspace;

use crate::router::Routes;

pub use audit::exported;
pub use member::read_permissions;
pub(crate) use server::INTERNAL;
pub use wire::time;

/// All routes, in the order of the contract.
#[must_use]
pub fn all(_version: &'static str) -> Routes {
    let routes = Routes::new();
    let routes = system::routes(routes);
    let routes = session::routes(routes);
    let routes = provider::routes(routes);
    let routes = reset::routes(routes);
    let routes = account::routes(routes);
    let routes = email::routes(routes);
    let routes = second_factor::routes(routes);
    let routes = passkey::routes(routes);
    let routes = token::routes(routes);
    let routes = administration::routes(routes);
    let routes = workspace::routes(routes);
    let routes = logo::routes(routes);
    let routes = member::routes(routes);
    let routes = preset::routes(routes);
    let routes = invitation::routes(routes);
    let routes = audit::routes(routes);
    let routes = event::routes(routes);
    let routes = job::routes(routes);
    let routes = server::routes(routes);
    let routes = project::routes(routes);
    let routes = example::routes(routes);
    let routes = remote::routes(routes);
    let routes = commit::routes(routes);
    let routes = merge::routes(routes);
    let routes = instance::routes(routes);
    let routes = environment::routes(routes);
    let routes = settings::routes(routes);
    let routes = deployment::routes(routes);
    let routes = process::routes(routes);
    let routes = log::routes(routes);
    let routes = metrics::routes(routes);
    let routes = connect_as::routes(routes);
    let routes = backup::routes(routes);
    let routes = backup_storage::routes(routes);
    let routes = schedule::routes(routes);
    let routes = ide::routes(routes);
    let routes = ai::routes(routes);
    let routes = explanation::routes(routes);
    let routes = description::routes(routes);
    let routes = proposal::routes(routes);
    crate::proxy::visit::routes(routes)
}
