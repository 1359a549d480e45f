//! Remote repositories: where a project's is, what opens it, and how it stands with it. What was fetched lies in a mirror,
//! which everything else reads as it reads a hosted repository.

mod fetch;
mod hook;
mod places;
pub mod port;
mod push;

use stoa_domain::permission::remote as may;
use stoa_domain::remote::{RemoteProblem, RemoteUrl, RemoteWay};
use stoa_domain::{
    Conflict, FieldProblem, Permission, Permit, ProjectId, Refusal, Secret, Timestamp, WorkspaceId,
};
use stoa_storage::attempt::Limit;
use stoa_storage::remote::{NewRemote, RemotePlace, RemoteRecord};

pub use fetch::Guards;
pub use hook::{Hooked, MetWebhook, NewWebhook};
pub(crate) use push::Arrived;
pub use push::HeldRemote;
pub use stoa_storage::remote::RemoteState;

use crate::ports::{Looked, RemoteAccess, RemoteCredential, RemoteError, RemoteFailure, SealedPlace};
use crate::{App, Failure};

/// The version of the workspace's key by which new values are sealed.
const KEY_VERSION: i64 = 1;

/// What goes with a token where no name was given: the hosts that were tried take any.
const USER: &str = "git";

/// Connections that are tried for a workspace.
const TESTS: Limit = Limit { count: 20, seconds: 60 };

/// Where the repository of a new project is.
#[derive(Clone)]
pub struct WishedRemote {
    pub url: String,
    pub credential: Option<WishedToken>,
}

#[derive(Clone)]
pub struct WishedToken {
    pub user: Option<String>,
    pub token: Secret,
}

/// What is to become of a remote.
#[derive(Clone, Default)]
pub struct ChangeRemote {
    pub url: Option<String>,
    pub credential: Option<WishedToken>,
    /// The fingerprint of the key that the host shows now, and that is accepted.
    pub host_key: Option<String>,
    pub expected_revision: Option<i64>,
}

/// By what it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    None,
    Token,
    DeployKey,
}

impl CredentialKind {
    pub const ALL: [Self; 3] = [Self::None, Self::Token, Self::DeployKey];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::DeployKey => "deploy_key",
        }
    }
}

/// All that an owner sees of it.
#[derive(Debug, Clone)]
pub struct SeenRemote {
    pub state: RemoteState,
    pub credential: CredentialKind,
    /// The name that goes with a token.
    pub user: Option<String>,
    /// To be given to the remote.
    pub public_key: Option<String>,
    /// Kind and fingerprint of the pinned one.
    pub host_key: Option<(String, String)>,
    /// The fingerprint of the one that the host shows instead.
    pub offered_key: Option<String>,
    pub webhook_url: Option<String>,
    pub heard_at: Option<Timestamp>,
    pub next_at: Timestamp,
    pub revision: i64,
}

/// What a test came to.
#[derive(Debug, Clone)]
pub enum TestedRemote {
    Well { branches: usize, default_branch: Option<String> },
    Not { problem: RemoteProblem, said: String, offered_key: Option<String> },
}

fn place(workspace: WorkspaceId, project: ProjectId, column: &'static str) -> SealedPlace {
    SealedPlace { workspace, table: "projects", column, row: project.to_string(), version: KEY_VERSION }
}

