//! What is set of an instance, seen and changed as a whole; and what was changed before.

use stoa_domain::backup::BackupSchedule;
use stoa_domain::branch::BranchName;
use stoa_domain::instance::Visibility;
use stoa_domain::permission::settings as may;
use stoa_domain::permission::{SettingsTarget, Target as _};
use stoa_domain::settings::{DomainName, HealthCheck, Limits, MOST_DOMAINS, Setting, Turn};
use stoa_domain::{
    AccountStanding, FieldProblem, InstanceId, Permission as _, Permit, ProjectId, Refusal, SettingsChangeId,
    WorkspaceId, decide,
};
use stoa_storage::instance::settings::domains::DomainRecord;
use stoa_storage::instance::settings::{SettingsChange, SettingsRecord, WantedDomain};

pub use stoa_storage::instance::settings::Changed;
pub use stoa_storage::instance::settings::history::{ChangeRecord, Part};

use super::environment::{SeenVariable, WantedVariable, seen};
use crate::abilities::Caller;
use crate::certificate::CertificateState;
use crate::job::SeenJob;
use crate::ports::Enforcement;
use crate::{App, Failure};

/// Random bytes of a domain's proof.
const PROOF_BYTES: usize = 16;

/// What is wished. `None` leaves a thing as it is.
#[derive(Clone, Default)]
pub struct ChangeSettings {
    /// In place of all that there are.
    pub environment: Option<Vec<WantedVariable>>,
    /// In place of all that there are, as they were typed.
    pub domains: Option<Vec<String>>,
    pub visibility: Option<Visibility>,
    /// In place of all four.
    pub limits: Option<Limits>,
    pub branch: Option<String>,
    /// `Some(None)`: as the application says.
    pub health: Option<Option<HealthCheck>>,
    /// `Some(None)`: by hand alone.
    pub schedule: Option<Option<BackupSchedule>>,
}

/// Settings as whoever may change them sees them.
#[derive(Debug, Clone)]
pub struct SeenSettings {
    pub workspace: WorkspaceId,
    pub project: ProjectId,
    pub environment: Vec<SeenVariable>,
    pub domains: Vec<DomainRecord>,
    /// Of those hosts that have or wait for one.
    pub certificates: Vec<CertificateState>,
    pub visibility: Visibility,
    pub limits: Limits,
    /// By what they are enforced where it runs; `None` while that isn't known.
    pub enforcement: Option<Enforcement>,
    pub branch: String,
    pub health: Option<HealthCheck>,
    pub schedule: Option<BackupSchedule>,
    pub revision: i64,
    /// Whether what runs was started with others.
    pub restart_needed: bool,
    /// Whether it reaches no mail server, since its data came from production.
    pub is_mail_off: bool,
    /// The deployment that a change of the branch began.
    pub job: Option<SeenJob>,
}

/// A change, and what of it can be undone.
#[derive(Debug, Clone)]
pub struct SeenChange {
    pub change: ChangeRecord,
    /// Whether reverting it would do anything for this caller.
    pub can_revert: bool,
}

impl App {
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_settings(&self, permit: Permit<may::View>) -> Result<SeenSettings, Failure> {
        self.seen_settings(permit.workspace(), *permit.target()).await
    }

