//! Starting what is to run: the sandbox of a release, and waiting until it is well.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_domain::{InstanceId, ReleaseId, Secret};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Agent;
use super::database::Database;
use super::form::Form;
use super::health::{self, Answer};
use super::instance::{Instance, Running};
use super::release::{self, Made};
use crate::folders;
use crate::init::{Control, Orders, Process};
use crate::logs;
use crate::sandbox::{Ended, Limits, Mounts, OutputLine, Plan, Ready};
use crate::stoa_toml::Application;

/// How often it is looked whether an application is well yet: closely at first, and then by a tenth of the time that it
/// takes, so that nobody waits much longer than for the application itself.
const LOOKS: [Duration; 2] = [Duration::from_millis(4), Duration::from_millis(100)];

/// What process 1 needs beyond the processes' own times.
const MARGIN: Duration = Duration::from_secs(10);

/// Bytes of memory that a build has, whatever little the application has.
const BUILD_MEMORY: u64 = 2 << 30;

/// Lines of an application's log in a quote.
const QUOTED: usize = 3;

/// Lines that are looked through for them: process 1 writes some of its own between.
const LOOKED_AT: usize = 100;

const SANDBOX_ENDED: &str = "The application's sandbox ended before it was healthy";

/// Why something isn't well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unwell {
    Cancelled,
    /// For everybody; and what a log said, for whoever may read it.
    Because {
        code: &'static str,
        sentence: String,
        quote: Option<String>,
    },
}

impl Unwell {
    pub fn because(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::Because { code, sentence: sentence.into(), quote: None }
    }
}

/// Such a sentence with its end, where it doesn't bring one along.
pub(super) fn with_end(sentence: &str) -> String {
    if sentence.ends_with(['.', '?', '!']) { sentence.to_owned() } else { format!("{sentence}.") }
}

impl From<io::Error> for Unwell {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(nix::libc::ENOSPC) => Self::because("disk_full", "The disk of the server is full"),
            _ if error.kind() == io::ErrorKind::Unsupported => Self::because("no_sandbox", error.to_string()),
            _ => Self::because("failed", format!("The server failed: {error}")),
        }
    }
}

