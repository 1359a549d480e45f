//! The proof that something was decided. Only `decide` and its siblings make one.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::action::{Action, ActionSet};
use crate::actor::{Actor, Via};
use crate::decide::{StartedBy, check, not_an_owner};
use crate::ids::{AccountId, MemberId, WorkspaceId};
use crate::member::Role;
use crate::permission::{Permission, Resource, ResourceKind, Target};
use crate::refusal::Refusal;
use crate::standing::{Access, Revisions, Standing, TokenLimits};
use crate::time::Timestamp;

/// The proof that an actor may do `P` to the target. Neither copied nor stored: it is used once.
#[must_use = "a permit that isn't used was decided for nothing"]
#[derive(Debug)]
pub struct Permit<P: Permission> {
    pub(crate) actor: Actor,
    pub(crate) workspace: WorkspaceId,
    pub(crate) member: MemberId,
    pub(crate) account: AccountId,
    pub(crate) by_owner: bool,
    pub(crate) sees_everything: bool,
    pub(crate) target: P::Target,
    pub(crate) revisions: Revisions,
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) narrowed: Option<ActionSet>,
    pub(crate) actions: ActionSet,
    pub(crate) started_by: Option<StartedBy>,
    pub(crate) permission: PhantomData<P>,
}

impl<P: Permission> Permit<P> {
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The acting member.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Whose account the member is: the actor's, but where an owner looks on as another.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    #[must_use]
    pub fn target(&self) -> &P::Target {
        &self.target
    }

    /// Decided as an owner's, not by a profile.
    #[must_use]
    pub fn by_owner(&self) -> bool {
        self.by_owner
    }

    /// What is said where only owners may, and it isn't decided as one's.
    #[must_use]
    pub fn owner_required(&self) -> Refusal {
        not_an_owner(self.sees_everything)
    }

    /// The actions that count for this request: what an answer says the caller may do.
    #[must_use]
    pub fn actions(&self) -> ActionSet {
        self.actions
    }

    /// Whether lists are the whole workspace's, instead of starting from the member's own.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.sees_everything
    }
}

/// What has to be read again inside a write, before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// The membership and the account, against these revisions; past the end of a grant it is decided once more
    /// though nothing was changed.
    Member { account: AccountId, revisions: Revisions, ends_at: Option<Timestamp> },
    /// The account, against this revision.
    Account { account: AccountId, revision: i64 },
    /// Nobody is behind it.
    Nothing,
}

/// What a write opens from: a permit of any kind.
pub trait Authority: Send + Sync {
    /// Whose chain of audit events it belongs to.
    fn workspace(&self) -> WorkspaceId;

    fn actor(&self) -> Option<&Actor>;

    /// By which way it came in.
    fn via(&self) -> Via {
        self.actor().map_or(Via::System, |actor| actor.via)
    }

    fn operation(&self) -> &'static str;

    /// What it was decided on, for the audit event.
    fn resource(&self) -> Option<Resource>;

    /// Every resource that the decision rests on.
    fn resources(&self) -> Vec<Resource>;

    fn recheck(&self) -> Recheck;

    /// Decides once more, by what is known now.
    ///
    /// # Errors
    /// The refusal, where the answer is no longer yes.
    fn again(&self, access: Arc<Access>) -> Result<(), Refusal>;
}

impl<A: Authority + ?Sized> Authority for Arc<A> {
    fn workspace(&self) -> WorkspaceId {
        (**self).workspace()
    }

    fn actor(&self) -> Option<&Actor> {
        (**self).actor()
    }

    fn via(&self) -> Via {
        (**self).via()
    }

    fn operation(&self) -> &'static str {
        (**self).operation()
    }

    fn resource(&self) -> Option<Resource> {
        (**self).resource()
    }

    fn resources(&self) -> Vec<Resource> {
        (**self).resources()
    }

    fn recheck(&self) -> Recheck {
        (**self).recheck()
    }

    fn again(&self, access: Arc<Access>) -> Result<(), Refusal> {
        (**self).again(access)
    }
}

impl<P: Permission> Authority for Permit<P> {
    fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    fn actor(&self) -> Option<&Actor> {
        Some(&self.actor)
    }

