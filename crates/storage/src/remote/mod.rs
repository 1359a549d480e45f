//! Remote repositories of projects: where they are, by what they are opened, and how it stands with them. Credentials come
//! in sealed; nothing here could open one.

pub mod turn;

use stoa_domain::permission::remote::{Change, Fetch, MakeWebhook, RemoveCredential, RemoveWebhook, Test};
use stoa_domain::{
    Authority, Conflict, Permission, Permit, ProjectId, Refusal, ResourceKind, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT p.url, p.credential, r.user_name, r.public_key, p.host_key, r.offered_key, r.hook, p.webhook_secret,
            r.heard_at, r.next_at, p.revision, r.fetched_at, r.tried_at, r.problem, r.detail, r.failing_since,
            r.passed_over, r.lease_until
        FROM projects p JOIN remotes r ON r.project_id = p.id WHERE p.workspace_id = $1 AND p.id = $2";
    INSERT = "INSERT INTO remotes (project_id, workspace_id, user_name, public_key, failures, passed_over, next_at)
        VALUES ($1, $2, $3, $4, 0, 0, $5)";
    /// The pinned key is left alone where it isn't meant: it may have been pinned meanwhile, which raises no revision.
    PLACE = "UPDATE projects SET url = $3, credential = $4, host_key = CASE WHEN $5 THEN $6 ELSE host_key END,
            revision = revision + 1
        WHERE workspace_id = $1 AND id = $2 RETURNING name";
    CREDENTIAL = "UPDATE remotes SET user_name = $3, public_key = $4, offered_key = $5
        WHERE workspace_id = $1 AND project_id = $2";
    DUE = "UPDATE remotes SET next_at = $3, wished_at = $3 WHERE workspace_id = $1 AND project_id = $2";
    /// No later than it is due already.
    DUE_BY = "UPDATE remotes SET next_at = CASE WHEN next_at < $4 THEN next_at ELSE $4 END, wished_at = $3
        WHERE workspace_id = $1 AND project_id = $2";
    NAME = "SELECT name FROM projects WHERE workspace_id = $1 AND id = $2 AND kind = 'remote'";
    HOOK = "UPDATE remotes SET hook = $3, heard_at = NULL WHERE workspace_id = $1 AND project_id = $2";
    HOOK_SECRET = "UPDATE projects SET webhook_secret = $3, revision = revision + 1 WHERE workspace_id = $1 AND id = $2
        RETURNING name";
    BY_HOOK = "SELECT r.workspace_id, r.project_id, p.webhook_secret FROM remotes r JOIN projects p ON p.id = r.project_id
        WHERE r.hook = $1";
    HEARD = "UPDATE remotes SET heard_at = $3 WHERE workspace_id = $1 AND project_id = $2";
    /// Only for the address at which it was shown.
    PIN = "UPDATE projects SET host_key = $3 WHERE workspace_id = $1 AND id = $2 AND host_key IS NULL AND url = $4";
}

/// Of a new project.
#[derive(Clone)]
pub struct NewRemote {
    pub url: String,
    pub credential: Option<Vec<u8>>,
    pub user: Option<String>,
    pub public_key: Option<String>,
}

/// How it stands with a remote repository, for everybody who sees the project.
#[derive(Debug, Clone)]
pub struct RemoteState {
    pub url: String,
    /// When it was last fetched whole.
    pub fetched_at: Option<Timestamp>,
    pub tried_at: Option<Timestamp>,
    /// What keeps it from being fetched: its key, and git's own words, cleaned.
    pub problem: Option<(String, String)>,
    pub failing_since: Option<Timestamp>,
    /// Names at the remote that can't be a branch's or a tag's here.
    pub passed_over: i64,
    pub is_running: bool,
}

impl RemoteState {
    /// Of one that wasn't fetched yet.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            url,
            fetched_at: None,
            tried_at: None,
            problem: None,
            failing_since: None,
            passed_over: 0,
            is_running: false,
        }
    }
}

/// All of it.
#[derive(Clone)]
pub struct RemoteRecord {
    pub state: RemoteState,
    pub credential: Option<Vec<u8>>,
    pub user: Option<String>,
    pub public_key: Option<String>,
    /// `ssh-ed25519 AAAA…`, pinned.
    pub host_key: Option<String>,
    /// The fingerprint of the key that the host showed instead.
    pub offered_key: Option<String>,
    pub hook: Option<String>,
    pub webhook_secret: Option<Vec<u8>>,
    pub heard_at: Option<Timestamp>,
    pub next_at: Timestamp,
    pub revision: i64,
}

