//! Why something asked of an agent isn't done.

use crate::protocol::{Code, Problem};

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The agent says why.
    #[error("the agent refused: {0}")]
    Refused(Problem),
    #[error("the connection to the agent is broken")]
    Connection(#[from] hyper::Error),
    #[error("the agent didn't answer in time")]
    NoAnswer,
    #[error("the agent speaks protocol {0}, which isn't spoken here")]
    OtherProtocol(u32),
    #[error("the agent said something that can't be read: {0}")]
    Unreadable(String),
    #[error("what was to be sent can't be written: {0}")]
    Unwritable(String),
    #[error("the pack broke off: {0}")]
    Pack(String),
}

impl ClientError {
    /// The agent's own code, where it is the agent that says no.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }
}
