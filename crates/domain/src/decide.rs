//! The decision: pure, total, and the only way to a permit. The default is no.

use std::marker::PhantomData;

use crate::action::{Action, ActionSet};
use crate::administrator::AdministratorPermit;
use crate::ids::{ProjectId, WorkspaceId};
use crate::permission::{Need, Permission, Target};
use crate::permit::{AccountPermit, OpenPermit, Permit};
use crate::refusal::{Refusal, TokenWithout};
use crate::standing::{AccountStanding, Standing, TokenLimits};

/// Decides whether `standing` may do `P` to `target`, which exists.
///
/// # Errors
/// [`Refusal::NotFound`] where the target isn't in the member's list; else what is missing.
pub fn decide<P: Permission>(standing: &Standing, target: P::Target) -> Result<Permit<P>, Refusal> {
    check::<P>(standing, &target)?;
    Ok(grant(standing, target, None))
}

fn grant<P: Permission>(standing: &Standing, target: P::Target, started_by: Option<StartedBy>) -> Permit<P> {
    Permit {
        actor: standing.actor().clone(),
        workspace: standing.workspace(),
        member: standing.member(),
        account: standing.account(),
        by_owner: standing.is_owner(),
        sees_everything: standing.sees_everything(),
        target,
        revisions: standing.revisions(),
        ends_at: standing.ends_at(),
        narrowed: standing.narrowed_to(),
        actions: standing.actions(),
        started_by,
        permission: PhantomData,
    }
}

/// What is refused whatever the target is, and whether or not it exists: to be asked before it is looked for, so that
/// the answer says nothing of what is there.
///
/// # Errors
/// As [`decide`] refuses.
pub fn decide_unlocated<P: Permission>(standing: &Standing) -> Result<(), Refusal> {
    seen_by_an_owner::<P>(standing)?;
    // Before everything else: owners too, and tokens.
    if standing.lacks_second_factor() {
        return Err(Refusal::SecondFactorDemanded);
    }
    if P::NEED == Need::Owner && P::Target::IS_OF_OWNERS && !standing.is_owner() {
        return Err(owner_required(standing));
    }
    Ok(())
}

pub(crate) fn check<P: Permission>(standing: &Standing, target: &P::Target) -> Result<(), Refusal> {
    decide_unlocated::<P>(standing)?;
    if standing.is_owner() {
        return Ok(());
    }
    if !standing.sees_everything() && !target.is_listed(standing) {
        return Err(Refusal::NotFound);
    }
    match P::NEED {
        Need::Member => Ok(()),
        Need::Action(action) => has(standing, &[action]),
        Need::Actions(first, second) => has(standing, &[first, second]),
        Need::OwnerOrSelf if target.is_self(standing) => Ok(()),
        // A token that was narrowed for a script takes nobody out of where they belong.
        Need::OwnerOrWholeSelf if target.is_self(standing) => match standing.narrowed_to() {
            None => Ok(()),
            Some(_) => Err(Refusal::TokenNarrowed(TokenWithout::Wholeness)),
        },
        // What a job's start needed isn't known here: `decide_cancel` asks.
        Need::Owner | Need::OwnerOrSelf | Need::OwnerOrWholeSelf | Need::Started => {
            Err(owner_required(standing))
        }
    }?;
    target.allows(standing)
}

/// Whoever looks on as a member is shown what says so of itself, and does nothing.
fn seen_by_an_owner<P: Permission>(standing: &Standing) -> Result<(), Refusal> {
    if standing.is_viewed() && !P::VIEWED_AS { Err(Refusal::ViewAsReadOnly) } else { Ok(()) }
}

fn has(standing: &Standing, needed: &[Action]) -> Result<(), Refusal> {
    let missing: Vec<_> = needed.iter().copied().filter(|action| !standing.actions().has(*action)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // Nobody can grant what the account has: the token was made with less.
    if standing.narrowed_to().is_some() && missing.iter().all(|action| standing.own_actions().has(*action)) {
        return Err(Refusal::TokenLacks { missing });
    }
    Err(Refusal::PermissionDenied { missing, ask: Vec::new() })
}

/// What somebody is told who isn't an owner for this request. Whoever is one, and asks by a token with less, has nobody
/// to ask.
pub(crate) fn owner_required(standing: &Standing) -> Refusal {
    not_an_owner(standing.sees_everything())
}

pub(crate) fn not_an_owner(account_is: bool) -> Refusal {
    match account_is {
        true => Refusal::TokenNarrowed(TokenWithout::Ownership),
        false => Refusal::OwnerRequired { ask: Vec::new() },
    }
}

/// What the start of a job needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedBy {
    Owner,
    /// All of these, on the instance, and on the project where there is one.
    Actions {
        actions: ActionSet,
        project: Option<ProjectId>,
    },
}

impl StartedBy {
    /// What a push needs, as jobs keep it.
    pub const PUSH: &'static str = "view_projects+use_ide";
    /// What a merge needs.
    pub const MERGE: &'static str = "merge_branches";

    /// From what a job keeps: keys of actions, joined by `+`. What isn't one was an owner's. `project` is the job's: it
    /// counts where the start was decided on it.
    #[must_use]
    pub fn parse(permission: &str, project: Option<ProjectId>) -> Self {
        let mut actions = ActionSet::EMPTY;
        for key in permission.split('+') {
            match Action::from_key(key) {
                Some(action) => actions = actions.with(action),
                None => return Self::Owner,
            }
        }
        let project = project.filter(|_| [Self::PUSH, Self::MERGE].contains(&permission));
        Self::Actions { actions, project }
    }

