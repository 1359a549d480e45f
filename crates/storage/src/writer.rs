//! The one writer of SQLite, and what every write of either database goes through.
//!
//! The writer gathers what waits into one `BEGIN IMMEDIATE … COMMIT`, and answers only after the commit: many writers
//! share one flush to the disk. Most writes succeed, so they run together without savepoints. Where one that has
//! written something is refused after all, the whole is undone and each is done again in a transaction of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use stoa_domain::{Actor, Authority, Credential, Recheck, Refusal};
use tokio::sync::{broadcast, mpsc, oneshot};
use uuid::Uuid;

use crate::audit::ChainEnds;
use crate::failure::{Failure, StorageFault};
use crate::later::Later;
use crate::locate::WorkspaceWords;
use crate::session::KeptSessions;
use crate::standing::{self, Standings};
use crate::store::{Clock, NewIds, Work};
use crate::tx::{AuditWords, Connection, Touched, Tx};

/// Most writes that one commit gathers.
const GATHERED: usize = 128;

pub(crate) struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn NewIds>,
    pub changes: broadcast::Sender<Arc<Touched>>,
    pub standings: Standings,
    pub sessions: KeptSessions,
    pub workspace_words: WorkspaceWords,
    pub commits: Arc<AtomicU64>,
}

/// How a write went, inside of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    Done,
    Refused,
    Failed,
}

/// A write that waits for its turn. `run` may be called again when what it did was undone; `settle` answers the caller.
pub(crate) trait Waiting: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Went>;
    fn settle(self: Box<Self>, committed: Result<(), StorageFault>);
}

pub(crate) type Job = Box<dyn Waiting>;

struct Ticket<A, T> {
    authority: A,
    work: Work<T>,
    outcome: Option<Result<T, Failure>>,
    answer: oneshot::Sender<Result<T, Failure>>,
}

impl<A: Authority, T: Send> Waiting for Ticket<A, T> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Went> {
        Box::pin(async move {
            let outcome = carry_out(tx, &self.authority, &self.work).await;
            let went = match &outcome {
                Ok(_) => Went::Done,
                Err(Failure::Refused(_)) => Went::Refused,
                Err(Failure::Fault(_)) => Went::Failed,
            };
            self.outcome = Some(outcome);
            went
        })
    }

    fn settle(self: Box<Self>, committed: Result<(), StorageFault>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(_)), Err(fault)) => Err(Failure::Fault(fault)),
            (Some(outcome), _) => outcome,
            (None, Err(fault)) => Err(Failure::Fault(fault)),
            (None, Ok(())) => Err(Failure::Fault(StorageFault::WriterEnded)),
        };
        // Whoever asked may have gone away; what was written stays written.
        let _ = self.answer.send(outcome);
    }
}

pub(crate) async fn submit<A, T>(
    writer: &mpsc::Sender<Job>,
    authority: A,
    work: Work<T>,
) -> Result<T, Failure>
where
    A: Authority + 'static,
    T: Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    let ticket = Box::new(Ticket { authority, work, outcome: None, answer });
    writer.send(ticket).await.map_err(|_| StorageFault::WriterEnded)?;
    outcome.await.map_err(|_| StorageFault::WriterEnded)?
}

pub(crate) async fn run(
    mut connection: SqliteConnection,
    mut waiting: mpsc::Receiver<Job>,
    around: Surroundings,
) {
    while let Some(first) = waiting.recv().await {
        let mut jobs = vec![first];
        match together(&mut connection, &mut jobs, Some(&mut waiting), &around).await {
            Ended::Committed(touched) => around.tell(jobs, touched),
            Ended::Undone if jobs.len() == 1 => around.tell(jobs, Touched::default()),
            Ended::Undone => {
                for job in jobs {
                    let mut alone = vec![job];
                    match together(&mut connection, &mut alone, None, &around).await {
                        Ended::Committed(touched) => around.tell(alone, touched),
                        Ended::Undone => around.tell(alone, Touched::default()),
                        Ended::Failed(fault) => not_committed(alone, &fault),
                    }
                }
            }
            Ended::Failed(fault) => not_committed(jobs, &fault),
        }
    }
}

