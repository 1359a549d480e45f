//! The server itself: made at the first need, started in a sandbox of its own, found again, ended.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Cluster, Door, PostgresqlError, Programs, sockets, text_of};
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

/// Bytes of memory of one connection: what wants more is told that there is none, and takes nobody down with it.
const MEMORY_OF_ONE: u64 = 1 << 30;

/// Connections in all, at least, and those of them that the master alone has.
const CONNECTIONS: u32 = 500;
const CONNECTIONS_OF_MASTER: u32 = 10;

/// What all roles together may have of them: the rest is for releases that start beside others, and for Stoa's own work.
const GIVEN_AWAY: u32 = 300;

/// Connections of one role.
const MOST_OF_ONE: u32 = 50;
const LEAST_OF_ONE: u32 = 5;

/// The folder of the lock, at `/app`, and its file: PostgreSQL holds it for as long as anything of it runs.
const LOCK: &str = "alone";
const LOCK_FILE: &str = "lock";

/// How many connections a role has where so many share them.
pub(crate) fn share(roles: usize) -> u32 {
    let roles = u32::try_from(roles).unwrap_or(u32::MAX).max(1);
    (GIVEN_AWAY / roles).clamp(LEAST_OF_ONE, MOST_OF_ONE)
}

/// How many there are for so many roles.
fn connections(roles: usize) -> u32 {
    let given = u32::try_from(roles).unwrap_or(u32::MAX).saturating_mul(share(roles));
    CONNECTIONS.max(given.saturating_add(CONNECTIONS - GIVEN_AWAY))
}

