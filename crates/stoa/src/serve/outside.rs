//! The ports' real bodies, made from the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use stoa_adapters::buckets::S3Buckets;
use stoa_adapters::certificates::AcmeCertificates;
use stoa_adapters::clock::{SystemClock, SystemRng};
use stoa_adapters::folders::LocalFolders;
use stoa_adapters::logo::ProcessLogos;
use stoa_adapters::machines::{AgentMachines, NoMachines};
use stoa_adapters::mail::SmtpMail;
use stoa_adapters::models::HttpModels;
use stoa_adapters::names::DnsNames;
use stoa_adapters::outgoing::{Allowed, Outgoing};
use stoa_adapters::provider::OidcProvider;
use stoa_adapters::remotes::GitRemotes;
use stoa_adapters::repositories::GitRepositories;
use stoa_adapters::vault::MasterVault;
use stoa_agent::client::Client;
use stoa_agent::machine::{Agent, Options, Phase, STALL};
use stoa_agent::router;
use stoa_app::passwords::Passwords;
use stoa_app::ports::{
    Certificates, Desks, Expectations, Generated, Machines, Mail, Outside, SignInProvider,
};
use stoa_domain::InstanceId;
use stoa_http::proxy::{Applications, Route, RouteState};
use tokio::net::UnixStream;
use tokio::sync::watch;

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
}

/// The local agent's own folder.
pub fn agent_folder(settings: &Settings) -> PathBuf {
    settings.data_dir.join("agent")
}

/// By which `stoa instances stop` asks the agent of the Stoa that runs.
pub fn agent_socket(settings: &Settings) -> PathBuf {
    agent_folder(settings).join("agent.sock")
}

async fn start_agent(settings: &Settings, starts_instances: bool) -> Result<Agent, Ended> {
    let options = Options {
        state: agent_folder(settings),
        program: std::env::current_exe()?,
        egress_allow: settings.instance_egress_allow.clone(),
        stall: STALL,
        version: crate::VERSION.to_owned(),
        starts_instances,
    };
    Agent::start(options).await.map_err(|error| Ended::because("this machine's agent can't start", error))
}

/// The agent, to see what runs: it starts nothing.
///
/// # Errors
/// Where its folder can't be used.
pub async fn look_at_agent(settings: &Settings) -> Result<Agent, Ended> {
    start_agent(settings, false).await
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
    let agent = if settings.local_server { Some(start_agent(settings, true).await?) } else { None };
    let (machines, desks): (Arc<dyn Machines>, Arc<dyn Desks>) = match &agent {
        Some(agent) => {
            let machines = AgentMachines::new(connect(agent.clone(), &agent_socket(settings)).await?);
            (Arc::new(machines.clone()), Arc::new(machines))
        }
        None => (Arc::new(NoMachines), Arc::new(NoMachines)),
    };
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
        machines,
        buckets: Arc::new(S3Buckets::new(Outgoing::new(settings.outgoing_rules()), Arc::new(SystemClock))),
        desks,
        logos: Arc::new(ProcessLogos::new(std::env::current_exe()?, threads)),
        models: Arc::new(HttpModels::new(Outgoing::new(settings.outgoing_rules()))),
        mail,
        provider,
        folders: Arc::new(folders_of(settings)),
        names: Arc::new(DnsNames::new(settings.dns_server)),
        certificates: authority(settings),
        expectations: Arc::new(StoaToml),
    };
    Ok(Parts { outside, repositories, agent })
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

/// The proxy's way to the applications of this machine: the one short cut past the agent's router.
pub struct LocalApplications(pub Agent);

impl Applications for LocalApplications {
    fn route(&self, instance: InstanceId) -> Route {
        let Some((phase, generation)) = self.0.route(instance) else {
            return Route { state: RouteState::Unknown, generation: 0 };
        };
        let state = match phase {
            Phase::Running => RouteState::Running,
            Phase::Waiting => RouteState::Waiting,
            Phase::Starting => RouteState::Starting,
            Phase::Stopped => RouteState::Stopped,
            Phase::Failed(_) => RouteState::Failed,
        };
        Route { state, generation }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.route_changes()
    }

    fn open(&self, instance: InstanceId) -> BoxFuture<'static, std::io::Result<UnixStream>> {
        let agent = self.0.clone();
        Box::pin(async move { agent.open_application(instance).await })
    }

    fn note(&self, instance: InstanceId, status: u16, line: String) {
        self.0.note_request(instance, status, line);
    }
}

/// Where this machine isn't a server: nothing answers here.
pub struct NoApplications(watch::Sender<u64>);

impl NoApplications {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Applications for NoApplications {
    fn route(&self, _: InstanceId) -> Route {
        Route { state: RouteState::Unknown, generation: 0 }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    fn open(&self, _: InstanceId) -> BoxFuture<'static, std::io::Result<UnixStream>> {
        Box::pin(async { Err(std::io::ErrorKind::NotConnected.into()) })
    }

    fn note(&self, _: InstanceId, _: u16, _: String) {}
}