    fn operation(&self) -> &'static str {
        P::OPERATION
    }

    fn resource(&self) -> Option<Resource> {
        let first = self.target.resources().into_iter().next();
        first.or(Some(Resource { kind: ResourceKind::Workspace, id: self.workspace.uuid() }))
    }

    fn resources(&self) -> Vec<Resource> {
        self.target.resources()
    }

    fn recheck(&self) -> Recheck {
        Recheck::Member { account: self.actor.account, revisions: self.revisions, ends_at: self.ends_at }
    }

    fn again(&self, access: Arc<Access>) -> Result<(), Refusal> {
        let standing = Standing::narrowed(self.actor.clone(), access, self.narrowed);
        if standing.workspace() != self.workspace || standing.member() != self.member {
            return Err(Refusal::NotFound);
        }
        match &self.started_by {
            Some(started_by) => started_by.check(&standing, self.target.is_listed(&standing)),
            None => check::<P>(&standing, &self.target),
        }
    }
}

/// The proof that somebody is signed in, for what an account does to itself or outside of any workspace.
#[must_use = "a permit that isn't used was decided for nothing"]
#[derive(Debug)]
pub struct AccountPermit {
    pub(crate) actor: Actor,
    pub(crate) revision: i64,
    pub(crate) operation: &'static str,
    pub(crate) is_admin: bool,
    pub(crate) limits: TokenLimits,
}

impl AccountPermit {
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.is_admin
    }

    /// Whether a workspace of the account's is one for this request too: a token may be narrowed to others.
    #[must_use]
    pub fn sees_workspace(&self, workspace: WorkspaceId) -> bool {
        self.limits.workspaces.as_ref().is_none_or(|only| only.contains(&workspace))
    }

    /// What an account that has this role is for this request: narrowed to actions it is never an owner.
    #[must_use]
    pub fn role(&self, role: Role) -> Role {
        if self.limits.actions.is_some() { Role::Member } else { role }
    }

    /// Whether an action that the account has counts for this request: a token may be narrowed to others.
    #[must_use]
    pub fn leaves(&self, action: Action) -> bool {
        self.limits.actions.is_none_or(|only| only.has(action))
    }
}

impl Authority for AccountPermit {
    fn workspace(&self) -> WorkspaceId {
        WorkspaceId::INSTALLATION
    }

    fn actor(&self) -> Option<&Actor> {
        Some(&self.actor)
    }

    fn operation(&self) -> &'static str {
        self.operation
    }

    fn resource(&self) -> Option<Resource> {
        Some(Resource { kind: ResourceKind::Account, id: self.actor.account.uuid() })
    }

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn recheck(&self) -> Recheck {
        Recheck::Account { account: self.actor.account, revision: self.revision }
    }

    fn again(&self, _access: Arc<Access>) -> Result<(), Refusal> {
        // The account's revision differs: its password, status or second factor changed meanwhile.
        Err(Refusal::Unauthenticated)
    }
}

/// The proof that a request is one of the few which nobody has to be signed in for.
#[must_use = "a permit that isn't used was decided for nothing"]
#[derive(Debug)]
pub struct OpenPermit {
    pub(crate) operation: &'static str,
    pub(crate) workspace: WorkspaceId,
}

impl Authority for OpenPermit {
    fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    fn actor(&self) -> Option<&Actor> {
        None
    }

    fn operation(&self) -> &'static str {
        self.operation
    }

    fn resource(&self) -> Option<Resource> {
        None
    }

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn recheck(&self) -> Recheck {
        Recheck::Nothing
    }

    fn again(&self, _access: Arc<Access>) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The control plane's own authority, to write down how work that somebody was permitted to start went on.
#[must_use = "a permit that isn't used was decided for nothing"]
#[derive(Debug, Clone)]
pub struct SystemPermit {
    workspace: WorkspaceId,
    operation: &'static str,
    resource: Option<Resource>,
    actor: Option<Actor>,
}

impl SystemPermit {
    /// `actor` is who started the work, where somebody did.
    pub fn new(
        workspace: WorkspaceId,
        operation: &'static str,
        resource: Option<Resource>,
        actor: Option<Actor>,
    ) -> Self {
        Self { workspace, operation, resource, actor }
    }
}

impl Authority for SystemPermit {
    fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    fn operation(&self) -> &'static str {
        self.operation
    }

    fn resource(&self) -> Option<Resource> {
        self.resource
    }

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn recheck(&self) -> Recheck {
        Recheck::Nothing
    }

    fn again(&self, _access: Arc<Access>) -> Result<(), Refusal> {
        Ok(())
    }
}
