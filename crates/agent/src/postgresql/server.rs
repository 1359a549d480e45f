//! The server itself: made at the first need, started in a sandbox of its own, found again, ended.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Cluster, PostgresqlError, Programs, sockets, text_of};
use crate::folders;
use crate::init::{Control, Orders, Process};
use crate::machine::{common_environment, make_own};
use crate::sandbox::{Ended, Identity, Limits, Mounts, Plan};

/// How long making a cluster, and a start after a crash, may take.
const LONGEST_START: Duration = Duration::from_secs(300);

/// How long it has to end by itself.
const STOP_SECONDS: u64 = 60;

const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(5);

/// What it may use, for all instances together.
const LIMITS: Limits = Limits { memory: 4 << 30, processes: 2048, processor: None, temporary: 512 << 20 };

/// Said at each start. Statements, which hold passwords, stand in no log; what fails is told to who said it.
const SETTINGS: [&str; 13] = [
    "listen_addresses=",
    "unix_socket_directories=/cache",
    "unix_socket_permissions=0777",
    "max_connections=500",
    // Whoever connects and says nothing takes a place that others need.
    "authentication_timeout=5s",
    "password_encryption=scram-sha-256",
    "log_statement=none",
    "log_min_error_statement=panic",
    "log_min_messages=fatal",
    "log_parameter_max_length_on_error=0",
    "temp_file_limit=256MB",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// The sandbox that it runs in, as it stands in a file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    name: String,
    identity: Identity,
}

/// What is known of it. Whoever changes anything of it holds the lock.
#[derive(Default)]
pub(crate) struct Server {
    running: Option<Running>,
}

impl Server {
    /// The process whose end is its end.
    pub fn identity(&self) -> Option<Identity> {
        self.running.as_ref().map(|running| running.identity)
    }

    /// Starts it where it doesn't run, and waits until it answers.
    ///
    /// # Errors
    /// Why it isn't there.
    pub async fn start(
        &mut self,
        cluster: &Cluster<'_>,
        names: &[String],
    ) -> Result<Programs, PostgresqlError> {
        let programs = cluster.programs()?;
        if self.running.as_ref().is_some_and(|running| running.identity.is_alive()) {
            return Ok(programs);
        }
        self.find(cluster).await?;
        if self.running.is_none() {
            cluster.make(&programs, names).await?;
            self.running = Some(cluster.start(&programs).await?);
        }
        let deadline = Instant::now() + LONGEST_START;
        loop {
            match cluster.say(&programs, "SELECT 1").await {
                Ok(_) => return Ok(programs),
                Err(PostgresqlError::Failed(said)) if Instant::now() > deadline => {
                    return Err(PostgresqlError::Failed(format!("doesn't answer: it {said}")));
                }
                Err(PostgresqlError::Failed(_)) => tokio::time::sleep(LOOK).await,
                Err(other) => return Err(other),
            }
            if self.running.as_ref().is_none_or(|running| !running.identity.is_alive()) {
                return Err(PostgresqlError::Failed("ended before it answered".to_owned()));
            }
        }
    }

    /// What went on while nobody looked after it. There is one at most: whatever else is there is ended.
    ///
    /// # Errors
    /// Where something can't be ended.
    pub async fn find(&mut self, cluster: &Cluster<'_>) -> io::Result<()> {
        let entries = match std::fs::read_dir(cluster.run()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let mut found = None;
        for entry in entries {
            let place = entry?.path();
            let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let file = std::fs::read(place.join("sandbox.json")).ok();
            let running: Option<Running> = file.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let control = place.join("control.sock");
            match running {
                Some(running) if found.is_none() && running.identity.is_alive() => {
                    if Control::status(&control, PATIENCE).await.is_ok() {
                        found = Some(running);
                        continue;
                    }
                    running.identity.end().await?;
                }
                Some(running) => running.identity.end().await?,
                None => {
                    // Started, but its number not yet written down.
                    if !cluster.sandboxes.end_by_group(&group(&name))? && control.exists() {
                        let stopped = Control::stop(&control, Some(Duration::ZERO), PATIENCE).await;
                        if stopped.is_err() {
                            tracing::debug!("nobody answers in a sandbox that wasn't whole");
                        }
                    }
                }
            }
            cluster.sandboxes.tidy(&group(&name), &place)?;
        }
        self.running = found;
        Ok(())
    }

    /// Ends it, politely first.
    ///
    /// # Errors
    /// Where it can't be ended.
    pub async fn end(&mut self, cluster: &Cluster<'_>) -> io::Result<()> {
        if self.running.is_none() {
            self.find(cluster).await?;
        }
        let Some(running) = self.running.take() else { return Ok(()) };
        let place = cluster.run().join(&running.name);
        if running.identity.is_alive() {
            let patience = Duration::from_secs(STOP_SECONDS) + PATIENCE;
            if let Err(error) = Control::stop(&place.join("control.sock"), None, patience).await {
                tracing::warn!(%error, "PostgreSQL didn't stop by itself");
            }
            running.identity.end().await?;
        }
        cluster.sandboxes.tidy(&group(&running.name), &place)
    }
}

fn group(name: &str) -> String {
    format!("postgresql-{name}")
}

impl Cluster<'_> {
    /// Those of the version that the cluster is of, else the newest.
    ///
    /// # Errors
    /// Where there are none.
    pub fn programs(&self) -> Result<Programs, PostgresqlError> {
        let found = Programs::find();
        match text_of(&self.cluster().join("PG_VERSION"))? {
            None => found.into_iter().last().ok_or(PostgresqlError::NotInstalled),
            Some(text) => {
                let version = text.trim().parse().map_err(io::Error::other)?;
                let same = found.into_iter().find(|programs| programs.version == version);
                same.ok_or(PostgresqlError::OtherVersion(version))
            }
        }
    }