impl Surroundings {
    /// What is kept in memory is dropped before anyone is answered, and who listens is told after.
    fn tell(&self, jobs: Vec<Job>, touched: Touched) {
        self.standings.forget(&touched);
        self.sessions.forget(&touched);
        self.workspace_words.forget(&touched);
        self.commits.fetch_add(1, Ordering::SeqCst);
        for job in jobs {
            job.settle(Ok(()));
        }
        if !touched.is_empty() {
            // Nobody listening is no fault.
            let _ = self.changes.send(Arc::new(touched));
        }
    }
}

fn not_committed(jobs: Vec<Job>, fault: &StorageFault) {
    tracing::error!(%fault, writes = jobs.len(), "writes weren't committed");
    for job in jobs {
        // One cause, told to each of the writes that shared it.
        job.settle(Err(if fault.is_full() {
            StorageFault::Full
        } else {
            StorageFault::Start(fault.to_string())
        }));
    }
}

/// How a transaction of the writer ended.
enum Ended {
    Committed(Touched),
    /// One that had written was refused, or failed: nothing of any of them is there.
    Undone,
    /// It couldn't be begun or committed.
    Failed(StorageFault),
}

/// One transaction of all the jobs, and of what comes to wait while they run.
async fn together(
    connection: &mut SqliteConnection,
    jobs: &mut Vec<Job>,
    mut waiting: Option<&mut mpsc::Receiver<Job>>,
    around: &Surroundings,
) -> Ended {
    if let Err(fault) = statement(connection, "BEGIN IMMEDIATE").await {
        return Ended::Failed(fault);
    }
    let mut touched = Touched::default();
    let mut chains = ChainEnds::default();
    let mut later = Later::default();
    let mut done = 0;
    while let Some(job) = jobs.get_mut(done) {
        let mut tx = Tx {
            connection: Connection::Sqlite(connection),
            now: around.clock.now(),
            ids: around.ids.clone(),
            touched: Touched::default(),
            audit: AuditWords::default(),
            chains: std::mem::take(&mut chains),
            later: std::mem::take(&mut later),
            has_written: false,
        };
        let went = job.run(&mut tx).await;
        match went {
            Went::Done => touched.merge(std::mem::take(&mut tx.touched)),
            Went::Refused if !tx.has_written => {}
            // After an error SQLite may have ended the transaction by itself, so nothing is added to it.
            Went::Refused | Went::Failed => return undo(connection).await,
        }
        chains = std::mem::take(&mut tx.chains);
        later = std::mem::take(&mut tx.later);
        done += 1;
        while let (Some(waiting), true) = (waiting.as_deref_mut(), jobs.len() < GATHERED) {
            match waiting.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
    }
    if let Err(fault) = later.write(connection).await {
        undo(connection).await;
        // Whose row it was isn't known: each is tried by itself.
        return if jobs.len() == 1 { Ended::Failed(fault) } else { Ended::Undone };
    }
    match commit(connection, &chains).await {
        Ok(()) => Ended::Committed(touched),
        Err(fault) => {
            undo(connection).await;
            Ended::Failed(fault)
        }
    }
}

async fn commit(connection: &mut SqliteConnection, chains: &ChainEnds) -> Result<(), StorageFault> {
    crate::audit::keep_ends(&mut Connection::Sqlite(connection), chains).await?;
    statement(connection, "COMMIT").await
}

async fn undo(connection: &mut SqliteConnection) -> Ended {
    // There may be no transaction open any more; then there is nothing to undo.
    let _ = statement(connection, "ROLLBACK").await;
    Ended::Undone
}

async fn statement(connection: &mut SqliteConnection, text: &'static str) -> Result<(), StorageFault> {
    sqlx::query(text).execute(connection).await?;
    Ok(())
}

crate::statements! {
    /// Everything that is written in a workspace takes its turn, as it does on SQLite: so a check and the act
    /// that rests on it (the last owner, a free name) can't be parted.
    LOCK_WORKSPACE = "SELECT id FROM workspaces WHERE id = $1"
        | "SELECT id FROM workspaces WHERE id = $1 FOR UPDATE" because "SQLite has one writer, and is never asked";
    /// The member's row changes under the lock of its workspace only. What ends a session or a token raises no revision;
    /// whoever ends it waits for what is written by it.
    REVISIONS = "SELECT a.status, a.revision, m.access_revision,
            EXISTS (SELECT 1 FROM sessions WHERE id = $3 AND expires_at > $4)
                OR EXISTS (SELECT 1 FROM tokens WHERE id = $3 AND (expires_at IS NULL OR expires_at > $4))
            FROM accounts a LEFT JOIN members m ON m.account_id = a.id AND m.workspace_id = $2 WHERE a.id = $1"
        | "WITH by_session AS (SELECT id FROM sessions WHERE id = $3 AND expires_at > $4 FOR SHARE),
            by_token AS (SELECT id FROM tokens WHERE id = $3 AND (expires_at IS NULL OR expires_at > $4) FOR SHARE)
            SELECT a.status, a.revision, m.access_revision,
                EXISTS (SELECT 1 FROM by_session) OR EXISTS (SELECT 1 FROM by_token)
            FROM accounts a LEFT JOIN members m ON m.account_id = a.id AND m.workspace_id = $2 WHERE a.id = $1
            FOR SHARE OF a"
        because "SQLite has one writer";
    ACCOUNT_REVISION = "SELECT revision, status FROM accounts WHERE id = $1"
        | "SELECT revision, status FROM accounts WHERE id = $1 FOR SHARE" because "SQLite has one writer";
    /// As in `REVISIONS`, where there is no membership to ask for.
    CREDENTIAL_COUNTS = "SELECT id FROM sessions WHERE id = $1 AND expires_at > $2
            UNION ALL SELECT id FROM tokens WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)"
        | "WITH by_session AS (SELECT id FROM sessions WHERE id = $1 AND expires_at > $2 FOR SHARE),
            by_token AS (SELECT id FROM tokens WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2) FOR SHARE)
            SELECT id FROM by_session UNION ALL SELECT id FROM by_token" because "SQLite has one writer";
}

