//! Each thing that can be done, as a type: what it needs and on what it is decided.
//!
//! This is the one place where it is said. The router, the API's description, `docs/permissions.md`, the
//! audit log and the tests take it from here.

mod of_instances;
mod resource;

use std::fmt::Debug;

use crate::action::Action;
use crate::ids::{InstanceId, InvitationId, JobId, MemberId, PresetId, ProjectId, ServerId};
use crate::refusal::Refusal;
use crate::standing::Standing;

pub use of_instances::{
    BackupTarget, ConnectTarget, DeploymentTarget, DomainTarget, RestoreTarget, SettingsChangeTarget,
    SettingsTarget,
};
pub use resource::{Resource, ResourceKind};

/// What is asked of whoever does it. Owners may do all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Being a member; on a resource, that it is in one's list.
    Member,
    /// The action permission, and that the resource is in one's list.
    Action(Action),
    /// Both action permissions: `git push`.
    Actions(Action, Action),
    /// Being an owner.
    Owner,
    /// Being an owner, or the member itself.
    OwnerOrSelf,
    /// Being an owner, or the member itself by what isn't narrowed to actions.
    OwnerOrWholeSelf,
    /// What the start of the job needed.
    Started,
}

/// What a permission is decided on.
pub trait Target: Clone + Debug + Send + Sync + 'static {
    const KIND: ResourceKind;

    /// Whether nobody but owners sees any of its kind: then nobody else is told which there are.
    const IS_OF_OWNERS: bool = false;

    /// What it is decided on besides, as the API's description names it: `+instances`.
    const AND: &'static str = "";

    /// The resources that have to be in the member's lists.
    fn resources(&self) -> Vec<Resource>;

    /// Whether all of them are.
    fn is_listed(&self, standing: &Standing) -> bool;

    /// Whether it is the asking member itself.
    fn is_self(&self, _standing: &Standing) -> bool {
        false
    }

    /// What stands in the way of one who has the permission and for whom it is listed: a second resource that isn't
    /// allowed, and that is never named.
    ///
    /// # Errors
    /// The refusal.
    fn allows(&self, _standing: &Standing) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The workspace as a whole: nothing in it has to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole;

impl Target for Whole {
    const KIND: ResourceKind = ResourceKind::Workspace;

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn is_listed(&self, _standing: &Standing) -> bool {
        true
    }
}

macro_rules! listed {
    ($($id:ty => $kind:ident $list:ident),*) => {$(
        impl Target for $id {
            const KIND: ResourceKind = ResourceKind::$kind;

            fn resources(&self) -> Vec<Resource> {
                vec![Resource { kind: ResourceKind::$kind, id: self.uuid() }]
            }

            fn is_listed(&self, standing: &Standing) -> bool {
                standing.$list(*self)
            }
        }
    )*};
}

listed! { ProjectId => Project has_project, InstanceId => Instance has_instance, ServerId => Server has_server }

impl Target for MemberId {
    const KIND: ResourceKind = ResourceKind::Member;

    fn resources(&self) -> Vec<Resource> {
        vec![Resource { kind: ResourceKind::Member, id: self.uuid() }]
    }

    /// Members see each other.
    fn is_listed(&self, _standing: &Standing) -> bool {
        true
    }

    fn is_self(&self, standing: &Standing) -> bool {
        standing.member() == *self
    }
}

impl Target for InvitationId {
    const KIND: ResourceKind = ResourceKind::Invitation;
    const IS_OF_OWNERS: bool = true;

    fn resources(&self) -> Vec<Resource> {
        vec![Resource { kind: ResourceKind::Invitation, id: self.uuid() }]
    }

    /// Members don't see invitations: what an owner alone may touch is refused by its need, not hidden.
    fn is_listed(&self, _standing: &Standing) -> bool {
        true
    }
}

impl Target for PresetId {
    const KIND: ResourceKind = ResourceKind::Preset;
    const IS_OF_OWNERS: bool = true;

    fn resources(&self) -> Vec<Resource> {
        vec![Resource { kind: ResourceKind::Preset, id: self.uuid() }]
    }

    /// As with invitations: owners alone touch them.
    fn is_listed(&self, _standing: &Standing) -> bool {
        true
    }
}

