//! A change of an instance's settings: all of it or nothing, recorded with what it did, thing by thing.

use std::collections::HashSet;

use stoa_domain::backup::BackupSchedule;
use stoa_domain::branch::BranchName;
use stoa_domain::deployment::DeploymentCause;
use stoa_domain::instance::Visibility;
use stoa_domain::name::sorted_as;
use stoa_domain::permission::settings::Change as ChangePermission;
use stoa_domain::settings::{DomainName, HealthCheck, Limits, MOST_DOMAINS, Setting, Turn};
use stoa_domain::variable::MOST_VARIABLES;
use stoa_domain::{
    AccountId, Action, Conflict, InstanceId, JobId, Permit, Refusal, ResourceKind, WorkspaceId,
};
use uuid::Uuid;

use super::parts::{self, Part};
use super::variables::{self, Variable};
use super::{SettingsRecord, domains, history, load_in};
use crate::backup::schedule;
use crate::deployment::{DeploymentOrder, queue_deployment};
use crate::event::EventType;
use crate::failure::Failure;
use crate::head::head_in;
use crate::job::start::state_in;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    /// The stage has no statement that changes it.
    CHANGE = "UPDATE instances SET name = $3, branch = $4, visibility = $5, is_protected = $6, memory_limit = $7,
            processor_limit = $8, processes_limit = $9, disk_limit = $10, health = $11, sorted_as = $12, revision = revision + 1
        WHERE workspace_id = $1 AND id = $2 RETURNING revision";
}

/// A domain as it is wanted, with what proves it where it is new.
#[derive(Debug, Clone)]
pub struct WantedDomain {
    pub name: DomainName,
    pub proof: String,
}

/// What is to be set. `None` leaves a thing as it is.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    /// In place of all that there are. A secret one may keep what it has.
    pub variables: Option<Vec<Variable>>,
    /// In place of all that there are.
    pub domains: Option<Vec<WantedDomain>>,
    pub branch: Option<BranchName>,
    pub visibility: Option<Visibility>,
    pub limits: Option<Limits>,
    pub health: Option<Option<HealthCheck>>,
    pub schedule: Option<Option<BackupSchedule>>,
    pub name: Option<String>,
    pub is_protected: Option<bool>,
}

/// What came of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Whether anything is different now.
    pub is_changed: bool,
    /// The deployment of another branch.
    pub job: Option<JobId>,
}

/// Whose settings are changed, by whom, and from what.
pub(crate) struct Change<'c> {
    pub place: (WorkspaceId, InstanceId),
    pub account: AccountId,
    /// Instances whose domains may be taken.
    pub from: &'c [InstanceId],
    /// The revision that the change was made from.
    pub expected: Option<i64>,
    /// The change that this one undoes.
    pub reverts: Option<Uuid>,
}

fn key(visibility: Visibility) -> Option<String> {
    Some(visibility.key().to_owned())
}

fn health_text(health: Option<&HealthCheck>) -> Option<String> {
    health.map(HealthCheck::to_text)
}

/// What is different, but for domains.
fn differences(before: &SettingsRecord, after: &SettingsRecord) -> Vec<Part> {
    let mut found = parts::of_variables(&before.variables, &after.variables);
    let flag = |is_protected: bool| Some(is_protected.to_string());
    let number = |limit: Option<i64>| limit.map(|number| number.to_string());
    let schedule = |schedule: Option<BackupSchedule>| schedule.map(BackupSchedule::to_text);
    found.extend(Part::of(Setting::Name, Some(before.name.clone()), Some(after.name.clone())));
    found.extend(Part::of(Setting::Branch, Some(before.branch.clone()), Some(after.branch.clone())));
    found.extend(Part::of(Setting::Visibility, key(before.visibility), key(after.visibility)));
    found.extend(Part::of(Setting::Protection, flag(before.is_protected), flag(after.is_protected)));
    for ((setting, was, _), (_, is, _)) in before.limits.each().into_iter().zip(after.limits.each()) {
        found.extend(Part::of(setting, number(was), number(is)));
    }
    let health = (health_text(before.health.as_ref()), health_text(after.health.as_ref()));
    found.extend(Part::of(Setting::Health, health.0, health.1));
    found.extend(Part::of(Setting::BackupSchedule, schedule(before.schedule), schedule(after.schedule)));
    found
}

