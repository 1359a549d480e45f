//! The audit log: one chain of events for each workspace, and one for the installation. Each event carries the
//! hash of the one before, so that a gap or a change shows.

use sha2::{Digest, Sha256};
use stoa_domain::refusal::NOT_FOUND;
use stoa_domain::{
    AccountId, Actor, AuditEventId, Authority, MemberId, Refusal, Resource, ResourceKind, Timestamp, Via,
    WorkspaceId,
};
use uuid::Uuid;

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::Store;
use crate::tx::{Connection, Tx};
use crate::value::Value;
use crate::values;

/// Refusals of one actor within this many seconds that are beyond sixty become one event.
const FLOOD_SECONDS: i64 = 60;
const FLOOD: i64 = 60;

crate::statements! {
    END_IN_WORKSPACE = "SELECT audit_seq, audit_hash FROM workspaces WHERE id = $1"
        | "SELECT audit_seq, audit_hash FROM workspaces WHERE id = $1 FOR UPDATE" because "SQLite has one writer";
    END_IN_INSTALLATION = "SELECT audit_seq, audit_hash FROM installation WHERE id = 1"
        | "SELECT audit_seq, audit_hash FROM installation WHERE id = 1 FOR UPDATE" because "SQLite has one writer";
    KEEP_IN_WORKSPACE = "UPDATE workspaces SET audit_seq = $2, audit_hash = $3 WHERE id = $1";
    KEEP_IN_INSTALLATION = "UPDATE installation SET audit_seq = $1, audit_hash = $2 WHERE id = 1";
    INSERT = "INSERT INTO audit_events (workspace_id, seq, id, at, account_id, actor_name, via, address, action,
            resource_kind, resource_id, resource_name, outcome, second_name, repeated, detail, previous_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    RECENT_REFUSALS = "SELECT COUNT(*) FROM audit_events WHERE workspace_id = $1 AND account_id = $2
            AND outcome = 'refused' AND at > $3";
    RECORDED_SINCE = "SELECT seq FROM audit_events WHERE workspace_id = $1 AND account_id = $2 AND resource_id = $3
            AND action = $4 AND at > $5 LIMIT 1";
    OWN_SEQ = "SELECT seq FROM audit_events WHERE workspace_id = $1 AND account_id = $2 AND id = $3";
    LIST = "SELECT seq, id, at, account_id, actor_name, via, address, action, resource_kind, resource_id, resource_name,
            outcome, second_name, repeated, detail, previous_hash, hash
        FROM audit_events WHERE workspace_id = $1 AND seq < $2
            AND ($3 OR account_id = $4) AND ($5 OR action = $6) AND ($7 OR resource_id = $8) AND ($9 OR outcome = $10)
            AND at >= $11 AND at < $12
        ORDER BY seq DESC LIMIT $13";
    PROJECT_NAME = "SELECT name FROM projects WHERE workspace_id = $1 AND id = $2";
    INSTANCE_NAME = "SELECT name FROM instances WHERE workspace_id = $1 AND id = $2";
    SERVER_NAME = "SELECT name FROM servers WHERE workspace_id = $1 AND id = $2";
    MEMBER_NAME = "SELECT a.name FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND m.id = $2";
    INVITED = "SELECT email FROM invitations WHERE workspace_id = $1 AND id = $2";
    READERS = "SELECT id FROM members WHERE workspace_id = $1 AND (role = 'owner' OR account_id = $2) ORDER BY id";
}

/// What a new event says.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    pub workspace: WorkspaceId,
    pub actor: Option<Actor>,
    pub via: Via,
    pub action: String,
    pub resource: Option<Resource>,
    pub resource_name: Option<String>,
    pub second_name: Option<String>,
    pub outcome: Outcome,
    pub repeated: i64,
    /// A JSON object.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct AuditRecord {
    pub seq: i64,
    pub id: AuditEventId,
    pub at: Timestamp,
    pub account: Option<AccountId>,
    pub actor_name: String,
    pub via: String,
    pub address: Option<String>,
    pub action: String,
    pub resource_kind: Option<String>,
    pub resource_id: Option<Uuid>,
    pub resource_name: Option<String>,
    pub outcome: String,
    pub second_name: Option<String>,
    pub repeated: i64,
    pub detail: String,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// What a list of events is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub account: Option<AccountId>,
    pub action: Option<String>,
    pub resource: Option<Uuid>,
    pub outcome: Option<Outcome>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Only events before this number.
    pub before: Option<i64>,
}