/// A job, and the instance that it works on: seen by whom the instance is allowed, without one by owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobTarget {
    pub job: JobId,
    pub instance: Option<InstanceId>,
    /// The one that its start was decided on too, where it was. Seeing the job doesn't need it.
    pub project: Option<ProjectId>,
}

impl Target for JobTarget {
    const KIND: ResourceKind = ResourceKind::Job;

    fn resources(&self) -> Vec<Resource> {
        let job = Resource { kind: ResourceKind::Job, id: self.job.uuid() };
        let instance =
            self.instance.map(|instance| Resource { kind: ResourceKind::Instance, id: instance.uuid() });
        let project =
            self.project.map(|project| Resource { kind: ResourceKind::Project, id: project.uuid() });
        [Some(job), instance, project].into_iter().flatten().collect()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        self.instance.is_some_and(|instance| standing.has_instance(instance))
    }
}

/// A project, and instances which have to be allowed with it: every one that deploys a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectAndInstances {
    pub project: ProjectId,
    pub instances: Vec<InstanceId>,
}

impl Target for ProjectAndInstances {
    const KIND: ResourceKind = ResourceKind::Project;

    fn resources(&self) -> Vec<Resource> {
        let instances = self.instances.iter().flat_map(Target::resources);
        self.project.resources().into_iter().chain(instances).collect()
    }

    /// The project alone settles whether it is there for the asking member; the instances are
    /// `target_not_allowed` (see `push`).
    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_project(self.project)
    }
}

/// A project, and every instance that deploys the branch into which something is merged: all of them have to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeTarget {
    pub project: ProjectId,
    /// None while the branch isn't named.
    pub instances: Vec<InstanceId>,
}

impl Target for MergeTarget {
    const KIND: ResourceKind = ResourceKind::Project;
    const AND: &'static str = "+instances";

    fn resources(&self) -> Vec<Resource> {
        let instances = self.instances.iter().flat_map(Target::resources);
        self.project.resources().into_iter().chain(instances).collect()
    }

    /// The project alone settles whether it is there for the asking member.
    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_project(self.project)
    }

    fn allows(&self, standing: &Standing) -> Result<(), Refusal> {
        let is_allowed = self.instances.iter().all(|instance| standing.has_instance(*instance));
        if is_allowed { Ok(()) } else { Err(Refusal::TargetNotAllowed) }
    }
}

/// An instance, and the others that deploy the same branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceAndOthers {
    pub instance: InstanceId,
    pub others: Vec<InstanceId>,
}

impl Target for InstanceAndOthers {
    const KIND: ResourceKind = ResourceKind::Instance;
    const AND: &'static str = "+instances";

    fn resources(&self) -> Vec<Resource> {
        let others = self.others.iter().flat_map(Target::resources);
        self.instance.resources().into_iter().chain(others).collect()
    }

    /// The instance alone settles whether it is there for the asking member.
    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }

    fn allows(&self, standing: &Standing) -> Result<(), Refusal> {
        let is_allowed = self.others.iter().all(|other| standing.has_instance(*other));
        if is_allowed { Ok(()) } else { Err(Refusal::TargetNotAllowed) }
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Something that can be done in a workspace.
pub trait Permission: sealed::Sealed + Send + Sync + 'static {
    type Target: Target;

    const NEED: Need;

    /// Its name in the audit log: noun, dot, verb.
    const OPERATION: &'static str;

    /// Whether an owner who looks on as a member is shown it. Closed where it isn't said otherwise: what would do
    /// something, the contents of logs and files, and what is the member's own alone.
    const VIEWED_AS: bool;

    /// How the API's description names it (`x-stoa-permission`).
    #[must_use]
    fn key() -> String {
        let kind = Self::Target::KIND.key();
        match Self::NEED {
            Need::Member if Self::Target::KIND == ResourceKind::Workspace => "member".to_owned(),
            Need::Member => format!("member@{kind}"),
            Need::Action(action) => format!("{action}@{kind}{}", Self::Target::AND),
            Need::Actions(first, second) => format!("{first}+{second}@{kind}+instances"),
            Need::Owner => "owner".to_owned(),
            Need::OwnerOrSelf | Need::OwnerOrWholeSelf => format!("owner@{kind}"),
            Need::Started => "started@job".to_owned(),
        }
    }
}

macro_rules! viewed_as {
    () => {
        false
    };
    (viewed_as) => {
        true
    };
}

