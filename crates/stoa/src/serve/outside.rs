//! The ports' real bodies, made from the settings.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use stoa_adapters::buckets::S3Buckets;
use stoa_adapters::certificates::AcmeCertificates;
use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_adapters::folders::LocalFolders;
use stoa_adapters::logo::ProcessLogos;
use stoa_adapters::machines::Machinery;
use stoa_adapters::mail::SmtpMail;
use stoa_adapters::models::HttpModels;
use stoa_adapters::names::DnsNames;
use stoa_adapters::outgoing::{Allowed, Outgoing};
use stoa_adapters::provider::OidcProvider;
use stoa_adapters::remotes::GitRemotes;
use stoa_adapters::repositories::GitRepositories;
use stoa_adapters::vault::MasterVault;
use stoa_agent::client::Client;
use stoa_agent::machine::{Agent, Keeping, Options, Phase, STALL};
use stoa_agent::protocol::InstanceState;
use stoa_agent::router;
use stoa_app::App;
use stoa_app::machine::MachinePlace;
use stoa_app::passwords::Passwords;
use stoa_app::ports::{BoxedWire, Certificates, Expectations, Generated, Mail, Outside, SignInProvider};
use stoa_domain::MachineId;
use stoa_http::proxy::{Applications, At, Route, RouteState};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::failure::Ended;
use crate::settings::Settings;

/// Bytes that are on their way to this machine's agent, or back, at most.
const PIPE: usize = 256 * 1024;

/// What the outside consists of.
pub struct Parts {
    pub outside: Outside,
    pub repositories: Arc<GitRepositories>,
    /// None where this machine isn't a server.
    pub agent: Option<Agent>,
    pub machinery: Machinery,
}

/// The local agent's own folder.
pub fn agent_folder(settings: &Settings) -> PathBuf {
    settings.data_dir.join("agent")
}

/// By which `stoa instances stop` asks an agent that runs, in its folder.
pub const SOCKET: &str = "agent.sock";

/// # Errors
/// Where its folder can't be used.
pub async fn start_agent(
    state: PathBuf,
    egress_allow: Vec<String>,
    starts_instances: bool,
) -> Result<Agent, Ended> {
    let options = Options {
        state,
        program: std::env::current_exe()?,
        egress_allow,
        stall: STALL,
        desks: Keeping::default(),
        version: crate::VERSION.to_owned(),
        starts_instances,
    };
    Agent::start(options).await.map_err(|error| Ended::because("this machine's agent can't start", error))
}

/// The agent, to see what runs: it starts nothing.
///
/// # Errors
/// Where its folder can't be used.
pub async fn look_at_agent(state: PathBuf, egress_allow: Vec<String>) -> Result<Agent, Ended> {
    start_agent(state, egress_allow, false).await
}

/// This machine's agent is spoken to like any other's: through its router, here at the other end of a pipe in memory.
async fn connect(agent: Agent, socket: &Path) -> Result<Client, Ended> {
    let router = router::router(agent);
    router::listen(router.clone(), socket)
        .map_err(|error| Ended::because("this machine's agent can't listen on its socket", error))?;
    let (ours, theirs) = tokio::io::duplex(PIPE);
    tokio::spawn(async move {
        if let Err(error) = router::serve(router, theirs).await {
            tracing::error!(%error, "this machine's agent answers no more; start Stoa again");
        }
    });
    Client::connect(ours).await.map_err(|error| Ended::because("this machine's agent doesn't answer", error))
}

fn folders_of(settings: &Settings) -> LocalFolders {
    let named = vec![
        ("Repositories", settings.repositories_dir.clone()),
        ("Instances of this machine", agent_folder(settings)),
    ];
    LocalFolders::new(settings.data_dir.clone(), named)
}

/// # Errors
/// Where a part can't be made.
pub async fn make(settings: &Settings, vault: MasterVault) -> Result<Parts, Ended> {
    let mail: Option<Arc<dyn Mail>> = match &settings.mail {
        Some((server, from)) => Some(Arc::new(SmtpMail::new(server.clone(), from)?)),
        None => None,
    };
    let agent = if settings.local_server {
        let allowed = settings.instance_egress_allow.clone();
        Some(start_agent(agent_folder(settings), allowed, true).await?)
    } else {
        None
    };
    let own = match &agent {
        Some(agent) => Some(connect(agent.clone(), &agent_folder(settings).join(SOCKET)).await?),
        None => None,
    };
    let machinery = Machinery::new(own);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let passwords = Passwords::new(threads).map_err(|fault| Ended::said(format!("{fault:?}")))?;
    let repositories = GitRepositories::new(settings.repositories_dir.clone())?;
    let is_alone = settings.database_url.is_none();
    let repositories = Arc::new(if is_alone { repositories.alone() } else { repositories });
    let mirrors = repositories.clone();
    let remotes =
        GitRemotes::new(Outgoing::new(settings.outgoing_rules()), move |project| mirrors.place(project));
    let provider = settings.provider.clone().map(|provider| {
        let outgoing = Outgoing::new(settings.outgoing_rules());
        Arc::new(OidcProvider::new(provider, outgoing)) as Arc<dyn SignInProvider>
    });
    let outside = Outside {
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemRng),
        rng: Arc::new(SystemRng),
        vault: Arc::new(vault),
        passwords,
        repositories: repositories.clone(),
        remotes: Arc::new(remotes),
        buckets: Arc::new(S3Buckets::new(Outgoing::new(settings.outgoing_rules()), Arc::new(SystemClock))),
        fleet: Arc::new(machinery.clone()),
        logos: Arc::new(ProcessLogos::new(std::env::current_exe()?, threads)),
        models: Arc::new(HttpModels::new(Outgoing::new(settings.outgoing_rules()))),
        mail,
        provider,
        folders: Arc::new(folders_of(settings)),
        names: Arc::new(DnsNames::new(settings.dns_server)),
        certificates: authority(settings),
        expectations: Arc::new(StoaToml),
    };
    Ok(Parts { outside, repositories, agent, machinery })
}

