//! The control planes that stand on one PostgreSQL: each says that it is there, and again every few seconds.
//!
//! A replica keeps its id over restarts. What it stands on, a machine of its own, is known by that id too.

use stoa_domain::{ReplicaId, SystemPermit, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::values;

/// Seconds after which one that wasn't seen counts as gone.
pub const GONE_SECONDS: i64 = 10;

/// Seconds after which nothing of one that is gone is kept.
const FORGOTTEN_SECONDS: i64 = 24 * 3600;

crate::statements! {
    OTHERS = "SELECT id, name, internal_url, word_hash FROM replicas WHERE id <> $1 AND seen_at > $2 ORDER BY id";
    JOIN = "INSERT INTO replicas (id, name, internal_url, word_hash, seen_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, internal_url = excluded.internal_url,
            word_hash = excluded.word_hash, seen_at = excluded.seen_at";
    FORGET = "DELETE FROM replicas WHERE seen_at < $1 AND id <> $2 RETURNING id";
    SEE = "UPDATE replicas SET seen_at = $3 WHERE id = $1 AND word_hash = $2";
    LEAVE = "DELETE FROM replicas WHERE id = $1 AND word_hash = $2";
    ANY_ACCOUNT = "SELECT id FROM accounts LIMIT 1";
    SETUP_TOKEN = "SELECT setup_token_hash FROM installation WHERE id = 1";
    SET_SETUP_TOKEN = "UPDATE installation SET setup_token_hash = $1 WHERE id = 1";
    /// A machine from before there were replicas belongs to the first that stands on one.
    ADOPT_MACHINE = "UPDATE machines SET replica_id = $1 WHERE kind = 'local' AND replica_id IS NULL
        AND NOT EXISTS (SELECT 1 FROM machines m WHERE m.replica_id = $1)";
}

/// One that starts.
#[derive(Debug, Clone)]
pub struct NewReplica {
    pub id: ReplicaId,
    /// For people: the machine's name.
    pub name: String,
    /// How the others reach it.
    pub internal_url: Option<String>,
    /// SHA-256 of the word that it wrote into the folder of repositories.
    pub word_hash: Vec<u8>,
    /// Of the token that the operator set; none where a random one was made.
    pub setup_token_hash: Option<Vec<u8>>,
    /// Whether its machine can be a server.
    pub has_machine: bool,
}

/// Another one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherReplica {
    pub id: ReplicaId,
    pub name: String,
    pub word_hash: Vec<u8>,
}

/// How a start was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// With the others that are there, and those of which nothing is kept any more.
    Taken { others: Vec<OtherReplica>, forgotten: Vec<ReplicaId> },
    /// Another, of that name, is there, and this one can't be reached.
    WithoutUrl { other: String },
    /// This one could be reached; the other, of that name, can't.
    OtherWithoutUrl { other: String },
    /// Nobody has set Stoa up yet, and each replica would print a token of its own.
    WithoutSetupToken,
    /// The others were started with another one, or with none.
    OtherSetupToken,
}

fn permit(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

fn other(row: &Row) -> Result<OtherReplica, StorageFault> {
    Ok(OtherReplica { id: row.get(0)?, name: row.get(1)?, word_hash: row.get(3)? })
}

impl Store {
    /// Says that this one is there, where it may be. From then on it is known whose machine is this process's.
    ///
    /// # Errors
    /// A fault.
    pub async fn join_replicas(&self, new: NewReplica) -> Result<Joined, Failure> {
        let id = new.id;
        let work: Work<Joined> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                tx.audit_nothing();
                // Of two that start at once, the second meets the first.
                lock_installation(tx).await?;
                let now = tx.now();
                let rows = tx.fetch_all(OTHERS, values![new.id, now.plus_seconds(-GONE_SECONDS)]).await?;
                for row in &rows {
                    if new.internal_url.is_none() {
                        return Ok(Joined::WithoutUrl { other: row.get(1)? });
                    }
                    if row.get::<Option<String>>(2)?.is_none() {
                        return Ok(Joined::OtherWithoutUrl { other: row.get(1)? });
                    }
                }
                let is_set_up = tx.fetch_optional(ANY_ACCOUNT, vec![]).await?.is_some();
                if !is_set_up {
                    if new.internal_url.is_some() && new.setup_token_hash.is_none() {
                        return Ok(Joined::WithoutSetupToken);
                    }
                    let known: Option<Vec<u8>> = tx.fetch_one(SETUP_TOKEN, vec![]).await?.get(0)?;
                    if !rows.is_empty() && known != new.setup_token_hash {
                        return Ok(Joined::OtherSetupToken);
                    }
                    tx.execute(SET_SETUP_TOKEN, values![new.setup_token_hash]).await?;
                }
                tx.execute(JOIN, values![new.id, new.name, new.internal_url, new.word_hash, now]).await?;
                if new.has_machine {
                    tx.execute(ADOPT_MACHINE, values![new.id]).await?;
                }
                let before = now.plus_seconds(-FORGOTTEN_SECONDS);
                let gone = tx.fetch_all(FORGET, values![before, new.id]).await?;
                Ok(Joined::Taken {
                    others: rows.iter().map(other).collect::<Result<_, _>>()?,
                    forgotten: gone.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?,
                })
            })
        });
        let joined = self.write(permit("replica.join"), work).await?;
        if matches!(joined, Joined::Taken { .. }) {
            // Set once: a process is one replica from its start to its end.
            let _ = self.inner.replica.set(id);
        }
        Ok(joined)
    }

    /// Says that it is still there. `false` where another process goes by its id now.
    ///
    /// # Errors
    /// A fault.
    pub async fn see_replica(&self, id: ReplicaId, word_hash: Vec<u8>) -> Result<bool, Failure> {
        let work: Work<bool> = Box::new(move |tx| {
            let word_hash = word_hash.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                Ok(tx.execute(SEE, values![id, word_hash, now]).await? == 1)
            })
        });
        self.write(permit("replica.see"), work).await
    }

    /// Says that it isn't there any more.
    ///
    /// # Errors
    /// A fault.
    pub async fn leave_replicas(&self, id: ReplicaId, word_hash: Vec<u8>) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let word_hash = word_hash.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(LEAVE, values![id, word_hash]).await?;
                Ok(())
            })
        });
        self.write(permit("replica.leave"), work).await
    }

    /// The replica that this process is; none on SQLite, where it is the only one.
    pub(crate) fn own_replica(&self) -> Option<ReplicaId> {
        self.inner.replica.get().copied()
    }
}
