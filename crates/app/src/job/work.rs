//! One job, from its claim to its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use stoa_domain::branch::CommitId;
use stoa_domain::instance::{InstanceStatus, RestartMode, Wish};
use stoa_domain::job::JobKind;
use stoa_domain::permission::{RestoreTarget, backup, job as may};
use stoa_domain::{
    AccountId, Actor, Conflict, Credential, InstanceId, Refusal, ReleaseId, Resource, ResourceKind, Standing,
    Target as _, Via, decide, decide_cancel,
};
use stoa_storage::backup::carry::StoredBackup;
use stoa_storage::job::carry::{Begun, End, Observed};
use stoa_storage::job::claim::Claim;
use stoa_storage::locate::LocatedJob;

use crate::backup::restore::BackupInput as Input;
use crate::job::runner::heard_of_jobs;
use crate::ports::{Command, InstanceForm, MachineState, Machines, Order, Progress};
use crate::{App, Failure, Fault};

/// How often the claim is renewed: a third of its lease.
const RENEWAL: Duration = Duration::from_secs(10);

/// After so many seconds it is looked again whether a machine that is away is back.
const AWAY_SECONDS: i64 = 3;

/// A machine that can't be reached is tried this often.
const MOST_ATTEMPTS: i64 = 8;

/// The step in which the machine is brought the commit: it is asked for the work only after that, whose own first step is
/// to fetch it from there.
const BRING: &str = "bring";

/// By which a machine says that a restore failed at what is stored of its backup.
const BACKUP_DAMAGED: &str = "backup_damaged";

const NO_LONGER_PERMITTED: &str = "The permission for it was taken away before it began.";
const WITHOUT_ITS_DATA: &str = "The data of the backup that the instance is made of isn't in it, so nothing was deployed. Restore it first.";
const BACKUP_GONE: &str = "The backup isn't there any more, so nothing was restored.";
const UNREACHABLE: &str = "The server can't be reached. Try again when it is back.";

/// The claim has passed to another, who goes on: nothing is to be written any more.
struct Lost;

impl App {
    /// Carries out one job. A fault gives it back, to be tried again.
    pub(crate) async fn carry_out(&self, claim: &Claim) {
        let failure = match self.try_job(claim).await {
            Ok(()) => return,
            Err(failure) => failure,
        };
        let (job, attempts) = (claim.job.id, claim.attempts);
        tracing::warn!(?failure, %job, attempts, "a job couldn't be carried out");
        // What a machine has begun goes on there while it is away, and is followed to its end when it is back.
        let is_away = matches!(failure, Failure::Refused(Refusal::ServerAway));
        let goes_on = is_away && !matches!(claim.job.step.as_str(), "" | BRING);
        let put_off = if goes_on && claim.job.cancel_at.is_some() {
            self.end(claim, End::Cancelled { sentence: None, observed: None }).await
        } else if goes_on {
            self.store().give_back_job(job, claim.fence, AWAY_SECONDS).await.map_err(Failure::from)
        } else if attempts < MOST_ATTEMPTS {
            let seconds = 1_i64 << attempts.clamp(0, 5);
            self.store().give_back_job(job, claim.fence, seconds).await.map_err(Failure::from)
        } else {
            let end = End::Failed {
                code: "unavailable".to_owned(),
                sentence: UNREACHABLE.to_owned(),
                quote: None,
                observed: None,
            };
            self.end(claim, end).await
        };
        if let Err(failure) = put_off {
            tracing::warn!(?failure, %job, "a job waits until its lease has run out");
        }
    }

    async fn try_job(&self, claim: &Claim) -> Result<(), Failure> {
        let order = Order { job: claim.job.id, fence: claim.fence };
        let was_begun = claim.attempts > 1;
        if !was_begun && claim.job.cancel_at.is_some() {
            return self.end(claim, End::Cancelled { sentence: None, observed: None }).await;
        }
        let goes_on = was_begun && claim.job.kind.goes_on_at(&claim.job.step);
        if !goes_on && let Err(refusal) = self.still_permitted(claim).await? {
            if was_begun && let Some(instance) = claim.job.instance {
                self.machine_of(instance).await?.machine.cancel(order).await?;
            }
            tracing::info!(?refusal, job = %claim.job.id, "whoever began a job may not any more");
            let sentence = Some(NO_LONGER_PERMITTED.to_owned());
            return self.end(claim, End::Cancelled { sentence, observed: None }).await;
        }
        let begun = match self.store().begin_job(claim).await {
            Err(stoa_storage::Failure::Refused(Refusal::Conflict(Conflict::AwaitsBackup))) => {
                let sentence = Some(WITHOUT_ITS_DATA.to_owned());
                return self.end(claim, End::Cancelled { sentence, observed: None }).await;
            }
            other => other?,
        };
        let Some(begun) = begun else {
            // The instance is gone, or the claim; then this writes nothing.
            return self.end(claim, End::Cancelled { sentence: None, observed: None }).await;
        };
        // Both go on at once: what one of them writes may be what the other waits for.
        let done = tokio::select! {
            done = self.have_done(claim, order, &begun) => done?,
            lost = self.renew(order) => Err(lost),
        };
        match done {
            Ok(end) => self.end(claim, end).await,
            Err(Lost) => {
                tracing::info!(job = %claim.job.id, "another goes on with a job");
                Ok(())
            }
        }
    }

