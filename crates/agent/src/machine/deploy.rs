//! A deployment: fetch, read, build, store, release command, start, health, switch, settle. Up to and with *health*,
//! failing or cancelling leaves the earlier release as it was.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::symlinkat;
use stoa_domain::branch::CommitId;
use stoa_domain::{DeploymentId, ReleaseId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Agent;
use super::act::CUT_OFF;
use super::advice;
use super::database::Database;
use super::facts::free_space;
use super::instance::{Instance, Phase};
use super::operation::Operation;
use super::release::{self, Made};
use super::schedules::Switching;
use super::start::{Prepared, Unwell, common_environment, environment, with_end};
use crate::folders::{self, tree};
use crate::git::{GitError, TakenOut, Untouched};
use crate::logs::{LONGEST, Look, Masks, Writer};
use crate::sandbox::{Ended, Mounts, OutputLine};
use crate::stoa_toml::{self, Application, Expected, KnownBy};

/// Bytes that stay free on the machine: below them nothing is built, and nothing to build is taken.
pub(super) const KEPT_FREE: u64 = 1 << 30;

/// The log of one deployment.
#[derive(Clone)]
struct Log(Arc<Mutex<(Writer, Newer)>>);

/// What becomes secret while it is written.
type Newer = watch::Receiver<Arc<Masks>>;

impl Log {
    fn line(&self, stream: &str, text: &[u8]) {
        let (writer, newer) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newer.has_changed().unwrap_or(false) {
            writer.mask(newer.borrow_and_update().clone());
        }
        if let Err(error) = writer.line(crate::init::now(), stream, text) {
            tracing::warn!(%error, "a line of a deployment's log can't be written");
        }
    }

    fn say(&self, text: &str) {
        self.line("stoa", text.as_bytes());
    }
}

pub(super) struct Deployment<'d> {
    pub agent: &'d Agent,
    pub instance: &'d Instance,
    pub operation: &'d Operation,
    pub release: ReleaseId,
    log: Log,
    /// The sandbox that is made ready meanwhile.
    prepared: Mutex<Option<Preparing>>,
}

type Preparing = tokio::task::JoinHandle<std::io::Result<Prepared>>;

impl Agent {
    /// Size of the release in bytes.
    pub(super) async fn deploy(
        &self,
        instance: &Instance,
        operation: &Operation,
        deployment: DeploymentId,
        release: ReleaseId,
        commit: &CommitId,
    ) -> Result<u64, Unwell> {
        let work = self.begin_deployment(instance, operation, deployment, release)?;
        let widened = self.inner.wide.widen(instance.id);
        let outcome = work.run(commit).await;
        if let Err(error) = work.let_go().await {
            tracing::warn!(%error, instance = %instance.id, "what was made ready can't be removed");
        }
        drop(widened);
        self.settle_database(instance).await;
        work.tell_end(&outcome);
        if outcome.is_err() && self.current_release(instance.id) != Some(release) {
            release::remove(&self.inner.folders, instance.id, release)?;
        }
        outcome
    }

    /// Goes back to a release that was kept.
    pub(super) async fn deploy_kept(
        &self,
        instance: &Instance,
        operation: &Operation,
        deployment: DeploymentId,
        release: ReleaseId,
    ) -> Result<u64, Unwell> {
        let work = self.begin_deployment(instance, operation, deployment, release)?;
        let widened = self.inner.wide.widen(instance.id);
        let outcome = work.run_kept().await;
        drop(widened);
        self.settle_database(instance).await;
        work.tell_end(&outcome);
        outcome
    }

    pub(super) fn begin_deployment<'d>(
        &'d self,
        instance: &'d Instance,
        operation: &'d Operation,
        deployment: DeploymentId,
        release: ReleaseId,
    ) -> Result<Deployment<'d>, Unwell> {
        let folder = self.inner.folders.deployment_log(instance.id, deployment);
        folders::make_private(&folder)?;
        let mut newer = self.follow_masks(instance.id);
        let masks = newer.borrow_and_update().clone();
        let writer = Writer::at(&folder)?.keeping(super::logs::KEPT_OF_DEPLOYMENT).masking(masks);
        let log = Log(Arc::new(Mutex::new((writer, newer))));
        Ok(Deployment { agent: self, instance, operation, release, log, prepared: Mutex::default() })
    }
}