    /// The project that it was decided on too.
    #[must_use]
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Owner => None,
            Self::Actions { project, .. } => project,
        }
    }

    pub(crate) fn check(self, standing: &Standing, listed: bool) -> Result<(), Refusal> {
        if standing.lacks_second_factor() {
            return Err(Refusal::SecondFactorDemanded);
        }
        if standing.is_owner() {
            return Ok(());
        }
        let sees_project = self.project().is_none_or(|project| standing.has_project(project));
        if !standing.sees_everything() && (!listed || !sees_project) {
            return Err(Refusal::NotFound);
        }
        match self {
            Self::Actions { actions, .. } => has(standing, &actions.iter().collect::<Vec<_>>()),
            Self::Owner => Err(owner_required(standing)),
        }
    }
}

/// Decides what rests on the start of a job: cancelling it needs what starting it needed, on the same instance.
///
/// # Errors
/// As [`decide`].
pub fn decide_cancel<P: Permission>(
    standing: &Standing,
    target: P::Target,
    started_by: StartedBy,
) -> Result<Permit<P>, Refusal> {
    if P::NEED != Need::Started {
        return decide::<P>(standing, target);
    }
    seen_by_an_owner::<P>(standing)?;
    started_by.check(standing, target.is_listed(standing))?;
    Ok(grant(standing, target, Some(started_by)))
}

/// What an account asks of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNeed {
    /// Being signed in, by session or token.
    SignedIn,
    /// By a session, or by a token that isn't narrowed: what would give a narrowed one more than it has.
    Unnarrowed,
    /// Being signed in by a session; a token can't.
    Session,
    /// By a session, with the password entered a moment ago: what changes the account itself.
    Confirmed,
}

/// Decides what an account does outside of any workspace.
///
/// # Errors
/// [`Refusal::TokenMayNot`], [`Refusal::TokenNarrowed`], [`Refusal::PasswordRequired`], or [`Refusal::ViewAsReadOnly`]: nobody's account is looked
/// on.
pub fn decide_account(
    standing: &AccountStanding,
    need: AccountNeed,
    operation: &'static str,
) -> Result<AccountPermit, Refusal> {
    if standing.viewing.is_some() {
        return Err(Refusal::ViewAsReadOnly);
    }
    let by_token = standing.limits.is_some();
    match need {
        AccountNeed::SignedIn => {}
        AccountNeed::Unnarrowed if standing.limits.as_ref().is_some_and(TokenLimits::is_narrowed) => {
            return Err(Refusal::TokenNarrowed(TokenWithout::Wholeness));
        }
        AccountNeed::Unnarrowed => {}
        AccountNeed::Session | AccountNeed::Confirmed if by_token => return Err(Refusal::TokenMayNot),
        AccountNeed::Confirmed if !standing.confirmed => return Err(Refusal::PasswordRequired),
        AccountNeed::Session | AccountNeed::Confirmed => {}
    }
    Ok(AccountPermit {
        actor: standing.actor.clone(),
        revision: standing.revision,
        operation,
        // A token narrowed in any way doesn't administer the installation.
        is_admin: standing.is_admin && !standing.limits.as_ref().is_some_and(TokenLimits::is_narrowed),
        limits: standing.limits.clone().unwrap_or_default(),
    })
}

/// Decides what only whoever administers the installation may do.
///
/// # Errors
/// [`Refusal::AdministratorRequired`]; [`Refusal::TokenNarrowed`] to a narrowed token of an administrator's.
pub fn decide_administrator(
    standing: &AccountStanding,
    operation: &'static str,
) -> Result<AdministratorPermit, Refusal> {
    let permit = decide_account(standing, AccountNeed::SignedIn, operation)?;
    match permit.is_admin {
        true => Ok(AdministratorPermit::of(permit)),
        false if standing.is_admin => Err(Refusal::TokenNarrowed(TokenWithout::Administration)),
        false => Err(Refusal::AdministratorRequired),
    }
}

/// A request for which nobody has to be signed in. `workspace` is the one whose audit log it belongs to, if
/// the request's secret has named one.
pub fn decide_open(operation: &'static str, workspace: Option<WorkspaceId>) -> OpenPermit {
    OpenPermit { operation, workspace: workspace.unwrap_or(WorkspaceId::INSTALLATION) }
}

/// Why a member can or can't do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    Owner,
    Granted,
    ActionMissing,
    ResourceNotAllowed,
}

impl Because {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Granted => "granted",
            Self::ActionMissing => "action_missing",
            Self::ResourceNotAllowed => "resource_not_allowed",
        }
    }

    #[must_use]
    pub const fn allowed(self) -> bool {
        matches!(self, Self::Owner | Self::Granted)
    }
}

/// Says why: by the same rules as [`decide`], which refuses a resource before it asks for the action.
#[must_use]
pub fn explain<T: Target>(standing: &Standing, action: Option<Action>, target: Option<&T>) -> Because {
    if standing.is_owner() {
        return Because::Owner;
    }
    if target.is_some_and(|target| !target.is_listed(standing)) {
        return Because::ResourceNotAllowed;
    }
    match action {
        Some(action) if !standing.actions().has(action) => Because::ActionMissing,
        _ => Because::Granted,
    }
}