/// Waits for its turn to write in a workspace.
pub(crate) async fn lock_workspace(
    tx: &mut Tx<'_>,
    workspace: stoa_domain::WorkspaceId,
) -> Result<(), StorageFault> {
    if matches!(tx.connection, Connection::Postgres(_)) {
        tx.fetch_optional(LOCK_WORKSPACE, crate::values![workspace]).await?;
    }
    Ok(())
}

/// What the actor showed, which has to count still: between a request's gate and its write there may be minutes, of its
/// body or an answer of the outside.
fn credential(actor: Option<&Actor>) -> Option<Uuid> {
    match actor?.credential {
        Credential::Session(id) => Some(id.uuid()),
        Credential::Token(id) => Some(id.uuid()),
        // Whoever began a job needn't be signed in any more.
        Credential::Job => None,
    }
}

/// Recheck, work, audit: the inside of every write.
pub(crate) async fn carry_out<T>(
    tx: &mut Tx<'_>,
    authority: &dyn Authority,
    work: &Work<T>,
) -> Result<T, Failure> {
    if authority.workspace() != stoa_domain::WorkspaceId::INSTALLATION {
        lock_workspace(tx, authority.workspace()).await?;
    }
    let (shown, now) = (credential(authority.actor()), tx.now());
    match authority.recheck() {
        Recheck::Nothing => {}
        Recheck::Account { account, revision } => {
            if let Some(shown) = shown
                && tx.fetch_optional(CREDENTIAL_COUNTS, crate::values![shown, now]).await?.is_none()
            {
                return Err(Refusal::Unauthenticated.into());
            }
            let row = tx.fetch_optional(ACCOUNT_REVISION, crate::values![account]).await?;
            let row = row.ok_or(Refusal::Unauthenticated)?;
            if row.get::<i64>(0)? != revision || row.get::<String>(1)? != "active" {
                return Err(Refusal::Unauthenticated.into());
            }
        }
        Recheck::Member { account, revisions, ends_at } => {
            let values = crate::values![account, authority.workspace(), shown, now];
            let row = tx.fetch_optional(REVISIONS, values).await?.ok_or(Refusal::Unauthenticated)?;
            if row.get::<String>(0)? != "active" || (shown.is_some() && !row.get::<bool>(3)?) {
                return Err(Refusal::Unauthenticated.into());
            }
            let (account_revision, access) = (row.get::<i64>(1)?, row.get::<Option<i64>>(2)?);
            // A grant that has ended since changes no revision.
            let has_ended = ends_at.is_some_and(|ends_at| ends_at <= tx.now());
            if has_ended || access != Some(revisions.access) || account_revision != revisions.account {
                let fresh =
                    standing::load_in(tx, authority.workspace(), account, &authority.resources()).await?;
                authority.again(Arc::new(fresh.ok_or(Refusal::NotFound)?))?;
            }
        }
    }
    let answer = work(tx).await?;
    crate::audit::write_done(tx, authority).await?;
    Ok(answer)
}
