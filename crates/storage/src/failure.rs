//! What a call to storage ends in when it doesn't succeed.

use stoa_domain::Refusal;

/// A refusal, which a person is told, or a fault, which is logged.
#[derive(Debug)]
pub enum Failure {
    Refused(Refusal),
    Fault(StorageFault),
}

/// What went wrong below a use-case.
#[derive(thiserror::Error)]
pub enum StorageFault {
    /// Its own words and no more: what the driver adds is of the database's source.
    #[error("the database answered an error: {}", words_of(.0))]
    Database(sqlx::Error),
    #[error("column {index} isn't of the type that its reader expects")]
    Column { index: usize },
    #[error("a stored value isn't one of those known: {0}")]
    Unknown(String),
    #[error("the disk is full")]
    Full,
    #[error("the writer has ended")]
    WriterEnded,
    #[error("the schema is of version {found}, this program knows {known}: run the newer program")]
    NewerSchema { found: i64, known: i64 },
    #[error("migration {version} differs from the one that was carried out")]
    ChangedMigration { version: i64 },
    #[error("{0}")]
    Start(String),
}

/// Its sentence: what the driver's own `Debug` adds are values of rows.
impl std::fmt::Debug for StorageFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

impl StorageFault {
    /// Whether the disk or the database has no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full => true,
            // SQLITE_FULL, and PostgreSQL's disk_full.
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("13" | "53100"))
            }
            _ => false,
        }
    }

    /// Whether the database can't be reached at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
        ) || matches!(self, Self::Database(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08")))
    }

    /// Whether a rule of the schema refused the write: somebody else was first.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether something that is to be removed is still referred to.
    #[must_use]
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_foreign_key_violation())
    }

    pub(crate) fn is_retriable(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("40001" | "40P01")))
    }
}

fn words_of(error: &sqlx::Error) -> String {
    if let sqlx::Error::Database(answered) = error {
        return answered.message().to_owned();
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.ends_with(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

impl From<sqlx::Error> for StorageFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StorageFault> for Failure {
    fn from(fault: StorageFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}
