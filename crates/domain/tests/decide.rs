//! `decide`, exhaustively, against a model of its own that was written from the description of the product: every set
//! of actions, in the list or not, every role, every permission.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use stoa_domain::member::Role;
use stoa_domain::permission::{
    BackupTarget, ConnectTarget, DeploymentTarget, DomainTarget, InstanceAndOthers, JobTarget, MergeTarget,
    ProjectAndInstances, RestoreTarget, SettingsChangeTarget, SettingsTarget, Target, Whole, ai, all, backup,
    backup_storage, connect_as, example, ide, instance, invitation, job, logo, member, preset, project,
    remote, server, settings, viewed_as, workspace,
};
use stoa_domain::push::decide_push;
use stoa_domain::settings::DomainName;
use stoa_domain::standing::{Access, Revisions};
use stoa_domain::{
    AccountId, Action, ActionSet, Actor, BackupId, ConnectSessionId, Credential, DeploymentId, InstanceId,
    InvitationId, JobId, MemberId, Need, Permission, PresetId, ProjectId, Refusal, ServerId, SessionId,
    Standing, StartedBy, TokenLimits, TokenWithout, Via, WorkspaceId, decide, decide_cancel,
};
use uuid::Uuid;

/// What the model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Allowed,
    NotFound,
    Missing(Vec<&'static str>),
    OwnersOnly,
    /// The account has them; the token wasn't given them.
    NotGiven(Vec<&'static str>),
}

/// What the product's tables say of an operation, in the words of the API.
#[derive(Clone, Copy)]
enum Asks {
    /// These switches.
    Switches(&'static [&'static str]),
    Owner,
    OwnerOrSelf,
}

fn id<I: std::str::FromStr>(number: u128) -> I {
    Uuid::from_u128(number).to_string().parse().ok().unwrap()
}

const OWN: u128 = 7;

fn standing(role: Role, actions: ActionSet, is_listed: bool, limits: Option<&TokenLimits>) -> Standing {
    let access = access(role, actions, is_listed);
    let actor = Actor {
        account: access.account,
        name: "Anna".to_owned(),
        via: Via::Page,
        credential: Credential::Session(id::<SessionId>(9)),
        address: None,
    };
    Standing::new(actor, Arc::new(access), limits).unwrap()
}

fn access(role: Role, actions: ActionSet, is_listed: bool) -> Access {
    let listed = if is_listed { OWN } else { OWN + 1 };
    Access {
        account: id(1),
        workspace: id::<WorkspaceId>(2),
        member: id::<MemberId>(3),
        role,
        actions,
        projects: [id::<ProjectId>(listed)].into_iter().collect(),
        instances: [id::<InstanceId>(listed)].into_iter().collect(),
        servers: [id::<ServerId>(listed)].into_iter().collect(),
        revisions: Revisions { account: 1, access: 1 },
        ends_at: None,
        lacks_second_factor: false,
    }
}

/// The numbered rules of "How a request is decided", from the third on.
fn model(role: Role, has: &BTreeSet<&str>, is_in_list: bool, asks: Asks, is_oneself: bool) -> Answer {
    if role == Role::Owner {
        return Answer::Allowed;
    }
    if !is_in_list {
        return Answer::NotFound;
    }
    match asks {
        Asks::Owner => Answer::OwnersOnly,
        Asks::OwnerOrSelf if is_oneself => Answer::Allowed,
        Asks::OwnerOrSelf => Answer::OwnersOnly,
        Asks::Switches(wanted) => {
            let missing: Vec<&'static str> =
                wanted.iter().copied().filter(|key| !has.contains(key)).collect();
            if missing.is_empty() { Answer::Allowed } else { Answer::Missing(missing) }
        }
    }
}

