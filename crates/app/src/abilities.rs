//! What `may` and `blocked` say: what a caller is allowed of a thing whatever its state, and what of that its state
//! forbids now. Pure: the same for a list of a thousand as for one. Nothing rests on it; the decision is `decide`'s.

use stoa_domain::instance::{InstanceStatus, Stage, State};
use stoa_domain::{
    AccountId, Action, ActionSet, Conflict, MemberId, Permission, Permit, Refusal, WorkspaceId,
};

/// Who asks, as far as an answer depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    pub workspace: WorkspaceId,
    pub member: MemberId,
    pub account: AccountId,
    pub is_owner: bool,
    pub sees_everything: bool,
    pub actions: ActionSet,
}

impl Caller {
    #[must_use]
    pub fn of<P: Permission>(permit: &Permit<P>) -> Self {
        Self {
            workspace: permit.workspace(),
            member: permit.member(),
            account: permit.account(),
            is_owner: permit.by_owner(),
            sees_everything: permit.sees_everything(),
            actions: permit.actions(),
        }
    }

    #[must_use]
    pub fn has(&self, action: Action) -> bool {
        self.is_owner || self.actions.has(action)
    }
}

macro_rules! verbs {
    ($($variant:ident = $key:literal),* $(,)?) => {
        /// The words of `may`, in the order in which they are told. One is added with what it stands for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Verb { $($variant),* }

        impl Verb {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }
        }
    };
}

verbs! {
    Backup = "backup",
    ChangeSettings = "change_settings",
    ConnectAs = "connect_as",
    Delete = "delete",
    Deploy = "deploy",
    Invite = "invite",
    Manage = "manage",
    Merge = "merge",
    ReadLogs = "read_logs",
    Restart = "restart",
    Start = "start",
    Stop = "stop",
    UseIde = "use_ide",
}

/// What a caller may do to one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Sorted.
    pub may: Vec<Verb>,
    /// Those of `may` that the state forbids now, each with the refusal that it would get.
    pub blocked: Vec<(Verb, Refusal)>,
}

impl Abilities {
    fn allow(&mut self, verb: Verb, is_allowed: bool, state: Result<(), Refusal>) {
        if !is_allowed {
            return;
        }
        self.may.push(verb);
        if let Err(refusal) = state {
            self.blocked.push((verb, refusal));
        }
    }

    fn sorted(mut self) -> Self {
        self.may.sort_unstable();
        self.blocked.sort_by_key(|(verb, _)| *verb);
        self
    }
}

/// `running`: how many of its instances run.
#[must_use]
pub fn of_workspace(caller: &Caller, has_instances: bool) -> Abilities {
    if caller.is_owner { of_workspace_by_owner(has_instances) } else { Abilities::default() }
}

pub(crate) fn of_workspace_by_owner(has_instances: bool) -> Abilities {
    let mut abilities = Abilities::default();
    let idle = if has_instances { Err(Refusal::Conflict(Conflict::InstanceRuns)) } else { Ok(()) };
    abilities.allow(Verb::Invite, true, Ok(()));
    abilities.allow(Verb::Manage, true, Ok(()));
    abilities.allow(Verb::Delete, true, idle);
    abilities.sorted()
}

/// `instances`: how many stand on it or come of it.
fn unused(instances: i64) -> Result<(), Refusal> {
    if instances > 0 { Err(Refusal::Conflict(Conflict::StillInUse)) } else { Ok(()) }
}

#[must_use]
pub fn of_server(caller: &Caller, instances: i64) -> Abilities {
    let mut abilities = Abilities::default();
    abilities.allow(Verb::Manage, caller.is_owner, Ok(()));
    abilities.allow(Verb::Delete, caller.is_owner, unused(instances));
    abilities.sorted()
}

#[must_use]
pub fn of_project(caller: &Caller, instances: i64) -> Abilities {
    let mut abilities = Abilities::default();
    abilities.allow(Verb::Merge, caller.has(Action::MergeBranches), Ok(()));
    abilities.allow(Verb::Manage, caller.is_owner, Ok(()));
    abilities.allow(Verb::Delete, caller.is_owner, unused(instances));
    abilities.sorted()
}

