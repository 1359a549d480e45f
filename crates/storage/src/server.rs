//! Servers: machines as workspaces have them.

use stoa_domain::name::sorted_as;
use stoa_domain::permission::server::{Change, Create, Delete, List, View};
use stoa_domain::slug::Slug;
use stoa_domain::{
    Conflict, MachineId, MemberId, Permit, Refusal, ReplicaId, ResourceKind, ServerId, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::machine::{MachinePlace, remove_of_server};
use crate::page::Page;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO servers (id, workspace_id, machine_id, slug, name, revision, created_at, sorted_as)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $7)";
    INSERT_MACHINE = "INSERT INTO machines (id, name, kind, replica_id, facts) VALUES ($1, $2, 'local', $3, '{}')";
    LOCAL_MACHINE = "SELECT id FROM machines WHERE kind = 'local' AND (replica_id = $1 OR $1 IS NULL) ORDER BY id LIMIT 1";
    OF_MACHINE = "SELECT id FROM servers WHERE workspace_id = $1 AND machine_id = $2";
    SLUG = "SELECT id FROM servers WHERE workspace_id = $1 AND slug = $2";
    FIND = "SELECT s.id, s.slug, s.name, s.revision, s.created_at, m.id, m.kind, m.replica_id, m.seen_at,
            (SELECT COUNT(*) FROM instances i WHERE i.server_id = s.id
                AND ($3 OR EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $4
                    AND x.instance_id = i.id AND (x.until_at IS NULL OR x.until_at > $5))))
        FROM servers s LEFT JOIN machines m ON m.id = s.machine_id WHERE s.workspace_id = $1 AND s.id = $2";
    LIST_ALL = "SELECT s.id, s.slug, s.name, s.revision, s.created_at, m.id, m.kind, m.replica_id, m.seen_at,
            (SELECT COUNT(*) FROM instances i WHERE i.server_id = s.id)
        FROM servers s LEFT JOIN machines m ON m.id = s.machine_id
        WHERE s.workspace_id = $1 AND (s.sorted_as, s.id) > ($2, $3) ORDER BY s.sorted_as, s.id LIMIT $4";
    /// From the member's list alone: SQLite keeps to the order of a CROSS JOIN.
    LIST_MINE = "SELECT s.id, s.slug, s.name, s.revision, s.created_at, m.id, m.kind, m.replica_id, m.seen_at,
            (SELECT COUNT(*) FROM instances i JOIN member_instances y ON y.instance_id = i.id
                WHERE i.server_id = s.id AND y.member_id = $5 AND (y.until_at IS NULL OR y.until_at > $6))
        FROM member_servers x CROSS JOIN servers s LEFT JOIN machines m ON m.id = s.machine_id
        WHERE s.id = x.server_id AND s.workspace_id = x.workspace_id AND x.workspace_id = $1 AND x.member_id = $5 AND (x.until_at IS NULL OR x.until_at > $6)
            AND (s.sorted_as, s.id) > ($2, $3)
        ORDER BY s.sorted_as, s.id LIMIT $4";
    REVISION = "SELECT revision FROM servers WHERE workspace_id = $1 AND id = $2";
    CHANGE = "UPDATE servers SET name = $3, sorted_as = $4, revision = revision + 1 WHERE workspace_id = $1 AND id = $2";
    INSTANCES = "SELECT COUNT(*) FROM instances WHERE workspace_id = $1 AND server_id = $2";
    DELETE = "DELETE FROM servers WHERE workspace_id = $1 AND id = $2 RETURNING name";
    /// Names and numbers that are unique over the installation are given out one after the other.
    LOCK_INSTALLATION = "SELECT CAST(1 AS BIGINT)"
        | "SELECT CAST(1 AS BIGINT) FROM pg_advisory_xact_lock(7360611843)" because "SQLite has one writer";
    MEMBERS_LISTING = "SELECT m.id, m.account_id FROM member_servers x JOIN members m ON m.id = x.member_id
        WHERE x.workspace_id = $1 AND x.server_id = $2";
}

