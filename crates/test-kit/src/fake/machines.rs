//! A machine in memory: it does what it is told at once, or what a test says instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use stoa_app::ports::{
    AppCookie, AppUser, Archived, BackupOrder, Command, ConnectAnswer, ConnectWish, Enforcement,
    InstanceForm, InstanceMetrics, InstanceOnMachine, InstanceProcesses, KnownSecrets, LogLine, LogQuery,
    LogStretch, MachineFacts, MachineMetrics, MachineState, Machines, Most, Order, Programs, Progress,
    RepositoryAccess, RepositoryPlace,
};
use stoa_app::{Away, Fault};
use stoa_domain::branch::CommitId;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::settings::EnforcedBy;
use stoa_domain::{BackupId, InstanceId, ProjectId, ReleaseId, Secret, Timestamp};
use tokio::sync::{broadcast, watch};

use super::archives;

#[derive(Clone)]
struct Held {
    state: MachineState,
    release: Option<ReleaseId>,
}

/// What happened, for tests to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    pub instance: InstanceId,
    pub order_fence: i64,
    pub command: String,
}

fn app_user(id: &str, active: bool) -> AppUser {
    AppUser { id: id.to_owned(), login: format!("{id}@shop.example"), name: format!("User {id}"), active }
}

/// What applications were asked for, and what they answer instead.
#[derive(Default)]
struct Connecting {
    opened: Vec<(InstanceId, String, String)>,
    ended: Vec<Vec<(String, String)>>,
    fails: Option<ConnectAnswer>,
}

pub struct FakeMachines {
    held: Mutex<BTreeMap<InstanceId, Held>>,
    forms: Mutex<BTreeMap<InstanceId, InstanceForm>>,
    /// Whose forms it was told, in order, with the fence of each order.
    pub(super) told: Mutex<Vec<(InstanceId, i64)>>,
    /// Whether it takes what it is asked and says nothing.
    pub(super) hangs: watch::Sender<bool>,
    processes: Mutex<BTreeMap<InstanceId, InstanceProcesses>>,
    lines: Mutex<BTreeMap<InstanceId, Vec<LogLine>>>,
    carried: Mutex<Vec<Carried>>,
    next: Mutex<Option<Vec<Progress>>>,
    no_sandbox: Mutex<Option<String>>,
    no_outgoing: Mutex<Option<String>>,
    programs: Mutex<Programs>,
    /// Whether it doesn't answer when it is asked for figures, or to forget a backup.
    is_away: Mutex<bool>,
    /// None: applications don't say how one connects.
    users: Mutex<Option<Vec<AppUser>>>,
    connecting: Mutex<Connecting>,
    backups: Mutex<BTreeSet<BackupId>>,
    is_damaged: Mutex<bool>,
    pub(super) to_forget: Mutex<usize>,
    places: Mutex<BTreeMap<BackupId, String>>,
    changes: broadcast::Sender<InstanceOnMachine>,
    written: broadcast::Sender<(InstanceId, LogLine)>,
    /// What stands in no log, with the revision of the settings that told it.
    secrets: Mutex<BTreeMap<InstanceId, (i64, Vec<String>)>>,
    /// Whose logs are read instead.
    real: Mutex<Option<Arc<dyn Machines>>>,
    /// What archives and logs consist of instead.
    flow: Mutex<Option<Flow>>,
}

type Flow = Arc<dyn Fn() -> BoxStream<'static, String> + Send + Sync>;

impl Default for FakeMachines {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            forms: Mutex::default(),
            told: Mutex::default(),
            hangs: watch::channel(false).0,
            processes: Mutex::default(),
            lines: Mutex::default(),
            secrets: Mutex::default(),
            carried: Mutex::default(),
            next: Mutex::default(),
            no_sandbox: Mutex::default(),
            no_outgoing: Mutex::default(),
            programs: Mutex::new(Programs {
                python: true,
                venv: true,
                node: true,
                npm: true,
                postgresql: true,
            }),
            is_away: Mutex::default(),
            users: Mutex::new(Some(vec![
                app_user("kim", true),
                app_user("kai", true),
                app_user("old", false),
            ])),
            connecting: Mutex::default(),
            backups: Mutex::default(),
            is_damaged: Mutex::default(),
            to_forget: Mutex::default(),
            places: Mutex::default(),
            changes: broadcast::channel(256).0,
            written: broadcast::channel(1024).0,
            real: Mutex::default(),
            flow: Mutex::default(),
        }
    }
}

