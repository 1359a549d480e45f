//! Sessions as one of an application's users: the link that is asked for, its one use, what the proxy has to know of a
//! session by its host, and its end. Secrets are hashes here; cookies come in sealed, and nothing here could open them.

pub mod keep;

use stoa_domain::connect_as::{ConnectRefusal, SESSION_SECONDS};
use stoa_domain::instance::{InstanceStatus, Visibility};
use stoa_domain::permission::ConnectTarget;
use stoa_domain::permission::connect_as::{Ask, End, ListSessions, Open};
use stoa_domain::{
    AccountId, Actor, Authority, ConnectSessionId, InstanceId, Permit, Refusal, Resource, ResourceKind,
    SessionId, SystemPermit, Timestamp, WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::detail::Detail;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::host::HostedInstance;
use crate::machine::MachinePlace;
use crate::page::word;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// Sessions that one account may have at once, links that wait among them.
const MOST_OF_ACCOUNT: i64 = 16;

/// Of one list.
const MOST_LISTED: i64 = 200;

crate::statements! {
    INSERT = "INSERT INTO connect_sessions (id, workspace_id, instance_id, account_id, application_user, user_login,
            user_name, reason, ticket_hash, ticket_expires_at, label, cookies_revision, end_tries, created_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, $10)";
    COUNT = "SELECT COUNT(*) FROM connect_sessions WHERE account_id = $1 AND ended_at IS NULL AND ends_at > $2";
    NAME = "SELECT name FROM instances WHERE workspace_id = $1 AND id = $2";
    FIND_TICKET = "SELECT id, workspace_id, instance_id, account_id, application_user, user_login, user_name, reason,
            ticket_expires_at, ticket_used_at, ended_at, label
        FROM connect_sessions WHERE ticket_hash = $1";
    TAKE = "UPDATE connect_sessions SET ticket_used_at = $3, session_id = $4, ends_at = $5
        WHERE workspace_id = $1 AND id = $2 AND ticket_used_at IS NULL AND ticket_expires_at > $3 AND ended_at IS NULL";
    OPEN = "UPDATE connect_sessions SET opened_at = $3, ends_at = $4, cookies = $5, cookies_revision = 1, landing = $6,
            code_hash = $7, code_expires_at = $8
        WHERE workspace_id = $1 AND id = $2 AND opened_at IS NULL AND ended_at IS NULL AND ticket_used_at IS NOT NULL";
    FIND_CONNECTED = "SELECT c.id, c.workspace_id, c.account_id, c.session_id, c.visit_hash, c.cookies,
            c.cookies_revision, c.opened_at, c.ends_at, c.ended_at, i.id, i.visibility, i.status,
            EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = i.id AND j.status = 'running'),
            (SELECT MIN(h.host) FROM hosts h WHERE h.instance_id = i.id AND h.kind = 'given'),
            m.id, m.kind, m.replica_id
        FROM connect_sessions c JOIN instances i ON i.id = c.instance_id JOIN servers v ON v.id = i.server_id
        LEFT JOIN machines m ON m.id = v.machine_id WHERE c.label = $1";
    FIND_TARGET = "SELECT id FROM connect_sessions WHERE workspace_id = $1 AND instance_id = $2 AND id = $3
            AND opened_at IS NOT NULL AND ended_at IS NULL AND ends_at > $4";
    TAKE_CODE = "UPDATE connect_sessions SET visit_hash = $3, code_hash = NULL, code_expires_at = NULL
        WHERE label = $1 AND code_hash = $2 AND code_expires_at > $4 AND ended_at IS NULL AND ends_at > $4
        RETURNING landing, ends_at";
    LIST = "SELECT c.id, c.account_id, a.name, c.application_user, c.user_login, c.user_name, c.reason, c.opened_at,
            c.ends_at, c.label
        FROM connect_sessions c JOIN accounts a ON a.id = c.account_id
        WHERE c.workspace_id = $1 AND c.instance_id = $2 AND c.opened_at IS NOT NULL AND c.ended_at IS NULL
            AND c.ends_at > $3 AND ($4 OR c.account_id = $5)
        ORDER BY c.id DESC LIMIT $6";
    FIND_TO_END = "SELECT account_id, user_name FROM connect_sessions
        WHERE workspace_id = $1 AND instance_id = $2 AND id = $3 AND ended_at IS NULL AND ends_at > $4";
    END = "UPDATE connect_sessions SET ended_at = $3, code_hash = NULL, code_expires_at = NULL, visit_hash = NULL
        WHERE workspace_id = $1 AND id = $2 AND ended_at IS NULL";
}

