//! From who asks and what a path says to a permit: the one way in.

use std::sync::{Mutex, PoisonError};

use stoa_domain::branch::BranchName;
use stoa_domain::permission::{
    BackupTarget, ConnectTarget, DeploymentTarget, DomainTarget, InstanceAndOthers, JobTarget, MergeTarget,
    ProjectAndInstances, RestoreTarget, SettingsChangeTarget, SettingsTarget,
};
use stoa_domain::settings::DomainName;
use stoa_domain::{
    AccountNeed, AccountPermit, AccountStanding, InstanceId, InvitationId, MemberId, Need, Permission,
    Permit, PresetId, ProjectId, Refusal, ServerId, Standing, StartedBy, Target, Whole, WorkspaceId, decide,
    decide_account, decide_cancel,
};
use stoa_storage::Store;
use stoa_storage::locate::LocatedJob;
use uuid::Uuid;

use crate::{App, Failure};

const TARGET: &str = "target branch";

/// What a path names: the value of `{workspace}`, `{instance}` and so on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PathWords(Vec<(String, String)>);

impl PathWords {
    #[must_use]
    pub fn new(words: Vec<(String, String)>) -> Self {
        Self(words)
    }

    /// With what the body names and is decided on: the branch into which something is merged. No path has a word of this
    /// name, so that none can say it.
    #[must_use]
    pub fn with_target(mut self, branch: &BranchName) -> Self {
        self.0.retain(|(key, _)| key != TARGET);
        self.0.push((TARGET.to_owned(), branch.to_string()));
        self
    }

    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// What was found at a path, and for a job what its start needed.
pub struct Located<T> {
    pub target: T,
    pub started_by: Option<StartedBy>,
}

impl<T> From<T> for Located<T> {
    fn from(target: T) -> Self {
        Self { target, started_by: None }
    }
}

/// A target that can be found from a path.
pub trait Locate: Target {
    /// `None` where there is nothing: answered like what isn't allowed.
    fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> impl Future<Output = Result<Option<Located<Self>>, Failure>> + Send;
}

impl Locate for Whole {
    async fn locate(_: &Store, _: WorkspaceId, _: &PathWords) -> Result<Option<Located<Self>>, Failure> {
        Ok(Some(Self.into()))
    }
}

macro_rules! located_by_word {
    ($($id:ty => $word:literal $find:ident),*) => {$(
        impl Locate for $id {
            async fn locate(
                store: &Store,
                workspace: WorkspaceId,
                path: &PathWords,
            ) -> Result<Option<Located<Self>>, Failure> {
                Ok(store.$find(workspace, path.get($word)).await?.map(Into::into))
            }
        }
    )*};
}

located_by_word! {
    ProjectId => "project" find_project_id,
    InstanceId => "instance" find_instance_id,
    ServerId => "server" find_server_id,
    MemberId => "member" find_member_id,
    InvitationId => "invitation" find_invitation_id,
    PresetId => "preset" find_preset_id
}

impl Locate for MergeTarget {
    /// With the instances that deploy the target, once it is named.
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(project) = store.find_project_id(workspace, path.get("project")).await? else {
            return Ok(None);
        };
        let instances = match path.get(TARGET) {
            "" => Vec::new(),
            branch => store.deployed_by(workspace, project, branch).await?,
        };
        Ok(Some(Self { project, instances }.into()))
    }
}

impl Locate for JobTarget {
    /// By its id, or by the deployment that it carries out.
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let found = if path.get("deployment").is_empty() {
            store.find_job(workspace, path.get("job")).await?
        } else {
            match store.find_instance_id(workspace, path.get("instance")).await? {
                Some(instance) => {
                    store.find_deployment_job(workspace, instance, path.get("deployment")).await?
                }
                None => None,
            }
        };
        Ok(found.map(|LocatedJob { target, started_by }| Located { target, started_by: Some(started_by) }))
    }
}

impl Locate for DeploymentTarget {
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(instance) = store.find_instance_id(workspace, path.get("instance")).await? else {
            return Ok(None);
        };
        Ok(store.find_deployment(workspace, instance, path.get("deployment")).await?.map(Into::into))
    }
}

impl Locate for ConnectTarget {
    /// For as long as it goes on.
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(instance) = store.find_instance_id(workspace, path.get("instance")).await? else {
            return Ok(None);
        };
        Ok(store.find_connect_target(workspace, instance, path.get("connect")).await?.map(Into::into))
    }
}