impl FakeMachines {
    fn knows_secrets(&self, instance: InstanceId, revision: i64) -> bool {
        self.secrets.lock().unwrap().get(&instance).is_some_and(|(known, _)| *known >= revision)
    }

    /// What it was told to leave out of an instance's logs, if anything.
    pub fn secrets_of(&self, instance: InstanceId) -> Option<Vec<String>> {
        self.secrets.lock().unwrap().get(&instance).map(|(_, secrets)| secrets.clone())
    }

    /// As if it had been started anew.
    pub fn forget_secrets(&self) {
        self.secrets.lock().unwrap().clear();
    }

    /// What was carried out, in order.
    #[must_use]
    pub fn carried(&self) -> Vec<Carried> {
        self.carried.lock().unwrap().clone()
    }

    /// The form that the machine was told last.
    #[must_use]
    pub fn form(&self, instance: InstanceId) -> Option<InstanceForm> {
        self.forms.lock().unwrap().get(&instance).cloned()
    }

    /// How the next command goes instead.
    pub fn answer_next(&self, progress: Vec<Progress>) {
        *self.next.lock().unwrap() = Some(progress);
    }

    /// Applications that are deployed from now on don't say how one connects as their users.
    pub fn lose_users(&self) {
        *self.users.lock().unwrap() = None;
    }

    /// What the next application that is asked to open a session answers instead.
    pub fn answer_connecting(&self, answer: ConnectAnswer) {
        self.connecting.lock().unwrap().fails = Some(answer);
    }

    /// Sessions that were opened: of which instance, as whom, by whom.
    #[must_use]
    pub fn opened_sessions(&self) -> Vec<(InstanceId, String, String)> {
        self.connecting.lock().unwrap().opened.clone()
    }

    /// The cookies of the sessions that were ended.
    #[must_use]
    pub fn ended_sessions(&self) -> Vec<Vec<(String, String)>> {
        self.connecting.lock().unwrap().ended.clone()
    }

    fn connect(&self, instance: InstanceId, wish: ConnectWish) -> ConnectAnswer {
        let Some(users) = self.users.lock().unwrap().clone() else {
            return ConnectAnswer::NotPossible("It doesn't say how.".to_owned());
        };
        let mut connecting = self.connecting.lock().unwrap();
        match wish {
            ConnectWish::List { query, limit } => {
                let fits = |user: &AppUser| user.login.contains(&query) || user.name.contains(&query);
                ConnectAnswer::Users(users.into_iter().filter(fits).take(limit).collect())
            }
            ConnectWish::Open { .. } if connecting.fails.is_some() => connecting.fails.take().unwrap(),
            ConnectWish::Open { user, actor, .. } => {
                connecting.opened.push((instance, user.clone(), actor));
                let value =
                    Secret::from_text(format!("canary-session-of-{user}-{}", connecting.opened.len()));
                let cookie = AppCookie { name: "sessionid".to_owned(), value, path: "/".to_owned() };
                ConnectAnswer::Opened { cookies: vec![cookie], path: "/home".to_owned() }
            }
            ConnectWish::End { cookies } => {
                let told = cookies.iter().map(|cookie| {
                    (cookie.name.clone(), cookie.value.reveal_text().unwrap_or_default().to_owned())
                });
                connecting.ended.push(told.collect());
                ConnectAnswer::Ended
            }
        }
    }

    /// No instance can run here from now on, for this reason.
    pub fn lose_sandbox(&self, reason: &str) {
        *self.no_sandbox.lock().unwrap() = Some(reason.to_owned());
    }

    /// Instances here reach nothing outside from now on, for this reason.
    pub fn lose_outgoing(&self, reason: &str) {
        *self.no_outgoing.lock().unwrap() = Some(reason.to_owned());
    }

    /// These programs are there from now on.
    pub fn have_programs(&self, programs: Programs) {
        *self.programs.lock().unwrap() = programs;
    }

