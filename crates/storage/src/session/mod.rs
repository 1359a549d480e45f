//! Sessions: what a browser is signed in by. Only the hash of the secret is kept.

mod kept;

use stoa_domain::{
    AccountId, AccountPermit, Actor, Credential, OpenPermit, Refusal, SessionId, SystemPermit, Timestamp,
    Via, WorkspaceId,
};

use crate::account;
use crate::failure::{Failure, StorageFault};
use crate::identity::{self, NewLink};
use crate::mail::{self, NewMail};
use crate::second_factor::{self, FactorUse};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

pub(crate) use kept::KeptSessions;

/// A session that nothing was asked by for this long has ended: 7 days.
const IDLE_SECONDS: i64 = 7 * 24 * 3600;
/// And every one after 30 days.
pub const ABSOLUTE_SECONDS: i64 = 30 * 24 * 3600;

crate::statements! {
    INSERT = "INSERT INTO sessions (id, account_id, token_hash, authenticated_at, created_at, expires_at, last_seen_at,
            address, user_agent) VALUES ($1, $2, $3, $4, $4, $5, $4, $6, $7)";
    FIND = "SELECT s.id, s.account_id, a.name, a.is_admin, a.revision, s.authenticated_at, s.last_seen_at,
            s.expires_at
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND a.status = 'active'";
    IS_ALIVE = "SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE s.id = $1 AND s.expires_at > $2 AND a.status = 'active'";
    TOUCH = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1";
    CONFIRM = "UPDATE sessions SET authenticated_at = $2 WHERE id = $1";
    END = "DELETE FROM sessions WHERE id = $1 AND account_id = $2";
    LIST = "SELECT id, created_at, last_seen_at, address, user_agent FROM sessions
        WHERE account_id = $1 AND expires_at > $2 AND last_seen_at > $3 AND id < $4 ORDER BY id DESC LIMIT $5";
    SWEEP = "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2";
    /// Held until the session is there: what ends sessions meanwhile ends this one too.
    REVISION = "SELECT revision FROM accounts WHERE id = $1 AND status = 'active'"
        | "SELECT revision FROM accounts WHERE id = $1 AND status = 'active' FOR NO KEY UPDATE"
        because "SQLite has one writer";
    /// Where all of its sessions have ended, the log still knows.
    SIGNED_IN_FROM = "SELECT seq FROM audit_events WHERE workspace_id = $1 AND account_id = $2 AND address = $3
            AND action IN ('session.sign_in', 'installation.set_up') AND outcome = 'done' LIMIT 1";
    /// Whoever was invited and had no account signed in by accepting: that is in the workspace's own log.
    ACCEPTED_FROM = "SELECT e.seq FROM members m JOIN audit_events e ON e.workspace_id = m.workspace_id
            AND e.account_id = m.account_id
        WHERE m.account_id = $1 AND e.address = $2 AND e.action = 'invitation.accept' AND e.outcome = 'done' LIMIT 1";
    KNOWN_ADDRESS = "SELECT id FROM sessions WHERE account_id = $1 AND address = $2 LIMIT 1";
}

/// A session to be made at sign-in.
#[derive(Clone)]
pub struct NewSession {
    pub id: SessionId,
    pub token_hash: Vec<u8>,
    pub address: String,
    pub user_agent: String,
}

impl NewSession {
    /// Who the new session's account is, for the audit event of signing in.
    #[must_use]
    pub fn actor(&self, account: AccountId, name: String) -> Actor {
        Actor {
            account,
            name,
            via: Via::Page,
            credential: Credential::Session(self.id),
            address: Some(self.address.clone()),
        }
    }
}

/// What a sign-in rests on, besides the password that was compared.
#[derive(Clone)]
pub struct Proof {
    /// The account's revision when it was looked up: a password or a factor that changed meanwhile isn't this one.
    pub revision: i64,
    pub factor: FactorUse,
    /// Tells the account that a recovery code was used.
    pub notice: Option<NewMail>,
    /// Who the account is to the provider that named it, where that is to be kept.
    pub link: Option<NewLink>,
}

impl Proof {
    async fn check(self, tx: &mut Tx<'_>, actor: Actor) -> Result<(), Failure> {
        let account = actor.account;
        let now = tx.fetch_optional(REVISION, values![account]).await?;
        if now.map(|row| row.get::<i64>(0)).transpose()? != Some(self.revision) {
            return Err(Refusal::WrongCredentials.into());
        }
        tx.audit_detail(self.factor.detail());
        second_factor::use_factor(tx, account, self.factor).await?;
        if let Some(notice) = self.notice {
            mail::queue_for_account(tx, account, None, notice).await?;
        }
        match self.link {
            Some(link) => identity::link_signing_in(tx, actor, link).await,
            None => Ok(()),
        }
    }
}

/// A session that counts, with its account.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub id: SessionId,
    pub account: AccountId,
    pub name: String,
    pub is_admin: bool,
    pub revision: i64,
    pub authenticated_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

impl SessionRecord {
    fn counts_at(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.last_seen_at > now.plus_seconds(-IDLE_SECONDS)
    }
}

/// A session as its account's page lists it.
#[derive(Debug, Clone)]
pub struct ListedSession {
    pub id: SessionId,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub address: String,
    pub user_agent: String,
}