impl Locate for InstanceAndOthers {
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(instance) = store.find_instance_id(workspace, path.get("instance")).await? else {
            return Ok(None);
        };
        let others = store.deploy_the_same(workspace, instance).await?;
        Ok(Some(Self { instance, others }.into()))
    }
}

impl Locate for SettingsTarget {
    /// Whose domains it takes only the body says: then it is decided once more.
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let found = store.find_instance_id(workspace, path.get("instance")).await?;
        Ok(found.map(|instance| Self { instance, from: Vec::new() }.into()))
    }
}

impl Locate for SettingsChangeTarget {
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(instance) = store.find_instance_id(workspace, path.get("instance")).await? else {
            return Ok(None);
        };
        let change = store.find_settings_change(workspace, instance, path.get("change")).await?;
        Ok(change.map(|change| Self { change, instance }.into()))
    }
}

impl Locate for DomainTarget {
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let Some(instance) = store.find_instance_id(workspace, path.get("instance")).await? else {
            return Ok(None);
        };
        // Whether the instance has it is looked at once it is decided: a name can be guessed.
        Ok(DomainName::parse(path.get("domain")).ok().map(|domain| Self { domain, instance }.into()))
    }
}

impl Locate for BackupTarget {
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        Ok(store.find_backup(workspace, path.get("backup")).await?.map(Into::into))
    }
}

impl Locate for RestoreTarget {
    /// Into the instance that the backup is of. Where the body names another, it is decided once more on that.
    async fn locate(
        store: &Store,
        workspace: WorkspaceId,
        path: &PathWords,
    ) -> Result<Option<Located<Self>>, Failure> {
        let found = store.find_backup(workspace, path.get("backup")).await?;
        Ok(found.map(|backup| Self { backup, into: backup.instance }.into()))
    }
}

fn permit<P: Permission>(standing: &Standing, located: Located<P::Target>) -> Result<Permit<P>, Refusal> {
    match located.started_by {
        // Jobs alone are decided by what their start needed.
        Some(started_by) if P::NEED == Need::Started => {
            decide_cancel::<P>(standing, located.target, started_by)
        }
        _ => decide::<P>(standing, located.target),
    }
}

impl App {
    /// What a query names as a path does, by its slug or its id; `of_id` makes its kind of id. What isn't there is the id of
    /// nothing: a list that is narrowed to it is as empty as one that is narrowed to what isn't allowed.
    ///
    /// # Errors
    /// A fault.
    pub async fn named_in_query<T: Locate>(
        &self,
        workspace: WorkspaceId,
        word: &str,
        text: Option<String>,
        of_id: fn(Uuid) -> T,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = text else { return Ok(None) };
        let path = PathWords::new(vec![(word.to_owned(), text)]);
        let found = T::locate(self.store(), workspace, &path).await?;
        Ok(Some(found.map_or_else(|| of_id(Uuid::nil()), |located| located.target)))
    }