    /// An empty cluster, where there is none: aside first, so that there is a whole one or none.
    async fn make(&self, programs: &Programs, names: &[String]) -> Result<(), PostgresqlError> {
        for folder in [self.base(), sockets(self.folders), self.folders.postgresql().join("logs")] {
            make_own(&folder, self.user())?;
        }
        // Instances walk through it, in their sandboxes.
        std::fs::set_permissions(sockets(self.folders), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let empty = self.folders.postgresql().join("nothing");
        folders::make_private(&empty)?;
        if !self.cluster().exists() {
            let unmade = self.base().join("unmade");
            folders::remove(&unmade)?;
            self.initdb(programs).await?;
            std::fs::rename(unmade, self.cluster())?;
            std::fs::File::open(self.base())?.sync_all()?;
        }
        Ok(self.write_access(names)?)
    }

    async fn initdb(&self, programs: &Programs) -> Result<(), PostgresqlError> {
        let command = [
            programs.path("initdb").as_str(),
            "--pgdata=/data/unmade",
            "--username=stoa",
            // Read from standard input: it stands in no list of processes.
            "--pwfile=/dev/stdin",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
        .map(str::to_owned)
        .to_vec();
        let name = self.make_place()?;
        let place = self.run().join(&name);
        let (sender, mut lines) = mpsc::channel(64);
        let listening = tokio::spawn(async move {
            let mut last = String::new();
            while let Some(crate::sandbox::OutputLine { text, .. }) = lines.recv().await {
                if text.iter().any(|byte| !byte.is_ascii_whitespace()) {
                    last = String::from_utf8_lossy(&text).into_owned();
                }
            }
            last
        });
        let never = CancellationToken::new();
        let orders = Orders { once: true, ..self.orders(command) };
        let password = self.password.reveal();
        let ended = {
            let (base, empty, sockets) = self.shown();
            let plan = self.plan(&name, &place, None, (&base, &empty, &sockets));
            self.sandboxes.run_told(&plan, &orders, password, LONGEST_START, &never, sender).await
        };
        self.sandboxes.tidy(&group(&name), &place)?;
        let said = listening.await.unwrap_or_default();
        match ended? {
            Ended::Status(0) => Ok(()),
            Ended::DiskFull => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            _ => Err(PostgresqlError::Failed(format!("couldn't be made: {said}"))),
        }
    }

    async fn start(&self, programs: &Programs) -> Result<Running, PostgresqlError> {
        let mut command = vec![programs.path("postgres"), "-D".to_owned(), "/data/cluster".to_owned()];
        command.extend(SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        let name = self.make_place()?;
        let place = self.run().join(&name);
        let log = self.folders.postgresql().join("logs");
        let listen = |name: &str| crate::init::listen(&place.join(name));
        let (application, control) = (listen("application.sock")?, listen("control.sock")?);
        let started = {
            let (base, empty, sockets) = self.shown();
            let plan = self.plan(&name, &place, Some(&log), (&base, &empty, &sockets));
            self.sandboxes.start_server(&plan, &self.orders(command), application, control).await
        };
        let identity = match started {
            Ok(identity) => identity,
            Err(error) => {
                self.sandboxes.tidy(&group(&name), &place)?;
                return Err(error.into());
            }
        };
        let running = Running { name, identity };
        folders::write_whole(
            &place.join("sandbox.json"),
            &serde_json::to_vec(&running).map_err(io::Error::from)?,
        )?;
        Ok(running)
    }

    fn make_place(&self) -> io::Result<String> {
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{:08x}", u32::from_ne_bytes(bytes));
        folders::make_private(&self.run().join(&name))?;
        Ok(name)
    }

    fn shown(&self) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
        (self.base(), self.folders.postgresql().join("nothing"), sockets(self.folders))
    }

    fn plan<'p>(
        &self,
        name: &str,
        place: &'p Path,
        log_folder: Option<&'p Path>,
        (base, empty, sockets): (&'p Path, &'p Path, &'p Path),
    ) -> Plan<'p> {
        Plan {
            name: group(name),
            hostname: "postgresql".to_owned(),
            user: self.user(),
            mounts: Mounts {
                app: empty,
                is_app_writable: false,
                data: Some(base),
                cache: Some(sockets),
                database: None,
            },
            place,
            log_folder,
            limits: LIMITS,
        }
    }

    fn orders(&self, command: Vec<String>) -> Orders {
        Orders {
            user: self.user(),
            processes_limit: LIMITS.processes,
            environment: common_environment(),
            working_folder: "/tmp".to_owned(),
            port: 0,
            // SIGINT ends it without waiting for whoever is connected (postgresql.org, *Shutting Down the Server*).
            processes: vec![Process {
                name: String::new(),
                command,
                stop_signal: nix::libc::SIGINT,
                stop_seconds: STOP_SECONDS,
            }],
            schedules: Vec::new(),
            once: false,
            masked: Vec::new(),
            masked_values: Vec::new(),
        }
    }
}