/// A user of an application, as it was named when somebody asked to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUser {
    /// The application's own.
    pub id: String,
    pub login: String,
    pub name: String,
}

/// A link that is asked for.
#[derive(Clone)]
pub struct NewTicket {
    pub id: ConnectSessionId,
    pub ticket_hash: Vec<u8>,
    pub label: String,
    pub user: NamedUser,
    pub reason: String,
    pub expires_at: Timestamp,
}

/// A link as it is found by its secret.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: ConnectSessionId,
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub account: AccountId,
    pub user: NamedUser,
    pub reason: String,
    pub expires_at: Timestamp,
    pub is_used: bool,
    pub is_ended: bool,
    pub label: String,
}

/// What the application opened: its cookies sealed, and what the browser brings to the session's host.
#[derive(Clone)]
pub struct Opening {
    pub cookies: Vec<u8>,
    pub landing: String,
    pub code_hash: Vec<u8>,
    pub code_expires_at: Timestamp,
    pub ends_at: Timestamp,
}

/// What the proxy has to know of a session's host.
#[derive(Clone)]
pub struct ConnectedRecord {
    pub id: ConnectSessionId,
    pub workspace: WorkspaceId,
    pub account: AccountId,
    /// By which the account is signed in to Stoa.
    pub session: Option<SessionId>,
    /// Hash of what the browser is known by.
    pub visit_hash: Option<Vec<u8>>,
    pub cookies: Option<Vec<u8>>,
    pub cookies_revision: i64,
    pub is_opened: bool,
    pub ends_at: Timestamp,
    pub is_ended: bool,
    pub instance: HostedInstance,
    /// The instance's own.
    pub host: Option<String>,
}

/// A session that goes on.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub id: ConnectSessionId,
    pub account: AccountId,
    pub account_name: String,
    pub user: NamedUser,
    pub reason: String,
    pub opened_at: Timestamp,
    pub ends_at: Timestamp,
    pub label: String,
}

fn user(row: &Row, at: usize) -> Result<NamedUser, StorageFault> {
    Ok(NamedUser { id: row.get(at)?, login: row.get(at + 1)?, name: row.get(at + 2)? })
}