    /// Holds the claim, whatever of it is done meanwhile and however long that takes, until it is another's.
    async fn renew(&self, order: Order) -> Lost {
        loop {
            tokio::time::sleep(RENEWAL).await;
            match self.store().renew_job(order.job, order.fence).await {
                Ok(Some(_)) => {}
                Ok(None) => return Lost,
                Err(failure) => tracing::warn!(?failure, job = %order.job, "a claim is renewed later"),
            }
        }
    }

    async fn end(&self, claim: &Claim, end: End) -> Result<(), Failure> {
        let failed = match &end {
            End::Failed { sentence, .. } => Some(sentence.clone()),
            _ => None,
        };
        let is_ended = self.store().end_job(claim, end).await?;
        if let Some(sentence) = failed.filter(|_| is_ended) {
            self.tell_of_failure(claim, &sentence).await;
        }
        Ok(())
    }

    /// Asks as the account stands now, not as it stood when it began the job.
    async fn still_permitted(&self, claim: &Claim) -> Result<Result<(), Refusal>, Failure> {
        let Some(account) = claim.job.account else { return Ok(Ok(())) };
        let found = self.store().find_job(claim.workspace, &claim.job.id.to_string()).await?;
        let Some(LocatedJob { target, started_by }) = found else { return Ok(Err(Refusal::NotFound)) };
        let access = self.store().find_access(claim.workspace, account, &target.resources()).await?;
        let Some(access) = access else { return Ok(Err(Refusal::NotFound)) };
        let name = self.store().find_account_name(account).await?.unwrap_or_default();
        let actor = Actor { account, name, via: Via::System, credential: Credential::Job, address: None };
        let Some(standing) = Standing::new(actor.clone(), access, None) else {
            return Ok(Err(Refusal::NotFound));
        };
        let mut decided = decide_cancel::<may::Cancel>(&standing, target, started_by).map(drop);
        if decided.is_ok() {
            decided = self.source_still_permitted(claim, account, &actor).await?;
        }
        if let Err(refusal) = &decided {
            let resource =
                claim.job.instance.map(|id| Resource { kind: ResourceKind::Instance, id: id.uuid() });
            let operation = format!("instance.{}", claim.job.kind.key());
            self.record_refusal(claim.workspace, &actor, &operation, resource, refusal).await;
        }
        Ok(decided)
    }

    /// What is brought back into one instance comes from another, which has to be allowed still.
    async fn source_still_permitted(
        &self,
        claim: &Claim,
        account: AccountId,
        actor: &Actor,
    ) -> Result<Result<(), Refusal>, Failure> {
        let (JobKind::Restore, Some(into)) = (claim.job.kind, claim.job.instance) else { return Ok(Ok(())) };
        let input: Input = serde_json::from_str(&claim.input).map_err(Fault::new)?;
        let Some(source) = input.backup else { return Ok(Ok(())) };
        // One that is gone meanwhile fails where it is looked for.
        let Some(source) = self.store().find_backup(claim.workspace, &source.to_string()).await? else {
            return Ok(Ok(()));
        };
        let target = RestoreTarget { backup: source, into };
        let access = self.store().find_access(claim.workspace, account, &target.resources()).await?;
        let standing = access.and_then(|access| Standing::new(actor.clone(), access, None));
        Ok(match standing {
            Some(standing) => decide::<backup::Restore>(&standing, target).map(drop),
            None => Err(Refusal::NotFound),
        })
    }

