//! Remote repositories by git itself: over HTTPS with a token, over ssh with a deploy key.
//!
//! Every address is vetted as each other outgoing call is, and git is told exactly what was vetted: no name is looked up a
//! second time, nothing is redirected, no proxy asked. A token reaches git in a configuration read from a descriptor, a
//! deploy key nothing at all: ssh has it sign here.

mod agent;
mod keys;
mod words;

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use stoa_agent::folders::LEAST_FREE;
use stoa_agent::git::{Connection, GitError, Named, Repository, Transfer, TransferError};
use stoa_app::Fault;
use stoa_app::ports::{
    Applied, Looked, Pushed, RemoteAccess, RemoteCredential, RemoteError, RemoteFailure, RemotePush, Remotes,
    Staged,
};
use stoa_domain::branch::BranchName;
use stoa_domain::remote::{RemoteProblem, RemoteUrl, RemoteWay};
use stoa_domain::{ProjectId, Secret};
use zeroize::Zeroizing;

use crate::outgoing::{Outgoing, OutgoingError};
use agent::Agent;
use keys::DeployKey;
use words::Hidden;

/// How a host is called among known keys: it is pinned for one project, whatever its name.
const ALIAS: &str = "stoa-remote";

const DISTRUSTED: &str =
    "Its certificate isn't accepted: Stoa's machine doesn't trust the authority behind it, or it has ended.";

/// How long is waited, and how much is taken.
#[derive(Debug, Clone, Copy)]
pub struct RemoteLimits {
    /// For the list of branches.
    pub look: Duration,
    pub fetch: Duration,
    pub push: Duration,
    /// Without anything coming.
    pub silence: Duration,
    /// Bytes that a mirror grows by at once.
    pub size: u64,
    /// Bytes of memory of each of git's processes.
    pub memory: u64,
    /// Bytes that a fetch leaves free on the disk.
    pub least_free: u64,
}

impl Default for RemoteLimits {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(60),
            fetch: Duration::from_secs(20 * 60),
            push: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            size: 2 << 30,
            memory: 1 << 30,
            least_free: LEAST_FREE,
        }
    }
}

/// Git on mirrors.
pub struct GitRemotes {
    outgoing: Outgoing,
    /// Where a project's mirror lies.
    place: Box<dyn Fn(ProjectId) -> PathBuf + Send + Sync>,
    limits: RemoteLimits,
    /// Certificates that count besides the system's own: what the operator has named for every outgoing call.
    authorities: Option<PathBuf>,
}

/// A connection that is ready, and what has to last as long.
struct Opened {
    connection: Connection,
    hidden: Hidden,
    ssh: Option<Ssh>,
}

/// A folder for one connection by ssh. It goes with it.
struct Ssh {
    folder: PathBuf,
    has_pinned: bool,
    _agent: Option<Agent>,
}

impl Drop for Ssh {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "what one connection needed stays");
        }
    }
}

impl Ssh {
    /// The key that the host showed, where none was pinned.
    fn shown(&self) -> Option<String> {
        if self.has_pinned {
            return None;
        }
        let text = std::fs::read_to_string(self.folder.join("known")).ok()?;
        let mut words = text.lines().next()?.split_whitespace().skip(1);
        Some(format!("{} {}", words.next()?, words.next()?))
    }
}

impl RemoteLimits {
    fn transfer(self, patience: Duration) -> Transfer {
        let Self { silence, size, memory, least_free, .. } = self;
        Transfer { patience, silence, size, memory, least_free }
    }
}

impl GitRemotes {
    #[must_use]
    pub fn new(outgoing: Outgoing, place: impl Fn(ProjectId) -> PathBuf + Send + Sync + 'static) -> Self {
        let authorities = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        Self { outgoing, place: Box::new(place), limits: RemoteLimits::default(), authorities }
    }

    /// With other limits.
    #[must_use]
    pub fn within(self, limits: RemoteLimits) -> Self {
        Self { limits, ..self }
    }