/// What becomes of a remote: all of it as it is then.
#[derive(Clone)]
pub struct RemotePlace {
    pub url: String,
    pub credential: Option<Vec<u8>>,
    pub user: Option<String>,
    pub public_key: Option<String>,
    /// What is pinned from then on, where that changes.
    pub host_key: Option<Option<String>>,
    pub offered_key: Option<String>,
    /// The revision that it was made from.
    pub from: i64,
    /// What of it has changed, for the audit log.
    pub words: String,
}

/// The columns from `first` on: `url` stands elsewhere.
pub(crate) fn state(
    row: &Row,
    url: String,
    first: usize,
    now: Timestamp,
) -> Result<RemoteState, StorageFault> {
    let problem: Option<String> = row.get(first + 2)?;
    let detail: Option<String> = row.get(first + 3)?;
    let lease: Option<Timestamp> = row.get(first + 6)?;
    Ok(RemoteState {
        url,
        fetched_at: row.get(first)?,
        tried_at: row.get(first + 1)?,
        problem: problem.map(|problem| (problem, detail.unwrap_or_default())),
        failing_since: row.get(first + 4)?,
        passed_over: row.get::<Option<i64>>(first + 5)?.unwrap_or(0),
        is_running: lease.is_some_and(|until| until > now),
    })
}

fn read(row: &Row, now: Timestamp) -> Result<RemoteRecord, StorageFault> {
    let url: Option<String> = row.get(0)?;
    Ok(RemoteRecord {
        state: state(row, url.unwrap_or_default(), 11, now)?,
        credential: row.get(1)?,
        user: row.get(2)?,
        public_key: row.get(3)?,
        host_key: row.get(4)?,
        offered_key: row.get(5)?,
        hook: row.get(6)?,
        webhook_secret: row.get(7)?,
        heard_at: row.get(8)?,
        next_at: row.get(9)?,
        revision: row.get(10)?,
    })
}

pub(crate) async fn insert_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    remote: &NewRemote,
) -> Result<(), StorageFault> {
    let now = tx.now();
    let values = values![project, workspace, remote.user.clone(), remote.public_key.clone(), now];
    tx.execute(INSERT, values).await.map(drop)
}