    async fn have_done(
        &self,
        claim: &Claim,
        order: Order,
        begun: &Begun,
    ) -> Result<Result<End, Lost>, Failure> {
        let machines = self.machine_of(begun.instance).await?.machine;
        let project = self.store().load_form(claim.workspace, begun.instance).await?.project;
        let command = match self.command(claim, begun).await {
            // The storage of backups isn't to be had: what was begun by then doesn't go on either.
            Err(Failure::Refused(Refusal::ProviderError { detail, .. })) => {
                if claim.attempts > 1 {
                    machines.cancel(order).await?;
                }
                let (code, observed) = ("unavailable".to_owned(), self.observe(begun.instance).await);
                return Ok(Ok(End::Failed { code, sentence: detail, quote: None, observed }));
            }
            // Its time was over before its turn came. Trying again brings nothing.
            Err(Failure::Refused(Refusal::NotFound)) if claim.job.kind == JobKind::Restore => {
                if claim.attempts > 1 {
                    machines.cancel(order).await?;
                }
                let (code, sentence) = ("failed".to_owned(), BACKUP_GONE.to_owned());
                let observed = self.observe(begun.instance).await;
                return Ok(Ok(End::Failed { code, sentence, quote: None, observed }));
            }
            other => other?,
        };
        let commit = match &command {
            Command::Deploy { commit, .. } => Some(commit),
            Command::Restore(order) => order.commit.as_ref(),
            _ => None,
        };
        if let Some(commit) = commit
            && !self.make_generated(claim, begun.instance, project, commit).await?
        {
            return Ok(Err(Lost));
        }
        machines.put(order, self.form(claim, begun.instance).await?).await?;
        let mut release = None;
        let to_bring = match &command {
            Command::Deploy { commit, release: made, .. } => {
                release = Some(*made);
                Some(commit.clone())
            }
            Command::Restore(order) => {
                release = Some(order.release);
                order.commit.clone()
            }
            _ => None,
        };
        if let Some(commit) = to_bring {
            if !self.store().step_job(claim, BRING.to_owned(), None).await? {
                return Ok(Err(Lost));
            }
            let repository = self.outside().repositories.folder(project);
            machines.bring_commit(order, project, commit, repository).await?;
        }
        if let Command::Release { release: kept, .. } = &command {
            release = Some(*kept);
        }
        let work = machines.carry_out(order, begun.instance, command).await?;
        let Some(outcome) = self.follow_work(claim, (order, machines), work).await? else {
            return Ok(Err(Lost));
        };
        Ok(Ok(match outcome {
            Progress::Succeeded { size, connect_as, .. } => {
                self.found_brought_back(claim, true).await?;
                let size = i64::try_from(size).unwrap_or(i64::MAX);
                End::Succeeded { release: release.map(|release| (release, size)), connect_as }
            }
            Progress::Failed { code, sentence, quote } => {
                if code == BACKUP_DAMAGED {
                    self.found_brought_back(claim, false).await?;
                }
                let observed = self.observe(begun.instance).await;
                End::Failed { code, sentence, quote, observed }
            }
            Progress::Cancelled | Progress::Step { .. } | Progress::Stored { .. } => {
                End::Cancelled { sentence: None, observed: self.observe(begun.instance).await }
            }
        }))
    }

    /// Of a restore: how what it brought back was found.
    async fn found_brought_back(&self, claim: &Claim, is_whole: bool) -> Result<(), Failure> {
        let (JobKind::Restore, workspace) = (claim.job.kind, claim.workspace) else { return Ok(()) };
        let input: Input = serde_json::from_str(&claim.input).map_err(Fault::new)?;
        let Some(source) = input.backup else { return Ok(()) };
        match self.store().find_backup(workspace, &source.to_string()).await? {
            Some(backup) => Ok(self.store().note_backup_read(workspace, backup, is_whole).await?),
            None => Ok(()),
        }
    }

    /// Follows the work to its outcome. `None` where the claim has passed to another.
    async fn follow_work(
        &self,
        claim: &Claim,
        (order, machine): (Order, Arc<dyn Machines>),
        mut work: BoxStream<'static, Progress>,
    ) -> Result<Option<Progress>, Failure> {
        let mut changes = self.store().changes();
        let mut look = tokio::time::interval(RENEWAL);
        let mut is_cancelled = false;
        loop {
            // The first tick comes at once: a wish to cancel that was told before this began isn't missed.
            let held = tokio::select! {
                progress = work.next() => match progress {
                    Some(Progress::Step { name, progress }) => {
                        if self.store().step_job(claim, name, progress).await? { Some(false) } else { None }
                    }
                    Some(Progress::Stored { backup, snapshot, size, added, warning }) => {
                        let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
                        let (size, added) = (number(size), number(added));
                        let stored = StoredBackup { backup, snapshot, size, added, warning };
                        self.store().backup_stored(claim, stored).await?;
                        Some(false)
                    }
                    Some(outcome) => return Ok(Some(outcome)),
                    None => return Err(self.why_no_outcome(claim).await),
                },
                _ = look.tick() => self.store().is_job_cancelled(order.job, order.fence).await?,
                () = heard_of_jobs(&mut changes) => self.store().is_job_cancelled(order.job, order.fence).await?,
            };
            match held {
                None => return Ok(None),
                Some(true) if !is_cancelled => {
                    is_cancelled = true;
                    machine.cancel(order).await?;
                }
                Some(_) => {}
            }
        }
    }