    /// The account's standing in the workspace that `word` names. Who isn't a member gets the answer of a
    /// workspace that doesn't exist.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn standing(
        &self,
        account: &AccountStanding,
        word: &str,
        wanted: &[stoa_domain::Resource],
    ) -> Result<Standing, Failure> {
        let workspace = self.store().find_workspace_id(word).await?.ok_or(Refusal::NotFound)?;
        self.standing_in(account, workspace, wanted).await
    }

    /// As [`App::standing`], of a workspace that is known.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn standing_in(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        wanted: &[stoa_domain::Resource],
    ) -> Result<Standing, Failure> {
        match account.viewing {
            None => self.own_standing_in(account, workspace, wanted).await,
            Some(member) => Ok(self.look_on(account, workspace, member, wanted).await?.seen),
        }
    }

    /// Whatever the account wants to look on as: what it is itself.
    pub(crate) async fn own_standing_in(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        wanted: &[stoa_domain::Resource],
    ) -> Result<Standing, Failure> {
        let access = self.store().find_access(workspace, account.actor.account, wanted).await?;
        let access = access.ok_or(Refusal::NotFound)?;
        let standing = Standing::new(account.actor.clone(), access, account.limits.as_ref());
        Ok(standing.ok_or(Refusal::NotFound)?)
    }

    /// Decides `P` on what the path names. A refusal is written into the audit log, and names the owners where
    /// they could grant it.
    ///
    /// # Errors
    /// The refusal, or a fault.
    pub async fn authorize<P>(
        &self,
        account: &AccountStanding,
        path: &PathWords,
    ) -> Result<Permit<P>, Failure>
    where
        P: Permission,
        P::Target: Locate,
    {
        let workspace =
            self.store().find_workspace_id(path.get("workspace")).await?.ok_or(Refusal::NotFound)?;
        // Membership first: to whoever has none, nothing in it is looked up.
        let standing = match account.viewing {
            None => self.own_standing_in(account, workspace, &[]).await?,
            Some(member) => self.begin_to_look_on(account, workspace, member, P::VIEWED_AS).await?,
        };
        // And before anything is looked for what doesn't depend on it, so that the refusal says nothing of what is there.
        if let Err(refusal) = stoa_domain::decide_unlocated::<P>(&standing) {
            self.refused::<P>(&standing, None, &refusal).await;
            return Err(self.with_owners(workspace, refusal).await?.into());
        }
        let Some(located) = P::Target::locate(self.store(), workspace, path).await? else {
            self.refused::<P>(&standing, None, &Refusal::NotFound).await;
            return Err(Refusal::NotFound.into());
        };
        let resources = located.target.resources();
        let standing = if self.store().is_sqlite() || resources.is_empty() {
            standing
        } else {
            self.standing_in(account, workspace, &resources).await?
        };
        match permit::<P>(&standing, located) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                self.refused::<P>(&standing, resources.first().copied(), &refusal).await;
                Err(self.with_owners(workspace, refusal).await?.into())
            }
        }
    }

    /// Decides what an account asks of itself.
    ///
    /// # Errors
    /// The refusal.
    pub fn authorize_account(
        &self,
        account: &AccountStanding,
        need: AccountNeed,
        operation: &'static str,
    ) -> Result<AccountPermit, Refusal> {
        decide_account(account, need, operation)
    }

    /// The refusal, with the names of those who can grant what is missing.
    ///
    /// # Errors
    /// A fault.
    pub async fn with_owners(&self, workspace: WorkspaceId, refusal: Refusal) -> Result<Refusal, Failure> {
        Ok(match refusal {
            Refusal::PermissionDenied { missing, .. } => {
                Refusal::PermissionDenied { missing, ask: self.store().list_owner_names(workspace).await? }
            }
            Refusal::OwnerRequired { .. } => {
                Refusal::OwnerRequired { ask: self.store().list_owner_names(workspace).await? }
            }
            other => other,
        })
    }

    async fn refused<P: Permission>(
        &self,
        standing: &Standing,
        resource: Option<stoa_domain::Resource>,
        refusal: &Refusal,
    ) {
        // That a member isn't shown something is nothing that an owner who looks on was refused.
        if standing.is_viewed() && *refusal != Refusal::ViewAsReadOnly {
            return;
        }
        self.record_refusal(standing.workspace(), standing.actor(), P::OPERATION, resource, refusal).await;
    }

    /// Writes a refusal into the audit log. That this fails mustn't turn a refusal into anything else.
    pub(crate) async fn record_refusal(
        &self,
        workspace: WorkspaceId,
        actor: &stoa_domain::Actor,
        operation: &str,
        resource: Option<stoa_domain::Resource>,
        refusal: &Refusal,
    ) {
        let event = stoa_storage::audit::NewAuditEvent {
            workspace,
            actor: Some(actor.clone()),
            via: actor.via,
            action: operation.to_owned(),
            resource,
            resource_name: None,
            second_name: None,
            outcome: stoa_storage::audit::Outcome::Refused,
            repeated: 1,
            detail: "{}".to_owned(),
        };
        if let Err(failure) = self.store().record_refusal(event, refusal).await {
            tracing::error!(?failure, "a refusal wasn't written into the audit log");
        }
    }

    /// Decides once more what was decided for a path a moment ago, by how things are now.
    ///
    /// # Errors
    /// The refusal, or a fault.
    pub async fn authorize_again<P>(
        &self,
        account: &AccountStanding,
        path: &PathWords,
    ) -> Result<Permit<P>, Failure>
    where
        P: Permission,
        P::Target: Locate,
    {
        if !self.is_still_signed_in(account.actor.credential).await? {
            return Err(Refusal::Unauthenticated.into());
        }
        self.authorize::<P>(account, path).await
    }

    /// Decides a push by what it would move, and keeps a refusal.
    ///
    /// # Errors
    /// The refusal, or a fault.
    pub async fn authorize_push(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        project: ProjectId,
        updates: &[stoa_domain::push::BranchUpdate],
    ) -> Result<Permit<stoa_domain::permission::project::Push>, Failure> {
        let instances = updates.iter().flat_map(|update| update.deployed_by.iter().copied()).collect();
        let wanted = ProjectAndInstances { project, instances }.resources();
        let standing = self.standing_in(account, workspace, &wanted).await?;
        match stoa_domain::push::decide_push(&standing, project, updates) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                self.record_refusal(
                    workspace,
                    &account.actor,
                    "project.push",
                    wanted.first().copied(),
                    &refusal,
                )
                .await;
                Err(self.with_owners(workspace, refusal).await?.into())
            }
        }
    }
}