pub(crate) async fn insert_session(
    tx: &mut Tx<'_>,
    account: AccountId,
    new: NewSession,
) -> Result<SessionId, StorageFault> {
    let now = tx.now();
    let expires_at = now.plus_seconds(ABSOLUTE_SECONDS);
    tx.execute(
        INSERT,
        values![new.id, account, new.token_hash, now, expires_at, new.address, new.user_agent],
    )
    .await?;
    account::seen(tx, account).await?;
    Ok(new.id)
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_session(&self, token_hash: &[u8]) -> Result<Option<SessionRecord>, StorageFault> {
        let now = self.now();
        let read_at = match self.inner.sessions.find(token_hash, now) {
            Ok(session) => return Ok(Some(session)),
            Err(generation) => generation,
        };
        let row =
            self.fetch_optional(FIND, values![token_hash, now, now.plus_seconds(-IDLE_SECONDS)]).await?;
        let found = row.map(|row| {
            Ok::<_, StorageFault>(SessionRecord {
                id: row.get(0)?,
                account: row.get(1)?,
                name: row.get(2)?,
                is_admin: row.get(3)?,
                revision: row.get(4)?,
                authenticated_at: row.get(5)?,
                last_seen_at: row.get(6)?,
                expires_at: row.get(7)?,
            })
        });
        let found = found.transpose()?;
        if let Some(session) = &found
            && self.is_sqlite()
        {
            self.inner.sessions.keep(token_hash, session, read_at, now);
        }
        Ok(found)
    }

    /// Whether the session still counts: for what goes on after the request that it opened.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_session_alive(&self, id: SessionId) -> Result<bool, StorageFault> {
        if let Some(is_alive) = self.inner.sessions.is_alive(id, self.now()) {
            return Ok(is_alive);
        }
        self.is_session_recorded(id).await
    }

    /// As [`Self::is_session_alive`], by the records alone: between a commit and the moment in which what is kept in
    /// memory hears of it, they know more.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_session_recorded(&self, id: SessionId) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(IS_ALIVE, values![id, self.now()]).await?.is_some())
    }

    /// Whether the account signed in from this address before.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_address_known(&self, account: AccountId, address: &str) -> Result<bool, StorageFault> {
        if self.fetch_optional(KNOWN_ADDRESS, values![account, address]).await?.is_some() {
            return Ok(true);
        }
        let values = values![WorkspaceId::INSTALLATION, account, address];
        if self.fetch_optional(SIGNED_IN_FROM, values).await?.is_some() {
            return Ok(true);
        }
        Ok(self.fetch_optional(ACCEPTED_FROM, values![account, address]).await?.is_some())
    }

    /// Signs in: a new session, and a better hash of the password where one was made.
    ///
    /// # Errors
    /// A fault.
    pub async fn sign_in(
        &self,
        permit: OpenPermit,
        account: AccountId,
        name: String,
        session: NewSession,
        better_hash: Option<String>,
        proof: Proof,
    ) -> Result<SessionId, Failure> {
        let work: Work<_> = Box::new(move |tx| {
            let (session, name, better_hash, proof) =
                (session.clone(), name.clone(), better_hash.clone(), proof.clone());
            Box::pin(async move {
                let actor = session.actor(account, name);
                tx.audit_actor(actor.clone());
                proof.check(tx, actor).await?;
                if let Some(hash) = better_hash {
                    account::rehash(tx, account, hash).await?;
                }
                Ok(insert_session(tx, account, session).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Remembers that the session was used; called at most once a minute.
    ///
    /// # Errors
    /// A fault.
    pub async fn touch_session(&self, id: SessionId, account: AccountId) -> Result<(), Failure> {
        let permit = SystemPermit::new(WorkspaceId::INSTALLATION, "session.touch", None, None);
        let work: Work<Timestamp> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(TOUCH, values![id, now]).await?;
                account::seen(tx, account).await?;
                Ok(now)
            })
        });
        let now = self.write(permit, work).await?;
        self.inner.sessions.seen(id, now);
        Ok(())
    }

    /// The password was entered again.
    ///
    /// # Errors
    /// A fault.
    pub async fn confirm_session(
        &self,
        permit: AccountPermit,
        id: SessionId,
        factor: FactorUse,
    ) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let factor = factor.clone();
            Box::pin(async move {
                let now = tx.now();
                tx.audit_detail(factor.detail());
                second_factor::use_factor(tx, account, factor).await?;
                tx.execute(CONFIRM, values![id, now]).await?;
                tx.touched.accounts.push(account);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Ends one of the account's own sessions.
    ///
    /// # Errors
    /// `NotFound` where it has no such session.
    pub async fn end_session(&self, permit: AccountPermit, id: SessionId) -> Result<(), Failure> {
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                if tx.execute(END, values![id, account]).await? == 0 {
                    return Err(Refusal::NotFound.into());
                }
                tx.touched.accounts.push(account);
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Newest first, older than the one that is named.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_sessions(
        &self,
        account: AccountId,
        before: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<ListedSession>, StorageFault> {
        let now = self.now();
        let before = before.unwrap_or(SessionId::new(uuid::Uuid::max()));
        let rows = self
            .fetch_all(LIST, values![account, now, now.plus_seconds(-IDLE_SECONDS), before, limit])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ListedSession {
                    id: row.get(0)?,
                    created_at: row.get(1)?,
                    last_seen_at: row.get(2)?,
                    address: row.get(3)?,
                    user_agent: row.get(4)?,
                })
            })
            .collect()
    }

    /// Removes sessions that have ended.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_sessions(&self) -> Result<(), Failure> {
        let now = self.now();
        self.sweep("session.sweep", SWEEP, values![now, now.plus_seconds(-IDLE_SECONDS)]).await
    }
}