/// The event of a write that was done, from its authority and from what the work said of itself.
pub(crate) async fn write_done(tx: &mut Tx<'_>, authority: &dyn Authority) -> Result<(), StorageFault> {
    let words = std::mem::take(&mut tx.audit);
    if words.silent {
        return Ok(());
    }
    let actor = words.actor.or_else(|| authority.actor().cloned());
    let via = actor.as_ref().map_or_else(|| authority.via(), |actor| actor.via);
    let event = NewAuditEvent {
        workspace: words.workspace.unwrap_or_else(|| authority.workspace()),
        actor,
        via,
        action: words.action.unwrap_or_else(|| authority.operation()).to_owned(),
        resource: words.resource.or_else(|| authority.resource()),
        resource_name: words.resource_name,
        second_name: words.second_name,
        outcome: Outcome::Done,
        repeated: 1,
        detail: words.detail.unwrap_or_else(|| "{}".to_owned()),
    };
    append(tx, &event).await
}

impl Tx<'_> {
    /// A further event of the same write: a thing that failed, or one that belongs to another chain too.
    pub(crate) async fn audit_also(&mut self, event: &NewAuditEvent) -> Result<(), StorageFault> {
        append(self, event).await
    }
}

/// Whether the account did this to the thing since then, by the log.
pub(crate) async fn is_recorded_since(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account: AccountId,
    resource: Uuid,
    action: &str,
    since: Timestamp,
) -> Result<bool, StorageFault> {
    let found =
        tx.fetch_optional(RECORDED_SINCE, values![workspace, account, resource, action, since]).await?;
    Ok(found.is_some())
}

/// Where the chains end that one transaction adds to: read once, and kept by [`keep_ends`] before the commit, however
/// many events come between.
pub(crate) type ChainEnds = std::collections::HashMap<WorkspaceId, ChainEnd>;

#[derive(Clone)]
pub(crate) struct ChainEnd {
    seq: i64,
    hash: Vec<u8>,
}

/// Writes down where the chains end now.
pub(crate) async fn keep_ends(connection: &mut Connection<'_>, ends: &ChainEnds) -> Result<(), StorageFault> {
    for (chain, ChainEnd { seq, hash }) in ends {
        let (statement, values) = if *chain == WorkspaceId::INSTALLATION {
            (KEEP_IN_INSTALLATION, values![*seq, hash.clone()])
        } else {
            (KEEP_IN_WORKSPACE, values![*chain, *seq, hash.clone()])
        };
        connection.execute(statement, values).await?;
    }
    Ok(())
}

async fn end_of(tx: &mut Tx<'_>, chain: WorkspaceId) -> Result<Option<ChainEnd>, StorageFault> {
    // A workspace that was touched whole may be gone.
    if let Some(end) = tx.chains.get(&chain)
        && !tx.touched.workspaces.contains(&chain)
    {
        return Ok(Some(end.clone()));
    }
    let row = if chain == WorkspaceId::INSTALLATION {
        tx.fetch_optional(END_IN_INSTALLATION, vec![]).await?
    } else {
        tx.fetch_optional(END_IN_WORKSPACE, values![chain]).await?
    };
    row.map(|row| Ok(ChainEnd { seq: row.get(0)?, hash: row.get(1)? })).transpose()
}

async fn append(tx: &mut Tx<'_>, event: &NewAuditEvent) -> Result<(), StorageFault> {
    let mut chain = event.workspace;
    let mut end = end_of(tx, chain).await?;
    if end.is_none() && chain != WorkspaceId::INSTALLATION {
        // A workspace that is gone has no chain of its own any more.
        tx.chains.remove(&chain);
        chain = WorkspaceId::INSTALLATION;
        end = end_of(tx, chain).await?;
    }
    // Only before the installation has its row: its making isn't an event.
    let Some(end) = end else { return Ok(()) };
    let record = AuditRecord {
        seq: end.seq + 1,
        id: AuditEventId::new(tx.new_id()),
        at: tx.now(),
        account: event.actor.as_ref().map(|actor| actor.account),
        actor_name: event.actor.as_ref().map_or_else(|| "Stoa".to_owned(), |actor| actor.name.clone()),
        via: event.via.key().to_owned(),
        address: event.actor.as_ref().and_then(|actor| actor.address.clone()),
        action: event.action.clone(),
        resource_kind: event.resource.map(|resource| resource.kind.key().to_owned()),
        resource_id: event.resource.map(|resource| resource.id),
        resource_name: event.resource_name.clone(),
        outcome: event.outcome.key().to_owned(),
        second_name: event.second_name.clone(),
        repeated: event.repeated,
        detail: event.detail.clone(),
        previous_hash: end.hash,
        hash: Vec::new(),
    };
    let (seq, hash) = (record.seq, hash_of(chain, &record));
    tx.insert_later(INSERT, insert_values(chain, record, hash.clone())).await?;
    tx.chains.insert(chain, ChainEnd { seq, hash });
    Ok(())
}

