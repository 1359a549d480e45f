//! What settings of instances need of the outside: how limits are enforced, and what the DNS says.

use futures_util::future::BoxFuture;
use stoa_domain::settings::EnforcedBy;

/// By what each limit is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforcement {
    pub memory: EnforcedBy,
    pub processor: EnforcedBy,
    pub processes: EnforcedBy,
    pub disk: EnforcedBy,
}

/// What the DNS said when it was asked for the texts of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// All of them; none where there is no such name, or no text.
    Found(Vec<String>),
    /// It didn't answer, or not so that it can be believed.
    NoAnswer,
}

/// Names, as everybody sees them.
pub trait Names: Send + Sync + 'static {
    fn texts(&self, name: String) -> BoxFuture<'_, Texts>;
}