/// Said at each start. Statements, which hold passwords, stand in no log; what fails is told to who said it.
const SETTINGS: [&str; 12] = [
    "listen_addresses=",
    "unix_socket_directories=/cache",
    "unix_socket_permissions=0777",
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

/// What is known of it. Whoever starts it, ends it or changes who may come in holds the lock, and for no longer.
#[derive(Default)]
pub(crate) struct Server {
    running: Option<Running>,
    /// The one that has answered once, and what was left over was put right.
    ready: Option<Identity>,
}

impl Server {
    /// The process whose end is its end.
    pub fn identity(&self) -> Option<Identity> {
        self.running.as_ref().map(|running| running.identity)
    }

    /// Whether the one that runs has answered already.
    pub fn is_ready(&self) -> bool {
        self.ready.is_some() && self.ready == self.identity() && self.is_alive()
    }

    pub fn has_answered(&self, identity: Identity) -> bool {
        self.ready == Some(identity)
    }

    pub fn is_alive(&self) -> bool {
        self.identity().is_some_and(Identity::is_alive)
    }

    /// From now on nobody waits for its first answer.
    pub fn set_ready(&mut self, identity: Identity) {
        self.ready = Some(identity);
    }

    /// Starts it where it doesn't run. It doesn't answer yet.
    ///
    /// # Errors
    /// Why it isn't there.
    pub async fn start(
        &mut self,
        cluster: &Cluster<'_>,
        doors: &[Door],
    ) -> Result<(Programs, Identity), PostgresqlError> {
        let programs = cluster.programs()?;
        if !self.is_alive() {
            self.find(cluster).await?;
        }
        if let Some(identity) = self.identity() {
            return Ok((programs, identity));
        }
        cluster.make(&programs).await?;
        cluster.check_alone()?;
        cluster.write_access(doors)?;
        let running = cluster.start(&programs, doors.len()).await?;
        let identity = running.identity;
        self.running = Some(running);
        self.write_access(cluster, doors)?;
        Ok((programs, identity))
    }

    /// Writes who may come in. It holds for connections from the next reload on.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write_access(&self, cluster: &Cluster<'_>, doors: &[Door]) -> io::Result<()> {
        if let Some(running) = &self.running {
            let file = cluster.run().join(&running.name).join("etc/passwd");
            let text = super::users(&text_of(&file)?.unwrap_or_default(), doors);
            folders::write_open(&file, text.as_bytes())?;
        }
        cluster.write_access(doors)
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

/// The server's, which holds its lock and keeps each connection to its share of memory: both are left to all that it
/// starts.
fn command(programs: &Programs, roles: usize) -> Vec<String> {
    let mut words = ["prlimit".to_owned(), format!("--data={MEMORY_OF_ONE}")].to_vec();
    let lock = format!("/app/{LOCK_FILE}");
    words.extend(["flock", "--exclusive", "--nonblock", "--no-fork", &lock].map(str::to_owned));
    words.extend([programs.path("postgres"), "-D".to_owned(), "/data/cluster".to_owned()]);
    let mut settings = SETTINGS.map(str::to_owned).to_vec();
    settings.push(format!("max_connections={}", connections(roles)));
    settings.push(format!("superuser_reserved_connections={CONNECTIONS_OF_MASTER}"));
    if programs.version >= 14 {
        // A query whose application is gone ends, too.
        settings.push("client_connection_check_interval=5s".to_owned());
    }
    words.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    words
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

    /// Until it answers.
    ///
    /// # Errors
    /// Why it doesn't.
    pub async fn until_it_answers(
        &self,
        programs: &Programs,
        identity: Identity,
    ) -> Result<(), PostgresqlError> {
        let deadline = Instant::now() + LONGEST_START;
        loop {
            match self.say_once(programs, "SELECT 1").await {
                Ok(_) => return Ok(()),
                Err(other @ (PostgresqlError::Failed(_) | PostgresqlError::Away(_))) => {
                    if Instant::now() > deadline {
                        return Err(other);
                    }
                }
                Err(other) => return Err(other),
            }
            if !identity.is_alive() {
                return Err(PostgresqlError::Failed("ended before it answered".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An empty cluster, where there is none: aside first, so that there is a whole one or none.
    async fn make(&self, programs: &Programs) -> Result<(), PostgresqlError> {
        for folder in [self.base(), sockets(self.folders), self.folders.postgresql().join("logs")] {
            make_own(&folder, self.user())?;
        }
        let lock = self.lock_folder();
        folders::make_private(&lock)?;
        // Instances walk through the one in their sandboxes, PostgreSQL through the other.
        for open in [&sockets(self.folders), &lock] {
            std::fs::set_permissions(open, Permissions::from_mode(0o755))?;
        }
        if !self.cluster().exists() {
            let unmade = self.base().join("unmade");
            folders::remove(&unmade)?;
            self.initdb(programs).await?;
            std::fs::rename(unmade, self.cluster())?;
            std::fs::File::open(self.base())?.sync_all()?;
        }
        Ok(())
    }

    fn lock_folder(&self) -> PathBuf {
        self.folders.postgresql().join(LOCK)
    }

    /// PostgreSQL finds another one on its files by a number that says nothing in a sandbox: two would ruin them.
    fn check_alone(&self) -> Result<(), PostgresqlError> {
        let file = self.lock_folder().join(LOCK_FILE);
        let open = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(file)?;
        open.set_permissions(Permissions::from_mode(0o644))?;
        match Flock::lock(open, FlockArg::LockExclusiveNonblock) {
            Ok(_) => Ok(()),
            Err((_, Errno::EWOULDBLOCK)) => Err(PostgresqlError::Failed(
                "can't be started: another one is still at work on its files".to_owned(),
            )),
            Err((_, errno)) => Err(io::Error::from(errno).into()),
        }
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
            let (base, lock, sockets) = self.shown();
            let plan = self.plan(&name, &place, None, (&base, &lock, &sockets));
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

    async fn start(&self, programs: &Programs, roles: usize) -> Result<Running, PostgresqlError> {
        let command = command(programs, roles);
        let name = self.make_place()?;
        let place = self.run().join(&name);
        let log = self.folders.postgresql().join("logs");
        let listen = |name: &str| crate::init::listen(&place.join(name));
        let (application, control) = (listen("application.sock")?, listen("control.sock")?);
        let started = {
            let (base, lock, sockets) = self.shown();
            let plan = self.plan(&name, &place, Some(&log), (&base, &lock, &sockets));
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

    fn shown(&self) -> (PathBuf, PathBuf, PathBuf) {
        (self.base(), self.lock_folder(), sockets(self.folders))
    }

    fn plan<'p>(
        &self,
        name: &str,
        place: &'p Path,
        log_folder: Option<&'p Path>,
        (base, lock, sockets): (&'p Path, &'p Path, &'p Path),
    ) -> Plan<'p> {
        Plan {
            name: group(name),
            hostname: "postgresql".to_owned(),
            user: self.user(),
            mounts: Mounts {
                app: lock,
                is_app_writable: false,
                data: Some(base),
                cache: Some(sockets),
                database: None,
            },
            place,
            log_folder,
            limits: LIMITS,
            is_mail_off: false,
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
            sandbox: None,
            once: false,
            masked: Vec::new(),
            masked_values: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_roles_may_have_leaves_room_for_releases_and_for_stoas_own_work() {
        for roles in [0, 1, 6, 7, 30, 60, 61, 200, 1000] {
            let given = u32::try_from(roles).unwrap_or_default() * share(roles);
            let room = CONNECTIONS - GIVEN_AWAY;
            assert!(given + room <= connections(roles), "{roles}");
            assert!((LEAST_OF_ONE..=MOST_OF_ONE).contains(&share(roles)), "{roles}");
        }
        assert_eq!((share(1), share(30), connections(30)), (50, 10, 500));
    }
}
