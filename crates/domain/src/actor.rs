//! Who acts, by which way, from where: what an audit event says of the person behind a request.

use crate::ids::{AccountId, SessionId, TokenId};

/// The way by which an act came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Page,
    Api,
    Git,
    Command,
    Agent,
    System,
}

impl Via {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Git => "git",
            Self::Command => "command",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }
}

/// What a request was signed in by. A lease asks whether it still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    Session(SessionId),
    Token(TokenId),
    /// The control plane itself, going on with what an account started.
    Job,
}

/// The person behind an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    pub name: String,
    pub via: Via,
    pub credential: Credential,
    /// The address the request came from, where there is one.
    pub address: Option<String>,
}