    /// As they are now: what a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_settings_for_change(
        &self,
        permit: &Permit<may::Change>,
    ) -> Result<SeenSettings, Failure> {
        self.seen_settings(permit.workspace(), permit.target().instance).await
    }

    /// As they are now: what a revert is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_settings_for_revert(
        &self,
        permit: &Permit<may::Revert>,
    ) -> Result<SeenSettings, Failure> {
        self.seen_settings(permit.workspace(), permit.target().instance).await
    }

    async fn seen_settings(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<SeenSettings, Failure> {
        let record = self.store().load_settings(workspace, instance).await?;
        let restart_needed = self.store().is_restart_needed(workspace, instance).await?;
        let place = self.store().find_place_of_instance(instance).await?.ok_or(Refusal::NotFound)?;
        let enforcement = self.machine_facts(place).await.and_then(|facts| facts.enforcement);
        let SettingsRecord {
            project,
            revision,
            visibility,
            limits,
            branch,
            health,
            schedule,
            domains,
            is_mail_off,
            ..
        } = record;
        Ok(SeenSettings {
            workspace,
            project,
            environment: seen(record.variables),
            domains,
            certificates: self.certificate_states(workspace, instance).await?,
            visibility,
            limits,
            enforcement,
            branch,
            health,
            schedule,
            revision,
            restart_needed,
            is_mail_off,
            job: None,
        })
    }

    /// Branches that another could be chosen from. `None` to whoever isn't allowed to look into the project: it is only
    /// asked whether, so nothing was refused.
    ///
    /// # Errors
    /// A fault.
    pub async fn offered_branches(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<Vec<String>>, Failure> {
        let standing = self.standing_in(account, workspace, &project.resources()).await?;
        if decide::<stoa_domain::permission::project::View>(&standing, project).is_err() {
            return Ok(None);
        }
        let heads = self.store().list_heads(workspace, project).await?;
        Ok(Some(heads.into_iter().map(|(branch, _)| branch).collect()))
    }

    /// Decides once more where a wanted domain is another instance's of the workspace: both have to be allowed. Only of
    /// those that are can domains be taken by the permit that is given back.
    ///
    /// # Errors
    /// The refusal, where the right has gone meanwhile, or a fault.
    pub async fn authorize_taking_domains(
        &self,
        account: &AccountStanding,
        permit: Permit<may::Change>,
        wanted: &[String],
    ) -> Result<Permit<may::Change>, Failure> {
        let (workspace, instance) = (permit.workspace(), permit.target().instance);
        let mut from = Vec::new();
        for name in wanted.iter().take(MOST_DOMAINS).filter_map(|text| DomainName::parse(text).ok()) {
            let holder = self.store().find_domain_holder(workspace, instance, name.as_str()).await?;
            from.extend(holder.filter(|holder| !from.contains(holder)));
        }
        if from.is_empty() {
            return Ok(permit);
        }
        let resources = SettingsTarget { instance, from: from.clone() }.resources();
        let standing = self.standing_in(account, workspace, &resources).await?;
        // What isn't allowed is answered where the claim is made, like another workspace's.
        from.retain(|from| {
            let target = SettingsTarget { instance, from: vec![*from] };
            decide::<may::Change>(&standing, target).is_ok()
        });
        Ok(decide::<may::Change>(&standing, SettingsTarget { instance, from })?)
    }

    /// Changes what is said and leaves the rest. `expected` is the revision that the change was made from.
    ///
    /// # Errors
    /// `Invalid`, `PreconditionFailed`, `DomainTaken`, `NoSuchBranch`, `NoSandbox`, or a fault.
    pub async fn change_settings(
        &self,
        permit: Permit<may::Change>,
        wish: ChangeSettings,
        expected: Option<i64>,
    ) -> Result<SeenSettings, Failure> {
        let (workspace, instance) = (permit.workspace(), permit.target().instance);
        let caller = Caller::of(&permit);
        let mut problems = Vec::new();
        let variables = match wish.environment {
            Some(wanted) => Some(self.seal_variables(workspace, instance, wanted, &mut problems).await?),
            None => None,
        };
        let domains = wish.domains.map(|wanted| self.wanted_domains(&wanted, &mut problems));
        if let Some(limits) = wish.limits {
            problems.extend(limit_problems(limits));
        }
        if let Some(Some(health)) = &wish.health {
            let named = |(field, detail)| FieldProblem::new(&format!("health.{field}"), "invalid", detail);
            problems.extend(health.problems().into_iter().map(named));
        }
        if wish.schedule.flatten().is_some_and(|schedule| !schedule.is_sound()) {
            problems.push(FieldProblem::new(
                "backup_schedule",
                "out_of_range",
                crate::backup::schedule::RANGES,
            ));
        }
        let branch = wish.branch.as_deref().and_then(|text| {
            let branch = BranchName::parse(text);
            if branch.is_none() {
                let detail = "This isn't a name that a branch can have.";
                problems.push(FieldProblem::new("branch", "invalid", detail));
            }
            branch
        });
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        if branch.is_some() {
            self.can_deploy_branch(workspace, instance, branch.as_ref()).await?;
        }
        let change = SettingsChange {
            variables,
            domains,
            branch,
            visibility: wish.visibility,
            limits: wish.limits,
            health: wish.health,
            schedule: wish.schedule,
            name: None,
            is_protected: None,
        };
        let changed = self.store().change_settings(permit, change, expected).await?;
        self.after_change(&caller, instance, changed).await
    }

    /// Another branch is deployed at once: that needs somewhere to run.
    async fn can_deploy_branch(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        wanted: Option<&BranchName>,
    ) -> Result<(), Failure> {
        let now = self.store().load_settings(workspace, instance).await?.branch;
        if wanted.is_none_or(|wanted| wanted.as_str() == now) {
            return Ok(());
        }
        self.needs_machine(instance).await
    }

    /// What a change undoes is looked at as what it was when it was wished: a name may have become Stoa's own since, and
    /// a branch is deployed where there is somewhere to run.
    async fn can_go_back(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        change: SettingsChangeId,
    ) -> Result<(), Failure> {
        for part in self.store().list_parts_of_change(workspace, instance, change).await? {
            match part.setting {
                Setting::Domain if part.turn == Turn::Removed => {
                    self.own_domain(&part.name)
                        .map_err(|(code, detail)| Refusal::invalid("domains", code, detail))?;
                }
                Setting::Branch => {
                    let before = part.before.as_deref().and_then(BranchName::parse);
                    self.can_deploy_branch(workspace, instance, before.as_ref()).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn after_change(
        &self,
        caller: &Caller,
        instance: InstanceId,
        changed: Changed,
    ) -> Result<SeenSettings, Failure> {
        self.secrets_changed(caller.workspace, instance).await;
        let mut settings = self.seen_settings(caller.workspace, instance).await?;
        if let Some(job) = changed.job {
            let record = self.store().load_job(caller.workspace, job).await?;
            settings.job = Some(SeenJob::new(caller, record));
        }
        Ok(settings)
    }

    fn wanted_domains(&self, wanted: &[String], problems: &mut Vec<FieldProblem>) -> Vec<WantedDomain> {
        if wanted.len() > MOST_DOMAINS {
            let detail = "An instance has at most 50 domains.";
            problems.push(FieldProblem::new("domains", "too_many", detail));
            return Vec::new();
        }
        let mut found: Vec<WantedDomain> = Vec::with_capacity(wanted.len());
        for (index, text) in wanted.iter().enumerate() {
            let field = format!("domains.{index}.host");
            match self.own_domain(text) {
                Err((code, detail)) => problems.push(FieldProblem::new(&field, code, detail)),
                Ok(name) if found.iter().any(|one| one.name == name) => {
                    problems.push(FieldProblem::new(&field, "duplicate", "This domain stands twice."));
                }
                Ok(name) => found.push(WantedDomain { name, proof: self.new_proof() }),
            }
        }
        found
    }

    /// A host that an instance can have besides the one that it is given.
    fn own_domain(&self, text: &str) -> Result<DomainName, (&'static str, &'static str)> {
        let name = DomainName::parse(text).map_err(|detail| ("invalid", detail))?;
        if name.is_within(&self.settings().public_host()) {
            return Err(("reserved", "Stoa itself is reached by this name. Choose another one."));
        }
        if name.is_within(&self.settings().instance_domain) {
            return Err((
                "reserved",
                "Names of this domain are given by Stoa. Choose one of another domain.",
            ));
        }
        Ok(name)
    }

    fn new_proof(&self) -> String {
        let mut bytes = [0_u8; PROOF_BYTES];
        self.outside().rng.fill(&mut bytes);
        format!("stoa-{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// Newest first, those with a revision below `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_settings_changes(
        &self,
        permit: Permit<may::ListChanges>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<SeenChange>, Failure> {
        let changes = self.store().list_settings_changes(&permit, before, limit).await?;
        let is_owner = permit.by_owner();
        Ok(changes
            .into_iter()
            .map(|change| SeenChange { can_revert: can_revert(&change.parts, is_owner), change })
            .collect())
    }

    /// Undoes what one change did, as far as that is known: a change of its own.
    ///
    /// # Errors
    /// `OwnerRequired`, `PreconditionFailed`, `NothingToRevert`, what forbids such a change, or a fault.
    pub async fn revert_settings(
        &self,
        permit: Permit<may::Revert>,
        expected: Option<i64>,
    ) -> Result<SeenSettings, Failure> {
        let (caller, instance) = (Caller::of(&permit), permit.target().instance);
        let proofs = (0..MOST_DOMAINS).map(|_| self.new_proof()).collect();
        let (workspace, actor) = (permit.workspace(), permit.actor().clone());
        self.can_go_back(workspace, instance, permit.target().change).await?;
        let changed = match self.store().revert_settings(permit, proofs, expected).await {
            Err(stoa_storage::Failure::Refused(
                refusal @ (Refusal::OwnerRequired { .. } | Refusal::TokenNarrowed(_)),
            )) => {
                let resource = instance.resources().first().copied();
                let operation = may::Revert::OPERATION;
                self.record_refusal(workspace, &actor, operation, resource, &refusal).await;
                return Err(self.with_owners(workspace, refusal).await?.into());
            }
            other => other?,
        };
        self.after_change(&caller, instance, changed).await
    }
}

/// Whether anything of it is known to go back to, and is the caller's to change.
fn can_revert(parts: &[Part], is_owner: bool) -> bool {
    let is_known = |part: &Part| {
        part.setting != Setting::Environment || part.turn == Turn::Added || part.before.is_some()
    };
    (is_owner || !parts.iter().any(|part| part.setting.is_of_owners())) && parts.iter().any(is_known)
}

fn limit_problems(limits: Limits) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    for (setting, wanted, range) in limits.each() {
        if !range.takes(wanted) {
            let detail = format!("This is from {} to {}.", range.least, range.most);
            problems.push(FieldProblem::new(&format!("limits.{}", setting.key()), "out_of_range", detail));
        }
    }
    problems
}