impl Deployment<'_> {
    pub(super) fn tell_end(&self, outcome: &Result<u64, Unwell>) {
        match outcome {
            Ok(_) => self.log.say("Deployed."),
            Err(Unwell::Cancelled) => self.log.say("Cancelled. The earlier release goes on."),
            Err(Unwell::Because { sentence, .. }) => self.log.say(&format!("Failed: {}", with_end(sentence))),
        }
    }

    pub(super) fn say(&self, text: &str) {
        self.log.say(text);
    }

    /// Begins to make the sandbox in which the release will run, beside what is done for the release itself.
    fn prepare(&self) {
        let form = self.instance.form();
        if !form.wish_running {
            return;
        }
        let (agent, id, release) = (self.agent.clone(), self.instance.id, self.release);
        let preparing = tokio::spawn(async move { agent.prepare_sandbox(id, form, release).await });
        *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = Some(preparing);
    }

    /// What was made ready. Where that failed it is made again, and fails where it is looked at.
    async fn prepared(&self) -> Option<Prepared> {
        let preparing = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        match preparing.await {
            Ok(Ok(prepared)) => Some(prepared),
            Ok(Err(error)) => {
                tracing::debug!(%error, instance = %self.instance.id, "a sandbox can't be made ready");
                None
            }
            Err(error) => {
                tracing::warn!(%error, instance = %self.instance.id, "a sandbox can't be made ready");
                None
            }
        }
    }

    async fn let_go(&self) -> std::io::Result<()> {
        self.prepared().await.map_or(Ok(()), |prepared| self.agent.let_go(prepared))
    }

    fn begin_step(&self, name: &str) -> Result<(), Unwell> {
        if self.operation.cancel.is_cancelled() {
            return Err(Unwell::Cancelled);
        }
        self.operation.step(name);
        Ok(())
    }

    pub(super) fn step(&self, name: &str, text: &str) -> Result<(), Unwell> {
        self.begin_step(name)?;
        self.log.say(text);
        Ok(())
    }

    /// What it was taken for, why, and the file that would say the same.
    fn tell_known_by(&self, known_by: &KnownBy, application: &Application) {
        let Some(sentence) = known_by.sentence(application) else { return };
        self.log.say(&sentence);
        if let KnownBy::Recognised(recognised) = known_by {
            for line in recognised.toml.trim_end().lines() {
                self.log.say(&format!("    {line}"));
            }
        }
    }

    async fn run(&self, commit: &CommitId) -> Result<u64, Unwell> {
        let folders = &self.agent.inner.folders;
        let id = self.instance.id;
        if self.agent.current_release(id) == Some(self.release) && self.instance.is_alive() {
            // It was switched to before somebody was cut off: only the end is left.
            release::settle(folders, id, self.release)?;
            return Ok(release::load(folders, id, self.release)?.map_or(0, |made| made.size));
        }
        // Whatever comes of it: what isn't used is let go.
        self.prepare();
        if free_space(folders) < KEPT_FREE {
            return Err(Unwell::because("disk_full", "The disk of the server is full"));
        }
        let (data, most) = (folders.data(id), self.instance.form().most_data());
        let agent = self.agent.clone();
        let counting = tokio::task::spawn_blocking(move || {
            Ok::<_, std::io::Error>(folders::size(&data)? + agent.database_size(id)?)
        });
        if counting.await.map_err(std::io::Error::other)?? > most {
            let sentence = format!("Its data takes more than {}", super::disk::amount(most));
            return Err(Unwell::because("failed", sentence));
        }
        let made = self.make(commit, &folders.data(id), None).await?;
        self.put_in_place(&made).await?;
        Ok(made.size)
    }

    /// Fetch, read, build, store and the release command, which meets the data that it is given. `database`: one that
    /// isn't the instance's own.
    pub(super) async fn make(
        &self,
        commit: &CommitId,
        data: &Path,
        database: Option<Database>,
    ) -> Result<Made, Unwell> {
        let folders = &self.agent.inner.folders;
        let id = self.instance.id;
        // What it is taken for is the log's first line, so what goes before is said behind it.
        self.begin_step("fetch")?;
        release::remove(folders, id, self.release)?;
        let app = folders.release(id, self.release);
        std::fs::create_dir_all(folders.releases(id))?;
        let taken = self.take_out(commit, &app).await?;
        self.begin_step("read")?;
        let read = stoa_toml::read_whole(&app);
        if let Ok((application, known_by)) = &read {
            self.tell_known_by(known_by, application);
        }
        self.log.say(&format!("Commit {commit}"));
        let (application, _) = read.map_err(|problem| Unwell::because(problem.code, problem.sentence))?;
        self.check_expectations(&application)?;
        let is_built = self.build(&application, commit, &app, taken).await?;
        self.step("store", "Storing the release")?;
        if let Some(name) = &application.data_folder {
            link_data(&app, &application.folder, name)?;
        }
        let size =
            release::close(&app, self.agent.inner.sandboxes.abilities().is_root()).map_err(too_deep)?;
        let made = Made {
            application,
            commit: commit.to_string(),
            size,
            at: crate::init::now(),
            is_untouched: !is_built,
        };
        release::save(folders, id, self.release, &made)?;
        let database = match database {
            Some(aside) => Some(aside),
            None => self.prepare_database(&made.application).await?,
        };
        self.release_command(&made, &app, data, database.as_ref()).await?;
        Ok(made)
    }

    async fn run_kept(&self) -> Result<u64, Unwell> {
        let made = release::load(&self.agent.inner.folders, self.instance.id, self.release)?
            .ok_or_else(|| Unwell::because("failed", "This release isn't kept any more"))?;
        self.put_in_place(&made).await?;
        Ok(made.size)
    }

    fn check_expectations(&self, application: &Application) -> Result<(), Unwell> {
        let form = self.instance.form();
        // What is to be made is made by whoever keeps the settings, before anything is deployed.
        let has_to_be = |expected: &&Expected| expected.required || expected.generate.is_some();
        for expected in application.environment.iter().filter(has_to_be) {
            let is_set =
                expected.default.is_some() || form.variables.iter().any(|(name, _)| *name == expected.name);
            if !is_set {
                let about =
                    expected.about.as_ref().map(|about| format!("; the application says: \"{about}\""));
                let sentence = format!(
                    "{} isn't set. Set it in Settings → Environment{}",
                    expected.name,
                    about.unwrap_or_default()
                );
                return Err(Unwell::because("stoa_toml", sentence));
            }
        }
        Ok(())
    }

    /// The files of the commit. What the release that runs has of them is linked, if nobody could write in it.
    async fn take_out(&self, commit: &CommitId, app: &Path) -> Result<TakenOut, Unwell> {
        let (folders, id) = (&self.agent.inner.folders, self.instance.id);
        folders::make_private(app)?;
        let mirror = self.agent.mirror(self.instance.form().project);
        let earlier = match self.agent.current_release(id).filter(|current| *current != self.release) {
            Some(current) => release::load(folders, id, current)?
                .filter(|made| made.is_untouched)
                .and_then(|made| Some((CommitId::parse(&made.commit)?, folders.release(id, current)))),
            None => None,
        };
        let taken = match &earlier {
            Some((commit_of_it, folder)) => {
                let beside = Untouched { commit: commit_of_it, folder };
                mirror.check_out_beside(commit, app, beside).await
            }
            None => mirror.check_out(commit, app).await.map(|()| TakenOut { is_shared: false }),
        };
        taken.map_err(not_taken)
    }

    /// Whether anything was run.
    async fn build(
        &self,
        application: &Application,
        commit: &CommitId,
        app: &Path,
        taken: TakenOut,
    ) -> Result<bool, Unwell> {
        self.step(
            "build",
            if application.build.commands.is_empty() { "Nothing to build" } else { "Building" },
        )?;
        if application.build.commands.is_empty() {
            return Ok(false);
        }
        // Nothing waits in memory for as long as a build takes.
        self.let_go().await?;
        if taken.is_shared {
            // What is built may write in all of it: none of it may be another release's as well.
            folders::remove(app)?;
            folders::make_private(app)?;
            self.agent
                .mirror(self.instance.form().project)
                .check_out(commit, app)
                .await
                .map_err(not_taken)?;
        }
        let form = self.instance.form();
        let user = self.agent.user(&form);
        let cache = self.agent.inner.folders.cache(self.instance.id);
        release::make_own(&cache, user)?;
        for name in &application.build.cache {
            if name.split('/').all(|part| !matches!(part, "" | "." | "..")) {
                release::make_own(&cache.join(name), user)?;
            }
        }
        if let Some(user) = user {
            release::give(app, user)?;
        }
        let mut environment = common_environment();
        environment.push(("PIP_CACHE_DIR".to_owned(), "/cache/pip".to_owned()));
        environment.push(("npm_config_cache".to_owned(), "/cache/npm".to_owned()));
        environment.extend(application.build.environment.iter().cloned());
        let mounts = Mounts { app, is_app_writable: true, data: None, cache: Some(&cache), database: None };
        for (number, command) in application.build.commands.iter().enumerate() {
            self.log.say(&format!("$ {}", command.join(" ")));
            let what = format!("Build command {} ({})", number + 1, short(command));
            self.run_command(
                &what,
                mounts,
                command,
                environment.clone(),
                application,
                application.build.time_limit,
            )
            .await?;
        }
        Ok(true)
    }

    /// Its own database on the server's PostgreSQL, where the application asks for one.
    async fn prepare_database(&self, application: &Application) -> Result<Option<Database>, Unwell> {
        let Some(wanted) = &application.postgresql else { return Ok(None) };
        self.step("database", "Preparing its PostgreSQL database")?;
        let database = self.agent.make_database(self.instance, wanted, &self.operation.cancel).await?;
        Ok(Some(database))
    }

    async fn release_command(
        &self,
        made: &Made,
        app: &Path,
        data: &Path,
        database: Option<&Database>,
    ) -> Result<(), Unwell> {
        let release = &made.application.release;
        if release.command.is_empty() {
            return Ok(());
        }
        self.step("release", &format!("$ {}", release.command.join(" ")))?;
        let form = self.instance.form();
        release::make_own(data, self.agent.user(&form))?;
        let sockets = self.agent.sockets_of(database);
        let mounts = Mounts {
            app,
            is_app_writable: false,
            data: Some(data),
            cache: None,
            database: sockets.as_deref(),
        };
        let environment = environment(&form, made, self.release, database);
        let what = format!("The release command ({})", short(&release.command));
        self.run_command(&what, mounts, &release.command, environment, &made.application, release.time_limit)
            .await
    }

    async fn run_command(
        &self,
        what: &str,
        mounts: Mounts<'_>,
        command: &[String],
        environment: Vec<(String, String)>,
        application: &Application,
        time_limit: Duration,
    ) -> Result<(), Unwell> {
        let is_built = !mounts.is_app_writable;
        let (sender, mut lines) = mpsc::channel::<OutputLine>(256);
        let log = self.log.clone();
        let newer = Some(self.agent.follow_masks(self.instance.id));
        let mut look = Look { masks: self.agent.masks(self.instance.id), newer, json: None };
        let writing = tokio::spawn(async move {
            let (mut last, mut is_unwritable) = (None, false);
            while let Some(line) = lines.recv().await {
                log.line(line.stream, &line.text);
                is_unwritable |= advice::is_unwritable(&line.text);
                if line.text.iter().any(|byte| !byte.is_ascii_whitespace()) {
                    let kept = &line.text[..line.text.len().min(LONGEST)];
                    // It is kept by the control plane: as a log is shown, and without colours.
                    look.renew();
                    last = Some(look.quote(kept, kept.len() < line.text.len()));
                }
            }
            (last, is_unwritable)
        });
        let (cancel, folder) = (&self.operation.cancel, &application.folder);
        let ended = self
            .agent
            .run_once(self.instance, mounts, command, environment, folder, time_limit, cancel, sender)
            .await?;
        let (quote, is_unwritable) = writing.await.unwrap_or_default();
        let because = |sentence: String| Err(Unwell::Because { code: "failed", sentence, quote });
        match ended {
            Ended::Status(0) => Ok(()),
            Ended::Status(status) if is_unwritable && is_built => {
                advice::lines(application).iter().for_each(|line| self.log.say(line));
                because(format!("{what} ended with status {status}. {}", advice::IN_SHORT))
            }
            Ended::Status(_) | Ended::Killed(_) => {
                because(format!("{what} {}", ended.in_words().unwrap_or_default()))
            }
            Ended::OutOfMemory => because(format!("{what} was killed: more memory than it may have")),
            Ended::OutOfTime => because(format!("{what} took longer than {} s", time_limit.as_secs())),
            Ended::Cancelled => Err(Unwell::Cancelled),
            Ended::DiskFull => Err(Unwell::because("disk_full", "The disk of the server is full")),
        }
    }

    /// Start, health, switch, settle.
    async fn put_in_place(&self, made: &Made) -> Result<(), Unwell> {
        let (agent, instance) = (self.agent, self.instance);
        if !instance.form().wish_running {
            // A stopped instance gets its release, and stays stopped.
            self.step("switch", "The instance is stopped: the release runs when it is started")?;
            agent.set_current_release(instance.id, self.release)?;
            return Ok(release::settle(&agent.inner.folders, instance.id, self.release)?);
        }
        let earlier = instance.running().filter(|_| instance.is_alive());
        let overlaps = made.application.overlap || earlier.is_none();
        let before = instance.phase();
        if !overlaps {
            self.step("stop", "Stopping the earlier release first: it mustn't run twice")?;
            agent.set_phase(instance, Phase::Waiting);
            agent.end_current(instance).await?;
        } else if earlier.is_none() {
            agent.set_phase(instance, Phase::Starting);
        }
        match self.start(made).await {
            Ok(running) => {
                self.operation.step("switch");
                agent.set_current_release(instance.id, self.release)?;
                let _switching = Switching::of(instance);
                let replaced = instance.running();
                agent.put_into_service(instance, running);
                self.operation.step("settle");
                if let Some(replaced) = replaced {
                    agent.end_sandbox(instance, &replaced).await?;
                }
                Ok(release::settle(&agent.inner.folders, instance.id, self.release)?)
            }
            Err(unwell) => {
                if overlaps {
                    let phase = match (&unwell, earlier.is_some()) {
                        (_, true) => before,
                        (Unwell::Because { sentence, .. }, false) => Phase::Failed(with_end(sentence)),
                        (Unwell::Cancelled, false) => Phase::Stopped(Some(CUT_OFF.to_owned())),
                    };
                    agent.set_phase(instance, phase);
                } else {
                    self.log.say("Starting the earlier release again");
                    let again = Operation::unheard(instance.id, CancellationToken::new());
                    if let Err(Unwell::Because { sentence, .. }) =
                        agent.start_current(instance, &again, Phase::Waiting).await
                    {
                        self.log.say(&format!("It didn't start: {sentence}."));
                    }
                }
                Err(unwell)
            }
        }
    }

    pub(super) async fn start(&self, made: &Made) -> Result<super::instance::Running, Unwell> {
        self.step("start", &made.application.started())?;
        let cancel = &self.operation.cancel;
        let prepared = self.prepared().await;
        let running = self.agent.start_release(self.instance, self.release, made, cancel, prepared).await?;
        self.operation.step("health");
        let health = self.instance.form().health(&made.application.health);
        self.log.say(&format!("Waiting until `{}` answers", health.path));
        let well = self.agent.wait_until_well(self.instance, &running, &made.application, cancel).await;
        match well {
            Ok(()) => Ok(running),
            Err(unwell) => {
                // What a command wrote stands here already; what the application wrote, in its own log.
                if let Unwell::Because { quote: Some(quote), .. } = &unwell {
                    self.log.line("stderr", quote.as_bytes());
                }
                self.agent.end_sandbox(self.instance, &running).await?;
                Err(unwell)
            }
        }
    }
}

/// A command's beginning, for a sentence.
fn short(command: &[String]) -> String {
    let whole = command.join(" ");
    if whole.chars().count() <= 60 {
        whole
    } else {
        format!("{}…", whole.chars().take(60).collect::<String>())
    }
}

fn not_taken(error: GitError) -> Unwell {
    Unwell::because("failed", format!("The commit couldn't be taken out of the repository: {error}"))
}

fn too_deep(error: std::io::Error) -> Unwell {
    if tree::is_too_deep(&error) {
        return Unwell::because("failed", format!("The build left {DEEP}", DEEP = tree::TOO_DEEP));
    }
    error.into()
}

/// The application's own name for `/data`, in a folder that the build may have exchanged for anything.
fn link_data(app: &Path, folder: &str, name: &str) -> Result<(), Unwell> {
    let path = Path::new(folder).join(name);
    let outside = |_| {
        let sentence =
            format!("data.folder `{name}` can't be made: its folder isn't in the application any more");
        Unwell::because("failed", sentence)
    };
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name() else { return Ok(()) };
    let held = tree::open_below(app, above).map_err(outside)?;
    match symlinkat("/data", &held, name) {
        // The repository has something of this name: that is what the application gets.
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(std::io::Error::from(errno).into()),
    }
}