impl Store {
    /// The remote repository of a project; `None` where it is hosted by Stoa, or there is no such project.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_remote(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<RemoteRecord>, StorageFault> {
        let row = self.fetch_optional(FIND, values![workspace, project]).await?;
        row.map(|row| read(&row, self.now())).transpose()
    }

    /// Changes where it is and by what it is opened; it is fetched at once.
    ///
    /// # Errors
    /// `PreconditionFailed` where it was changed meanwhile, or a fault.
    pub async fn change_remote(&self, permit: Permit<Change>, place: RemotePlace) -> Result<(), Failure> {
        self.place_remote(permit, place).await
    }

    /// The same, for a credential that is taken away.
    ///
    /// # Errors
    /// As `change_remote`.
    pub async fn remove_remote_credential(
        &self,
        permit: Permit<RemoveCredential>,
        place: RemotePlace,
    ) -> Result<(), Failure> {
        self.place_remote(permit, place).await
    }

    async fn place_remote<P>(&self, permit: Permit<P>, place: RemotePlace) -> Result<(), Failure>
    where
        P: Permission<Target = ProjectId>,
    {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let place = place.clone();
            Box::pin(async move {
                let row = tx.fetch_optional(FIND, values![workspace, project]).await?;
                let revision: i64 = row.ok_or(Refusal::Conflict(Conflict::NoRemote))?.get(10)?;
                if revision != place.from {
                    return Err(Refusal::PreconditionFailed.into());
                }
                let (is_other_key, host_key) = (place.host_key.is_some(), place.host_key.clone().flatten());
                let values = values![workspace, project, place.url, place.credential, is_other_key, host_key];
                let name: String = tx.fetch_one(PLACE, values).await?.get(0)?;
                let values = values![workspace, project, place.user, place.public_key, place.offered_key];
                tx.execute(CREDENTIAL, values).await?;
                let now = tx.now();
                tx.execute(DUE, values![workspace, project, now]).await?;
                tx.audit_name(name);
                tx.audit_second(place.words);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// It is fetched as soon as there is a place.
    ///
    /// # Errors
    /// `Conflict` where the project has no remote repository, or a fault.
    pub async fn wish_fetch(&self, permit: Permit<Fetch>) -> Result<(), Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let name = remote_name(tx, workspace, project).await?;
                let now = tx.now();
                tx.execute(DUE, values![workspace, project, now]).await?;
                tx.audit_name(name);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// The same, where what was done here shows that the mirror isn't what is there.
    ///
    /// # Errors
    /// A fault.
    pub async fn wish_fetch_by_itself(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(DUE, values![workspace, project, now]).await?;
                Ok(())
            })
        });
        self.write(turn::system(workspace, project), work).await
    }

    /// Writes down that it is tested.
    ///
    /// # Errors
    /// As `wish_fetch`.
    pub async fn begin_test_of_remote(&self, permit: Permit<Test>) -> Result<(), Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let name = remote_name(tx, workspace, project).await?;
                tx.audit_name(name);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// The webhook's path and its secret, in place of those that were.
    ///
    /// # Errors
    /// As `wish_fetch`.
    pub async fn make_webhook(
        &self,
        permit: Permit<MakeWebhook>,
        hook: String,
        secret: Vec<u8>,
    ) -> Result<(), Failure> {
        let project = *permit.target();
        self.set_webhook(permit, project, Some((hook, secret))).await
    }

    /// # Errors
    /// As `wish_fetch`.
    pub async fn remove_webhook(&self, permit: Permit<RemoveWebhook>) -> Result<(), Failure> {
        let project = *permit.target();
        self.set_webhook(permit, project, None).await
    }

    async fn set_webhook<A: Authority + 'static>(
        &self,
        authority: A,
        project: ProjectId,
        webhook: Option<(String, Vec<u8>)>,
    ) -> Result<(), Failure> {
        let workspace = authority.workspace();
        let work: Work<()> = Box::new(move |tx| {
            let (hook, secret) = webhook.clone().unzip();
            Box::pin(async move {
                remote_name(tx, workspace, project).await?;
                let name: String =
                    tx.fetch_one(HOOK_SECRET, values![workspace, project, secret]).await?.get(0)?;
                tx.execute(HOOK, values![workspace, project, hook]).await?;
                tx.audit_name(name);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?)
            })
        });
        self.write(authority, work).await
    }

    /// Whose webhook has this path, and its sealed secret.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_by_hook(
        &self,
        hook: &str,
    ) -> Result<Option<(WorkspaceId, ProjectId, Vec<u8>)>, StorageFault> {
        let Some(row) = self.fetch_optional(BY_HOOK, values![hook]).await? else { return Ok(None) };
        let secret: Option<Vec<u8>> = row.get(2)?;
        let found = (row.get(0)?, row.get(1)?);
        Ok(secret.map(|secret| (found.0, found.1, secret)))
    }

    /// Its webhook was called: it is fetched in so many seconds at the latest.
    ///
    /// # Errors
    /// A fault.
    pub async fn hear_webhook(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        within: i64,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(HEARD, values![workspace, project, now]).await?;
                tx.execute(DUE_BY, values![workspace, project, now, now.plus_seconds(within)]).await?;
                Ok(())
            })
        });
        self.write(turn::system(workspace, project), work).await
    }

    /// Pins the key that a host showed at `url`, where none is pinned yet and it still is there.
    ///
    /// # Errors
    /// A fault.
    pub async fn pin_host_key(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        url: String,
        key: String,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let (url, key) = (url.clone(), key.clone());
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(PIN, values![workspace, project, key, url]).await?;
                Ok(())
            })
        });
        self.write(turn::system(workspace, project), work).await
    }
}

async fn remote_name(tx: &mut Tx<'_>, workspace: WorkspaceId, project: ProjectId) -> Result<String, Failure> {
    let row = tx.fetch_optional(NAME, values![workspace, project]).await?;
    Ok(row.ok_or(Refusal::Conflict(Conflict::NoRemote))?.get(0)?)
}
