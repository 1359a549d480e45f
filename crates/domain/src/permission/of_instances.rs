//! Things of an instance, which are decided on it: deployments, sessions, backups, domains, changes of its settings.

use super::{Resource, ResourceKind, Target};
use crate::ids::{BackupId, ConnectSessionId, DeploymentId, InstanceId, JobId, SettingsChangeId};
use crate::settings::DomainName;
use crate::standing::Standing;

/// A deployment, decided on its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentTarget {
    pub deployment: DeploymentId,
    pub job: JobId,
    pub instance: InstanceId,
}

impl Target for DeploymentTarget {
    const KIND: ResourceKind = ResourceKind::Instance;

    fn resources(&self) -> Vec<Resource> {
        self.instance.resources()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }
}

/// A session as one of an application's users, decided on its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectTarget {
    pub session: ConnectSessionId,
    pub instance: InstanceId,
}

impl Target for ConnectTarget {
    const KIND: ResourceKind = ResourceKind::Instance;

    fn resources(&self) -> Vec<Resource> {
        self.instance.resources()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }
}

/// A backup, decided on its instance. Once that is deleted, nobody has it in a list: only owners are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupTarget {
    pub backup: BackupId,
    pub instance: InstanceId,
}

impl Target for BackupTarget {
    const KIND: ResourceKind = ResourceKind::Instance;

    fn resources(&self) -> Vec<Resource> {
        self.instance.resources()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }
}

/// A backup, and the instance that it is brought back into: both have to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreTarget {
    pub backup: BackupTarget,
    pub into: InstanceId,
}

impl Target for RestoreTarget {
    const KIND: ResourceKind = ResourceKind::Instance;
    const AND: &'static str = "+into";

    /// What is changed stands first.
    fn resources(&self) -> Vec<Resource> {
        let mut all = self.into.resources();
        all.extend(self.backup.resources());
        all.dedup();
        all
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        self.backup.is_listed(standing) && standing.has_instance(self.into)
    }
}

/// An instance, and those whose domains it takes over: all of them have to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsTarget {
    pub instance: InstanceId,
    pub from: Vec<InstanceId>,
}

impl Target for SettingsTarget {
    const KIND: ResourceKind = ResourceKind::Instance;
    const AND: &'static str = "+from";

    /// What is changed stands first.
    fn resources(&self) -> Vec<Resource> {
        let from = self.from.iter().flat_map(Target::resources);
        self.instance.resources().into_iter().chain(from).collect()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance) && self.from.iter().all(|from| standing.has_instance(*from))
    }
}

/// A change of settings, decided on its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsChangeTarget {
    pub change: SettingsChangeId,
    pub instance: InstanceId,
}

impl Target for SettingsChangeTarget {
    const KIND: ResourceKind = ResourceKind::Instance;

    fn resources(&self) -> Vec<Resource> {
        self.instance.resources()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }
}

/// A domain, decided on the instance that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainTarget {
    pub domain: DomainName,
    pub instance: InstanceId,
}

impl Target for DomainTarget {
    const KIND: ResourceKind = ResourceKind::Instance;

    fn resources(&self) -> Vec<Resource> {
        self.instance.resources()
    }

    fn is_listed(&self, standing: &Standing) -> bool {
        standing.has_instance(self.instance)
    }
}