    async fn why_no_outcome(&self, claim: &Claim) -> Failure {
        if let Some(instance) = claim.job.instance
            && let Err(failure) = self.machine_of(instance).await
        {
            return failure;
        }
        Fault::new("the machine told no outcome").into()
    }

    async fn form(&self, claim: &Claim, instance: InstanceId) -> Result<InstanceForm, Failure> {
        let record = self.store().load_form(claim.workspace, instance).await?;
        let os_user = u32::try_from(record.os_user).map_err(Fault::new)?;
        let mut variables = self.open_variables(claim.workspace, instance).await?;
        let secrets = self.names_of_secrets(claim.workspace, instance).await?;
        if record.is_mail_off {
            variables.push(("STOA_MAIL".to_owned(), stoa_domain::Secret::from_text("off".to_owned())));
        }
        Ok(InstanceForm {
            instance,
            project: record.project,
            os_user,
            variables,
            secrets,
            wish_running: record.wish == Wish::Running,
            instance_slug: record.slug,
            project_slug: record.project_slug,
            workspace_slug: record.workspace_slug,
            stage: record.stage.key().to_owned(),
            url: self.settings().url_of(&record.host),
            host: record.host,
            limits: record.limits,
            health: record.health,
        })
    }

    async fn command(&self, claim: &Claim, begun: &Begun) -> Result<Command, Failure> {
        let input: Input = serde_json::from_str(&claim.input).map_err(Fault::new)?;
        Ok(match claim.job.kind {
            JobKind::Start => Command::Start,
            JobKind::Stop => Command::Stop,
            JobKind::RestartSoft => Command::Restart(RestartMode::Soft),
            JobKind::RestartHard => Command::Restart(RestartMode::Hard),
            JobKind::Backup => {
                let backup = input.backup.ok_or_else(|| Fault::new("a backup without its id"))?;
                Command::Backup(self.backup_order(claim.workspace, backup).await?.into())
            }
            JobKind::Restore => Command::Restore(self.restore_order(claim, begun, &input).await?.into()),
            JobKind::Delete => match input.backup {
                None => Command::Delete,
                Some(last) => {
                    Command::DeleteAfterBackup(self.backup_order(claim.workspace, last).await?.into())
                }
            },
            JobKind::Deploy => {
                let release = input
                    .release
                    .map(ReleaseId::new)
                    .ok_or_else(|| Fault::new("a deployment without a release"))?;
                let (deployment, commit, goes_back) =
                    begun.deployment.clone().ok_or_else(|| Fault::new("a job without its deployment"))?;
                if goes_back {
                    Command::Release { deployment, release }
                } else {
                    let commit =
                        CommitId::parse(&commit).ok_or_else(|| Fault::new("a commit that isn't one"))?;
                    Command::Deploy { deployment, release, commit }
                }
            }
        })
    }

    /// What the machine says of an instance; `None` where it can't be asked or doesn't know.
    async fn observe(&self, instance: InstanceId) -> Option<Observed> {
        let reached = self.machine_of(instance).await.ok()?;
        match reached.machine.instances().await {
            Ok(all) => all.into_iter().find(|on| on.instance == instance).map(|on| observed(on.state)),
            Err(fault) => {
                tracing::debug!(?fault, "the machine can't be asked");
                None
            }
        }
    }
}

/// A state in the words of the records.
pub(crate) fn observed(state: MachineState) -> Observed {
    match state {
        MachineState::Running | MachineState::Starting => {
            Observed { status: InstanceStatus::Running, reason: None }
        }
        MachineState::Stopped { sentence } => Observed { status: InstanceStatus::Stopped, reason: sentence },
        MachineState::Failed { sentence } => {
            Observed { status: InstanceStatus::Failed, reason: Some(sentence) }
        }
    }
}