pub(super) fn words(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What every process inside is given.
pub(crate) fn common_environment() -> Vec<(String, String)> {
    words(&[
        ("PATH", crate::sandbox::PATH),
        ("HOME", "/tmp"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
        // What an application says is wanted now, not when a buffer is full.
        ("PYTHONUNBUFFERED", "1"),
    ])
}

/// What the application and the release command are given.
pub(super) fn environment(
    form: &Form,
    made: &Made,
    release: ReleaseId,
    database: Option<&Database>,
) -> Vec<(String, String)> {
    let application = &made.application;
    let mut environment = common_environment();
    let defaults = application.environment.iter();
    environment
        .extend(defaults.filter_map(|expected| Some((expected.name.clone(), expected.default.clone()?))));
    if let Some(file) = &application.sqlite {
        environment.push(("DATABASE_URL".to_owned(), format!("sqlite:////data/{file}")));
    }
    environment.extend(database.map(in_words));
    for (name, value) in &form.variables {
        environment.push((name.clone(), value.reveal_text().unwrap_or_default().to_owned()));
    }
    environment.extend(words(&[
        ("PORT", &application.port.to_string()),
        ("STOA_INSTANCE", &form.instance_slug),
        ("STOA_PROJECT", &form.project_slug),
        ("STOA_WORKSPACE", &form.workspace_slug),
        ("STOA_STAGE", &form.stage),
        ("STOA_URL", &form.url),
        ("STOA_COMMIT", &made.commit),
        ("STOA_RELEASE", &release.to_string()),
        ("STOA_DATA", "/data"),
    ]));
    environment
}

/// The variable by which a database is reached.
pub(super) fn in_words(database: &Database) -> (String, String) {
    ("DATABASE_URL".to_owned(), database.url().reveal_text().unwrap_or_default().to_owned())
}

/// A folder of the repository as it is called inside.
pub(super) fn inside(folder: &str) -> String {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    if folder.is_empty() || folder == "." { "/app".to_owned() } else { format!("/app/{folder}") }
}

fn processes(application: &Application) -> Vec<Process> {
    std::iter::once(&application.run)
        .chain(&application.processes)
        .map(|process| Process {
            name: process.name.clone(),
            command: process.command.clone(),
            stop_signal: process.stop_signal,
            stop_seconds: process.stop_seconds,
        })
        .collect()
}

/// How long the processes may take to end: what is under way has its time before them.
pub(super) fn patience(application: &Application) -> Duration {
    let longest = processes(application).iter().map(|process| process.stop_seconds).max().unwrap_or(10);
    Duration::from_secs(application.run.stop_seconds + longest) + MARGIN
}

/// Where the sandbox of a release is made, and for whom.
struct Site {
    name: String,
    group: String,
    place: PathBuf,
    app: PathBuf,
    data: PathBuf,
    log: PathBuf,
    user: Option<u32>,
    release: ReleaseId,
    form: Form,
}

impl Site {
    fn of(agent: &Agent, instance: InstanceId, form: Form, release: ReleaseId) -> io::Result<Self> {
        let folders = &agent.inner.folders;
        let name = agent.make_place(instance)?;
        Ok(Self {
            group: Agent::group(instance, &name),
            place: folders.run(instance).join(&name),
            app: folders.release(instance, release),
            data: folders.data(instance),
            log: folders.logs(instance),
            user: agent.user(&form),
            name,
            release,
            form,
        })
    }

    /// `database`: the folder of the socket by which it is reached.
    fn plan<'s>(&'s self, database: Option<&'s Path>) -> Plan<'s> {
        Plan {
            name: self.group.clone(),
            hostname: self.form.instance_slug.clone(),
            user: self.user,
            mounts: Mounts {
                app: &self.app,
                is_app_writable: false,
                data: Some(&self.data),
                cache: None,
                database,
            },
            place: &self.place,
            log_folder: Some(&self.log),
            limits: self.form.sandbox_limits(),
            is_mail_off: self.form.is_mail_off(),
        }
    }

    /// Whether what was made by it is what these settings ask for.
    fn fits(&self, form: &Form, release: ReleaseId) -> bool {
        self.release == release
            && self.form.instance_slug == form.instance_slug
            && self.form.os_user == form.os_user
            && self.form.sandbox_limits() == form.sandbox_limits()
            && self.form.is_mail_off() == form.is_mail_off()
    }
}

/// What the sandbox of a release begins with, made before the release is there: so much of the time that a deployment
/// takes passes while its files are taken out. Whoever has it starts it, or lets it go.
pub(super) struct Prepared {
    site: Site,
    ready: Ready,
}

impl Agent {
    pub(super) fn user(&self, form: &Form) -> Option<u32> {
        self.inner.sandboxes.abilities().is_root().then_some(form.os_user)
    }

    /// A place for one sandbox.
    pub(super) fn make_place(&self, instance: InstanceId) -> io::Result<String> {
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{:08x}", u32::from_ne_bytes(bytes));
        folders::make_private(&self.inner.folders.run(instance).join(&name))?;
        Ok(name)
    }

    pub(super) fn group(instance: InstanceId, name: &str) -> String {
        format!("{instance}-{name}")
    }

    /// Makes what the sandbox of a release begins with. Nothing of the release has to be there yet.
    pub(super) async fn prepare_sandbox(
        &self,
        instance: InstanceId,
        form: Form,
        release: ReleaseId,
    ) -> io::Result<Prepared> {
        let site = Site::of(self, instance, form, release)?;
        match self.ready_at(&site).await {
            Ok(ready) => Ok(Prepared { site, ready }),
            Err(error) => {
                self.inner.sandboxes.tidy(&site.group, &site.place)?;
                Err(error)
            }
        }
    }

    async fn ready_at(&self, site: &Site) -> io::Result<Ready> {
        release::make_own(&site.data, site.user)?;
        release::make_own(&site.log, site.user)?;
        let listen = |name: &str| crate::init::listen(&site.place.join(name));
        let (application, control) = (listen("application.sock")?, listen("control.sock")?);
        self.inner.sandboxes.ready_application(&site.plan(None), application, control).await
    }

    /// Ends what was prepared and isn't wanted.
    pub(super) fn let_go(&self, prepared: Prepared) -> io::Result<()> {
        let Prepared { site, ready } = prepared;
        drop(ready);
        self.inner.sandboxes.tidy(&site.group, &site.place)
    }

    /// Starts the sandbox of a release. It isn't the one that answers yet. `prepared`: what was made for it beforehand.
    pub(super) async fn start_release(
        &self,
        instance: &Instance,
        release: ReleaseId,
        made: &Made,
        cancel: &CancellationToken,
        prepared: Option<Prepared>,
    ) -> Result<Running, Unwell> {
        let form = instance.form();
        let prepared = match prepared {
            Some(prepared) if prepared.site.fits(&form, release) => prepared,
            other => {
                if let Some(prepared) = other {
                    self.let_go(prepared)?;
                }
                self.prepare_sandbox(instance.id, form.clone(), release).await?
            }
        };
        let database = match self.database_of(instance, &made.application, cancel).await {
            Ok(database) => database,
            Err(error) => {
                self.let_go(prepared)?;
                return Err(error.into());
            }
        };
        self.save_secrets(instance.id);
        let masks = self.follow_masks(instance.id);
        let Prepared { site, ready } = prepared;
        let sockets = self.sockets_of(database.as_ref());
        let plan = site.plan(sockets.as_deref());
        let orders = Orders {
            user: site.user,
            processes_limit: plan.limits.processes,
            environment: environment(&form, made, release, database.as_ref()),
            working_folder: inside(&made.application.working_folder),
            port: made.application.port,
            processes: processes(&made.application),
            schedules: made.application.schedules.clone(),
            sandbox: Some(site.name.clone()),
            once: false,
            masked: form.secrets.clone(),
            masked_values: self
                .inner
                .masks
                .all(instance.id)
                .iter()
                .filter_map(Secret::reveal_text)
                .map(str::to_owned)
                .collect(),
        };
        let identity = match self.inner.sandboxes.begin_application(ready, &plan, &orders).await {
            Ok(identity) => identity,
            Err(error) => {
                self.inner.sandboxes.tidy(&site.group, &site.place)?;
                return Err(error.into());
            }
        };
        let running = Running { name: site.name, release: release.uuid(), identity };
        // Written only now: without it the sandbox is nobody's, and is ended at the next start.
        let about = serde_json::to_vec(&running).map_err(io::Error::from);
        let written = about.and_then(|about| folders::write_whole(&site.place.join("sandbox.json"), &about));
        if let Err(error) = written {
            // On a full disk, such as that. Nothing runs on that nobody could find again.
            running.identity.end().await?;
            self.inner.sandboxes.tidy(&site.group, &site.place)?;
            return Err(error.into());
        }
        if masks.has_changed().unwrap_or(false) {
            // Whoever told of it didn't find this one yet.
            self.leave_out(instance.id).await;
        }
        Ok(running)
    }

    /// Until the application is well, or why it isn't.
    pub(super) async fn wait_until_well(
        &self,
        instance: &Instance,
        running: &Running,
        application: &Application,
        cancel: &CancellationToken,
    ) -> Result<(), Unwell> {
        let form = instance.form();
        let health = form.health(&application.health);
        let place = running.place(&self.inner.folders, instance.id);
        let (socket, control) = (place.join("application.sock"), place.join("control.sock"));
        let start = Instant::now();
        let deadline = start + health.start_time;
        let began = crate::init::now();
        let mut last = Answer::Nothing;
        while Instant::now() < deadline {
            if cancel.is_cancelled() {
                return Err(Unwell::Cancelled);
            }
            if let Some(sentence) = self.has_ended(instance, running, &control).await {
                let quote = self.last_lines(instance, running, began).await;
                return Err(Unwell::Because { code: "failed", sentence, quote });
            }
            if health::listens(running.identity.pid, application.port) {
                last = health::ask(&socket, &health, &form.host).await;
                if last == Answer::Good {
                    return Ok(());
                }
            }
            tokio::time::sleep((start.elapsed() / 10).clamp(LOOKS[0], LOOKS[1])).await;
        }
        Err(self.why_unwell(instance, running, application, &last, began).await)
    }

    /// What is said of one whose time is over. `last`: what it answered last; `began`: since when it was waited for.
    pub(super) async fn why_unwell(
        &self,
        instance: &Instance,
        running: &Running,
        application: &Application,
        last: &Answer,
        began: i64,
    ) -> Unwell {
        let health = instance.form().health(&application.health);
        let sentence = match last {
            _ if !running.identity.is_alive() => SANDBOX_ENDED.to_owned(),
            Answer::Status(status) => format!("`{}` answered {status}", health.path),
            _ => self.nothing_listened(running, application.port, health.start_time),
        };
        Unwell::Because {
            code: "unhealthy",
            sentence,
            quote: self.last_lines(instance, running, began).await,
        }
    }

    async fn has_ended(&self, instance: &Instance, running: &Running, control: &Path) -> Option<String> {
        if self.inner.sandboxes.ran_out_of_memory(&Self::group(instance.id, &running.name)) {
            let limit = instance.form().sandbox_limits().memory >> 20;
            return Some(format!("Killed: more than {limit} MiB of memory"));
        }
        if !running.identity.is_alive() {
            return Some(SANDBOX_ENDED.to_owned());
        }
        let status = Control::status(control, Duration::from_secs(5)).await.ok()?;
        let process = status.application().filter(|process| process.ends > 0)?;
        let end = process.last_end.clone().unwrap_or_default();
        Some(format!("The application ended before it was healthy ({end})"))
    }

    fn nothing_listened(&self, running: &Running, port: u16, start_time: Duration) -> String {
        let others = health::listening(running.identity.pid);
        let within = start_time.as_secs();
        match others.iter().find(|other| **other != port) {
            Some(other) if !others.contains(&port) => {
                format!("Nothing listened on port {port} within {within} s; it listens on {other}")
            }
            _ if others.contains(&port) => format!("Port {port} gave no answer within {within} s"),
            _ => format!("Nothing listened on port {port} within {within} s"),
        }
    }

    /// The newest lines that the application itself wrote in this sandbox: another release may be writing beside it.
    async fn last_lines(&self, instance: &Instance, running: &Running, since: i64) -> Option<String> {
        let query = logs::Query {
            since: Some(since - 60_000_000),
            limit: Some(LOOKED_AT),
            sandbox: Some(running.name.clone()),
            look: self.look(instance.id, &super::logs::Source::Application),
            ..logs::Query::default()
        };
        let lines = match logs::newest(self.inner.folders.logs(instance.id), query).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(%error, instance = %instance.id, "a log can't be read for its last lines");
                return None;
            }
        };
        let own = lines.iter().rev().filter(|line| line.stream != "stoa");
        let mut newest: Vec<&str> = own.take(QUOTED).map(|line| line.text.as_str()).collect();
        newest.reverse();
        (!newest.is_empty()).then(|| newest.join("\n"))
    }

    /// Ends a sandbox: politely, then for good, and tidies up.
    pub(super) async fn end_sandbox(&self, instance: &Instance, running: &Running) -> io::Result<()> {
        let place = running.place(&self.inner.folders, instance.id);
        if running.identity.is_alive() {
            // Whoever was led to it is before its door by now: it ends when all of those are answered.
            drop(instance.entrance.write().await);
            let application =
                release::load(&self.inner.folders, instance.id, ReleaseId::new(running.release))?;
            let patience = application.map_or(MARGIN, |made| patience(&made.application));
            if let Err(error) = Control::stop(&place.join("control.sock"), None, patience).await {
                tracing::debug!(%error, instance = %instance.id, "process 1 didn't stop by itself");
            }
            running.identity.end().await?;
        }
        self.inner.sandboxes.tidy(&Self::group(instance.id, &running.name), &place)
    }

    /// Ends what answers now.
    pub(super) async fn end_current(&self, instance: &Instance) -> io::Result<()> {
        let Some(running) = instance.running() else { return Ok(()) };
        // First: so that nobody takes its end for an accident.
        instance.set_running(None);
        let ended = self.end_sandbox(instance, &running).await;
        self.end_schedules(instance);
        ended
    }

    /// Runs a command of the application to its end, with its lines in `lines`.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn run_once(
        &self,
        instance: &Instance,
        mounts: Mounts<'_>,
        command: &[String],
        environment: Vec<(String, String)>,
        folder: &str,
        time_limit: Duration,
        cancel: &CancellationToken,
        lines: mpsc::Sender<OutputLine>,
    ) -> io::Result<Ended> {
        let form = instance.form();
        let (own, usual) = (form.sandbox_limits(), Limits::default().processes);
        let name = self.make_place(instance.id)?;
        let place = self.inner.folders.run(instance.id).join(&name);
        let plan = Plan {
            name: Self::group(instance.id, &name),
            hostname: form.instance_slug.clone(),
            user: self.user(&form),
            mounts,
            place: &place,
            log_folder: None,
            limits: Limits {
                memory: own.memory.max(BUILD_MEMORY),
                processes: own.processes.max(usual),
                ..own
            },
            is_mail_off: form.is_mail_off(),
        };
        let orders = Orders {
            user: plan.user,
            processes_limit: plan.limits.processes,
            environment,
            working_folder: inside(folder),
            port: 0,
            processes: vec![Process {
                name: String::new(),
                command: command.to_vec(),
                stop_signal: 15,
                stop_seconds: 1,
            }],
            schedules: Vec::new(),
            sandbox: None,
            once: true,
            masked: Vec::new(),
            masked_values: Vec::new(),
        };
        let ended = self.inner.sandboxes.run_command(&plan, &orders, time_limit, cancel, lines).await;
        let out_of_memory = self.inner.sandboxes.ran_out_of_memory(&plan.name);
        self.inner.sandboxes.tidy(&plan.name, &place)?;
        match ended? {
            Ended::Status(1..) | Ended::Killed(_) if out_of_memory => Ok(Ended::OutOfMemory),
            other => Ok(other),
        }
    }
}
