//! `stoa serve`: everything wired together, from start to end.

pub mod descriptors;
pub mod lock;
pub mod log;
mod outside;
mod records;
mod replica;
mod setup_link;
pub mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stoa_adapters::repositories::GitRepositories;
use stoa_agent::machine::Agent;
use stoa_agent::stoa_toml;
use stoa_app::App;
use stoa_app::certificate::CertificateScope;
use stoa_domain::Secret;
use stoa_http::git::{Git, Hosting, LARGEST_PUSH, Reads};
use stoa_http::proxy::Applications;
use stoa_http::{Crowd, Frame, Site};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::failure::Ended;
use crate::instances::counted;
use crate::output::say;
use crate::settings::Settings;

pub use outside::{SOCKET, agent_folder, look_at_agent, start_agent};
pub use records::{DATABASE, open as open_records, place as place_of_records};

/// Takes the data directory for this process.
///
/// # Errors
/// Where another one has it.
pub fn take_lock(settings: &Settings) -> std::io::Result<lock::DataLock> {
    lock::take(&settings.data_dir)
}

/// What is under way gets this long after the wish to end; the rest is cut off.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// An address that is taken for longer is another's.
const TAKEN: Duration = Duration::from_secs(2);

/// What is past its time goes this often.
const SWEEPS: Duration = Duration::from_secs(3600);
/// Refusals of a flood wait this long to be written.
const REFUSALS: Duration = Duration::from_secs(15);

/// Between two looks for what a killed git holds.
const LOCKS: Duration = Duration::from_secs(60);
/// So many of them lie between two looks for what is to be packed: one an hour.
const REPACK: u64 = 60;

/// Where `stoa admin` asks the Stoa that runs.
pub fn admin_socket(settings: &Settings) -> std::path::PathBuf {
    settings.data_dir.join("admin.sock")
}

/// The use-cases without anything that serves: no page, no machine, no mail. Records are there already, or it is refused.
///
/// # Errors
/// Where the records or the key can't be used.
pub async fn open_for_commands(mut settings: Settings) -> Result<(App, stoa_storage::Store), Ended> {
    let nothing = || Ended::said("there are no records here yet. Start Stoa first, and set it up");
    if !records::may_be_there(&settings) {
        return Err(nothing());
    }
    let store = records::open(&settings).await?;
    if store.find_installation().await?.is_none() {
        return Err(nothing());
    }
    let vault = records::load_vault(&settings, &store).await?;
    let told = app_settings(&settings, &setup_link::token(&settings)?);
    settings.local_server = false;
    settings.mail = None;
    let parts = outside::make(&settings, vault).await?;
    Ok((App::new(store.clone(), told, parts.outside), store))
}

