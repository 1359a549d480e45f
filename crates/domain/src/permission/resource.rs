//! What permissions are decided on, and events name.

/// Kinds of things that permissions are decided on, as the API names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    Workspace,
    Member,
    Invitation,
    Preset,
    Project,
    Instance,
    Server,
    Job,
    Account,
    Session,
    Token,
}

impl ResourceKind {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Member => "member",
            Self::Invitation => "invitation",
            Self::Preset => "preset",
            Self::Project => "project",
            Self::Instance => "instance",
            Self::Server => "server",
            Self::Job => "job",
            Self::Account => "account",
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// One thing of a kind: what an audit event and an event name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resource {
    pub kind: ResourceKind,
    pub id: uuid::Uuid,
}