fn answer<P: Permission>(standing: &Standing, target: P::Target) -> Answer {
    match decide::<P>(standing, target) {
        Ok(_) => Answer::Allowed,
        Err(Refusal::NotFound) => Answer::NotFound,
        Err(Refusal::OwnerRequired { .. }) => Answer::OwnersOnly,
        Err(Refusal::PermissionDenied { missing, .. }) => {
            Answer::Missing(missing.into_iter().map(Action::key).collect())
        }
        Err(Refusal::TokenLacks { missing }) => {
            Answer::NotGiven(missing.into_iter().map(Action::key).collect())
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// One row of the model: the operation, what it asks, a target, and whether that target is subject to a list.
fn compare<P: Permission>(
    seen: &mut BTreeSet<&'static str>,
    asks: Asks,
    target: P::Target,
    is_subject_to_a_list: bool,
) where
    P::Target: Target,
{
    assert!(seen.insert(P::OPERATION), "{} stands in the model twice", P::OPERATION);
    for role in [Role::Owner, Role::Member] {
        for is_listed in [false, true] {
            for actions in ActionSet::every() {
                let standing = standing(role, actions, is_listed, None);
                let has = actions.iter().map(Action::key).collect();
                let expected = model(role, &has, is_listed || !is_subject_to_a_list, asks, false);
                let found = answer::<P>(&standing, target.clone());
                assert_eq!(
                    found,
                    expected,
                    "{} as {role:?} with {actions:?}, in the list: {is_listed}",
                    P::OPERATION
                );
            }
        }
    }
}

#[test]
fn every_permission_is_decided_as_the_product_says() {
    use Asks::{Owner, OwnerOrSelf, Switches};
    const NOTHING: Asks = Switches(&[]);
    let mut seen = BTreeSet::new();
    let own_project = || id::<ProjectId>(OWN);
    let own_instance = || id::<InstanceId>(OWN);
    let own_server = || id::<ServerId>(OWN);
    let other_member = || id::<MemberId>(33);
    let own_job = || JobTarget { job: id::<JobId>(5), instance: Some(own_instance()), project: None };
    let seen = &mut seen;

    compare::<workspace::View>(seen, NOTHING, Whole, false);
    compare::<workspace::Change>(seen, Owner, Whole, false);
    compare::<workspace::ViewSignInRules>(seen, Owner, Whole, false);
    compare::<workspace::Delete>(seen, Owner, Whole, false);
    compare::<workspace::ReadAudit>(seen, Owner, Whole, false);
    compare::<workspace::ReadOwnAudit>(seen, NOTHING, Whole, false);
    compare::<workspace::FollowEvents>(seen, NOTHING, Whole, false);

    compare::<logo::View>(seen, NOTHING, Whole, false);
    compare::<logo::Change>(seen, Owner, Whole, false);
    compare::<logo::Remove>(seen, Owner, Whole, false);

    compare::<member::List>(seen, NOTHING, Whole, false);
    compare::<member::View>(seen, NOTHING, other_member(), false);
    compare::<member::ChangeRole>(seen, Owner, other_member(), false);
    compare::<member::Remove>(seen, OwnerOrSelf, other_member(), false);
    compare::<member::ViewPermissions>(seen, OwnerOrSelf, other_member(), false);
    compare::<member::SetPermissions>(seen, Owner, other_member(), false);
    compare::<member::SetPermissionsOfSeveral>(seen, Owner, Whole, false);
    compare::<member::Explain>(seen, OwnerOrSelf, other_member(), false);
    compare::<member::FindWho>(seen, Owner, Whole, false);
    compare::<member::ListGrantable>(seen, Owner, Whole, false);
    compare::<member::ViewAs>(seen, Owner, other_member(), false);

    let preset = || id::<PresetId>(55);
    compare::<preset::List>(seen, Owner, Whole, false);
    compare::<preset::View>(seen, Owner, preset(), false);
    compare::<preset::Create>(seen, Owner, Whole, false);
    compare::<preset::Change>(seen, Owner, preset(), false);
    compare::<preset::Delete>(seen, Owner, preset(), false);

    compare::<invitation::List>(seen, Owner, Whole, false);
    compare::<invitation::Create>(seen, Owner, Whole, false);
    // An invitation is on nobody's list: to a plain member there are none.
    let invitation = || id::<InvitationId>(44);
    let lists_invitations = invitation_is_listed(invitation());
    compare::<invitation::Resend>(seen, Owner, invitation(), !lists_invitations);
    compare::<invitation::Revoke>(seen, Owner, invitation(), !lists_invitations);

    compare::<job::List>(seen, NOTHING, Whole, false);
    compare::<job::View>(seen, NOTHING, own_job(), true);
    // What its start needed isn't known from the job alone: without it only owners.
    compare::<job::Cancel>(seen, Owner, own_job(), true);
    compare::<server::List>(seen, NOTHING, Whole, false);
    compare::<server::View>(seen, NOTHING, own_server(), true);
    compare::<server::ViewMetrics>(seen, NOTHING, own_server(), true);
    compare::<server::Create>(seen, Owner, Whole, false);
    compare::<server::Change>(seen, Owner, own_server(), true);
    compare::<server::Delete>(seen, Owner, own_server(), true);
    compare::<server::Join>(seen, Owner, own_server(), true);
    compare::<server::Forget>(seen, Owner, own_server(), true);
    compare::<project::List>(seen, Switches(&["view_projects"]), Whole, false);
    compare::<project::View>(seen, Switches(&["view_projects"]), own_project(), true);
    compare::<project::Create>(seen, Owner, Whole, false);
    compare::<project::Change>(seen, Owner, own_project(), true);
    compare::<project::Delete>(seen, Owner, own_project(), true);
    compare::<project::Fetch>(seen, Switches(&["view_projects"]), own_project(), true);
    let push = ProjectAndInstances { project: own_project(), instances: vec![own_instance()] };
    compare::<project::Push>(seen, Switches(&["view_projects", "use_ide"]), push, true);
    let merge = || MergeTarget { project: own_project(), instances: vec![own_instance()] };
    compare::<project::Merge>(seen, Switches(&["merge_branches"]), merge(), true);
    compare::<example::List>(seen, Owner, Whole, false);
    compare::<example::Deploy>(seen, Owner, Whole, false);
    compare::<remote::View>(seen, Owner, own_project(), true);
    compare::<remote::Change>(seen, Owner, own_project(), true);
    compare::<remote::RemoveCredential>(seen, Owner, own_project(), true);
    compare::<remote::Test>(seen, Owner, own_project(), true);
    compare::<remote::Fetch>(seen, Owner, own_project(), true);
    compare::<remote::MakeWebhook>(seen, Owner, own_project(), true);
    compare::<remote::RemoveWebhook>(seen, Owner, own_project(), true);

    compare::<instance::List>(seen, NOTHING, Whole, false);
    compare::<instance::View>(seen, NOTHING, own_instance(), true);
    compare::<instance::ViewMetrics>(seen, NOTHING, own_instance(), true);
    compare::<instance::ViewProcesses>(seen, NOTHING, own_instance(), true);
    compare::<instance::Create>(seen, Owner, Whole, false);
    compare::<instance::Change>(seen, Owner, own_instance(), true);
    compare::<instance::ViewEnvironment>(seen, Owner, own_instance(), true);
    compare::<instance::ChangeEnvironment>(seen, Owner, own_instance(), true);
    compare::<instance::Restart>(seen, Switches(&["restart_instances"]), own_instance(), true);
    compare::<instance::Start>(seen, Switches(&["restart_instances"]), own_instance(), true);
    compare::<instance::Stop>(seen, Switches(&["stop_instances"]), own_instance(), true);
    compare::<instance::Delete>(seen, Switches(&["delete_instances"]), own_instance(), true);
    compare::<instance::Deploy>(seen, Owner, own_instance(), true);
    compare::<instance::ListDeployments>(seen, Switches(&["view_logs"]), own_instance(), true);
    let deployment =
        DeploymentTarget { deployment: id::<DeploymentId>(6), job: id::<JobId>(5), instance: own_instance() };
    compare::<instance::ViewDeployment>(seen, Switches(&["view_logs"]), deployment, true);
    compare::<instance::CancelDeployment>(seen, Owner, own_job(), true);
    compare::<instance::ReadLogs>(seen, Switches(&["view_logs"]), own_instance(), true);
    compare::<instance::Visit>(seen, NOTHING, own_instance(), true);

    let set = SettingsTarget { instance: own_instance(), from: vec![own_instance()] };
    compare::<settings::View>(seen, Switches(&["manage_settings"]), own_instance(), true);
    compare::<settings::Change>(seen, Switches(&["manage_settings"]), set, true);
    compare::<settings::ListChanges>(seen, Switches(&["manage_settings"]), own_instance(), true);
    let changed = SettingsChangeTarget { change: id(9), instance: own_instance() };
    compare::<settings::Revert>(seen, Switches(&["manage_settings"]), changed, true);
    let domain = DomainName::parse("shop.example.org").unwrap();
    let domain = DomainTarget { domain, instance: own_instance() };
    compare::<settings::CheckDomain>(seen, Switches(&["manage_settings"]), domain, true);

    compare::<connect_as::ListUsers>(seen, Switches(&["connect_as_user"]), own_instance(), true);
    compare::<connect_as::Ask>(seen, Switches(&["connect_as_user"]), own_instance(), true);
    compare::<connect_as::Open>(seen, Switches(&["connect_as_user"]), own_instance(), true);
    let connected = ConnectTarget { session: id::<ConnectSessionId>(7), instance: own_instance() };
    compare::<connect_as::Use>(seen, Switches(&["connect_as_user"]), connected, true);
    compare::<connect_as::ListSessions>(seen, Switches(&["connect_as_user"]), own_instance(), true);
    compare::<connect_as::End>(seen, Switches(&["connect_as_user"]), own_instance(), true);
    let own_backup = || BackupTarget { backup: id::<BackupId>(8), instance: own_instance() };
    let restored = RestoreTarget { backup: own_backup(), into: own_instance() };
    compare::<backup::List>(seen, Switches(&["manage_backups"]), own_instance(), true);
    compare::<backup::ViewSchedule>(seen, Switches(&["manage_backups"]), own_instance(), true);
    compare::<backup::ChangeSchedule>(seen, Switches(&["manage_settings"]), own_instance(), true);
    compare::<backup::Create>(seen, Switches(&["manage_backups"]), own_instance(), true);
    compare::<backup::View>(seen, Switches(&["manage_backups"]), own_backup(), true);
    compare::<backup::Delete>(seen, Switches(&["manage_backups"]), own_backup(), true);
    compare::<backup::Download>(seen, Switches(&["manage_backups"]), own_backup(), true);
    compare::<backup::Restore>(seen, Switches(&["manage_backups"]), restored, true);
    compare::<backup::ListDeleted>(seen, Owner, Whole, false);
    compare::<backup::ExportKey>(seen, Owner, own_backup(), true);
    compare::<backup_storage::View>(seen, Owner, Whole, false);
    compare::<backup_storage::Change>(seen, Owner, Whole, false);
    compare::<backup_storage::Remove>(seen, Owner, Whole, false);
    compare::<backup_storage::Test>(seen, Owner, Whole, false);

    compare::<ide::Open>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ide::Read>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ide::Change>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ide::OpenTerminal>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ide::Commit>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ide::Merge>(seen, Switches(&["use_ide"]), own_instance(), true);
    let pushed = InstanceAndOthers { instance: own_instance(), others: vec![own_instance()] };
    compare::<ide::Push>(seen, Switches(&["use_ide"]), pushed, true);
    compare::<ide::End>(seen, Switches(&["use_ide"]), own_instance(), true);

    compare::<ai::View>(seen, Owner, Whole, false);
    compare::<ai::Change>(seen, Owner, Whole, false);
    compare::<ai::Remove>(seen, Owner, Whole, false);
    compare::<ai::Test>(seen, Owner, Whole, false);
    compare::<ai::ListModels>(seen, Owner, Whole, false);
    compare::<ai::ViewUsage>(seen, Owner, Whole, false);
    compare::<ai::Preview>(seen, Owner, Whole, false);
    compare::<ai::Explain>(seen, Switches(&["view_logs"]), own_instance(), true);
    compare::<ai::DescribeMerge>(seen, Switches(&["merge_branches"]), merge(), true);
    compare::<ai::Edit>(seen, Switches(&["use_ide"]), own_instance(), true);
    compare::<ai::ProposeProfile>(seen, Owner, Whole, false);

    let declared: BTreeSet<&str> = all().into_iter().map(|(operation, ..)| operation).collect();
    assert_eq!(
        *seen, declared,
        "a permission is missing in the model, or the model has one that isn't declared"
    );
}

#[test]
fn a_push_from_the_ide_needs_every_instance_that_deploys_the_branch() {
    let other = id::<InstanceId>(OWN + 2);
    let pushed = || InstanceAndOthers { instance: id(OWN), others: vec![id(OWN), other] };
    let ide: ActionSet = [Action::UseIde].into_iter().collect();
    let member = standing(Role::Member, ide, true, None);
    assert_eq!(decide::<ide::Push>(&member, pushed()).unwrap_err(), Refusal::TargetNotAllowed);
    // Whoever lacks the switch is told that, and nothing of where the branch is deployed.
    let plain = standing(Role::Member, ActionSet::EMPTY, true, None);
    assert_eq!(answer::<ide::Push>(&plain, pushed()), Answer::Missing(vec!["use_ide"]));
    assert_eq!(answer::<ide::Push>(&standing(Role::Member, ide, false, None), pushed()), Answer::NotFound);
    assert_eq!(
        answer::<ide::Push>(&standing(Role::Owner, ActionSet::EMPTY, false, None), pushed()),
        Answer::Allowed
    );
    let token = TokenLimits { actions: Some(ide), workspaces: None };
    let narrowed = standing(Role::Owner, ActionSet::EMPTY, false, Some(&token));
    assert_eq!(
        answer::<ide::Push>(&narrowed, pushed()),
        Answer::Allowed,
        "an owner's token sees what its account sees"
    );
}

#[test]
fn a_backup_is_brought_back_into_an_instance_only_where_both_are_allowed() {
    let all = standing(Role::Member, ActionSet::ALL, true, None);
    let owner = standing(Role::Owner, ActionSet::EMPTY, false, None);
    let (own, other) = (id::<InstanceId>(OWN), id::<InstanceId>(OWN + 5));
    for (of, into, expected) in [
        (own, own, Answer::Allowed),
        (own, other, Answer::NotFound),
        (other, own, Answer::NotFound),
        (other, other, Answer::NotFound),
    ] {
        let target = RestoreTarget { backup: BackupTarget { backup: id(8), instance: of }, into };
        assert_eq!(answer::<backup::Restore>(&all, target), expected);
        assert_eq!(answer::<backup::Restore>(&owner, target), Answer::Allowed);
    }
}

#[test]
fn a_domain_is_taken_from_another_instance_only_where_both_are_allowed() {
    let all = standing(Role::Member, ActionSet::ALL, true, None);
    let owner = standing(Role::Owner, ActionSet::EMPTY, false, None);
    let (own, other) = (id::<InstanceId>(OWN), id::<InstanceId>(OWN + 5));
    for (instance, from, expected) in [
        (own, vec![], Answer::Allowed),
        (own, vec![own], Answer::Allowed),
        (own, vec![own, other], Answer::NotFound),
        (other, vec![own], Answer::NotFound),
    ] {
        let target = SettingsTarget { instance, from };
        assert_eq!(answer::<settings::Change>(&all, target.clone()), expected);
        assert_eq!(answer::<settings::Change>(&owner, target), Answer::Allowed);
    }
}

/// Whether a plain member is told that an invitation exists (by a 403), or not (by a 404).
fn invitation_is_listed(invitation: InvitationId) -> bool {
    invitation.is_listed(&standing(Role::Member, ActionSet::EMPTY, true, None))
}

#[test]
fn what_one_may_to_oneself_needs_no_owner() {
    let oneself = id::<MemberId>(3);
    let plain = standing(Role::Member, ActionSet::EMPTY, false, None);
    assert_eq!(answer::<member::Remove>(&plain, oneself), Answer::Allowed);
    assert_eq!(answer::<member::ViewPermissions>(&plain, oneself), Answer::Allowed);
    assert_eq!(answer::<member::Explain>(&plain, oneself), Answer::Allowed);
    assert_eq!(answer::<member::SetPermissions>(&plain, oneself), Answer::OwnersOnly);
    assert_eq!(answer::<member::ChangeRole>(&plain, oneself), Answer::OwnersOnly);
}

/// An owner who looks on as the member that has this profile.
fn viewed(actions: ActionSet, is_listed: bool) -> Standing {
    let account: AccountId = id(100);
    let listed = if is_listed { OWN } else { OWN + 1 };
    let access = Access {
        account,
        workspace: id::<WorkspaceId>(2),
        member: id::<MemberId>(33),
        role: Role::Member,
        actions,
        projects: [id::<ProjectId>(listed)].into_iter().collect(),
        instances: [id::<InstanceId>(listed)].into_iter().collect(),
        servers: [id::<ServerId>(listed)].into_iter().collect(),
        revisions: Revisions { account: 1, access: 1 },
        ends_at: None,
        lacks_second_factor: false,
    };
    let owner = standing(Role::Owner, ActionSet::EMPTY, false, None);
    Standing::viewed_by(&owner, Arc::new(access)).unwrap()
}

#[test]
fn looking_on_as_a_member_is_decided_by_the_members_profile_and_the_actor_is_the_owner() {
    for actions in ActionSet::every() {
        for is_listed in [false, true] {
            let (seen, own) = (viewed(actions, is_listed), standing(Role::Member, actions, is_listed, None));
            assert_eq!((seen.actor().account, seen.account()), (id(1), id(100)));
            let instance = id::<InstanceId>(OWN);
            assert_eq!(answer::<instance::View>(&seen, instance), answer::<instance::View>(&own, instance));
            assert_eq!(
                answer::<instance::ListDeployments>(&seen, instance),
                answer::<instance::ListDeployments>(&own, instance)
            );
            assert_eq!(answer::<project::List>(&seen, Whole), answer::<project::List>(&own, Whole));
        }
    }
}

#[test]
fn whoever_looks_on_does_nothing_and_reads_no_log() {
    let seen = viewed(ActionSet::ALL, true);
    let instance = || id::<InstanceId>(OWN);
    let refused = [
        decide::<instance::Restart>(&seen, instance()).unwrap_err(),
        decide::<instance::Stop>(&seen, instance()).unwrap_err(),
        decide::<instance::ReadLogs>(&seen, instance()).unwrap_err(),
        decide::<instance::Visit>(&seen, instance()).unwrap_err(),
        decide::<workspace::ReadOwnAudit>(&seen, Whole).unwrap_err(),
        decide::<member::Remove>(&seen, id(33)).unwrap_err(),
        decide::<project::Fetch>(&seen, id(OWN)).unwrap_err(),
    ];
    for refusal in refused {
        assert_eq!(refusal, Refusal::ViewAsReadOnly);
    }
}

#[test]
fn nobody_but_an_owner_of_the_workspace_looks_on() {
    let access = |workspace: u128| {
        let own = standing(Role::Member, ActionSet::EMPTY, true, None);
        let mut access = Access {
            account: id(100),
            workspace: own.workspace(),
            member: id(33),
            role: Role::Member,
            actions: ActionSet::EMPTY,
            projects: Default::default(),
            instances: Default::default(),
            servers: Default::default(),
            revisions: own.revisions(),
            ends_at: None,
            lacks_second_factor: false,
        };
        access.workspace = id(workspace);
        Arc::new(access)
    };
    let owner = standing(Role::Owner, ActionSet::EMPTY, false, None);
    let member = standing(Role::Member, ActionSet::ALL, true, None);
    let narrowed = TokenLimits { actions: Some(ActionSet::ALL), workspaces: None };
    let by_token = standing(Role::Owner, ActionSet::EMPTY, true, Some(&narrowed));
    assert!(Standing::viewed_by(&owner, access(2)).is_some());
    assert!(Standing::viewed_by(&owner, access(3)).is_none(), "of another workspace");
    assert!(Standing::viewed_by(&member, access(2)).is_none());
    assert!(Standing::viewed_by(&by_token, access(2)).is_none());
    let viewed = Standing::viewed_by(&owner, access(2)).unwrap();
    assert!(Standing::viewed_by(&viewed, access(2)).is_none(), "not from within");
}

#[test]
fn what_is_shown_to_who_looks_on_needs_no_owner() {
    for (operation, need) in viewed_as() {
        assert!(!matches!(need, Need::Owner | Need::Started), "{operation}");
    }
}

#[test]
fn another_grant_never_takes_access_away() {
    for actions in ActionSet::every() {
        let before = answer::<instance::Restart>(&standing(Role::Member, actions, true, None), id(OWN));
        for more in Action::ALL {
            let after =
                answer::<instance::Restart>(&standing(Role::Member, actions.with(more), true, None), id(OWN));
            assert!(before != Answer::Allowed || after == Answer::Allowed, "{actions:?} and {more:?}");
        }
    }
}

#[test]
fn a_token_never_does_more_than_its_account() {
    for actions in ActionSet::every() {
        for kept in [ActionSet::EMPTY, ActionSet::EMPTY.with(Action::ViewLogs)] {
            let limits = TokenLimits { actions: Some(kept), workspaces: None };
            for role in [Role::Owner, Role::Member] {
                let narrowed = standing(role, actions, true, Some(&limits));
                let whole = standing(role, actions, true, None);
                let (narrowed_answer, whole_answer) = (
                    answer::<instance::Restart>(&narrowed, id(OWN)),
                    answer::<instance::Restart>(&whole, id(OWN)),
                );
                assert!(narrowed_answer != Answer::Allowed || whole_answer == Answer::Allowed);
                assert_ne!(narrowed_answer, Answer::Allowed, "the token has no restart");
                // It is told so exactly where nobody could grant it.
                let is_told = narrowed_answer == Answer::NotGiven(vec![Action::RestartInstances.key()]);
                assert_eq!(is_told, whole_answer == Answer::Allowed);
                let logs = answer::<instance::ReadLogs>(&narrowed, id(OWN));
                assert!(logs != Answer::Allowed || kept.has(Action::ViewLogs));
                // Whoever is an owner isn't told to ask one.
                let told = decide::<workspace::Change>(&narrowed, Whole).unwrap_err();
                assert_eq!(told == Refusal::TokenNarrowed(TokenWithout::Ownership), role == Role::Owner);
            }
        }
    }
}

#[test]
fn a_missing_second_factor_that_is_demanded_allows_nothing_to_anybody() {
    fn refused<P: Permission>(standing: &Standing, target: P::Target) {
        assert!(
            matches!(decide::<P>(standing, target), Err(Refusal::SecondFactorDemanded)),
            "{}",
            P::OPERATION
        );
    }
    let limits = TokenLimits { actions: Some(ActionSet::ALL), workspaces: None };
    for role in [Role::Owner, Role::Member] {
        for limits in [None, Some(&limits)] {
            for is_listed in [false, true] {
                let before = standing(role, ActionSet::ALL, is_listed, limits);
                let access = Access { lacks_second_factor: true, ..access(role, ActionSet::ALL, is_listed) };
                let lacking = Standing::new(before.actor().clone(), Arc::new(access), limits).unwrap();
                refused::<workspace::View>(&lacking, Whole);
                refused::<workspace::Change>(&lacking, Whole);
                refused::<workspace::FollowEvents>(&lacking, Whole);
                refused::<instance::Restart>(&lacking, id(OWN));
                refused::<instance::Visit>(&lacking, id(OWN));
                refused::<member::Remove>(&lacking, id(3));
                let job = JobTarget { job: id(5), instance: Some(id(OWN)), project: None };
                refused::<job::View>(&lacking, job);
                let cancel = decide_cancel::<job::Cancel>(&lacking, job, StartedBy::parse("view_logs", None));
                assert!(matches!(cancel, Err(Refusal::SecondFactorDemanded)));
                let push = decide_push(&lacking, id(OWN), &[]);
                assert!(matches!(push, Err(Refusal::SecondFactorDemanded)));
            }
        }
    }
}

#[test]
fn a_token_of_another_workspace_is_a_stranger_here() {
    let limits = TokenLimits { actions: None, workspaces: Some(vec![id::<WorkspaceId>(99)]) };
    let account: AccountId = id(1);
    let own = standing(Role::Owner, ActionSet::EMPTY, true, None);
    let access = Access {
        account,
        workspace: own.workspace(),
        member: own.member(),
        role: Role::Owner,
        actions: ActionSet::EMPTY,
        projects: Default::default(),
        instances: Default::default(),
        servers: Default::default(),
        revisions: own.revisions(),
        ends_at: None,
        lacks_second_factor: false,
    };
    assert!(Standing::new(own.actor().clone(), Arc::new(access), Some(&limits)).is_none());
}

/// The sixth rule: an instance that deploys the target and isn't allowed refuses the merge, after the rules before it.
#[test]
fn a_merge_needs_every_instance_that_deploys_its_target() {
    let into = |instances: &[u128]| MergeTarget {
        project: id::<ProjectId>(OWN),
        instances: instances.iter().map(|number| id::<InstanceId>(*number)).collect(),
    };
    let merge = |standing: &Standing, instances: &[u128]| {
        decide::<project::Merge>(standing, into(instances)).map(drop)
    };
    let may = [Action::MergeBranches].into_iter().collect();
    let merger = standing(Role::Member, may, true, None);
    assert_eq!(merge(&merger, &[]), Ok(()));
    assert_eq!(merge(&merger, &[OWN]), Ok(()));
    assert_eq!(merge(&merger, &[OWN, OWN + 1]), Err(Refusal::TargetNotAllowed));
    assert_eq!(merge(&merger, &[OWN + 1]), Err(Refusal::TargetNotAllowed));
    // What the rules before it refuse is refused by them.
    let without = standing(Role::Member, ActionSet::EMPTY, true, None);
    assert!(matches!(merge(&without, &[OWN + 1]), Err(Refusal::PermissionDenied { .. })));
    let elsewhere = standing(Role::Member, may, false, None);
    assert_eq!(merge(&elsewhere, &[OWN + 1]), Err(Refusal::NotFound));
    // To an owner's account no list counts; a token narrowed to less than merging has less.
    assert_eq!(merge(&standing(Role::Owner, ActionSet::EMPTY, true, None), &[OWN + 1]), Ok(()));
    let narrowed = TokenLimits { actions: Some(may), workspaces: None };
    assert_eq!(merge(&standing(Role::Owner, ActionSet::EMPTY, true, Some(&narrowed)), &[OWN + 1]), Ok(()));
    let less = TokenLimits { actions: Some(ActionSet::EMPTY), workspaces: None };
    assert!(merge(&standing(Role::Member, may, true, Some(&less)), &[OWN]).is_err());
}