fn insert_values(chain: WorkspaceId, record: AuditRecord, hash: Vec<u8>) -> Vec<Value> {
    values![
        chain,
        record.seq,
        record.id,
        record.at,
        record.account,
        record.actor_name,
        record.via,
        record.address,
        record.action,
        record.resource_kind,
        record.resource_id,
        record.resource_name,
        record.outcome,
        record.second_name,
        record.repeated,
        record.detail,
        record.previous_hash,
        hash,
    ]
}

/// SHA-256 over the previous hash and every field, each with its length before it, so that no two records
/// have the same bytes.
#[must_use]
pub fn hash_of(chain: WorkspaceId, record: &AuditRecord) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        None => hash.update(u64::MAX.to_be_bytes()),
    };
    field(Some(&record.previous_hash));
    field(Some(chain.uuid().as_bytes()));
    field(Some(&record.seq.to_be_bytes()));
    field(Some(record.id.uuid().as_bytes()));
    field(Some(&record.at.micros().to_be_bytes()));
    field(record.account.map(AccountId::uuid).as_ref().map(|id| id.as_bytes().as_slice()));
    for text in [&record.actor_name, &record.via, &record.action, &record.outcome, &record.detail] {
        field(Some(text.as_bytes()));
    }
    field(record.resource_id.as_ref().map(|id| id.as_bytes().as_slice()));
    for text in [&record.address, &record.resource_kind, &record.resource_name, &record.second_name] {
        field(text.as_ref().map(String::as_bytes));
    }
    field(Some(&record.repeated.to_be_bytes()));
    hash.finalize().to_vec()
}

pub(crate) fn read(row: &Row) -> Result<AuditRecord, StorageFault> {
    Ok(AuditRecord {
        seq: row.get(0)?,
        id: row.get(1)?,
        at: row.get(2)?,
        account: row.get(3)?,
        actor_name: row.get(4)?,
        via: row.get(5)?,
        address: row.get(6)?,
        action: row.get(7)?,
        resource_kind: row.get(8)?,
        resource_id: row.get(9)?,
        resource_name: row.get(10)?,
        outcome: row.get(11)?,
        second_name: row.get(12)?,
        repeated: row.get(13)?,
        detail: row.get(14)?,
        previous_hash: row.get(15)?,
        hash: row.get(16)?,
    })
}

/// What a thing of the workspace is called now: for owners, who read of whoever wasn't allowed to touch it.
async fn name_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    resource: Resource,
) -> Result<Option<String>, StorageFault> {
    let statement = match resource.kind {
        ResourceKind::Project => PROJECT_NAME,
        ResourceKind::Instance => INSTANCE_NAME,
        ResourceKind::Server => SERVER_NAME,
        ResourceKind::Member => MEMBER_NAME,
        ResourceKind::Invitation => INVITED,
        _ => return Ok(None),
    };
    let row = tx.fetch_optional(statement, values![workspace, resource.id]).await?;
    row.map(|row| row.get(0)).transpose()
}

impl AuditRecord {
    /// As the one who was refused may read it: what is hidden looks like what never was.
    #[must_use]
    pub fn as_told(self) -> Self {
        let is_hidden = self.outcome == Outcome::Refused.key() && self.detail.contains(NOT_FOUND);
        if is_hidden {
            Self { resource_kind: None, resource_id: None, resource_name: None, ..self }
        } else {
            self
        }
    }
}

