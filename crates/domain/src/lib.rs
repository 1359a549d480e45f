//! The words of Stoa and who may do what with them.
//!
//! Everything here is pure: no input or output, no clock, no randomness, no async, no serialisation.
//! What a request may do is settled by [`decide`], which is the only maker of a [`Permit`].

pub mod action;
pub mod actor;
pub mod administrator;
pub mod ai;
pub mod backup;
pub mod branch;
pub mod brand;
pub mod bucket;
pub mod certificate;
pub mod change;
pub mod color;
pub mod connect_as;
pub mod deployment;
pub mod email;
pub mod host;
pub mod ids;
pub mod instance;
pub mod invitation;
pub mod job;
pub mod member;
pub mod metrics;
pub mod name;
pub mod password;
pub mod permission;
pub mod permit;
pub mod preset;
pub mod push;
pub mod refusal;
pub mod remote;
pub mod secret;
pub mod settings;
pub mod slug;
pub mod standing;
pub mod time;
pub mod variable;
pub mod written;

mod decide;

pub use action::{Action, ActionSet};
pub use actor::{Actor, Credential, Via};
pub use administrator::AdministratorPermit;
pub use connect_as::ConnectRefusal;
pub use decide::{
    AccountNeed, Because, StartedBy, decide, decide_account, decide_administrator, decide_cancel,
    decide_open, decide_unlocated, explain,
};
pub use ids::*;
pub use permission::{Need, Permission, Resource, ResourceKind, Target, Whole};
pub use permit::{AccountPermit, Authority, OpenPermit, Permit, Recheck, SystemPermit};
pub use refusal::{AtOnce, Conflict, FieldProblem, Refusal, ShownWrong, TokenWithout};
pub use secret::Secret;
pub use standing::{Access, AccountStanding, Revisions, Standing, TokenLimits};
pub use time::Timestamp;