    fn mirror(&self, project: ProjectId) -> Repository {
        Repository::at((self.place)(project))
    }

    async fn open(&self, access: &RemoteAccess) -> Result<Opened, RemoteError> {
        let url = &access.url;
        let is_encrypted = url.way() != RemoteWay::Http;
        let vetted = self.outgoing.addresses(url.host(), url.port(), is_encrypted).await;
        let addresses = vetted.map_err(|error| failure(unvetted(&error), error.to_string()))?;
        let secrets = match &access.credential {
            Some(RemoteCredential::Token { user, token }) => {
                vec![token.clone(), Secret::from_text(as_sent(user, token).to_string())]
            }
            _ => Vec::new(),
        };
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let host = url.host().to_owned();
        let hidden = Hidden { secrets, addresses: addresses.clone(), host };
        let (connection, ssh) = match url.way() {
            RemoteWay::Ssh => {
                let (connection, ssh) = by_ssh(access, &addresses, self.limits)
                    .map_err(|error| Fault::new(format!("a connection by ssh can't be prepared: {error}")))?;
                (connection, Some(ssh))
            }
            RemoteWay::Https => (self.by_http(access, &addresses, "https"), None),
            RemoteWay::Http => (self.by_http(access, &addresses, "http"), None),
        };
        Ok(Opened { connection, hidden, ssh })
    }

    fn by_http(&self, access: &RemoteAccess, addresses: &[String], protocol: &'static str) -> Connection {
        let url = &access.url;
        let mut settings: Vec<String> = [
            "http.followRedirects=false",
            "http.proxy=",
            "http.sslVerify=true",
            "http.lowSpeedLimit=1",
            "http.saveCookies=false",
            "credential.helper=",
            "core.askPass=",
            "transfer.bundleURI=false",
            "fetch.uriProtocols=",
            "fetch.unpackLimit=1",
        ]
        .map(str::to_owned)
        .to_vec();
        settings.push(format!("http.lowSpeedTime={}", self.limits.silence.as_secs().max(1)));
        // An address that is written out isn't looked up.
        if url.host().parse::<std::net::IpAddr>().is_err() {
            let bracketed = |address: &String| {
                if address.contains(':') { format!("[{address}]") } else { address.clone() }
            };
            let addresses: Vec<String> = addresses.iter().map(bracketed).collect();
            let line = format!("{}:{}:{}", url.host(), url.port(), addresses.join(","));
            settings.push(format!("http.curloptResolve={line}"));
        }
        if let Some(file) = &self.authorities {
            settings.push(format!("http.sslCAInfo={}", file.display()));
        }
        let configuration = match &access.credential {
            Some(RemoteCredential::Token { user, token }) => {
                let word = as_sent(user, token);
                Some(Zeroizing::new(format!(
                    "[http]\n\textraHeader = \"Authorization: Basic {}\"\n",
                    word.as_str()
                )))
            }
            _ => None,
        };
        let url = url.to_string();
        Connection { url, protocol, settings, configuration, environment: Vec::new() }
    }