/// Changes settings, in the transaction that was permitted.
///
/// # Errors
/// `PreconditionFailed`, `Invalid`, [`Conflict::DomainTaken`], [`Conflict::NoSuchBranch`], what the state forbids, or a
/// fault.
pub(crate) async fn apply(
    tx: &mut Tx<'_>,
    change: Change<'_>,
    wanted: SettingsChange,
) -> Result<Changed, Failure> {
    let Change { place, account, from, expected, reverts } = change;
    let (workspace, instance) = place;
    let before = load_in(tx, place).await?;
    tx.audit_name(before.name.clone());
    if expected.is_some_and(|expected| expected != before.revision) {
        return Err(Refusal::PreconditionFailed.into());
    }
    let SettingsChange { variables: new_variables, domains: new_domains, branch, health, schedule, .. } =
        wanted;
    let after = SettingsRecord {
        variables: match new_variables {
            Some(wanted) => variables::settle(&before.variables, wanted)?,
            None => before.variables.clone(),
        },
        name: wanted.name.unwrap_or_else(|| before.name.clone()),
        branch: branch.as_ref().map_or_else(|| before.branch.clone(), |branch| branch.as_str().to_owned()),
        visibility: wanted.visibility.unwrap_or(before.visibility),
        is_protected: wanted.is_protected.unwrap_or(before.is_protected),
        limits: wanted.limits.unwrap_or(before.limits),
        health: health.unwrap_or_else(|| before.health.clone()),
        schedule: schedule.unwrap_or(before.schedule),
        ..before.clone()
    };
    // Whatever makes the change: a revert brings back what there was room for then.
    if after.variables.len() > MOST_VARIABLES && after.variables.len() > before.variables.len() {
        let detail = format!("An instance has at most {MOST_VARIABLES} variables.");
        return Err(Refusal::invalid("environment", "too_many", detail).into());
    }
    let mut found = differences(&before, &after);
    if let Some(wanted) = new_domains {
        if wanted.len() > MOST_DOMAINS && wanted.len() > before.domains.len() {
            let detail = format!("An instance has at most {MOST_DOMAINS} domains.");
            return Err(Refusal::invalid("domains", "too_many", detail).into());
        }
        found.extend(change_domains(tx, place, account, from, &before, wanted).await?);
    }
    if found.is_empty() {
        return Ok(Changed::default());
    }
    // What is being deleted has no settings any more.
    state_in(tx, workspace, instance).await?.state.can_change()?;
    if found.iter().any(|part| part.setting == Setting::Environment) {
        variables::replace_in(tx, workspace, instance, &after.variables).await?;
    }
    if before.schedule != after.schedule {
        schedule::put_in(tx, workspace, instance, after.schedule).await?;
    }
    let Limits { memory, processor, processes, disk } = after.limits;
    let values = values![
        workspace,
        instance,
        after.name.as_str(),
        after.branch.as_str(),
        after.visibility.key(),
        after.is_protected,
        memory,
        processor,
        processes,
        disk,
        health_text(after.health.as_ref()),
        sorted_as(&after.name),
    ];
    let revision: i64 = tx.fetch_one(CHANGE, values).await?.get(0)?;
    history::record_in(tx, place, history::New { revision, account, reverts, parts: &found }).await?;
    let job = if before.branch == after.branch {
        None
    } else {
        Some(deploy_branch(tx, place, account, &after).await?)
    };
    tx.audit_name(after.name);
    tx.audit_detail(parts::describe(&found));
    tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
    Ok(Changed { is_changed: true, job })
}

/// What is set on another branch is what that branch has: it is deployed at once.
async fn deploy_branch(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    account: AccountId,
    after: &SettingsRecord,
) -> Result<JobId, Failure> {
    let head = head_in(tx, workspace, after.project, &after.branch).await?;
    let order = DeploymentOrder {
        workspace,
        instance,
        commit: head.ok_or(Refusal::Conflict(Conflict::NoSuchBranch))?,
        branch: after.branch.clone(),
        cause: DeploymentCause::Settings,
        account: Some(account),
        permission: Action::ManageSettings.key(),
        release: None,
    };
    Ok(queue_deployment(tx, order).await?.job)
}

/// Claims those that are new and gives up those that aren't wanted any more.
async fn change_domains(
    tx: &mut Tx<'_>,
    place: (WorkspaceId, InstanceId),
    account: AccountId,
    from: &[InstanceId],
    before: &SettingsRecord,
    wanted: Vec<WantedDomain>,
) -> Result<Vec<Part>, Failure> {
    let mut found = Vec::new();
    let kept: HashSet<&str> = wanted.iter().map(|domain| domain.name.as_str()).collect();
    for gone in before.domains.iter().filter(|domain| !kept.contains(domain.host.as_str())) {
        domains::give_up_in(tx, place, &gone.host).await?;
        found.push(Part::domain(&gone.host, Turn::Removed));
    }
    for WantedDomain { name, proof } in &wanted {
        let name = name.as_str();
        if before.domains.iter().any(|domain| domain.host == name) {
            continue;
        }
        if let Some(other) = domains::claim_in(tx, place, from, name, proof).await? {
            lose_domain(tx, (place.0, other), account, name).await?;
        }
        found.push(Part::domain(name, Turn::Added));
    }
    Ok(found)
}

/// The history of the instance that a domain was taken from says so too.
async fn lose_domain(
    tx: &mut Tx<'_>,
    place: (WorkspaceId, InstanceId),
    account: AccountId,
    name: &str,
) -> Result<(), Failure> {
    let revision = history::raise_in(tx, place).await?;
    let parts = [Part::domain(name, Turn::Removed)];
    history::record_in(tx, place, history::New { revision, account, reverts: None, parts: &parts }).await?;
    Ok(tx.tell(place.0, EventType::Changed, ResourceKind::Instance, place.1.uuid()).await?)
}

impl Store {
    /// # Errors
    /// `PreconditionFailed`, `Invalid`, [`Conflict::DomainTaken`], [`Conflict::NoSuchBranch`], what the state forbids, or
    /// a fault.
    pub async fn change_settings(
        &self,
        permit: Permit<ChangePermission>,
        wanted: SettingsChange,
        expected: Option<i64>,
    ) -> Result<Changed, Failure> {
        let place = (permit.workspace(), permit.target().instance);
        let (account, from) = (permit.actor().account, permit.target().from.clone());
        let work: Work<Changed> = Box::new(move |tx| {
            let (wanted, from) = (wanted.clone(), from.clone());
            Box::pin(async move {
                apply(tx, Change { place, account, from: &from, expected, reverts: None }, wanted).await
            })
        });
        self.write(permit, work).await
    }
}
