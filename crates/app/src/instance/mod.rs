//! Instances: running copies of projects.

pub mod act;
pub mod create;
pub mod deploy;
pub mod domains;
pub mod environment;
pub(crate) mod generated;
pub mod processes;
pub mod settings;

use stoa_domain::instance::Visibility;
use stoa_domain::permission::instance as may;
use stoa_domain::{Action, InstanceId, JobId, Permission, Permit, Refusal};
use stoa_storage::instance::change::InstanceChange;
use stoa_storage::page::Page;

pub use stoa_storage::deployment::DeploymentRecord;
pub use stoa_storage::instance::{InstanceFilter, InstanceRecord, Named};

use crate::abilities::{self, Abilities, Caller};
use crate::account::check_name;
use crate::job::SeenJob;
use crate::machine::FactsOf;
use crate::{App, Failure};

/// An instance as one member sees it.
#[derive(Debug, Clone)]
pub struct SeenInstance {
    /// Its `job` is told by `job` below, without what the caller may not read.
    pub instance: InstanceRecord,
    /// Where it is opened. Nothing else computes one.
    pub url: Option<String>,
    /// The one that runs, else the one that waits.
    pub job: Option<SeenJob>,
    /// Nobody can ask its server now: its status is the last one that is known.
    pub is_server_away: bool,
    pub abilities: Abilities,
}

/// An instance, and the job that was begun on it.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub instance: SeenInstance,
    pub job: SeenJob,
}

#[derive(Debug, Clone, Default)]
pub struct ChangeInstance {
    pub name: Option<String>,
    pub visibility: Option<Visibility>,
    pub is_protected: Option<bool>,
    pub expected_revision: Option<i64>,
}

impl App {
    /// Those that the caller sees, by name.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_instances(
        &self,
        permit: Permit<may::List>,
        filter: &InstanceFilter,
        page: &Page,
    ) -> Result<Vec<SeenInstance>, Failure> {
        let caller = Caller::of(&permit);
        let instances = self.store().list_instances(&permit, filter, page).await?;
        let facts = self.facts_of(instances.iter().map(|instance| instance.place)).await;
        let mut seen = Vec::with_capacity(instances.len());
        for instance in instances {
            let is_target = self.is_target(&caller, instance.id).await?;
            seen.push(self.as_seen(&caller, instance, is_target, &facts));
        }
        Ok(seen)
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_instance(&self, permit: Permit<may::View>) -> Result<SeenInstance, Failure> {
        self.seen_instance(&Caller::of(&permit), *permit.target()).await
    }

    /// # Errors
    /// `Invalid`, `PreconditionFailed`, or a fault.
    pub async fn change_instance(
        &self,
        permit: Permit<may::Change>,
        wish: ChangeInstance,
    ) -> Result<SeenInstance, Failure> {
        let mut problems = Vec::new();
        let name = wish.name.as_ref().and_then(|name| check_name("name", name, &mut problems));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let (caller, instance) = (Caller::of(&permit), *permit.target());
        let change = InstanceChange {
            name: name.map(stoa_domain::name::Name::into_string),
            visibility: wish.visibility,
            is_protected: wish.is_protected,
            expected: wish.expected_revision,
        };
        self.store().change_instance(permit, change).await?;
        self.seen_instance(&caller, instance).await
    }

    /// How many instances run, in all workspaces: what is said when Stoa stops.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_running_instances(&self) -> Result<i64, Failure> {
        Ok(self.store().count_running_instances().await?)
    }

    /// As it is now: what a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_instance_for_change<P>(&self, permit: &Permit<P>) -> Result<SeenInstance, Failure>
    where
        P: Permission<Target = InstanceId>,
    {
        self.seen_instance(&Caller::of(permit), *permit.target()).await
    }

    pub(crate) async fn seen_instance(
        &self,
        caller: &Caller,
        instance: InstanceId,
    ) -> Result<SeenInstance, Failure> {
        let (sees_everything, member) = (caller.sees_everything, caller.member);
        let instance =
            self.store().load_instance(caller.workspace, instance, sees_everything, member).await?;
        let facts = self.facts_of([instance.place]).await;
        let is_target = self.is_target(caller, instance.id).await?;
        let has_branch = self.has_branch(caller, &instance).await?;
        let mut seen = self.as_seen(caller, instance, is_target, &facts);
        if !has_branch {
            seen.abilities = abilities::without_branch(seen.abilities);
        }
        Ok(seen)
    }

    /// Whether a merge into an instance's branch touches nothing that the caller isn't allowed. Asked of those alone who
    /// merge: for others it says nothing.
    async fn is_target(&self, caller: &Caller, instance: InstanceId) -> Result<bool, Failure> {
        if caller.sees_everything || !caller.has(Action::MergeBranches) {
            return Ok(true);
        }
        Ok(self.store().is_allowed_target(caller.workspace, instance, caller.member).await?)
    }

    /// Whether an instance's branch is there to merge into. Asked of those alone who merge, and of one instance: a list
    /// doesn't say it.
    async fn has_branch(&self, caller: &Caller, instance: &InstanceRecord) -> Result<bool, Failure> {
        if !caller.has(Action::MergeBranches) {
            return Ok(true);
        }
        let head = self.store().find_head(caller.workspace, instance.project.id, &instance.branch).await?;
        Ok(head.is_some())
    }

    /// What is answered to whoever has begun a job.
    pub(crate) async fn accepted(
        &self,
        caller: &Caller,
        instance: InstanceId,
        job: JobId,
    ) -> Result<Accepted, Failure> {
        let record = self.store().load_job(caller.workspace, job).await?;
        let instance = self.seen_instance(caller, instance).await?;
        Ok(Accepted { instance, job: SeenJob::new(caller, record) })
    }

    fn as_seen(
        &self,
        caller: &Caller,
        mut instance: InstanceRecord,
        is_target: bool,
        facts: &FactsOf,
    ) -> SeenInstance {
        let url = instance.host.as_deref().map(|host| self.settings().url_of(host));
        let machine = facts.can_work(instance.place);
        let abilities = abilities::of_instance(caller, instance.stage, instance.state, is_target, &machine);
        let way = instance.connect_as.as_deref();
        let abilities = abilities::with_connect_as(abilities, caller, instance.state, way, &machine);
        let job = instance.job.take().map(|job| SeenJob::new(caller, job));
        let is_server_away = machine == Err(Refusal::ServerAway);
        SeenInstance { instance, url, job, is_server_away, abilities }
    }
}