/// What needs no sandbox needs the machine all the same.
fn reached(machine: &Result<(), Refusal>) -> Result<(), Refusal> {
    match machine {
        Err(Refusal::ServerAway) => Err(Refusal::ServerAway),
        _ => Ok(()),
    }
}

/// `state`: whether it could run where it would be deployed.
#[must_use]
pub fn of_example(caller: &Caller, state: Result<(), Refusal>) -> Abilities {
    let mut abilities = Abilities::default();
    abilities.allow(Verb::Deploy, caller.is_owner, state);
    abilities.sorted()
}

/// As the target of a merge. `is_allowed`: whether every instance that deploys it is; `is_gone`: no commit is there to
/// merge into.
#[must_use]
pub fn of_branch(caller: &Caller, is_allowed: bool, is_gone: bool) -> Abilities {
    let mut abilities = Abilities::default();
    let there = if is_gone { Err(Refusal::Conflict(Conflict::NoSuchBranch)) } else { Ok(()) };
    abilities.allow(Verb::Merge, caller.has(Action::MergeBranches) && is_allowed, there);
    abilities.sorted()
}

/// `is_target`: whether a merge into its branch touches nothing that isn't allowed; `machine`: why no process can be
/// started where it stands, or nothing can be done there at all.
#[must_use]
pub fn of_instance(
    caller: &Caller,
    stage: Stage,
    state: State,
    is_target: bool,
    machine: &Result<(), Refusal>,
) -> Abilities {
    let walls = || machine.clone();
    let link = || reached(machine);
    let deletes = caller.is_owner || (stage != Stage::Production && caller.has(Action::DeleteInstances));
    let mut abilities = Abilities::default();
    abilities.allow(
        Verb::Start,
        caller.has(Action::RestartInstances),
        state.can_start().and_then(|()| walls()),
    );
    abilities.allow(
        Verb::Restart,
        caller.has(Action::RestartInstances),
        state.can_restart().and_then(|()| walls()),
    );
    abilities.allow(
        Verb::Backup,
        caller.has(Action::ManageBackups),
        state.can_back_up().and_then(|()| walls()),
    );
    abilities.allow(
        Verb::Stop,
        caller.has(Action::StopInstances),
        state.can_stop(false).and_then(|()| link()),
    );
    abilities.allow(Verb::Deploy, caller.is_owner, state.can_deploy().and_then(|()| walls()));
    abilities.allow(Verb::Delete, deletes, state.can_delete(false).and_then(|()| link()));
    abilities.allow(Verb::ReadLogs, caller.has(Action::ViewLogs), link());
    abilities.allow(Verb::Merge, caller.has(Action::MergeBranches) && is_target, Ok(()));
    abilities.allow(Verb::UseIde, caller.has(Action::UseIde), walls());
    let manage = if state.status == InstanceStatus::Deleting {
        Err(Refusal::Conflict(Conflict::BeingDeleted))
    } else {
        Ok(())
    };
    abilities.allow(Verb::ChangeSettings, caller.has(Action::ManageSettings), manage.clone());
    abilities.allow(Verb::Manage, caller.is_owner, manage);
    abilities.sorted()
}

/// The same, with whether one can connect to it as one of its users. `way`: how its release says so, where that is known.
#[must_use]
pub fn with_connect_as(
    mut abilities: Abilities,
    caller: &Caller,
    state: State,
    way: Option<&str>,
    machine: &Result<(), Refusal>,
) -> Abilities {
    let can = crate::connect_as::can_connect(state, way).and_then(|()| reached(machine));
    abilities.allow(Verb::ConnectAs, caller.has(Action::ConnectAsUser), can);
    abilities.sorted()
}