    /// What went wrong, as it is told.
    fn told(&self, opened: &Opened, error: TransferError) -> RemoteError {
        let host_key = opened.ssh.as_ref().and_then(Ssh::shown);
        let failed = |problem, said: String, offered_key| {
            RemoteFailure { problem, said, host_key: host_key.clone(), offered_key }.into()
        };
        match error {
            TransferError::OutOfTime => failed(RemoteProblem::TimedOut, "It took too long.".to_owned(), None),
            TransferError::TooLarge => {
                let said = format!(
                    "More than {} MiB, or more than 20,000 branches and tags.",
                    self.limits.size >> 20
                );
                failed(RemoteProblem::TooLarge, said, None)
            }
            TransferError::NoSpace => {
                let said = "A fetch has to leave some of the disk free.".to_owned();
                failed(RemoteProblem::NoSpace, said, None)
            }
            TransferError::Damaged(why) => failed(RemoteProblem::Damaged, why.to_owned(), None),
            TransferError::Refused(said) => {
                let problem = words::problem(&said);
                let offered =
                    (problem == RemoteProblem::HostKeyChanged).then(|| words::offered(&said)).flatten();
                // What ssh paints around it says no more than this.
                let said = match &offered {
                    Some(fingerprint) => format!("It shows {fingerprint}"),
                    None if said.contains("dumb http transport") => {
                        "It knows only git's old protocol, which isn't taken.".to_owned()
                    }
                    None if words::asks_again(&said) => opened.hidden.why_asked().to_owned(),
                    None if words::distrusts(&said) => DISTRUSTED.to_owned(),
                    None => opened.hidden.clean(&said),
                };
                failed(problem, said, offered)
            }
            TransferError::Git(GitError::Unreadable(_)) => {
                failed(RemoteProblem::Away, "It doesn't answer as git does.".to_owned(), None)
            }
            TransferError::Git(error) => Fault::new(error).into(),
        }
    }

    async fn look_at(&self, opened: &Opened) -> Result<Named, RemoteError> {
        let limits = self.limits.transfer(self.limits.look);
        opened.connection.look(limits).await.map_err(|error| self.told(opened, error))
    }
}

/// A token as it stands in a request (RFC 7617).
fn as_sent(user: &str, token: &Secret) -> Zeroizing<String> {
    let pair = Zeroizing::new([user.as_bytes(), b":", token.reveal()].concat());
    Zeroizing::new(STANDARD.encode(&*pair))
}

/// What it means that an address isn't dialled: the address may change that, or only time.
fn unvetted(error: &OutgoingError) -> RemoteProblem {
    match error {
        OutgoingError::Unknown(_) | OutgoingError::Unprepared => RemoteProblem::Away,
        _ => RemoteProblem::NotAllowed,
    }
}

fn failure(problem: RemoteProblem, said: String) -> RemoteError {
    RemoteFailure { problem, said, host_key: None, offered_key: None }.into()
}

fn default_branch(named: &Named) -> Option<BranchName> {
    named.default_branch.as_deref().and_then(BranchName::parse)
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .write_all(text.as_bytes())
}