    /// From now on it doesn't say how much is used, and forgets nothing.
    pub fn lose_metrics(&self) {
        *self.is_away.lock().unwrap() = true;
    }

    fn figures(&self, range: MetricsRange, last: u64) -> Result<Vec<Option<u64>>, Fault> {
        if *self.is_away.lock().unwrap() {
            return Err(Fault::new("the machine is away"));
        }
        let points = range.points() as usize;
        // All but the last two were never measured.
        Ok((1..=points).map(|at| (at + 2 > points).then_some(if at == points { last } else { 0 })).collect())
    }

    /// Whether archives break off from now on, because what is stored is damaged.
    pub fn damage_backups(&self, is_damaged: bool) {
        *self.is_damaged.lock().unwrap() = is_damaged;
    }

    /// From now on logs are those of a real machine.
    pub fn read_logs_of(&self, real: Arc<dyn Machines>) {
        *self.real.lock().unwrap() = Some(real);
    }

    /// From now on an archive, and a log that isn't followed, are what this gives, as it comes.
    pub fn flow(&self, pieces: impl Fn() -> BoxStream<'static, String> + Send + Sync + 'static) {
        *self.flow.lock().unwrap() = Some(Arc::new(pieces));
    }

    fn flowing(&self) -> Option<BoxStream<'static, String>> {
        self.flow.lock().unwrap().as_ref().map(|flow| flow())
    }

    /// What is said to run of an instance from now on.
    pub fn run(&self, instance: InstanceId, processes: InstanceProcesses) {
        self.processes.lock().unwrap().insert(instance, processes);
    }

    /// The application writes a line.
    pub fn write_line(&self, instance: InstanceId, line: LogLine) {
        self.lines.lock().unwrap().entry(instance).or_default().push(line.clone());
        // Nobody may be listening.
        let _ = self.written.send((instance, line));
    }

    /// What the machine holds of backups.
    #[must_use]
    pub fn backups(&self) -> Vec<BackupId> {
        self.backups.lock().unwrap().iter().copied().collect()
    }

    /// Where the machine was told to make a backup: `disk`, or an address.
    #[must_use]
    pub fn place_of(&self, backup: BackupId) -> Option<String> {
        self.places.lock().unwrap().get(&backup).cloned()
    }

    fn stores(&self, order: &BackupOrder) -> Progress {
        let place = match &order.repository.place {
            RepositoryPlace::Disk => "disk".to_owned(),
            RepositoryPlace::S3 { url, .. } => url.clone(),
        };
        self.places.lock().unwrap().insert(order.backup, place);
        self.backups.lock().unwrap().insert(order.backup);
        Progress::Stored {
            backup: order.backup,
            snapshot: "ab".repeat(32),
            size: 8192,
            added: 1024,
            warning: None,
        }
    }

    fn does(&self, instance: InstanceId, command: &Command) -> Vec<Progress> {
        let step = |name: &str| Progress::Step { name: name.to_owned(), progress: None };
        let mut held = self.held.lock().unwrap();
        let release = held.get(&instance).and_then(|one| one.release);
        let (state, release) = match command {
            Command::Deploy { release, .. } | Command::Release { release, .. } => {
                (MachineState::Running, Some(*release))
            }
            Command::Start | Command::Restart(_) => (MachineState::Running, release),
            Command::Stop => (MachineState::Stopped { sentence: None }, release),
            Command::Delete => {
                held.remove(&instance);
                return vec![Progress::Succeeded { release: None, size: 0, connect_as: None }];
            }
            Command::Backup(order) => {
                return vec![
                    step("store"),
                    self.stores(order),
                    Progress::Succeeded { release: None, size: 0, connect_as: None },
                ];
            }
            Command::DeleteAfterBackup(order) => {
                held.remove(&instance);
                return vec![
                    self.stores(order),
                    Progress::Succeeded { release: None, size: 0, connect_as: None },
                ];
            }
            Command::Restore(order) => {
                held.insert(instance, Held { state: MachineState::Running, release: Some(order.release) });
                let safety = order.safety.as_ref().map(|safety| self.stores(safety));
                let end = Progress::Succeeded { release: Some(order.release), size: 4096, connect_as: None };
                return safety.into_iter().chain([step("restore"), end]).collect();
            }
        };
        held.insert(instance, Held { state, release });
        let connect_as = Some(self.users.lock().unwrap().as_ref().map_or("none", |_| "command").to_owned());
        vec![step("fetch"), step("switch"), Progress::Succeeded { release, size: 4096, connect_as }]
    }
}