impl Store {
    /// Events of one chain, newest first.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_audit(
        &self,
        chain: WorkspaceId,
        filter: &AuditFilter,
        limit: i64,
    ) -> Result<Vec<AuditRecord>, StorageFault> {
        let rows = self
            .fetch_all(
                LIST,
                values![
                    chain,
                    filter.before.unwrap_or(i64::MAX),
                    filter.account.is_none(),
                    filter.account,
                    filter.action.is_none(),
                    filter.action.clone(),
                    filter.resource.is_none(),
                    filter.resource,
                    filter.outcome.is_none(),
                    filter.outcome.map(|outcome| outcome.key().to_owned()),
                    filter.from.map_or(0, Timestamp::micros),
                    filter.to.map_or(i64::MAX, Timestamp::micros),
                    limit,
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The number of one of an account's own events, by which a list goes on after it.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_own_audit_seq(
        &self,
        chain: WorkspaceId,
        account: AccountId,
        event: AuditEventId,
    ) -> Result<Option<i64>, StorageFault> {
        let row = self.fetch_optional(OWN_SEQ, values![chain, account, event]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Keeps a refusal, in a transaction of its own. A flood of one actor's becomes one event a minute.
    ///
    /// # Errors
    /// A fault.
    pub async fn record_refusal(&self, mut event: NewAuditEvent, refusal: &Refusal) -> Result<(), Failure> {
        let Some(denial) = refusal.denial() else { return Ok(()) };
        event.outcome = Outcome::Refused;
        event.detail = if refusal.is_of_token() {
            format!("{{\"denial\":\"{denial}\",\"by_token\":true}}")
        } else {
            format!("{{\"denial\":\"{denial}\"}}")
        };
        let since = self.now().plus_seconds(-FLOOD_SECONDS);
        let account = event.actor.as_ref().map(|actor| actor.account);
        let recent = self.fetch_optional(RECENT_REFUSALS, values![event.workspace, account, since]).await?;
        let recent: i64 = recent.map_or(Ok(0), |row| row.get(0))?;
        for due in self.inner.floods.take_due(self.now()) {
            self.write_refusal(due).await?;
        }
        if recent >= FLOOD {
            self.inner.floods.hold(event, self.now());
            return Ok(());
        }
        self.write_refusal(event).await
    }

    /// Writes down what is held back since a minute. `all`: what was held back a moment ago too.
    ///
    /// # Errors
    /// A fault.
    pub async fn write_held_refusals(&self, all: bool) -> Result<(), Failure> {
        let now = if all { Timestamp::from_micros(i64::MAX) } else { self.now() };
        for due in self.inner.floods.take_due(now) {
            self.write_refusal(due).await?;
        }
        Ok(())
    }

    async fn write_refusal(&self, event: NewAuditEvent) -> Result<(), Failure> {
        let permit = stoa_domain::SystemPermit::new(event.workspace, "audit.refusal", None, None);
        let work: crate::store::Work<()> = Box::new(move |tx| {
            let mut event = event.clone();
            Box::pin(async move {
                tx.audit_nothing();
                if let (None, Some(resource)) = (&event.resource_name, event.resource) {
                    event.resource_name = name_of(tx, event.workspace, resource).await?;
                }
                append(tx, &event).await?;
                Ok(tell_readers(tx, &event).await?)
            })
        });
        self.write(permit, work).await
    }
}

/// Tells the pages of those who read of a refusal, and nobody else's: owners', and those of the one who was refused.
async fn tell_readers(tx: &mut Tx<'_>, event: &NewAuditEvent) -> Result<(), StorageFault> {
    let (workspace, account) = (event.workspace, event.actor.as_ref().map(|actor| actor.account));
    for row in tx.fetch_all(READERS, values![workspace, account]).await? {
        let reader: MemberId = row.get(0)?;
        // Of the workspace, not of the thing: what is hidden isn't named.
        let (kind, of) = (ResourceKind::Workspace, workspace.uuid());
        tx.tell_member(workspace, EventType::Refused, kind, of, Some(reader)).await?;
    }
    Ok(())
}

/// Of what one actor was refused in one workspace.
type Refused = (WorkspaceId, Option<AccountId>, String);

/// More kinds of refusals than this aren't held apart: further ones count with others of their actor.
const MOST_HELD: usize = 10_000;

/// Refusals that are counted instead of written: of each actor and action the first, since when, with their number.
#[derive(Default)]
pub(crate) struct Floods {
    held: std::sync::Mutex<std::collections::HashMap<Refused, (Timestamp, NewAuditEvent)>>,
}

impl Floods {
    fn hold(&self, event: NewAuditEvent, now: Timestamp) {
        let account = event.actor.as_ref().map(|actor| actor.account);
        let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut key = (event.workspace, account, event.action.clone());
        if held.len() >= MOST_HELD && !held.contains_key(&key) {
            let other =
                held.keys().find(|one| one.0 == key.0 && one.1 == key.1).or_else(|| held.keys().next());
            key = other.cloned().unwrap_or(key);
        }
        match held.get_mut(&key) {
            Some((_, first)) => first.repeated += 1,
            None => _ = held.insert(key, (now, event)),
        }
    }

    /// What is held back for a minute, or longer.
    fn take_due(&self, now: Timestamp) -> Vec<NewAuditEvent> {
        let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = |since: Timestamp| now.micros().saturating_sub(since.micros()) >= FLOOD_SECONDS * 1_000_000;
        held.extract_if(|_, (since, _)| due(*since)).map(|(_, (_, event))| event).collect()
    }
}
