//! What storage knows of an account in a workspace at this moment.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::action::ActionSet;
use crate::actor::Actor;
use crate::ids::{AccountId, InstanceId, MemberId, ProjectId, ServerId, WorkspaceId};
use crate::member::Role;
use crate::time::Timestamp;

/// Numbers that rise with each change of what an account, or a member, may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revisions {
    pub account: i64,
    pub access: i64,
}

/// An active membership: who isn't a member has none, by the type.
///
/// Storage alone makes it. The lists hold either the member's whole lists or at least those entries that
/// were asked for; `decide` can't tell the difference.
#[derive(Debug, Clone)]
pub struct Access {
    pub account: AccountId,
    pub workspace: WorkspaceId,
    pub member: MemberId,
    pub role: Role,
    pub actions: ActionSet,
    pub projects: FxHashSet<ProjectId>,
    pub instances: FxHashSet<InstanceId>,
    pub servers: FxHashSet<ServerId>,
    pub revisions: Revisions,
    /// When the first of these grants ends: what was decided by them before counts no longer after.
    pub ends_at: Option<Timestamp>,
    /// The workspace demands a second factor, and the account has none: nothing is allowed until it has.
    pub lacks_second_factor: bool,
}

/// What a personal access token leaves of its account's standing.
#[derive(Debug, Clone, Default)]
pub struct TokenLimits {
    /// Only these, where the token is narrowed to actions.
    pub actions: Option<ActionSet>,
    /// Only there, where it is narrowed to workspaces.
    pub workspaces: Option<Vec<WorkspaceId>>,
}

impl TokenLimits {
    /// Whether it has less than its account.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        self.actions.is_some() || self.workspaces.is_some()
    }
}

/// The access of one request: the membership, and whoever stands behind the request.
#[derive(Debug, Clone)]
pub struct Standing {
    actor: Actor,
    access: Arc<Access>,
    actions: Option<ActionSet>,
    /// An owner looks on as the member that the access is of.
    is_viewed: bool,
}

impl Standing {
    /// `None` where the token isn't for this workspace: to it, the account isn't a member.
    #[must_use]
    pub fn new(actor: Actor, access: Arc<Access>, limits: Option<&TokenLimits>) -> Option<Self> {
        if actor.account != access.account {
            return None;
        }
        let workspaces = limits.and_then(|limits| limits.workspaces.as_ref());
        if workspaces.is_some_and(|only| !only.contains(&access.workspace)) {
            return None;
        }
        let actions = limits.and_then(|limits| limits.actions);
        Some(Self { actor, access, actions, is_viewed: false })
    }

    /// The standing of another member, for an owner who looks on as that one: the owner acts, the member's access
    /// decides. `None` for whoever isn't an owner of the same workspace.
    #[must_use]
    pub fn viewed_by(owner: &Self, access: Arc<Access>) -> Option<Self> {
        let may = owner.is_owner()
            && !owner.lacks_second_factor()
            && !owner.is_viewed
            && owner.workspace() == access.workspace;
        may.then(|| Self { actor: owner.actor.clone(), access, actions: None, is_viewed: true })
    }

    pub(crate) fn narrowed(actor: Actor, access: Arc<Access>, actions: Option<ActionSet>) -> Self {
        Self { actor, access, actions, is_viewed: false }
    }

    pub(crate) fn narrowed_to(&self) -> Option<ActionSet> {
        self.actions
    }

    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whose access it is: the actor's own, but where an owner looks on as another.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.access.account
    }

    /// Whether an owner looks on as a member: nothing can be done then, and much isn't shown.
    #[must_use]
    pub fn is_viewed(&self) -> bool {
        self.is_viewed
    }

    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.access.ends_at
    }

    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.access.workspace
    }

    #[must_use]
    pub fn member(&self) -> MemberId {
        self.access.member
    }

    /// Whether nothing is allowed before the account has a second factor.
    #[must_use]
    pub fn lacks_second_factor(&self) -> bool {
        self.access.lacks_second_factor
    }

    #[must_use]
    pub fn revisions(&self) -> Revisions {
        self.access.revisions
    }

    /// A token narrowed to actions is never an owner.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.access.role == Role::Owner && self.actions.is_none()
    }

    /// Whether the lists don't count: an owner's account sees everything, by whatever token.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.access.role == Role::Owner
    }

    /// The account's own, by whatever it asks.
    pub(crate) fn own_actions(&self) -> ActionSet {
        if self.access.role == Role::Owner { ActionSet::ALL } else { self.access.actions }
    }

    /// The actions that count for this request.
    #[must_use]
    pub fn actions(&self) -> ActionSet {
        let own = self.own_actions();
        self.actions.map_or(own, |only| own.intersection(only))
    }

    #[must_use]
    pub fn has_project(&self, project: ProjectId) -> bool {
        self.sees_everything() || self.access.projects.contains(&project)
    }

    #[must_use]
    pub fn has_instance(&self, instance: InstanceId) -> bool {
        self.sees_everything() || self.access.instances.contains(&instance)
    }

    #[must_use]
    pub fn has_server(&self, server: ServerId) -> bool {
        self.sees_everything() || self.access.servers.contains(&server)
    }
}

/// Who is signed in, before any workspace is asked about.
#[derive(Debug, Clone)]
pub struct AccountStanding {
    pub actor: Actor,
    pub is_admin: bool,
    pub revision: i64,
    /// Set for a token: it can't touch the account itself.
    pub limits: Option<TokenLimits>,
    /// Whether the password was entered within the last ten minutes.
    pub confirmed: bool,
    /// The member as whom the request wants to look on.
    pub viewing: Option<MemberId>,
}

impl AccountStanding {
    /// Whether it asks by a personal access token.
    #[must_use]
    pub fn is_by_token(&self) -> bool {
        self.limits.is_some()
    }
}