/// Serves until it is asked to end.
///
/// # Errors
/// Where a setting, the records, the key or the address can't be used.
pub async fn serve(settings: Settings) -> Result<(), Ended> {
    log::start(&settings.log, settings.log_as_json)?;
    let descriptors = descriptors::raise()?;
    let _lock = lock::take(&settings.data_dir)?;
    crate::keeping::refuse_half_restored(&settings)?;
    // The address first: a second start fails before it has touched anything.
    let listener = listen(settings.listen)
        .await
        .map_err(|error| Ended::because(&format!("{} can't be listened on", settings.listen), error))?;
    let secure = Secure::prepare(&settings).await?;
    let store = records::open(&settings).await?;
    if let Some(note) =
        crate::keeping::settle_unfinished(&settings, store.find_installation().await?.is_some())?
    {
        tracing::warn!("{note}");
    }
    let vault = records::load_vault(&settings, &store).await?;
    let setup_token = setup_link::token(&settings)?;
    let replica = replica::join(&settings, &store).await?;
    let visit_key = records::visit_key(&store, &vault).await?;
    let parts = outside::make(&settings, vault).await?;
    let app = App::new(store.clone(), app_settings(&settings, &setup_token), parts.outside);
    let site = site(&settings);
    let frame = Frame::new(app.clone(), site.clone()).with_visit_key(visit_key);

    for note in settings.notes().iter().filter(|note| note.code == "open_data_dir") {
        tracing::warn!("{}", note.detail);
    }
    let internal_url = settings.internal_url.as_ref().map(ToString::to_string);
    tracing::info!(listen = %settings.listen, internal_url, "starting");
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    spawn_background(&mut tasks, &app, &stop);
    let (remotes, until, is_alone) = (app.clone(), stop.clone(), settings.database_url.is_none());
    tasks.spawn(async move { remotes.run_remotes(is_alone, until).await });
    crate::admin::listen(app.clone(), &admin_socket(&settings))?;
    let applications: Arc<dyn Applications> =
        Arc::new(outside::AllApplications::new(parts.agent.clone(), parts.machinery, app.clone()));
    tasks.spawn(keep_repositories(parts.repositories.clone(), stop.clone()));
    let git = Git::start(frame.clone(), hosting(&settings, parts.repositories)?)?;
    let router = stoa_http::edge(frame, applications, git);
    let needs_set_up = app.is_setup_needed().await.map_err(|failure| Ended::said(format!("{failure:?}")))?;
    // Before anybody is told that it runs: whoever ends it right then is heard.
    let asked = asked_to_end()?;
    say(&format!("Stoa {} is at {}", crate::VERSION, settings.origin()));
    if needs_set_up {
        say(&format!("Set it up, once, with this link: {}", setup_link::link(&settings, &setup_token)));
    }
    let crowd = Crowd::of_connections(descriptors, site.trusted_proxies.clone());
    let server = match secure {
        None => tokio::spawn(stoa_http::serve(listener, router, crowd, stop.clone())),
        Some(secure) => {
            if let Some(wanted) = secure.wanted {
                tasks.spawn(tls::follow(wanted, secure.current.clone(), stop.clone()));
            }
            if let Some(scope) = secure.scope {
                let (issuing, until, wanted) = (app.clone(), stop.clone(), scope.clone());
                tasks.spawn(async move { issuing.run_certificates(wanted, until).await });
                tasks.spawn(tls::issued::follow(app.clone(), scope, secure.current, stop.clone()));
            }
            let plain = stoa_http::to_https(site, router.clone());
            let plain = stoa_http::serve(listener, plain, crowd.clone(), stop.clone());
            let secure = stoa_http::serve_tls(secure.listener, secure.config, router, crowd, stop.clone());
            tokio::spawn(async move { tokio::try_join!(plain, secure).map(drop) })
        }
    };
    let outcome = until_the_end(asked, replica.clone(), &stop).await;
    tracing::info!("ending");
    stop.cancel();
    if tokio::time::timeout(LAST_ANSWERS, server).await.is_err() {
        tracing::info!("answers that were still under way were cut off");
    }
    if tokio::time::timeout(LAST_ANSWERS / 2, tasks.join_all()).await.is_err() {
        tracing::warn!("some work didn't end in time; it goes on at the next start");
    }
    if let Some(replica) = replica {
        replica.leave().await;
    }
    store.close().await;
    tell_what_goes_on(parts.agent.as_ref(), &settings);
    outcome
}

/// Which hosts an authority is asked for, besides domains of instances: those that the operator's own certificate isn't
/// for. `None` where no authority is asked.
fn certificate_scope(settings: &Settings, own: Option<&tls::Certificate>) -> Option<CertificateScope> {
    settings.tls.as_ref()?.acme.as_ref()?;
    let [of_page, of_instances] = own.map_or([false; 2], |own| own.covers);
    let public = match settings.public_url.host() {
        Some(url::Host::Domain(name)) if !of_page && !settings.is_loopback() => Some(name.to_owned()),
        _ => None,
    };
    // Nobody certifies names that lead everybody to their own machine.
    let is_reached =
        settings.instance_domain != "localhost" && !settings.instance_domain.ends_with(".localhost");
    Some(CertificateScope { public, given: !of_instances && is_reached })
}

