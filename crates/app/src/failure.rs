//! How a use-case ends when it doesn't succeed: a refusal that a person is told, or a fault that is logged.

use std::fmt;
use std::io;

use stoa_domain::Refusal;
use stoa_storage::StorageFault;

#[derive(Debug)]
pub enum Failure {
    Refused(Refusal),
    Fault(Fault),
}

/// Anything that isn't a refusal: opaque, with its chain of causes, logged once at the edge and never shown.
pub struct Fault(Box<dyn std::error::Error + Send + Sync>);

/// What a machine was to be asked, and couldn't: the way to it has ended, or it didn't answer. Whoever asked is told so.
#[derive(Debug)]
pub struct Away(pub String);

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a machine isn't reached: {}", self.0)
    }
}

impl std::error::Error for Away {}

/// A git that was killed before it was done. Whoever asked may ask again.
#[derive(Debug)]
pub struct GitKilled(pub String);

impl fmt::Display for GitKilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GitKilled {}

impl Fault {
    #[must_use]
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    fn is_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self.0.as_ref());
        while let Some(error) = cause {
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// The causes, outermost first, in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Failure {
    /// A disk without room is told, wherever it is: whoever asked can do something about it. So is a machine that is away,
    /// and a git that was killed.
    fn from(fault: Fault) -> Self {
        if fault.is_full() {
            return Self::Refused(Refusal::DiskFull);
        }
        if fault.0.is::<Away>() {
            return Self::Refused(Refusal::ServerAway);
        }
        if fault.0.is::<GitKilled>() {
            tracing::warn!(fault = %fault.0, "a git of Stoa's was killed");
            return Self::Refused(Refusal::GitKilled);
        }
        Self::Fault(fault)
    }
}

impl From<StorageFault> for Failure {
    fn from(fault: StorageFault) -> Self {
        if fault.is_full() {
            return Self::Refused(Refusal::DiskFull);
        }
        if fault.is_unreachable() {
            return Self::Refused(Refusal::Unavailable);
        }
        Self::Fault(Fault::new(fault))
    }
}

impl From<stoa_storage::Failure> for Failure {
    fn from(failure: stoa_storage::Failure) -> Self {
        match failure {
            stoa_storage::Failure::Refused(refusal) => Self::Refused(refusal),
            stoa_storage::Failure::Fault(fault) => fault.into(),
        }
    }
}
