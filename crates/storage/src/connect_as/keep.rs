//! While sessions as users go on: their cookies, what has to end, and what the application still has to be told of.

use stoa_domain::{
    AccountId, Actor, ConnectSessionId, Credential, InstanceId, Resource, ResourceKind, SessionId,
    SystemPermit, Timestamp, Via, WorkspaceId,
};

use crate::detail::Detail;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::values;

/// Seconds for which one that is over is known by its host.
const KEPT_SECONDS: i64 = 24 * 3600;

crate::statements! {
    KEEP_COOKIES = "UPDATE connect_sessions SET cookies = $3, cookies_revision = cookies_revision + 1
        WHERE id = $1 AND cookies_revision = $2 AND ended_at IS NULL AND opened_at IS NOT NULL";
    GOING_ON = "SELECT c.id, c.workspace_id, c.instance_id, c.account_id, a.name, c.session_id, c.ends_at, c.user_name,
            i.name
        FROM connect_sessions c JOIN accounts a ON a.id = c.account_id JOIN instances i ON i.id = c.instance_id
        WHERE c.ended_at IS NULL AND c.opened_at IS NOT NULL ORDER BY c.ends_at";
    END = "UPDATE connect_sessions SET ended_at = $2, code_hash = NULL, code_expires_at = NULL, visit_hash = NULL
        WHERE id = $1 AND ended_at IS NULL";
    /// The application is asked by whoever its machine stands with.
    UNCLOSED = "SELECT c.id, c.workspace_id, c.instance_id, c.cookies, c.end_tries, c.ended_at FROM connect_sessions c
        JOIN instances i ON i.id = c.instance_id JOIN servers s ON s.id = i.server_id
        JOIN machines m ON m.id = s.machine_id
        WHERE c.ended_at IS NOT NULL AND c.cookies IS NOT NULL AND (m.replica_id = $1 OR $1 IS NULL OR (m.kind = 'agent' AND m.replica_id IS NULL))
        ORDER BY c.ended_at LIMIT 100";
    CLOSE = "UPDATE connect_sessions SET cookies = NULL WHERE id = $1 AND ended_at IS NOT NULL";
    TRIED = "UPDATE connect_sessions SET end_tries = end_tries + 1 WHERE id = $1";
    SWEEP = "DELETE FROM connect_sessions WHERE (ended_at < $1 AND cookies IS NULL)
            OR (opened_at IS NULL AND ticket_expires_at < $1)";
}

/// A session that goes on, with what its right rests on.
#[derive(Debug, Clone)]
pub struct GoingSession {
    pub id: ConnectSessionId,
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub account: AccountId,
    pub account_name: String,
    pub session: Option<SessionId>,
    pub ends_at: Timestamp,
    pub user_name: String,
    pub instance_name: String,
}

/// Why one ends that nobody ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// Its hour is over.
    Time,
    /// Whoever opened it may not any more, or isn't signed in.
    Right,
}

impl EndCause {
    const fn key(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Right => "right",
        }
    }
}

/// One that is over, of which the application wasn't told yet.
#[derive(Clone)]
pub struct UnclosedSession {
    pub id: ConnectSessionId,
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub cookies: Vec<u8>,
    pub tries: i64,
    pub ended_at: Timestamp,
}

fn house(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

impl Store {
    /// Takes over cookies that were changed from those of a revision. `false` where others were quicker, or it is over.
    ///
    /// # Errors
    /// A fault.
    pub async fn keep_connect_cookies(
        &self,
        session: ConnectSessionId,
        revision: i64,
        cookies: Vec<u8>,
    ) -> Result<bool, Failure> {
        let work: Work<bool> = Box::new(move |tx| {
            let cookies = cookies.clone();
            Box::pin(async move {
                tx.audit_nothing();
                Ok(tx.execute(KEEP_COOKIES, values![session, revision, cookies]).await? > 0)
            })
        });
        self.write(house("connect_as.cookies"), work).await
    }

    /// All that go on, in all workspaces.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_going_connect_sessions(&self) -> Result<Vec<GoingSession>, StorageFault> {
        let rows = self.fetch_all(GOING_ON, vec![]).await?;
        rows.iter()
            .map(|row| {
                Ok(GoingSession {
                    id: row.get(0)?,
                    workspace: row.get(1)?,
                    instance: row.get(2)?,
                    account: row.get(3)?,
                    account_name: row.get(4)?,
                    session: row.get(5)?,
                    ends_at: row.get(6)?,
                    user_name: row.get(7)?,
                    instance_name: row.get(8)?,
                })
            })
            .collect()
    }

    /// Ends one whose time or right is over. Of several replicas one writes it down.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_over_connect_session(
        &self,
        going: GoingSession,
        cause: EndCause,
    ) -> Result<(), Failure> {
        let actor = Actor {
            account: going.account,
            name: going.account_name.clone(),
            via: Via::System,
            credential: Credential::Job,
            address: None,
        };
        let resource = Resource { kind: ResourceKind::Instance, id: going.instance.uuid() };
        let permit = SystemPermit::new(going.workspace, "connect_as.end", Some(resource), Some(actor));
        let work: Work<()> = Box::new(move |tx| {
            let going = going.clone();
            Box::pin(async move {
                let now = tx.now();
                if tx.execute(END, values![going.id, now]).await? == 0 {
                    tx.audit_nothing();
                    return Ok(());
                }
                tx.audit_name(going.instance_name);
                tx.audit_second(going.user_name);
                tx.audit_detail(Detail::default().text("cause", cause.key()).finish());
                Ok(super::tell(tx, going.workspace, going.instance).await?)
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn list_unclosed_connect_sessions(&self) -> Result<Vec<UnclosedSession>, StorageFault> {
        let rows = self.fetch_all(UNCLOSED, values![self.own_replica()]).await?;
        rows.iter()
            .map(|row| {
                Ok(UnclosedSession {
                    id: row.get(0)?,
                    workspace: row.get(1)?,
                    instance: row.get(2)?,
                    cookies: row.get(3)?,
                    tries: row.get(4)?,
                    ended_at: row.get(5)?,
                })
            })
            .collect()
    }

    /// The application was told; or it wasn't, and `again` says whether that is tried once more. What isn't needed any
    /// more isn't kept.
    ///
    /// # Errors
    /// A fault.
    pub async fn close_connect_session(&self, session: ConnectSessionId, again: bool) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(if again { TRIED } else { CLOSE }, values![session]).await?;
                Ok(())
            })
        });
        self.write(house("connect_as.close"), work).await
    }

    /// Forgets those that are long over.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_connect_sessions(&self) -> Result<(), Failure> {
        let before = self.now().plus_seconds(-KEPT_SECONDS);
        self.sweep("connect_as.sweep", SWEEP, values![before]).await
    }
}