/// A second listener, with TLS.
struct Secure {
    listener: TcpListener,
    /// None without files of the operator's.
    wanted: Option<tls::Wanted>,
    current: Arc<tls::Current>,
    /// None where no authority is asked.
    scope: Option<CertificateScope>,
    config: Arc<rustls::ServerConfig>,
}

impl Secure {
    /// None where the settings have no TLS.
    async fn prepare(settings: &Settings) -> Result<Option<Self>, Ended> {
        let Some(address) = settings.tls.as_ref().map(|tls| tls.listen) else { return Ok(None) };
        let wanted = tls::Wanted::of(settings);
        let certificate = wanted.as_ref().map(tls::load).transpose()?;
        for note in certificate.iter().flat_map(|certificate| &certificate.notes) {
            tracing::warn!("{note}");
        }
        let current = tls::Current::new(certificate.as_ref());
        let scope = certificate_scope(settings, certificate.as_ref());
        let listener = listen(address)
            .await
            .map_err(|error| Ended::because(&format!("{address} can't be listened on"), error))?;
        Ok(Some(Self { listener, config: tls::config(current.clone())?, current, scope, wanted }))
    }
}

/// A program that the last process had just begun when it was killed has its sockets too, until it becomes itself: so an
/// address that is taken is tried again for a moment.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let deadline = tokio::time::Instant::now() + TAKEN;
    loop {
        match TcpListener::bind(address).await {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(TAKEN / 40).await;
            }
            other => return other,
        }
    }
}

/// Until it is asked to end, or can't go on beside the other replicas.
async fn until_the_end(
    asked: impl Future<Output = ()>,
    replica: Option<replica::Replica>,
    stop: &CancellationToken,
) -> Result<(), Ended> {
    let beside_others = async {
        match replica {
            Some(replica) => replica.stay(stop.clone()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = asked => Ok(()),
        ended = beside_others => ended,
    }
}

/// Applications outlive Stoa: whoever ends it is told, and how to end them too.
fn tell_what_goes_on(agent: Option<&Agent>, settings: &Settings) {
    match agent.map_or(0, Agent::count_running) {
        0 => {}
        count => say(&format!(
            "{}. Stop with: stoa instances stop --all{}",
            counted(count, "goes on running", "go on running"),
            settings.data_dir_flag(),
        )),
    }
}

/// Removes, beside everything else, what git left in repositories when the last process was killed; from then on what a git
/// leaves that is killed itself. Packs what pushes have left.
async fn keep_repositories(repositories: Arc<GitRepositories>, stop: CancellationToken) {
    let look = |what: fn(&GitRepositories) -> std::io::Result<()>| {
        let own = repositories.clone();
        async move {
            let done = tokio::task::spawn_blocking(move || what(&own)).await;
            if let Err(error) = done.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                tracing::warn!(%error, "what was left in repositories couldn't be removed");
            }
        }
    };
    look(GitRepositories::tidy).await;
    for turn in 1_u64.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOCKS) => {}
        }
        look(GitRepositories::free_locks).await;
        if turn % REPACK == 0 {
            // A git that is cut off here leaves what the next start removes.
            let packed = tokio::select! {
                () = stop.cancelled() => return,
                packed = repositories.repack() => packed,
            };
            if let Err(error) = packed {
                tracing::warn!(%error, "repositories couldn't be packed");
            }
        }
    }
}

fn hosting(settings: &Settings, repositories: Arc<GitRepositories>) -> Result<Hosting, Ended> {
    // The same at every start, so that a push whose process was killed still finds the hook: git moves refs without a
    // word where there is none. There is one process on a data directory at a time.
    let hooks_folder = std::fs::canonicalize(&settings.data_dir)?.join("hooks");
    Ok(Hosting {
        folder: Arc::new(move |project| repositories.place(project)),
        hook_program: std::env::current_exe()?,
        hooks_folder,
        largest_push: LARGEST_PUSH,
        reads: Reads {
            names: &stoa_toml::LOOKED_INTO,
            folder: stoa_toml::folder,
            read: Arc::new(|folder| match stoa_toml::read(folder) {
                Ok(_) => Ok(()),
                Err(problem) => Err(problem.sentence),
            }),
        },
    })
}