macro_rules! permissions {
    ($($module:ident { $($(#[$doc:meta])* $name:ident: $target:ty, $need:expr, $operation:literal $(, $viewed:ident)?;)* })*) => {
        $(pub mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(
                $(#[$doc])*
                #[derive(Debug)]
                pub struct $name;
                impl sealed::Sealed for $name {}
                impl Permission for $name {
                    type Target = $target;
                    const NEED: Need = $need;
                    const OPERATION: &'static str = $operation;
                    const VIEWED_AS: bool = viewed_as!($($viewed)?);
                }
            )*
        })*

        /// Those that an owner who looks on as a member is shown.
        #[must_use]
        pub fn viewed_as() -> Vec<(&'static str, Need)> {
            let all = [$($((<$module::$name as Permission>::OPERATION, $need, <$module::$name as Permission>::VIEWED_AS)),*),*];
            all.into_iter().filter(|(.., viewed)| *viewed).map(|(operation, need, _)| (operation, need)).collect()
        }

        /// Every permission there is: operation, key.
        #[must_use]
        pub fn all() -> Vec<(&'static str, String, Need)> {
            vec![$($((<$module::$name as Permission>::OPERATION, <$module::$name as Permission>::key(), $need)),*),*]
        }
    };
}

permissions! {
    workspace {
        /// See the workspace: its name, its look, what oneself may.
        View: Whole, Need::Member, "workspace.view", viewed_as;
        Change: Whole, Need::Owner, "workspace.change";
        /// See how many of its members have no second factor.
        ViewSignInRules: Whole, Need::Owner, "workspace.view_sign_in_rules";
        Delete: Whole, Need::Owner, "workspace.delete";
        ReadAudit: Whole, Need::Owner, "workspace.read_audit";
        ReadOwnAudit: Whole, Need::Member, "workspace.read_own_audit";
        FollowEvents: Whole, Need::Member, "workspace.follow_events", viewed_as;
    }
    logo {
        View: Whole, Need::Member, "logo.view";
        Change: Whole, Need::Owner, "logo.change";
        Remove: Whole, Need::Owner, "logo.remove";
    }
    member {
        List: Whole, Need::Member, "member.list", viewed_as;
        View: MemberId, Need::Member, "member.view", viewed_as;
        ChangeRole: MemberId, Need::Owner, "member.change_role";
        /// An owner removes; anyone leaves.
        Remove: MemberId, Need::OwnerOrWholeSelf, "member.remove";
        ViewPermissions: MemberId, Need::OwnerOrSelf, "member.view_permissions", viewed_as;
        SetPermissions: MemberId, Need::Owner, "member.set_permissions";
        SetPermissionsOfSeveral: Whole, Need::Owner, "member.set_permissions_of_several";
        Explain: MemberId, Need::OwnerOrSelf, "member.explain", viewed_as;
        /// The reverse question: who can?
        FindWho: Whole, Need::Owner, "member.find_who";
        /// Everything that a profile may hold, by name.
        ListGrantable: Whole, Need::Owner, "member.list_grantable";
        /// Look on as a member. Not a call of its own: a way of asking others.
        ViewAs: MemberId, Need::Owner, "member.view_as";
    }
    preset {
        List: Whole, Need::Owner, "preset.list";
        View: PresetId, Need::Owner, "preset.view";
        Create: Whole, Need::Owner, "preset.create";
        Change: PresetId, Need::Owner, "preset.change";
        Delete: PresetId, Need::Owner, "preset.delete";
    }
    invitation {
        List: Whole, Need::Owner, "invitation.list";
        Create: Whole, Need::Owner, "invitation.create";
        Resend: InvitationId, Need::Owner, "invitation.resend";
        Revoke: InvitationId, Need::Owner, "invitation.revoke";
    }
    job {
        List: Whole, Need::Member, "job.list", viewed_as;
        View: JobTarget, Need::Member, "job.view", viewed_as;
        Cancel: JobTarget, Need::Started, "job.cancel";
    }
    server {
        List: Whole, Need::Member, "server.list", viewed_as;
        View: ServerId, Need::Member, "server.view", viewed_as;
        /// Its machine's load, now and before.
        ViewMetrics: ServerId, Need::Member, "server.view_metrics", viewed_as;
        Create: Whole, Need::Owner, "server.create";
        Change: ServerId, Need::Owner, "server.change";
        /// Another command by which a machine joins as the server.
        Join: ServerId, Need::Owner, "server.join";
        Delete: ServerId, Need::Owner, "server.delete";
        /// With all that stands on it: its machine never comes back.
        Forget: ServerId, Need::Owner, "server.forget";
    }
    project {
        List: Whole, Need::Action(Action::ViewProjects), "project.list", viewed_as;
        View: ProjectId, Need::Action(Action::ViewProjects), "project.view", viewed_as;
        Create: Whole, Need::Owner, "project.create";
        Change: ProjectId, Need::Owner, "project.change";
        Delete: ProjectId, Need::Owner, "project.delete";
        /// `git fetch`, `git clone`.
        Fetch: ProjectId, Need::Action(Action::ViewProjects), "project.fetch";
        /// `git push`.
        Push: ProjectAndInstances, Need::Actions(Action::ViewProjects, Action::UseIde), "project.push";
        /// Merge a branch into another, and see what that would do.
        Merge: MergeTarget, Need::Action(Action::MergeBranches), "project.merge";
    }
    example {
        /// Applications that come along, and whether a server has what they need.
        List: Whole, Need::Owner, "example.list";
        /// Make a project of one, and an instance that deploys it.
        Deploy: Whole, Need::Owner, "example.deploy";
    }
    remote {
        /// How a project's remote repository is reached.
        View: ProjectId, Need::Owner, "remote.view";
        Change: ProjectId, Need::Owner, "remote.change";
        /// Take the credential away; a deploy key is replaced.
        RemoveCredential: ProjectId, Need::Owner, "remote.remove_credential";
        /// A real connection.
        Test: ProjectId, Need::Owner, "remote.test";
        /// Have it fetched now.
        Fetch: ProjectId, Need::Owner, "remote.fetch";
        MakeWebhook: ProjectId, Need::Owner, "remote.make_webhook";
        RemoveWebhook: ProjectId, Need::Owner, "remote.remove_webhook";
    }
    instance {
        List: Whole, Need::Member, "instance.list", viewed_as;
        View: InstanceId, Need::Member, "instance.view", viewed_as;
        /// What it used and how much was asked of it, now and before.
        ViewMetrics: InstanceId, Need::Member, "instance.view_metrics", viewed_as;
        /// What runs of it, and what is run at its times.
        ViewProcesses: InstanceId, Need::Member, "instance.view_processes", viewed_as;
        Create: Whole, Need::Owner, "instance.create";
        Change: InstanceId, Need::Owner, "instance.change";
        ViewEnvironment: InstanceId, Need::Owner, "instance.view_environment";
        ChangeEnvironment: InstanceId, Need::Owner, "instance.change_environment";
        Restart: InstanceId, Need::Action(Action::RestartInstances), "instance.restart";
        Start: InstanceId, Need::Action(Action::RestartInstances), "instance.start";
        Stop: InstanceId, Need::Action(Action::StopInstances), "instance.stop";
        Delete: InstanceId, Need::Action(Action::DeleteInstances), "instance.delete";
        Deploy: InstanceId, Need::Owner, "instance.deploy";
        ListDeployments: InstanceId, Need::Action(Action::ViewLogs), "instance.list_deployments", viewed_as;
        ViewDeployment: DeploymentTarget, Need::Action(Action::ViewLogs), "instance.view_deployment", viewed_as;
        CancelDeployment: JobTarget, Need::Started, "instance.cancel_deployment";
        ReadLogs: InstanceId, Need::Action(Action::ViewLogs), "instance.read_logs";
        /// Open the URL of an instance that is for members only.
        Visit: InstanceId, Need::Member, "instance.visit";
    }
    settings {
        View: InstanceId, Need::Action(Action::ManageSettings), "settings.view", viewed_as;
        /// Taking a domain from another instance: both have to be allowed.
        Change: SettingsTarget, Need::Action(Action::ManageSettings), "settings.change";
        ListChanges: InstanceId, Need::Action(Action::ManageSettings), "settings.list_changes", viewed_as;
        /// Undo what one change did. It is a change of its own.
        Revert: SettingsChangeTarget, Need::Action(Action::ManageSettings), "settings.revert";
        /// Look now for the proof of a domain.
        CheckDomain: DomainTarget, Need::Action(Action::ManageSettings), "settings.check_domain";
    }
    connect_as {
        ListUsers: InstanceId, Need::Action(Action::ConnectAsUser), "connect_as.list_users";
        Ask: InstanceId, Need::Action(Action::ConnectAsUser), "connect_as.ask";
        Open: InstanceId, Need::Action(Action::ConnectAsUser), "connect_as.open";
        /// What an open session rests on, asked again and again while it is used.
        Use: ConnectTarget, Need::Action(Action::ConnectAsUser), "connect_as.use";
        ListSessions: InstanceId, Need::Action(Action::ConnectAsUser), "connect_as.list_sessions";
        End: InstanceId, Need::Action(Action::ConnectAsUser), "connect_as.end";
    }
    ide {
        /// Begin one's own desk on the instance.
        Open: InstanceId, Need::Action(Action::UseIde), "ide.open";
        /// Files, search, git's status and differences in one's own desk.
        Read: InstanceId, Need::Action(Action::UseIde), "ide.read";
        /// Save, make, move and remove files, stage and take back.
        Change: InstanceId, Need::Action(Action::UseIde), "ide.change";
        OpenTerminal: InstanceId, Need::Action(Action::UseIde), "ide.open_terminal";
        Commit: InstanceId, Need::Action(Action::UseIde), "ide.commit";
        /// Merge into the working copy what the branch has gained.
        Merge: InstanceId, Need::Action(Action::UseIde), "ide.merge";
        /// Push the working copy to the instance's branch.
        Push: InstanceAndOthers, Need::Action(Action::UseIde), "ide.push";
        End: InstanceId, Need::Action(Action::UseIde), "ide.end";
    }
    backup {
        List: InstanceId, Need::Action(Action::ManageBackups), "backup.list", viewed_as;
        /// When backups are made by themselves, and which are kept.
        ViewSchedule: InstanceId, Need::Action(Action::ManageBackups), "backup.view_schedule", viewed_as;
        /// It is one of the instance's settings.
        ChangeSchedule: InstanceId, Need::Action(Action::ManageSettings), "backup.change_schedule";
        Create: InstanceId, Need::Action(Action::ManageBackups), "backup.create";
        View: BackupTarget, Need::Action(Action::ManageBackups), "backup.view", viewed_as;
        Delete: BackupTarget, Need::Action(Action::ManageBackups), "backup.delete";
        Download: BackupTarget, Need::Action(Action::ManageBackups), "backup.download";
        /// Bring one back: both instances have to be allowed.
        Restore: RestoreTarget, Need::Action(Action::ManageBackups), "backup.restore";
        /// Those whose instance is deleted.
        ListDeleted: Whole, Need::Owner, "backup.list_deleted";
        /// What opens an instance's repository without Stoa.
        ExportKey: BackupTarget, Need::Owner, "backup.export_key";
    }
    backup_storage {
        /// Where the workspace's backups go.
        View: Whole, Need::Owner, "backup_storage.view";
        Change: Whole, Need::Owner, "backup_storage.change";
        /// Back to the servers' disks.
        Remove: Whole, Need::Owner, "backup_storage.remove";
        /// A real object, written, read and removed.
        Test: Whole, Need::Owner, "backup_storage.test";
    }
    ai {
        View: Whole, Need::Owner, "ai.view";
        Change: Whole, Need::Owner, "ai.change";
        Remove: Whole, Need::Owner, "ai.remove";
        /// A real call with the key.
        Test: Whole, Need::Owner, "ai.test";
        ListModels: Whole, Need::Owner, "ai.list_models";
        ViewUsage: Whole, Need::Owner, "ai.view_usage";
        /// See what would leave of a text.
        Preview: Whole, Need::Owner, "ai.preview";
        /// Have a log or a failed deployment explained.
        Explain: InstanceId, Need::Action(Action::ViewLogs), "ai.explain";
        /// Have a merge described before it is done.
        DescribeMerge: MergeTarget, Need::Action(Action::MergeBranches), "ai.describe_merge";
        Edit: InstanceId, Need::Action(Action::UseIde), "ai.edit";
        ProposeProfile: Whole, Need::Owner, "ai.propose_profile";
    }
}

#[cfg(test)]
mod tests;