/// A folder of its own, whose path is short enough for a socket in it, holds what ssh is told: a configuration besides which
/// it reads none, and the pinned key.
fn by_ssh(
    access: &RemoteAccess,
    addresses: &[String],
    limits: RemoteLimits,
) -> io::Result<(Connection, Ssh)> {
    let folder = std::env::temp_dir().join(format!("stoa-ssh-{}", uuid::Uuid::now_v7().simple()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let mut ssh = Ssh { folder, has_pinned: access.host_key.is_some(), _agent: None };
    let (known, socket, file) =
        (ssh.folder.join("known"), ssh.folder.join("agent"), ssh.folder.join("config"));
    write(&known, &access.host_key.as_ref().map_or(String::new(), |key| format!("{ALIAS} {key}\n")))?;
    let identity = match &access.credential {
        Some(RemoteCredential::Key(secret)) => {
            let key = DeployKey::open(secret).map_err(|fault| io::Error::other(fault.chain()))?;
            ssh._agent = Some(Agent::start(tokio::net::UnixListener::bind(&socket)?, key));
            format!("\"{}\"", socket.display())
        }
        _ => "none".to_owned(),
    };
    let address = addresses.first().map(String::as_str).unwrap_or_default();
    let strict = if ssh.has_pinned { "yes" } else { "accept-new" };
    let known = known.display();
    let silence = limits.silence.as_secs().max(4) / 4;
    let text = format!(
        "Host *\n HostName {address}\n HostKeyAlias {ALIAS}\n CheckHostIP no\n CanonicalizeHostname no\n \
         UserKnownHostsFile \"{known}\"\n GlobalKnownHostsFile /dev/null\n HashKnownHosts no\n UpdateHostKeys no\n \
         VerifyHostKeyDNS no\n StrictHostKeyChecking {strict}\n IdentityAgent {identity}\n IdentityFile none\n \
         AddKeysToAgent no\n BatchMode yes\n PreferredAuthentications publickey\n PasswordAuthentication no\n \
         KbdInteractiveAuthentication no\n HostbasedAuthentication no\n GSSAPIAuthentication no\n ForwardAgent no\n \
         ForwardX11 no\n ClearAllForwardings yes\n PermitLocalCommand no\n ProxyCommand none\n ProxyJump none\n \
         ControlMaster no\n ControlPath none\n EscapeChar none\n RequestTTY no\n ConnectTimeout 15\n \
         ServerAliveInterval {silence}\n ServerAliveCountMax 4\n LogLevel ERROR\n"
    );
    write(&file, &text)?;
    let connection = Connection {
        url: access.url.to_string(),
        protocol: "ssh",
        settings: vec!["fetch.unpackLimit=1".to_owned(), "transfer.bundleURI=false".to_owned()],
        configuration: None,
        environment: vec![
            // Git hands this to a shell, so that nothing is put into it.
            ("GIT_SSH_COMMAND", "exec ssh -F \"$STOA_SSH_CONFIGURATION\"".to_owned()),
            ("GIT_SSH_VARIANT", "ssh".to_owned()),
            ("STOA_SSH_CONFIGURATION", file.display().to_string()),
        ],
    };
    Ok((connection, ssh))
}

impl Remotes for GitRemotes {
    fn check(&self, url: &RemoteUrl) -> Result<(), String> {
        let is_encrypted = url.way() != RemoteWay::Http;
        // A name may lead to an address that is listed; without that nothing goes unencrypted.
        self.outgoing.check_place(url.host(), url.port(), is_encrypted).map_err(|error| error.to_string())
    }

    fn new_key(&self) -> Result<Secret, Fault> {
        DeployKey::make()
    }

    fn public_key(&self, key: &Secret, comment: &str) -> Result<String, Fault> {
        Ok(DeployKey::open(key)?.line(comment))
    }

    fn fingerprint(&self, host_key: &str) -> Option<String> {
        keys::fingerprint(host_key)
    }

    fn look(&self, access: RemoteAccess) -> BoxFuture<'_, Result<Looked, RemoteError>> {
        Box::pin(async move {
            let opened = self.open(&access).await?;
            let named = self.look_at(&opened).await?;
            let branches = named.names.keys().filter(|name| name.starts_with("refs/heads/")).count();
            let host_key = opened.ssh.as_ref().and_then(Ssh::shown);
            Ok(Looked { host_key, branches, default_branch: default_branch(&named) })
        })
    }

    fn stage(&self, project: ProjectId, access: RemoteAccess) -> BoxFuture<'_, Result<Staged, RemoteError>> {
        Box::pin(async move {
            let mut opened = self.open(&access).await?;
            let named = self.look_at(&opened).await?;
            let mirror = self.mirror(project);
            if !mirror.exists() {
                let first = default_branch(&named).map_or("main".to_owned(), |branch| branch.to_string());
                mirror.create(&first).await.map_err(Fault::new)?;
            }
            // What was shown just now counts for the second connection too.
            let host_key = opened.ssh.as_ref().and_then(Ssh::shown);
            if host_key.is_some() {
                opened = self.open(&RemoteAccess { host_key: host_key.clone(), ..access }).await?;
            }
            let limits = self.limits.transfer(self.limits.fetch);
            let staged = mirror.stage(&opened.connection, &named, limits).await;
            let staged = staged.map_err(|error| match self.told(&opened, error) {
                RemoteError::Failed(failure) => {
                    RemoteFailure { host_key: host_key.clone(), ..*failure }.into()
                }
                fault @ RemoteError::Fault(_) => fault,
            })?;
            Ok(Staged {
                host_key,
                default_branch: default_branch(&named),
                is_changed: staged.is_changed,
                before: staged.before,
            })
        })
    }

    fn apply(&self, project: ProjectId, staged: Staged) -> BoxFuture<'_, Result<Applied, Fault>> {
        Box::pin(async move {
            let staged = stoa_agent::git::Staged { is_changed: staged.is_changed, before: staged.before };
            match self.mirror(project).apply(&staged).await.map_err(Fault::new)? {
                stoa_agent::git::Applied::Done { passed_over } => Ok(Applied::Done { passed_over }),
                stoa_agent::git::Applied::Otherwise => Ok(Applied::Otherwise),
            }
        })
    }

    fn push(
        &self,
        project: ProjectId,
        access: RemoteAccess,
        push: RemotePush,
    ) -> BoxFuture<'_, Result<Pushed, RemoteError>> {
        Box::pin(async move {
            let opened = self.open(&access).await?;
            let RemotePush { branch, from, to, aside } = push;
            // What is sent isn't seen growing: how long it may take is short enough.
            let limits = Transfer { silence: self.limits.push, ..self.limits.transfer(self.limits.push) };
            let connection = &opened.connection;
            let mirror = self.mirror(project);
            let pushed = mirror.push(connection, &branch, from.as_ref(), &to, aside.as_ref(), limits).await;
            let (succeeded, out, said) = pushed.map_err(|error| self.told(&opened, error))?;
            match words::reported(&out) {
                Some(Pushed::Refused(summary)) => {
                    // What the remote said of it stands among the complaints.
                    let theirs = said.lines().filter_map(|line| line.trim().strip_prefix("remote:"));
                    let theirs = theirs.map(str::trim).collect::<Vec<_>>().join(" ");
                    Ok(Pushed::Refused(opened.hidden.clean(&format!("{summary} {theirs}"))))
                }
                Some(Pushed::Done) if !succeeded => Err(self.told(&opened, TransferError::Refused(said))),
                Some(reported) => Ok(reported),
                // A remote that lets one read and not write says so before it reports anything.
                None => match self.told(&opened, TransferError::Refused(said)) {
                    RemoteError::Failed(failure) if failure.problem == RemoteProblem::Refused => {
                        Ok(Pushed::Refused(failure.said))
                    }
                    other => Err(other),
                },
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::outgoing::{Rules, Surroundings};

    /// One name leads to a private address, and no other anywhere.
    struct OneName;

    impl Surroundings for OneName {
        fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let found = if name == "inside.example" {
                Ok(vec![[10, 0, 0, 1].into()])
            } else {
                Err(io::ErrorKind::NotFound.into())
            };
            Box::pin(async move { found })
        }

        fn own_addresses(&self) -> io::Result<Vec<IpAddr>> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_a_host_that_isnt_reached() {
        let outgoing = Outgoing::with_surroundings(Rules::default(), Arc::new(OneName));
        let remotes = GitRemotes::new(outgoing, |project| PathBuf::from(format!("/nonexistent/{project}")));
        for (url, problem, said) in [
            (
                "https://nowhere.example/shop.git",
                RemoteProblem::Away,
                "There is no host named nowhere.example",
            ),
            ("git@nowhere.example:shop.git", RemoteProblem::Away, "There is no host named nowhere.example"),
            ("https://inside.example/shop.git", RemoteProblem::NotAllowed, "is a private address"),
            ("ssh://git@10.0.0.1/shop.git", RemoteProblem::NotAllowed, "is a private address"),
        ] {
            let access =
                RemoteAccess { url: RemoteUrl::parse(url).unwrap(), credential: None, host_key: None };
            let Err(RemoteError::Failed(failed)) = remotes.look(access).await else { panic!("{url}") };
            assert_eq!(failed.problem, problem, "{url}");
            assert!(failed.said.contains(said), "{url}: {}", failed.said);
        }
    }
}