fn is_visible(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The token, once it is one that can be sent.
fn checked(wish: &WishedToken, problems: &mut Vec<FieldProblem>) -> Option<(String, Secret)> {
    let user = wish.user.as_deref().unwrap_or(USER);
    let is_user = is_visible(user, 128) && !user.contains(':');
    if !is_user {
        let sentence = "A user name has up to 128 visible letters, and no colon.";
        problems.push(FieldProblem::new("credential.user", "invalid", sentence));
    }
    let is_token = wish.token.reveal_text().is_some_and(|token| is_visible(token, 4096));
    if !is_token {
        let sentence = "A token has up to 4,096 visible letters, and no space.";
        problems.push(FieldProblem::new("credential.token", "invalid", sentence));
    }
    (is_user && is_token).then(|| (user.to_owned(), wish.token.clone()))
}

impl App {
    /// An address that somebody typed in.
    fn remote_url(&self, field: &str, text: &str, problems: &mut Vec<FieldProblem>) -> Option<RemoteUrl> {
        let url = match RemoteUrl::parse(text) {
            Ok(url) => url,
            Err(sentence) => {
                problems.push(FieldProblem::new(field, "invalid", sentence));
                return None;
            }
        };
        if let Err(sentence) = self.outside().remotes.check(&url) {
            problems.push(FieldProblem::new(field, "not_allowed", sentence));
            return None;
        }
        Some(url)
    }

    /// A deploy key, sealed, and its public line.
    async fn new_deploy_key(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<(Vec<u8>, String), Failure> {
        let remotes = &self.outside().remotes;
        let key = remotes.new_key()?;
        let line = remotes.public_key(&key, &format!("stoa@{}", self.settings().host()))?;
        Ok((self.seal_remote(workspace, project, "credential", &key).await?, line))
    }

    async fn seal_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        column: &'static str,
        secret: &Secret,
    ) -> Result<Vec<u8>, Failure> {
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        Ok(self.outside().vault.seal(&key, &place(workspace, project, column), secret)?)
    }

    async fn open_sealed_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        column: &'static str,
        sealed: &[u8],
    ) -> Result<Secret, Failure> {
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        Ok(self.outside().vault.open(&key, &place(workspace, project, column), sealed)?)
    }

    /// What a new project's remote is kept as.
    ///
    /// # Errors
    /// `Invalid`, or a fault.
    pub(crate) async fn new_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        wish: &WishedRemote,
        problems: &mut Vec<FieldProblem>,
    ) -> Result<Option<NewRemote>, Failure> {
        let mut found = Vec::new();
        let url = self.remote_url("url", &wish.url, &mut found);
        let token = wish.credential.as_ref().map(|wish| checked(wish, &mut found));
        let is_by_key = url.as_ref().is_some_and(|url| url.way() == RemoteWay::Ssh);
        if is_by_key && token.is_some() {
            found.push(FieldProblem::new("credential", "unexpected", BY_KEY));
        }
        let is_good = found.is_empty();
        problems.extend(
            found.into_iter().map(|one| FieldProblem { field: format!("repository.{}", one.field), ..one }),
        );
        let (Some(url), true) = (url, is_good) else { return Ok(None) };
        let (credential, user, public_key) = match (is_by_key, token.flatten()) {
            (true, _) => {
                let (sealed, line) = self.new_deploy_key(workspace, project).await?;
                (Some(sealed), None, Some(line))
            }
            (false, Some((user, token))) => {
                let sealed = self.seal_remote(workspace, project, "credential", &token).await?;
                (Some(sealed), Some(user), None)
            }
            (false, None) => (None, None, None),
        };
        Ok(Some(NewRemote { url: url.to_string(), credential, user, public_key }))
    }

    async fn load_remote(&self, workspace: WorkspaceId, project: ProjectId) -> Result<RemoteRecord, Failure> {
        let found = self.store().find_remote(workspace, project).await?;
        Ok(found.ok_or(Refusal::Conflict(Conflict::NoRemote))?)
    }

    /// # Errors
    /// `Conflict` where Stoa hosts the project's repository, or a fault.
    pub async fn view_remote(&self, permit: Permit<may::View>) -> Result<SeenRemote, Failure> {
        self.seen_remote(permit.workspace(), *permit.target()).await
    }

    /// As it is now: what a change is compared with.
    ///
    /// # Errors
    /// As [`App::view_remote`].
    pub async fn load_remote_for_change<P>(&self, permit: &Permit<P>) -> Result<SeenRemote, Failure>
    where
        P: Permission<Target = ProjectId>,
    {
        self.seen_remote(permit.workspace(), *permit.target()).await
    }

    async fn seen_remote(&self, workspace: WorkspaceId, project: ProjectId) -> Result<SeenRemote, Failure> {
        let record = self.load_remote(workspace, project).await?;
        let credential = match (&record.credential, &record.public_key) {
            (None, _) => CredentialKind::None,
            (Some(_), Some(_)) => CredentialKind::DeployKey,
            (Some(_), None) => CredentialKind::Token,
        };
        let host_key = record.host_key.as_deref().and_then(|key| {
            let kind = key.split_whitespace().next().unwrap_or_default().to_owned();
            Some((kind, self.outside().remotes.fingerprint(key)?))
        });
        let hook = record.hook.as_ref();
        Ok(SeenRemote {
            credential,
            host_key,
            webhook_url: hook.map(|hook| format!("{}/api/v1/hooks/{hook}", self.settings().public_url)),
            state: record.state,
            user: record.user,
            public_key: record.public_key,
            offered_key: record.offered_key,
            heard_at: record.heard_at,
            next_at: record.next_at,
            revision: record.revision,
        })
    }

    /// Changes the address, the token, or the host's key that counts. Another place voids the token and the pinned key.
    ///
    /// # Errors
    /// `Invalid`, `PreconditionFailed`, `Conflict` where the host shows another key than the one that is accepted, or a
    /// fault.
    pub async fn change_remote(
        &self,
        permit: Permit<may::Change>,
        wish: ChangeRemote,
    ) -> Result<SeenRemote, Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let record = self.load_remote(workspace, project).await?;
        if wish.expected_revision.is_some_and(|expected| expected != record.revision) {
            return Err(Refusal::PreconditionFailed.into());
        }
        let mut problems = Vec::new();
        let before = RemoteUrl::parse(&record.state.url).ok();
        let url = match &wish.url {
            Some(text) => self.remote_url("url", text, &mut problems),
            None => before.clone(),
        };
        let token = wish.credential.as_ref().and_then(|wish| checked(wish, &mut problems));
        let is_by_key = url.as_ref().is_some_and(|url| url.way() == RemoteWay::Ssh);
        if is_by_key && wish.credential.is_some() {
            problems.push(FieldProblem::new("credential", "unexpected", BY_KEY));
        }
        let (Some(url), true) = (url, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let mut next = RemotePlace {
            url: url.to_string(),
            credential: record.credential,
            user: record.user,
            public_key: record.public_key,
            host_key: None,
            offered_key: record.offered_key,
            from: record.revision,
            words: String::new(),
        };
        let mut words = Vec::new();
        if before.as_ref().is_none_or(|before| *before != url) {
            words.push("the address");
        }
        if before.is_none_or(|before| !before.is_same_place(&url)) {
            (next.host_key, next.offered_key) = (Some(None), None);
            // A deploy key says nothing to whoever sees it used; a token would be given away.
            if !is_by_key || next.public_key.is_none() {
                (next.credential, next.user, next.public_key) = (None, None, None);
            }
        }
        if is_by_key && next.public_key.is_none() {
            let (sealed, line) = self.new_deploy_key(workspace, project).await?;
            (next.credential, next.public_key) = (Some(sealed), Some(line));
        }
        if let Some((user, token)) = token {
            let sealed = self.seal_remote(workspace, project, "credential", &token).await?;
            (next.credential, next.user, next.public_key) = (Some(sealed), Some(user), None);
            words.push("the token");
        }
        if let Some(accepted) = wish.host_key {
            let place = (next.url.as_str(), next.credential.as_deref(), next.user.as_deref());
            let access = self.access_to(workspace, project, place, next.public_key.is_some()).await?;
            next.host_key = Some(Some(self.shown_host_key(workspace, access, &accepted).await?));
            next.offered_key = None;
            words.push("the host's key");
        }
        next.words = words.join(" and ");
        self.store().change_remote(permit, next).await?;
        self.seen_remote(workspace, project).await
    }

    /// The key that the host shows now at the place that is wished, which has to be the one that was accepted.
    async fn shown_host_key(
        &self,
        workspace: WorkspaceId,
        access: RemoteAccess,
        accepted: &str,
    ) -> Result<String, Failure> {
        self.count(format!("remote:test:{workspace}"), TESTS).await?;
        let shown = match self.outside().remotes.look(access).await {
            Ok(looked) => looked.host_key,
            // It may refuse the credential, and shows its key all the same.
            Err(RemoteError::Failed(failure)) => match failure.host_key.clone() {
                Some(key) => Some(key),
                None => return Err(refusal(*failure).into()),
            },
            Err(RemoteError::Fault(fault)) => return Err(fault.into()),
        };
        let is_it = |key: &String| self.outside().remotes.fingerprint(key).as_deref() == Some(accepted);
        Ok(shown.filter(is_it).ok_or(Refusal::Conflict(Conflict::OtherHostKey))?)
    }

    /// Takes the token away, or puts a new deploy key in the place of the one that was.
    ///
    /// # Errors
    /// `Conflict` where there is none, `PreconditionFailed`, or a fault.
    pub async fn remove_remote_credential(
        &self,
        permit: Permit<may::RemoveCredential>,
        expected_revision: Option<i64>,
    ) -> Result<SeenRemote, Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let record = self.load_remote(workspace, project).await?;
        if expected_revision.is_some_and(|expected| expected != record.revision) {
            return Err(Refusal::PreconditionFailed.into());
        }
        let (credential, public_key) = match record.public_key {
            None => (None, None),
            Some(_) => {
                let (sealed, line) = self.new_deploy_key(workspace, project).await?;
                (Some(sealed), Some(line))
            }
        };
        let next = RemotePlace {
            url: record.state.url,
            credential,
            user: None,
            public_key,
            host_key: None,
            offered_key: record.offered_key,
            from: record.revision,
            words: "the credential".to_owned(),
        };
        self.store().remove_remote_credential(permit, next).await?;
        self.seen_remote(workspace, project).await
    }

    /// Connects, and says what came of it.
    ///
    /// # Errors
    /// `TooManyRequests`, `Conflict` where Stoa hosts the repository, or a fault.
    pub async fn test_remote(&self, permit: Permit<may::Test>) -> Result<TestedRemote, Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        self.count(format!("remote:test:{workspace}"), TESTS).await?;
        self.store().begin_test_of_remote(permit).await?;
        let record = self.load_remote(workspace, project).await?;
        let access = self.access(workspace, project, &record).await?;
        let url = &record.state.url;
        match self.outside().remotes.look(access).await {
            Ok(Looked { host_key, branches, default_branch }) => {
                self.pin(workspace, project, url, host_key).await?;
                let default_branch = default_branch.map(|branch| branch.to_string());
                Ok(TestedRemote::Well { branches, default_branch })
            }
            Err(RemoteError::Failed(failure)) => {
                let RemoteFailure { problem, said, host_key, offered_key } = *failure;
                self.pin(workspace, project, url, host_key).await?;
                Ok(TestedRemote::Not { problem, said, offered_key })
            }
            Err(RemoteError::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Has it fetched as soon as there is a place.
    ///
    /// # Errors
    /// `TooManyRequests`, `Conflict` where Stoa hosts the repository, or a fault.
    pub async fn fetch_remote_now(&self, permit: Permit<may::Fetch>) -> Result<SeenRemote, Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        self.count(format!("remote:fetch:{project}"), TESTS).await?;
        self.store().wish_fetch(permit).await?;
        self.seen_remote(workspace, project).await
    }

    /// The key of a host that was met for the first time, at the address at which it was.
    async fn pin(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        url: &str,
        host_key: Option<String>,
    ) -> Result<(), Failure> {
        if let Some(key) = host_key {
            self.store().pin_host_key(workspace, project, url.to_owned(), key).await?;
        }
        Ok(())
    }

    /// What opens the remote repository of a project; `None` where Stoa hosts it.
    pub(crate) async fn open_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<RemoteAccess>, Failure> {
        match self.store().find_remote(workspace, project).await? {
            Some(record) => self.access(workspace, project, &record).await.map(Some),
            None => Ok(None),
        }
    }

    async fn access(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        record: &RemoteRecord,
    ) -> Result<RemoteAccess, Failure> {
        let place = (record.state.url.as_str(), record.credential.as_deref(), record.user.as_deref());
        let access = self.access_to(workspace, project, place, record.public_key.is_some()).await?;
        Ok(RemoteAccess { host_key: record.host_key.clone(), ..access })
    }

    /// To an address, with a sealed credential and the name that goes with it. No host's key is asked for.
    async fn access_to(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        (url, credential, user): (&str, Option<&[u8]>, Option<&str>),
        is_by_key: bool,
    ) -> Result<RemoteAccess, Failure> {
        // What was taken once is checked again: the rules may have become stricter since.
        let url = RemoteUrl::parse(url).map_err(|sentence| Refusal::invalid("url", "invalid", sentence))?;
        let credential = match credential {
            None => None,
            Some(sealed) => {
                let secret = self.open_sealed_remote(workspace, project, "credential", sealed).await?;
                Some(if is_by_key {
                    RemoteCredential::Key(secret)
                } else {
                    RemoteCredential::Token { user: user.unwrap_or(USER).to_owned(), token: secret }
                })
            }
        };
        Ok(RemoteAccess { url, credential, host_key: None })
    }
}

/// By which it is refused to give a token for ssh.
const BY_KEY: &str =
    "By ssh Stoa makes a key of its own, which the repository is then told. Leave the token away.";

/// A failure, to whoever waits for what it kept from being done.
fn refusal(failure: RemoteFailure) -> Refusal {
    Refusal::Remote { problem: failure.problem, said: failure.said }
}
