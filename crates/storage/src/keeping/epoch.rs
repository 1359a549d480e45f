//! A new epoch: what was given out before no longer counts.

use stoa_domain::{SystemPermit, WorkspaceId};

use super::chain;
use crate::failure::{Failure, StorageFault};
use crate::store::{Backend, Store, Work};
use crate::tx::{Connection, Tx};
use crate::values;

crate::statements! {
    SESSIONS = "DELETE FROM sessions";
    TOKENS = "DELETE FROM tokens";
    MAILED_LINKS = "DELETE FROM mailed_links";
    JOINS = "DELETE FROM joins";
    /// Links to connect as a user, and what came of them.
    CONNECT_SESSIONS = "DELETE FROM connect_sessions";
    /// Halves of signing in by a passkey or a provider.
    CEREMONIES = "DELETE FROM ceremonies";
    /// Not removed: whoever has one is told that it is old.
    INVITATION_LINKS = "UPDATE invitation_links SET ended_at = $1 WHERE ended_at IS NULL";
    /// Lists say of them that they have expired, and what to do: a mail that was sent is no longer a link that works.
    INVITATIONS = "UPDATE invitations SET expires_at = $1 WHERE status = 'pending' AND expires_at > $1";
    /// The links in them have just ended; and some may have been sent since the copy was made.
    MAILS = "UPDATE mails SET status = 'void', content = NULL, lease_until = NULL, ended_at = $1 WHERE status = 'waiting'";
    /// Answers to what was asked in a time that never was.
    IDEMPOTENCY = "DELETE FROM idempotency";
    /// Those that were there when the copy was made.
    REPLICAS = "DELETE FROM replicas";
    /// Where there is one machine of Stoa's own it is the one that stands here now.
    MACHINES = "UPDATE machines SET replica_id = NULL WHERE kind = 'local'
        AND (SELECT COUNT(*) FROM machines m WHERE m.kind = 'local') = 1";
    EPOCH = "UPDATE installation SET epoch = epoch + 1, setup_token_hash = NULL WHERE id = 1";
}

/// How much a new epoch has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Voided {
    pub sessions: u64,
    pub tokens: u64,
    pub links: u64,
    pub mails: u64,
}

impl Store {
    /// Begins a new epoch: every session, token and link ends, and what is sealed with the epoch doesn't open any more.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_epoch(&self) -> Result<Voided, Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "installation.restore", None, None);
        let work: Work<Voided> = Box::new(|tx| Box::pin(async move { Ok(void(tx).await?) }));
        self.write(permit, work).await
    }

    /// Follows every audit chain. How many events there are.
    ///
    /// # Errors
    /// Where one has a gap, was changed, or doesn't end where it should.
    pub async fn verify_chains(&self) -> Result<u64, StorageFault> {
        match &self.inner.backend {
            Backend::Sqlite { read, .. } => {
                chain::verify(&mut Connection::Sqlite(&mut *read.acquire().await?)).await
            }
            Backend::Postgres(pool) => {
                let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
                chain::verify(&mut Connection::Postgres(&mut tx)).await
            }
        }
    }
}

async fn void(tx: &mut Tx<'_>) -> Result<Voided, StorageFault> {
    let now = tx.now();
    let mut voided = Voided {
        sessions: tx.execute(SESSIONS, vec![]).await?,
        tokens: tx.execute(TOKENS, vec![]).await?,
        links: tx.execute(INVITATION_LINKS, values![now]).await?,
        mails: tx.execute(MAILS, values![now]).await?,
    };
    tx.execute(INVITATIONS, values![now]).await?;
    for statement in [MAILED_LINKS, JOINS, CONNECT_SESSIONS] {
        voided.links += tx.execute(statement, vec![]).await?;
    }
    for statement in [CEREMONIES, IDEMPOTENCY, REPLICAS, MACHINES, EPOCH] {
        tx.execute(statement, vec![]).await?;
    }
    tx.audit_detail(format!(
        "{{\"sessions\":{},\"tokens\":{},\"links\":{}}}",
        voided.sessions, voided.tokens, voided.links
    ));
    Ok(voided)
}