/// The same of an instance whose branch is gone: there is nothing to merge into. An earlier release can still be deployed.
#[must_use]
pub fn without_branch(mut abilities: Abilities) -> Abilities {
    if abilities.may.contains(&Verb::Merge) {
        abilities.blocked.push((Verb::Merge, Refusal::Conflict(Conflict::NoSuchBranch)));
    }
    abilities.sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(is_owner: bool, actions: &[Action]) -> Caller {
        Caller {
            workspace: WorkspaceId::INSTALLATION,
            member: MemberId::new(uuid::Uuid::nil()),
            account: AccountId::new(uuid::Uuid::nil()),
            is_owner,
            sees_everything: is_owner,
            actions: actions.iter().copied().collect(),
        }
    }

    const RUNS: State = State {
        status: InstanceStatus::Running,
        has_release: true,
        is_protected: false,
        is_busy: false,
        is_being_deleted: false,
        lacks_its_data: false,
    };

    #[test]
    fn a_member_may_what_its_actions_say_and_nothing_more() {
        let tester = caller(false, &[Action::RestartInstances, Action::ViewLogs]);
        let abilities = of_instance(&tester, Stage::Staging, RUNS, true, &Ok(()));
        assert_eq!(abilities.may, [Verb::ReadLogs, Verb::Restart, Verb::Start]);
        assert_eq!(abilities.blocked, [(Verb::Start, Refusal::Conflict(Conflict::AlreadyRunning))]);
        assert_eq!(
            of_instance(&caller(false, &[]), Stage::Staging, RUNS, true, &Ok(())),
            Abilities::default()
        );
    }

    #[test]
    fn nothing_is_done_on_a_server_that_is_away() {
        let caller = caller(true, &[]);
        let away = of_instance(&caller, Stage::Staging, RUNS, true, &Err(Refusal::ServerAway));
        let blocked = |verb| away.blocked.iter().find(|(of, _)| *of == verb).map(|(_, why)| why.clone());
        for verb in [
            Verb::Restart,
            Verb::Stop,
            Verb::Deploy,
            Verb::Delete,
            Verb::Backup,
            Verb::ReadLogs,
            Verb::UseIde,
        ] {
            assert_eq!(blocked(verb), Some(Refusal::ServerAway), "{verb:?}");
        }
        assert_eq!(blocked(Verb::Merge), None);
        assert_eq!(blocked(Verb::ChangeSettings), None);
    }

    #[test]
    fn a_production_instance_is_an_owners_to_delete() {
        let deleter = caller(false, &[Action::DeleteInstances]);
        assert!(of_instance(&deleter, Stage::Production, RUNS, true, &Ok(())).may.is_empty());
        assert_eq!(of_instance(&deleter, Stage::Staging, RUNS, true, &Ok(())).may, [Verb::Delete]);
        assert!(
            of_instance(&caller(true, &[]), Stage::Production, RUNS, true, &Ok(()))
                .may
                .contains(&Verb::Delete)
        );
    }

    #[test]
    fn a_branch_is_a_target_where_everything_that_deploys_it_is_allowed() {
        let merger = caller(false, &[Action::MergeBranches]);
        assert_eq!(of_branch(&merger, true, false).may, [Verb::Merge]);
        assert_eq!(of_branch(&merger, false, false), Abilities::default());
        assert_eq!(of_branch(&caller(false, &[]), true, false), Abilities::default());
        let gone = of_branch(&merger, true, true);
        assert_eq!(gone.blocked, [(Verb::Merge, Refusal::Conflict(Conflict::NoSuchBranch))]);
        assert!(of_instance(&merger, Stage::Production, RUNS, false, &Ok(())).may.is_empty());
        let target = of_instance(&merger, Stage::Production, RUNS, true, &Ok(()));
        assert_eq!((target.may.as_slice(), target.blocked.as_slice()), (&[Verb::Merge][..], &[][..]));
        assert_eq!(without_branch(target).blocked, gone.blocked);
        assert_eq!(without_branch(Abilities::default()), Abilities::default());
    }

    #[test]
    fn keys_are_told_in_the_order_of_the_alphabet() {
        let may = of_instance(&caller(true, &[]), Stage::Staging, RUNS, true, &Ok(())).may;
        let keys: Vec<_> = may.iter().map(|verb| verb.key()).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(keys, sorted);
    }
}