#[derive(Debug, Clone)]
pub struct NewServer {
    pub id: ServerId,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct ServerRecord {
    pub id: ServerId,
    pub slug: String,
    pub name: String,
    pub revision: i64,
    pub created_at: Timestamp,
    pub is_local: bool,
    pub place: MachinePlace,
    /// When its machine was last there; `None` for the machines that Stoa stands on.
    pub seen_at: Option<Timestamp>,
    /// How many instances of those that the caller sees stand on it.
    pub instances: i64,
}

fn read(row: &Row, here: Option<ReplicaId>) -> Result<ServerRecord, StorageFault> {
    let kind: Option<String> = row.get(6)?;
    Ok(ServerRecord {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        revision: row.get(3)?,
        created_at: row.get(4)?,
        is_local: kind.as_deref() == Some("local"),
        place: MachinePlace::read(row, 5, here)?,
        seen_at: row.get(8)?,
        instances: row.get(9)?,
    })
}

/// A slug made of `name` that `taken` says is free: the plain one, else with a number.
pub(crate) async fn free_slug(
    tx: &mut Tx<'_>,
    taken: crate::Statement,
    workspace: WorkspaceId,
    name: &str,
) -> Result<Slug, Failure> {
    let plain = Slug::plain_of(name);
    for number in 1..10_000 {
        let text = if number == 1 { plain.clone() } else { Slug::numbered(&plain, number) };
        let Ok(slug) = Slug::of_resource(&text) else { continue };
        if tx.fetch_optional(taken, values![workspace, slug.as_str()]).await?.is_none() {
            return Ok(slug);
        }
    }
    Err(Refusal::SlugTaken.into())
}

/// A server's row, its event and the words of the audit log. `machine`: `None` where one is yet to join.
pub(crate) async fn insert_server(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    new: &NewServer,
    machine: Option<MachineId>,
) -> Result<(), Failure> {
    let slug = free_slug(tx, SLUG, workspace, &new.name).await?;
    let (now, name) = (tx.now(), new.name.as_str());
    let values = values![new.id, workspace, machine, slug.as_str(), name, now, sorted_as(name)];
    tx.execute(INSERT, values).await?;
    tx.audit_resource(ResourceKind::Server, new.id.uuid(), name);
    Ok(tx.tell(workspace, EventType::Created, ResourceKind::Server, new.id.uuid()).await?)
}

/// Waits for its turn to give out what is unique over the installation.
pub(crate) async fn lock_installation(tx: &mut Tx<'_>) -> Result<(), StorageFault> {
    tx.fetch_optional(LOCK_INSTALLATION, vec![]).await.map(drop)
}

/// Refuses a change of one that isn't as it was seen any more.
pub(crate) async fn unchanged_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    server: ServerId,
    expected: Option<i64>,
) -> Result<(), Failure> {
    let row = tx.fetch_optional(REVISION, values![workspace, server]).await?.ok_or(Refusal::NotFound)?;
    let revision: i64 = row.get(0)?;
    if expected.is_some_and(|expected| expected != revision) {
        return Err(Refusal::PreconditionFailed.into());
    }
    Ok(())
}