impl Machines for FakeMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
        Box::pin(async {
            Ok(MachineFacts {
                version: "0.1.0".to_owned(),
                processors: 2,
                processor_used: 12.5,
                memory: 8 << 30,
                memory_used: 2 << 30,
                disk: 100 << 30,
                disk_used: 20 << 30,
                uptime_seconds: 3600,
                no_sandbox: self.no_sandbox.lock().unwrap().clone(),
                no_outgoing: self.no_outgoing.lock().unwrap().clone(),
                limits_by: "rlimit".to_owned(),
                enforcement: Some(Enforcement {
                    memory: EnforcedBy::Watch,
                    processor: EnforcedBy::Nothing,
                    processes: EnforcedBy::User,
                    disk: EnforcedBy::Count,
                }),
                programs: Some(*self.programs.lock().unwrap()),
            })
        })
    }

    fn metrics(&self, range: MetricsRange) -> BoxFuture<'_, Result<MachineMetrics, Fault>> {
        Box::pin(async move {
            Ok(MachineMetrics {
                from: Timestamp::from_micros(1_795_600_800_000_000),
                processor: self.figures(range, 1250)?,
                memory: self.figures(range, 2 << 30)?,
                disk: self.figures(range, 20 << 30)?,
                received: self.figures(range, 1500)?,
                sent: self.figures(range, 700)?,
                processors: 2,
                whole_memory: 8 << 30,
                whole_disk: 100 << 30,
            })
        })
    }

    fn instance_metrics(
        &self,
        instance: InstanceId,
        range: MetricsRange,
    ) -> BoxFuture<'_, Result<Option<InstanceMetrics>, Fault>> {
        Box::pin(async move {
            let found = InstanceMetrics {
                from: Timestamp::from_micros(1_795_600_800_000_000),
                processor: self.figures(range, 255)?,
                memory: self.figures(range, 64 << 20)?,
                disk: self.figures(range, 1 << 20)?,
                requests: self.figures(range, 2500)?,
                errors: self.figures(range, 50)?,
                most: Some(Most { processor: Some(500), memory: 1 << 30, disk: 20 << 30 }),
            };
            Ok(self.held.lock().unwrap().contains_key(&instance).then_some(found))
        })
    }

    fn put(&self, order: Order, form: InstanceForm) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.told.lock().unwrap().push((form.instance, order.fence));
            self.answers().await;
            self.forms.lock().unwrap().insert(form.instance, form);
            Ok(())
        })
    }

    fn bring_commit(
        &self,
        _: Order,
        _: ProjectId,
        _: CommitId,
        _: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn carry_out(
        &self,
        order: Order,
        instance: InstanceId,
        command: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>> {
        Box::pin(async move {
            let name = format!("{command:?}");
            let name = name.split(['(', ' ']).next().unwrap_or_default().to_owned();
            self.carried.lock().unwrap().push(Carried { instance, order_fence: order.fence, command: name });
            let progress = match self.next.lock().unwrap().take() {
                Some(progress) => progress,
                None => self.does(instance, &command),
            };
            Ok(stream::iter(progress).boxed())
        })
    }

    fn cancel(&self, _: Order) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>> {
        Box::pin(async {
            let held = self.held.lock().unwrap();
            let on = |(instance, one): (&InstanceId, &Held)| InstanceOnMachine {
                instance: *instance,
                state: one.state.clone(),
                release: one.release,
            };
            Ok(held.iter().map(on).collect())
        })
    }

    fn processes(&self, instance: InstanceId) -> BoxFuture<'_, Result<Option<InstanceProcesses>, Fault>> {
        Box::pin(async move { Ok(self.processes.lock().unwrap().get(&instance).cloned()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async {
            let changes = tokio_stream::wrappers::BroadcastStream::new(self.changes.subscribe());
            Ok(changes.filter_map(|change| async { change.ok() }).boxed())
        })
    }

    fn tell_secrets(
        &self,
        instance: InstanceId,
        known: KnownSecrets,
        is_anew: bool,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let real = self.real.lock().unwrap().clone();
            if let Some(real) = real {
                return real.tell_secrets(instance, known, is_anew).await;
            }
            let texts = known.secrets.iter().filter_map(|secret| secret.reveal_text().map(str::to_owned));
            let told = (known.revision, texts.collect());
            self.secrets.lock().unwrap().insert(instance, told);
            Ok(())
        })
    }

    fn logs(
        &self,
        instance: InstanceId,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogLine, Fault>>>, Fault>> {
        Box::pin(async move {
            let real = self.real.lock().unwrap().clone();
            if let Some(real) = real {
                return real.logs(instance, query).await;
            }
            if !self.knows_secrets(instance, query.secrets) {
                return Ok(None);
            }
            let written = tokio_stream::wrappers::BroadcastStream::new(self.written.subscribe());
            let kept = self.lines.lock().unwrap().get(&instance).cloned().unwrap_or_default();
            let wanted = query.query.clone();
            let fits = move |line: &LogLine| wanted.as_ref().is_none_or(|text| line.text.contains(text));
            let kept: Vec<_> =
                kept.into_iter().filter(fits).take(query.limit.unwrap_or(usize::MAX)).map(Ok).collect();
            if !query.follow {
                if let Some(flowing) = self.flowing() {
                    let level = Some("info".to_owned());
                    let line = move |text| LogLine {
                        position: "1-0".to_owned(),
                        at: stoa_domain::Timestamp::from_micros(0),
                        stream: "stdout".to_owned(),
                        level: level.clone(),
                        text,
                    };
                    return Ok(Some(flowing.map(move |text| Ok(line(text))).boxed()));
                }
                return Ok(Some(stream::iter(kept).boxed()));
            }
            let live = written.filter_map(move |line| async move {
                line.ok().filter(|(of, _)| *of == instance).map(|(_, line)| Ok(line))
            });
            Ok(Some(stream::iter(kept).chain(live).boxed()))
        })
    }

    fn log_outline(
        &self,
        instance: InstanceId,
        query: LogQuery,
        find: Option<String>,
    ) -> BoxFuture<'_, Result<Option<BoxStream<'static, Result<LogStretch, Fault>>>, Fault>> {
        Box::pin(async move {
            if !self.knows_secrets(instance, query.secrets) {
                return Ok(None);
            }
            let kept = self.lines.lock().unwrap().get(&instance).cloned().unwrap_or_default();
            let found: Vec<u32> = (0_u32..)
                .zip(&kept)
                .filter(|(_, line)| find.as_ref().is_some_and(|text| line.text.contains(text)))
                .map(|(at, _)| at)
                .collect();
            let stretch = kept.first().zip(kept.last()).map(|(first, last)| LogStretch {
                position: first.position.clone(),
                at: first.at,
                until: last.at,
                lines: kept.len() as u64,
                levels: [0, 0, kept.len() as u64, 0],
                hits: found.len() as u64,
                found,
            });
            Ok(Some(stream::iter(stretch.map(Ok)).boxed()))
        })
    }

    fn connect_as(
        &self,
        instance: InstanceId,
        wish: ConnectWish,
    ) -> BoxFuture<'_, Result<ConnectAnswer, Fault>> {
        Box::pin(async move {
            self.answers().await;
            Ok(self.connect(instance, wish))
        })
    }

    fn forget_backup(
        &self,
        _: InstanceId,
        backup: BackupId,
        _: RepositoryAccess,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            *self.to_forget.lock().unwrap() += 1;
            if *self.is_away.lock().unwrap() {
                return Err(Fault::new(Away("it says nothing".to_owned())));
            }
            self.backups.lock().unwrap().remove(&backup);
            Ok(())
        })
    }

    fn archive(
        &self,
        _: InstanceId,
        backup: BackupId,
        _: (RepositoryAccess, u64, bool),
        range: Option<String>,
    ) -> BoxFuture<'_, Result<Archived, Fault>> {
        Box::pin(async move {
            if !self.backups.lock().unwrap().contains(&backup) {
                return Ok(Archived::Gone);
            }
            Ok(archives::archived(*self.is_damaged.lock().unwrap(), self.flowing(), range))
        })
    }
}