/// The certificate authority, where one is configured. Its address is the operator's: it may be a private one.
fn authority(settings: &Settings) -> Option<Arc<dyn Certificates>> {
    let acme = settings.tls.as_ref()?.acme.as_ref()?;
    let mut rules = settings.outgoing_rules();
    let port = acme.directory.port_or_known_default().unwrap_or(443);
    rules.allow.extend(Allowed::parse(&format!("{}:{port}", acme.directory.host_str().unwrap_or_default())));
    let outgoing = Outgoing::new(rules);
    let directory = acme.directory.to_string();
    Some(Arc::new(AcmeCertificates::new(directory, acme.contact.as_deref(), outgoing)))
}

/// What applications expect, as the agent reads it.
struct StoaToml;

impl Expectations for StoaToml {
    fn generated(&self, stoa_toml: &str) -> Vec<Generated> {
        let asked = stoa_agent::stoa_toml::generated(stoa_toml).into_iter();
        asked.map(|(name, length)| Generated { name, length }).collect()
    }
}

/// The proxy's way to applications: to those of this machine past the agent's router, the one short cut; to others by the
/// links of their machines.
pub struct AllApplications {
    /// None where this machine isn't a server.
    own: Option<Agent>,
    machinery: Machinery,
    app: App,
    /// Machines to which a way is being looked for.
    looking: Arc<Mutex<HashSet<MachineId>>>,
    changes: watch::Sender<u64>,
}

impl AllApplications {
    /// To be called inside the runtime: it follows the changes of routes.
    pub fn new(own: Option<Agent>, machinery: Machinery, app: App) -> Self {
        let changes = watch::Sender::new(0);
        let of_own = own.as_ref().map(Agent::route_changes);
        for mut some in of_own.into_iter().chain([machinery.changes()]) {
            let all = changes.clone();
            tokio::spawn(async move {
                while some.changed().await.is_ok() {
                    all.send_modify(|number| *number += 1);
                }
            });
        }
        Self { own, machinery, app, looking: Arc::default(), changes }
    }

    /// A way by another replica is looked for beside whoever asks: the next time it is there.
    fn look_for(&self, place: MachinePlace, machine: MachineId) {
        let (app, looking) = (self.app.clone(), self.looking.clone());
        let lock = move |all: &Mutex<HashSet<MachineId>>, is_begun: bool| {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            if is_begun { all.insert(machine) } else { all.remove(&machine) }
        };
        if lock(&looking, true) {
            tokio::spawn(async move {
                app.find_way(place).await;
                lock(&looking, false);
            });
        }
    }
}

const UNKNOWN: Route = Route { state: RouteState::Unknown, generation: 0 };
const AWAY: Route = Route { state: RouteState::Away, generation: 0 };

fn of_phase((phase, generation): (Phase, u64)) -> Route {
    let state = match phase {
        Phase::Running => RouteState::Running,
        Phase::Waiting => RouteState::Waiting,
        Phase::Starting => RouteState::Starting,
        Phase::Stopped(_) => RouteState::Stopped,
        Phase::Failed(_) => RouteState::Failed,
    };
    Route { state, generation }
}

fn of_state((state, generation): (InstanceState, u64)) -> Route {
    let state = match state {
        InstanceState::Running => RouteState::Running,
        InstanceState::Waiting => RouteState::Waiting,
        InstanceState::Starting => RouteState::Starting,
        InstanceState::Stopped => RouteState::Stopped,
        InstanceState::Failed => RouteState::Failed,
    };
    Route { state, generation }
}

impl Applications for AllApplications {
    fn route(&self, at: At) -> Route {
        let route = match at.place {
            MachinePlace::Here => self.own.as_ref().and_then(|own| own.route(at.instance)).map(of_phase),
            MachinePlace::Elsewhere(machine, holder) => {
                if holder.is_some() && !self.machinery.is_reached(machine) {
                    self.look_for(at.place, machine);
                }
                let told = self.machinery.route(machine, at.instance).map(of_state);
                // What another replica has a link to is reached as soon as a way by it was found.
                if told.is_none() && holder.is_none() && self.machinery.is_away(machine, Instant::now()) {
                    return AWAY;
                }
                told
            }
            MachinePlace::Nowhere => None,
        };
        route.unwrap_or(UNKNOWN)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn open(&self, at: At) -> BoxFuture<'static, std::io::Result<BoxedWire>> {
        let (own, machinery) = (self.own.clone(), self.machinery.clone());
        Box::pin(async move {
            let away = std::io::ErrorKind::NotConnected;
            match at.place {
                MachinePlace::Here => {
                    let opened = own.ok_or(away)?.open_application(at.instance).await?;
                    Ok(Box::new(opened) as BoxedWire)
                }
                MachinePlace::Elsewhere(machine, _) => machinery.open(machine, at.instance).await,
                MachinePlace::Nowhere => Err(away.into()),
            }
        })
    }

    fn note(&self, at: At, status: u16, line: String) {
        match at.place {
            MachinePlace::Here => {
                if let Some(own) = &self.own {
                    own.note_request(at.instance, status, line);
                }
            }
            MachinePlace::Elsewhere(machine, _) => self.machinery.note(machine, at.instance, status, line),
            MachinePlace::Nowhere => {}
        }
    }
}
