//! What goes into a statement and what comes out of a row: five types that both databases have alike.

use stoa_domain::Timestamp;
use uuid::Uuid;

/// One bound value. `Null` says of what type, because PostgreSQL wants to know.
#[derive(Clone)]
pub enum Value {
    Uuid(Uuid),
    Text(String),
    Bool(bool),
    Int(i64),
    Bytes(Vec<u8>),
    Null(Kind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Text,
    Bool,
    Int,
    Bytes,
}

/// A type that can be bound and read.
pub trait Column: Sized {
    const KIND: Kind;
    fn into_value(self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! plain_columns {
    ($($type:ty => $variant:ident),*) => {$(
        impl Column for $type {
            const KIND: Kind = Kind::$variant;
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
            fn from_value(value: Value) -> Option<Self> {
                match value { Value::$variant(inner) => Some(inner), _ => None }
            }
        }
    )*};
}

plain_columns! { Uuid => Uuid, String => Text, bool => Bool, i64 => Int, Vec<u8> => Bytes }

macro_rules! id_columns {
    ($($id:ident),* $(,)?) => {$(
        impl Column for stoa_domain::$id {
            const KIND: Kind = Kind::Uuid;
            fn into_value(self) -> Value {
                Value::Uuid(self.uuid())
            }
            fn from_value(value: Value) -> Option<Self> {
                match value { Value::Uuid(id) => Some(Self::new(id)), _ => None }
            }
        }
    )*};
}

id_columns! {
    AccountId, SessionId, TokenId, WorkspaceId, LogoId, MemberId, InvitationId, MachineId, ServerId, ProjectId,
    InstanceId, DeploymentId, ReleaseId, JobId, EventId, AuditEventId, MailId, ReplicaId, PresetId, PasskeyId,
    ConnectSessionId, TerminalId, BackupId, BackupRepositoryId, BackupPlaceId, SettingsChangeId,
}

impl Column for Timestamp {
    const KIND: Kind = Kind::Int;
    fn into_value(self) -> Value {
        Value::Int(self.micros())
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Int(micros) => Some(Self::from_micros(micros)),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    const KIND: Kind = T::KIND;
    fn into_value(self) -> Value {
        self.map_or(Value::Null(T::KIND), T::into_value)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null(_) => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl<T: Column> From<T> for Value {
    fn from(inner: T) -> Self {
        inner.into_value()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// The values of a statement, in order: `values![workspace, name]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