/// One decision that is asked again and again for as long as something goes on.
pub struct GoingOn<P: Permission> {
    account: AccountStanding,
    path: PathWords,
    found: Mutex<Option<Found<P::Target>>>,
}

/// What a path named at a number of commits: while nothing is committed, it names the same.
struct Found<T> {
    at: u64,
    workspace: WorkspaceId,
    target: T,
    started_by: Option<StartedBy>,
}

impl<P> GoingOn<P>
where
    P: Permission,
    P::Target: Locate,
{
    #[must_use]
    pub fn new(account: AccountStanding, path: PathWords) -> Self {
        Self { account, path, found: Mutex::new(None) }
    }

    fn known(&self, commits: Option<u64>) -> Option<(WorkspaceId, Located<P::Target>)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let Found { at, workspace, target, started_by } = found.as_ref()?;
        (Some(*at) == commits)
            .then(|| (*workspace, Located { target: target.clone(), started_by: *started_by }))
    }

    async fn locate(&self, app: &App) -> Result<(WorkspaceId, Option<Located<P::Target>>), Failure> {
        // Read before it is looked for: what is committed meanwhile makes it old.
        let commits = app.store().commits();
        if let Some((workspace, located)) = self.known(commits) {
            return Ok((workspace, Some(located)));
        }
        let workspace =
            app.store().find_workspace_id(self.path.get("workspace")).await?.ok_or(Refusal::NotFound)?;
        let located = P::Target::locate(app.store(), workspace, &self.path).await?;
        let found = commits.zip(located.as_ref()).map(|(at, Located { target, started_by })| Found {
            at,
            workspace,
            target: target.clone(),
            started_by: *started_by,
        });
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok((workspace, located))
    }

    /// Decides once more, without a word in the audit log: the first refusal ends it, and what ended the right is
    /// there already.
    ///
    /// # Errors
    /// The refusal, or a fault.
    pub async fn ask(&self, app: &App) -> Result<(), Failure> {
        if !app.is_still_signed_in(self.account.actor.credential).await? {
            return Err(Refusal::Unauthenticated.into());
        }
        let asked = self.decide_anew(app).await;
        // Between the two questions the account may have ended, and its memberships with it: then that is said.
        if matches!(asked, Err(Failure::Refused(_)))
            && app.has_signed_out(self.account.actor.credential).await?
        {
            return Err(Refusal::Unauthenticated.into());
        }
        asked
    }

    async fn decide_anew(&self, app: &App) -> Result<(), Failure> {
        let (workspace, located) = self.locate(app).await?;
        let wanted = located.as_ref().map(|located| located.target.resources()).unwrap_or_default();
        let standing = app.standing_in(&self.account, workspace, &wanted).await?;
        let decided = stoa_domain::decide_unlocated::<P>(&standing)
            .and_then(|()| permit::<P>(&standing, located.ok_or(Refusal::NotFound)?).map(drop));
        match decided {
            Ok(()) => Ok(()),
            // As at the first question: with those who can grant it.
            Err(refusal) => Err(app.with_owners(workspace, refusal).await?.into()),
        }
    }
}

impl App {
    /// Hears of each committed write; a hint, never the truth.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<std::sync::Arc<stoa_storage::Touched>> {
        self.store().changes()
    }
}