/// The instance's name, for the log.
async fn name_of(tx: &mut Tx<'_>, workspace: WorkspaceId, instance: InstanceId) -> Result<String, Failure> {
    let row = tx.fetch_optional(NAME, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
    Ok(row.get(0)?)
}

async fn tell(tx: &mut Tx<'_>, workspace: WorkspaceId, instance: InstanceId) -> Result<(), StorageFault> {
    tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await
}

impl Store {
    /// # Errors
    /// `ConnectAs` where the account has as many as it may.
    pub async fn ask_to_connect(&self, permit: Permit<Ask>, new: NewTicket) -> Result<(), Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.actor().account);
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let now = tx.now();
                let row = tx.fetch_one(COUNT, values![account, now]).await?;
                if row.get::<i64>(0)? >= MOST_OF_ACCOUNT {
                    return Err(Refusal::ConnectAs(ConnectRefusal::TooMany).into());
                }
                let name = name_of(tx, workspace, instance).await?;
                tx.audit_name(name);
                tx.audit_second(new.user.name.clone());
                tx.audit_detail(detail(&new.user, &new.reason).finish());
                let NamedUser { id, login, name } = new.user;
                tx.execute(
                    INSERT,
                    values![
                        new.id,
                        workspace,
                        instance,
                        account,
                        id,
                        login,
                        name,
                        new.reason,
                        new.ticket_hash,
                        new.expires_at,
                        new.label,
                        now
                    ],
                )
                .await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn find_ticket(&self, hash: &[u8]) -> Result<Option<Ticket>, StorageFault> {
        let Some(row) = self.fetch_optional(FIND_TICKET, values![hash]).await? else { return Ok(None) };
        Ok(Some(Ticket {
            id: row.get(0)?,
            workspace: row.get(1)?,
            instance: row.get(2)?,
            account: row.get(3)?,
            user: user(&row, 4)?,
            reason: row.get(7)?,
            expires_at: row.get(8)?,
            is_used: row.get::<Option<Timestamp>>(9)?.is_some(),
            is_ended: row.get::<Option<Timestamp>>(10)?.is_some(),
            label: row.get(11)?,
        }))
    }

    /// Takes the link, once, for the session that acts on it. Nothing is opened yet, so no log tells of it.
    ///
    /// # Errors
    /// `ConnectAs` where somebody was quicker, or it is too late.
    pub async fn take_ticket(
        &self,
        permit: std::sync::Arc<Permit<Open>>,
        ticket: ConnectSessionId,
        session: SessionId,
    ) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let ends_at = now.plus_seconds(SESSION_SECONDS);
                if tx.execute(TAKE, values![workspace, ticket, now, session, ends_at]).await? == 0 {
                    return Err(Refusal::ConnectAs(ConnectRefusal::TicketUsed).into());
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// The session begins. `false` where it was ended meanwhile: then what the application opened is to be ended too.
    ///
    /// # Errors
    /// A fault.
    pub async fn open_connect_session(
        &self,
        permit: std::sync::Arc<Permit<Open>>,
        ticket: Ticket,
        opening: Opening,
    ) -> Result<bool, Failure> {
        let work: Work<bool> = Box::new(move |tx| {
            let (ticket, opening) = (ticket.clone(), opening.clone());
            Box::pin(async move {
                let Ticket { id, workspace, instance, user, reason, .. } = ticket;
                let Opening { cookies, landing, code_hash, code_expires_at, ends_at } = opening;
                let now = tx.now();
                let values =
                    values![workspace, id, now, ends_at, cookies, landing, code_hash, code_expires_at];
                if tx.execute(OPEN, values).await? == 0 {
                    tx.audit_nothing();
                    return Ok(false);
                }
                let name = name_of(tx, workspace, instance).await?;
                tx.audit_name(name);
                tx.audit_second(user.name.clone());
                tx.audit_detail(detail(&user, &reason).finish());
                tell(tx, workspace, instance).await?;
                Ok(true)
            })
        });
        self.write(permit, work).await
    }

    /// The application opened none: the link is over, and the log says that it failed.
    ///
    /// # Errors
    /// A fault.
    pub async fn fail_connect_session(&self, actor: Actor, ticket: Ticket) -> Result<(), Failure> {
        let resource = Resource { kind: ResourceKind::Instance, id: ticket.instance.uuid() };
        let permit = SystemPermit::new(ticket.workspace, "connect_as.open", Some(resource), None);
        let work: Work<()> = Box::new(move |tx| {
            let (ticket, actor) = (ticket.clone(), actor.clone());
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(END, values![ticket.workspace, ticket.id, now]).await?;
                let name = name_of(tx, ticket.workspace, ticket.instance).await?;
                let event = NewAuditEvent {
                    workspace: ticket.workspace,
                    via: actor.via,
                    actor: Some(actor),
                    action: "connect_as.open".to_owned(),
                    resource: Some(stoa_domain::Resource {
                        kind: ResourceKind::Instance,
                        id: ticket.instance.uuid(),
                    }),
                    resource_name: Some(name),
                    second_name: Some(ticket.user.name.clone()),
                    outcome: Outcome::Failed,
                    repeated: 1,
                    detail: detail(&ticket.user, &ticket.reason).finish(),
                };
                Ok(tx.audit_also(&event).await?)
            })
        });
        self.write(permit, work).await
    }

    /// What a session's host is, ended ones too.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_connected(&self, label: &str) -> Result<Option<ConnectedRecord>, StorageFault> {
        let Some(row) = self.fetch_optional(FIND_CONNECTED, values![label]).await? else { return Ok(None) };
        Ok(Some(ConnectedRecord {
            id: row.get(0)?,
            workspace: row.get(1)?,
            account: row.get(2)?,
            session: row.get(3)?,
            visit_hash: row.get(4)?,
            cookies: row.get(5)?,
            cookies_revision: row.get(6)?,
            is_opened: row.get::<Option<Timestamp>>(7)?.is_some(),
            ends_at: row.get(8)?,
            is_ended: row.get::<Option<Timestamp>>(9)?.is_some(),
            instance: HostedInstance {
                id: row.get(10)?,
                place: MachinePlace::read(&row, 15, self.own_replica())?,
                visibility: word(&row, 11, Visibility::from_key)?,
                status: word(&row, 12, InstanceStatus::from_key)?,
                is_busy: row.get(13)?,
            },
            host: row.get(14)?,
        }))
    }

    /// The session that a lease rests on, for as long as it goes on.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_connect_target(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        text: &str,
    ) -> Result<Option<ConnectTarget>, StorageFault> {
        let Ok(session) = text.parse::<ConnectSessionId>() else { return Ok(None) };
        let values = values![workspace, instance, session, self.now()];
        let row = self.fetch_optional(FIND_TARGET, values).await?;
        Ok(row.map(|_| ConnectTarget { session, instance }))
    }

    /// Takes what the browser brings to the session's host, once; from then on it is known by `visit_hash`. The path
    /// that it opens first, and when the session ends.
    ///
    /// # Errors
    /// A fault.
    pub async fn take_connect_code(
        &self,
        label: String,
        code_hash: Vec<u8>,
        visit_hash: Vec<u8>,
    ) -> Result<Option<(String, Timestamp)>, Failure> {
        let permit =
            stoa_domain::SystemPermit::new(WorkspaceId::INSTALLATION, "connect_as.arrive", None, None);
        let work: Work<_> = Box::new(move |tx| {
            let (label, code_hash, visit_hash) = (label.clone(), code_hash.clone(), visit_hash.clone());
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let row = tx.fetch_optional(TAKE_CODE, values![label, code_hash, visit_hash, now]).await?;
                let Some(row) = row else { return Ok(None) };
                let landing: Option<String> = row.get(0)?;
                Ok(Some((landing.unwrap_or_else(|| "/".to_owned()), row.get(1)?)))
            })
        });
        self.write(permit, work).await
    }

    /// Those that go on: one's own, to an owner all.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_connect_sessions(
        &self,
        permit: &Permit<ListSessions>,
    ) -> Result<Vec<SessionRecord>, StorageFault> {
        let values = values![
            permit.workspace(),
            *permit.target(),
            self.now(),
            permit.by_owner(),
            permit.account(),
            MOST_LISTED
        ];
        let rows = self.fetch_all(LIST, values).await?;
        rows.iter()
            .map(|row| {
                Ok(SessionRecord {
                    id: row.get(0)?,
                    account: row.get(1)?,
                    account_name: row.get(2)?,
                    user: user(row, 3)?,
                    reason: row.get(6)?,
                    opened_at: row.get(7)?,
                    ends_at: row.get(8)?,
                    label: row.get(9)?,
                })
            })
            .collect()
    }

    /// Ends one's own, or as an owner anybody's; a link that waits too.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn end_connect_session(
        &self,
        permit: Permit<End>,
        session: ConnectSessionId,
    ) -> Result<(), Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let (account, by_owner) = (permit.account(), permit.by_owner());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let row = tx.fetch_optional(FIND_TO_END, values![workspace, instance, session, now]).await?;
                let row = row.ok_or(Refusal::NotFound)?;
                if !by_owner && row.get::<AccountId>(0)? != account {
                    return Err(Refusal::NotFound.into());
                }
                tx.execute(END, values![workspace, session, now]).await?;
                let name = name_of(tx, workspace, instance).await?;
                tx.audit_name(name);
                tx.audit_second(row.get::<String>(1)?);
                tx.audit_detail(Detail::default().text("cause", "hand").finish());
                Ok(tell(tx, workspace, instance).await?)
            })
        });
        self.write(permit, work).await
    }
}

fn detail(user: &NamedUser, reason: &str) -> Detail {
    Detail::default().text("user", &user.id).text("login", &user.login).text("reason", reason)
}