impl Store {
    /// Makes this machine a server of the workspace. Its machine is made when the first workspace takes it.
    ///
    /// # Errors
    /// [`Conflict::MachineTaken`] where it is one already, or a fault.
    pub async fn create_local_server(
        &self,
        permit: Permit<Create>,
        new: NewServer,
    ) -> Result<ServerId, Failure> {
        let (workspace, here) = (permit.workspace(), self.own_replica());
        let work: Work<ServerId> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                lock_installation(tx).await?;
                let machine: MachineId = match tx.fetch_optional(LOCAL_MACHINE, values![here]).await? {
                    Some(row) => row.get(0)?,
                    None => {
                        let machine = MachineId::new(tx.new_id());
                        tx.execute(INSERT_MACHINE, values![machine, new.name.as_str(), here]).await?;
                        machine
                    }
                };
                if tx.fetch_optional(OF_MACHINE, values![workspace, machine]).await?.is_some() {
                    return Err(Refusal::Conflict(Conflict::MachineTaken).into());
                }
                insert_server(tx, workspace, &new, Some(machine)).await?;
                Ok(new.id)
            })
        });
        self.write(permit, work).await
    }

    /// The workspace's server on the machine of this process.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_own_server(&self, workspace: WorkspaceId) -> Result<Option<ServerId>, StorageFault> {
        let Some(row) = self.fetch_optional(LOCAL_MACHINE, values![self.own_replica()]).await? else {
            return Ok(None);
        };
        let machine: MachineId = row.get(0)?;
        let row = self.fetch_optional(OF_MACHINE, values![workspace, machine]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn list_servers(
        &self,
        permit: &Permit<List>,
        page: &Page,
    ) -> Result<Vec<ServerRecord>, StorageFault> {
        let (workspace, member, now) = (permit.workspace(), permit.member(), self.now());
        let (mut sorted, mut id) = page.start();
        let mut found = Vec::new();
        loop {
            let rows = if permit.sees_everything() {
                self.fetch_all(LIST_ALL, values![workspace, sorted, id, page.rows()]).await?
            } else {
                self.fetch_all(LIST_MINE, values![workspace, sorted, id, page.rows(), member, now]).await?
            };
            for row in &rows {
                let record = read(row, self.own_replica())?;
                if page.is_found(&record.name, &record.slug) {
                    found.push(record);
                }
            }
            let last = rows.last();
            let is_end = i64::try_from(rows.len()).unwrap_or(0) < page.rows();
            if page.search.is_none() || found.len() >= page.wanted() || is_end {
                found.truncate(page.wanted());
                return Ok(found);
            }
            (sorted, id) = match last {
                Some(row) => (sorted_as(&row.get::<String>(2)?), row.get(0)?),
                None => return Ok(found),
            };
        }
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_server(&self, permit: &Permit<View>) -> Result<ServerRecord, Failure> {
        self.load_server_as(permit.workspace(), *permit.target(), permit.sees_everything(), permit.member())
            .await
    }

    /// As it is for the one who has just made or changed it.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_server_as(
        &self,
        workspace: WorkspaceId,
        server: ServerId,
        sees_everything: bool,
        member: MemberId,
    ) -> Result<ServerRecord, Failure> {
        let row = self
            .fetch_optional(FIND, values![workspace, server, sees_everything, member, self.now()])
            .await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?, self.own_replica())?)
    }

    /// Gives it another name. Its slug stays.
    ///
    /// # Errors
    /// `PreconditionFailed` where `expected` isn't its revision any more, or a fault.
    pub async fn change_server(
        &self,
        permit: Permit<Change>,
        name: String,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        let (workspace, server) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                unchanged_in(tx, workspace, server, expected).await?;
                tx.execute(CHANGE, values![workspace, server, name.as_str(), sorted_as(&name)]).await?;
                tx.audit_name(name);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Server, server.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Removes it from the workspace. The machine of this process stays; another is refused from here on, and told.
    ///
    /// # Errors
    /// [`Conflict::StillInUse`] while an instance stands on it, `PreconditionFailed`, or a fault.
    pub async fn delete_server(
        &self,
        permit: Permit<Delete>,
        expected: Option<i64>,
    ) -> Result<Option<MachineId>, Failure> {
        let (workspace, server) = (permit.workspace(), *permit.target());
        let work: Work<Option<MachineId>> = Box::new(move |tx| {
            Box::pin(async move {
                unchanged_in(tx, workspace, server, expected).await?;
                let count: i64 = tx.fetch_one(INSTANCES, values![workspace, server]).await?.get(0)?;
                if count > 0 {
                    return Err(Refusal::Conflict(Conflict::StillInUse).into());
                }
                remove_in(tx, workspace, server).await
            })
        });
        self.write(permit, work).await
    }
}

/// Takes a server on which nothing stands out of the workspace. Its machine, where it is none that Stoa stands on.
pub(crate) async fn remove_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    server: ServerId,
) -> Result<Option<MachineId>, Failure> {
    let listing = tx.fetch_all(MEMBERS_LISTING, values![workspace, server]).await?;
    tx.leaves_lists(workspace, ResourceKind::Server, server.uuid(), &listing).await?;
    let machine = remove_of_server(tx, workspace, server).await?;
    let row = tx.fetch_optional(DELETE, values![workspace, server]).await?.ok_or(Refusal::NotFound)?;
    tx.audit_name(row.get::<String>(0)?);
    tx.tell(workspace, EventType::Deleted, ResourceKind::Server, server.uuid()).await?;
    Ok(machine)
}
