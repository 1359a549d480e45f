//! The one writer of SQLite, and what every write of either database goes through.
//!
//! The writer gathers what waits into one `BEGIN IMMEDIATE … COMMIT` with a savepoint each, and answers only
//! after the commit: many writers share one flush to the disk.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use stoa_domain::{Authority, Recheck, Refusal};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::failure::{Failure, StorageFault};
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
}

/// A write that waits for its turn. `run` says whether it is to be kept; `settle` answers the caller.
pub(crate) trait Waiting: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool>;
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
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let outcome = carry_out(tx, &self.authority, &self.work).await;
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
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
        let mut touched = Touched::default();
        let mut done = 0;
        let mut failed = None;
        if let Err(error) = statement(&mut connection, "BEGIN IMMEDIATE").await {
            failed = Some(error);
        }
        while failed.is_none() && done < jobs.len() {
            if let Some(job) = jobs.get_mut(done) {
                match one(&mut connection, job, &around).await {
                    Ok(more) => touched.merge(more),
                    Err(error) => failed = Some(error),
                }
            }
            done += 1;
            while jobs.len() < GATHERED {
                match waiting.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
        }
        if failed.is_none() {
            failed = statement(&mut connection, "COMMIT").await.err();
        }
        let committed = failed.is_none();
        if let Some(error) = &failed {
            tracing::error!(%error, writes = jobs.len(), "writes weren't committed");
            // There may be no transaction open any more; then there is nothing to undo.
            let _ = statement(&mut connection, "ROLLBACK").await;
        }
        if committed {
            around.standings.forget(&touched);
        }
        for job in jobs {
            job.settle(if committed { Ok(()) } else { Err(again(&failed)) });
        }
        if committed && !touched.is_empty() {
            // Nobody listening is no fault.
            let _ = around.changes.send(Arc::new(touched));
        }
    }
}

/// One cause, told to each of the writes that shared it.
fn again(failed: &Option<StorageFault>) -> StorageFault {
    match failed {
        Some(fault) if fault.is_full() => StorageFault::Start("the disk is full".to_owned()),
        Some(fault) => StorageFault::Start(fault.to_string()),
        None => StorageFault::WriterEnded,
    }
}

async fn statement(connection: &mut SqliteConnection, text: &'static str) -> Result<(), StorageFault> {
    sqlx::query(text).execute(connection).await?;
    Ok(())
}

async fn one(
    connection: &mut SqliteConnection,
    job: &mut Job,
    around: &Surroundings,
) -> Result<Touched, StorageFault> {
    statement(connection, "SAVEPOINT one").await?;
    let mut tx = Tx {
        connection: Connection::Sqlite(connection),
        now: around.clock.now(),
        ids: around.ids.clone(),
        touched: Touched::default(),
        audit: AuditWords::default(),
    };
    let keep = job.run(&mut tx).await;
    let touched = std::mem::take(&mut tx.touched);
    if keep {
        statement(connection, "RELEASE one").await?;
        Ok(touched)
    } else {
        statement(connection, "ROLLBACK TO one").await?;
        statement(connection, "RELEASE one").await?;
        Ok(Touched::default())
    }
}

crate::statements! {
    /// Everything that is written in a workspace takes its turn, as it does on SQLite: so a check and the act
    /// that rests on it (the last owner, a free name) can't be parted.
    LOCK_WORKSPACE = "SELECT id FROM workspaces WHERE id = $1"
        | "SELECT id FROM workspaces WHERE id = $1 FOR UPDATE" because "SQLite has one writer";
    ACCOUNT_REVISION = "SELECT revision, status FROM accounts WHERE id = $1"
        | "SELECT revision, status FROM accounts WHERE id = $1 FOR SHARE" because "SQLite has one writer";
}

/// Recheck, work, audit: the inside of every write.
pub(crate) async fn carry_out<T>(
    tx: &mut Tx<'_>,
    authority: &dyn Authority,
    work: &Work<T>,
) -> Result<T, Failure> {
    if authority.workspace() != stoa_domain::WorkspaceId::INSTALLATION {
        tx.fetch_optional(LOCK_WORKSPACE, crate::values![authority.workspace()]).await?;
    }
    match authority.recheck() {
        Recheck::Nothing => {}
        Recheck::Account { account, revision } => {
            let row = tx.fetch_optional(ACCOUNT_REVISION, crate::values![account]).await?;
            let row = row.ok_or(Refusal::Unauthenticated)?;
            if row.get::<i64>(0)? != revision || row.get::<String>(1)? != "active" {
                return Err(Refusal::Unauthenticated.into());
            }
        }
        Recheck::Member { account, revisions } => {
            let row = tx.fetch_optional(ACCOUNT_REVISION, crate::values![account]).await?;
            let row = row.ok_or(Refusal::Unauthenticated)?;
            if row.get::<String>(1)? != "active" {
                return Err(Refusal::Unauthenticated.into());
            }
            let account_revision = row.get::<i64>(0)?;
            let access = standing::revision_in(tx, authority.workspace(), account).await?;
            if access != Some(revisions.access) || account_revision != revisions.account {
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