fn spawn_background(tasks: &mut JoinSet<()>, app: &App, stop: &CancellationToken) {
    let spawn = |tasks: &mut JoinSet<()>, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        tasks.spawn(work);
    };
    let (grants, for_grants) = (app.clone(), stop.clone());
    let (connected, for_connected) = (app.clone(), stop.clone());
    spawn(tasks, Box::pin(async move { connected.run_connect_sessions(for_connected).await }));
    let (mails, jobs, machine, sweeps) = (app.clone(), app.clone(), app.clone(), app.clone());
    let (for_mails, for_jobs, for_machine, for_sweeps) =
        (stop.clone(), stop.clone(), stop.clone(), stop.clone());
    spawn(tasks, Box::pin(async move { mails.run_mails(for_mails).await }));
    spawn(tasks, Box::pin(async move { jobs.run_jobs(for_jobs).await }));
    let (backups, for_backups) = (app.clone(), stop.clone());
    spawn(tasks, Box::pin(async move { backups.run_backups(for_backups).await }));
    let (domains, for_domains) = (app.clone(), stop.clone());
    spawn(tasks, Box::pin(async move { domains.run_domains(for_domains).await }));
    spawn(tasks, Box::pin(async move { grants.run_grants(for_grants).await }));
    spawn(tasks, Box::pin(async move { machine.follow_machine(for_machine).await }));
    spawn(tasks, Box::pin(async move { sweep(sweeps, for_sweeps).await }));
    let (refusals, for_refusals) = (app.clone(), stop.clone());
    spawn(tasks, Box::pin(async move { write_refusals(refusals, for_refusals).await }));
}

/// Refusals that are held back reach the log though their flood has stopped, and before this process does.
async fn write_refusals(app: App, stop: CancellationToken) {
    loop {
        let ends = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(REFUSALS) => false,
        };
        if let Err(failure) = app.write_held_refusals(ends).await {
            tracing::error!(?failure, "refusals weren't written into the audit log");
        }
        if ends {
            return;
        }
    }
}

async fn sweep(app: App, stop: CancellationToken) {
    loop {
        if let Err(failure) = app.sweep().await {
            tracing::warn!(?failure, "what is past its time stays until the next sweep");
        }
        if let Err(failure) = app.compare_heads().await {
            tracing::warn!(?failure, "the branches of repositories couldn't be compared with the records");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEPS) => {}
        }
    }
}

fn app_settings(settings: &Settings, setup_token: &Secret) -> stoa_app::Settings {
    stoa_app::Settings {
        public_url: settings.origin(),
        instance_domain: settings.instance_domain.clone(),
        instance_port: settings.public_url.port().map(|port| format!(":{port}")).unwrap_or_default(),
        scheme: if settings.public_url.scheme() == "https" { "https" } else { "http" },
        workspace_creation: settings.workspace_creation,
        setup_token_hash: setup_token.reveal_text().map(stoa_app::secrets::hash_of),
        local_server: settings.local_server,
        version: crate::VERSION,
        mail_route: settings.mail_route(),
        notes: settings.notes(),
    }
}

fn site(settings: &Settings) -> Site {
    Site {
        origin: settings.origin(),
        host: settings.public_url.host_str().unwrap_or_default().to_owned(),
        port: settings.public_url.port_or_known_default().unwrap_or_default(),
        secure: settings.public_url.scheme() == "https",
        loopback: settings.is_loopback(),
        trusted_proxies: settings.trusted_proxies.clone(),
        version: crate::VERSION,
    }
}

/// Listens for SIGTERM and Ctrl-C from now on; done when either came.
///
/// # Errors
/// Where signals can't be listened for.
pub fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
