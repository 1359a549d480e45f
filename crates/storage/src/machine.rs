//! Machines elsewhere: who may join as which server, who has joined, and who holds the link of one.
//!
//! A machine is known by its certificate alone once it has joined. What it was removed by is kept: it is refused for ever.

use stoa_domain::permission::server::{Create, Join};
use stoa_domain::{
    BackupRepositoryId, Conflict, InstanceId, MachineId, Permit, Refusal, ReplicaId, ResourceKind, ServerId,
    SystemPermit, Timestamp, WorkspaceId,
};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::replica::GONE_SECONDS;
use crate::row::Row;
use crate::server::{NewServer, insert_server};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    OF_INSTANCE = "SELECT m.id, m.kind, m.replica_id FROM instances i JOIN servers s ON s.id = i.server_id
        LEFT JOIN machines m ON m.id = s.machine_id WHERE i.id = $1";
    OF_MACHINE = "SELECT id, kind, replica_id FROM machines WHERE id = $1 AND removed_at IS NULL";
    OF_SERVER = "SELECT m.id, m.kind, m.replica_id FROM servers s LEFT JOIN machines m ON m.id = s.machine_id
        WHERE s.workspace_id = $1 AND s.id = $2";
    FIRST = "SELECT m.id, m.kind, m.replica_id, s.id FROM servers s JOIN machines m ON m.id = s.machine_id
        WHERE s.workspace_id = $1 ORDER BY s.sorted_as, s.id LIMIT 1";
    /// A repository stays where it was made, also when its instance is gone, or its server.
    OF_REPOSITORY = "SELECT m.id, m.kind, m.replica_id, r.place = 's3',
            EXISTS (SELECT 1 FROM servers s WHERE s.id = r.server_id)
        FROM backup_repositories r LEFT JOIN machines m ON m.id = r.machine_id AND m.removed_at IS NULL
        WHERE r.workspace_id = $1 AND r.id = $2";
    ADD_JOIN = "INSERT INTO joins (token_hash, workspace_id, server_id, expires_at) VALUES ($1, $2, $3, $4)";
    END_JOINS = "DELETE FROM joins WHERE workspace_id = $1 AND server_id = $2";
    MACHINE_AND_NAME = "SELECT machine_id, name FROM servers WHERE workspace_id = $1 AND id = $2";
    /// A token works once: who takes it first has it.
    TAKE_JOIN = "UPDATE joins SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
        RETURNING workspace_id, server_id";
    FIND_JOIN = "SELECT used_at FROM joins WHERE token_hash = $1";
    ADD_MACHINE = "INSERT INTO machines (id, name, kind, certificate_sha256, facts) VALUES ($1, $2, 'agent', $3, '{}')";
    TAKE_SERVER = "UPDATE servers SET machine_id = $3 WHERE workspace_id = $1 AND id = $2 AND machine_id IS NULL
        RETURNING name";
    BY_CERTIFICATE = "SELECT id, removed_at FROM machines WHERE certificate_sha256 = $1";
    /// One that was removed a moment ago isn't linked any more.
    LINKED = "UPDATE machines SET replica_id = $2, connected_at = $3, seen_at = $3 WHERE id = $1 AND removed_at IS NULL";
    SEEN = "UPDATE machines SET seen_at = $2 WHERE id = $1 AND removed_at IS NULL";
    /// Another replica may hold its next link already.
    UNLINKED = "UPDATE machines SET replica_id = NULL, seen_at = $3 WHERE id = $1 AND (replica_id = $2 OR $2 IS NULL)";
    SERVERS_OF = "SELECT workspace_id, id FROM servers WHERE machine_id = $1";
    REMOVE_OF_SERVER = "UPDATE machines SET removed_at = $3, replica_id = NULL WHERE kind = 'agent'
        AND id = (SELECT s.machine_id FROM servers s WHERE s.workspace_id = $1 AND s.id = $2) RETURNING id";
    REMOVE_OF_WORKSPACE = "UPDATE machines SET removed_at = $2, replica_id = NULL WHERE kind = 'agent'
        AND id IN (SELECT s.machine_id FROM servers s WHERE s.workspace_id = $1) RETURNING id";
    IS_REMOVED = "SELECT removed_at FROM machines WHERE id = $1";
    HOLDER = "SELECT r.id, r.internal_url FROM machines m JOIN replicas r ON r.id = m.replica_id
        WHERE m.id = $1 AND m.removed_at IS NULL AND r.seen_at > $2";
    IDENTITY = "SELECT agent_identity FROM installation WHERE id = 1";
    /// Two that are first at once make one.
    KEEP_IDENTITY = "UPDATE installation SET agent_identity = $1 WHERE id = 1 AND agent_identity IS NULL";
}

/// Where a machine is, seen from this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MachinePlace {
    /// The one that it stands on.
    Here,
    /// Another; and which replica holds its link or stands on it, where one does.
    Elsewhere(MachineId, Option<ReplicaId>),
    /// None has joined yet.
    Nowhere,
}

impl MachinePlace {
    /// Whether both are the same machine, whoever holds its link.
    #[must_use]
    pub fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Elsewhere(one, _), Self::Elsewhere(two, _)) => one == two,
            (one, two) => one == two,
        }
    }

    pub(crate) fn read(row: &Row, at: usize, here: Option<ReplicaId>) -> Result<Self, StorageFault> {
        let Some(machine) = row.get::<Option<MachineId>>(at)? else { return Ok(Self::Nowhere) };
        let kind: Option<String> = row.get(at + 1)?;
        let replica: Option<ReplicaId> = row.get(at + 2)?;
        let is_here = kind.as_deref() == Some("local") && (here.is_none() || replica == here);
        Ok(if is_here { Self::Here } else { Self::Elsewhere(machine, replica) })
    }
}

/// What a machine is let in by: the hash of the token, and until when it counts.
#[derive(Debug, Clone)]
pub struct NewJoin {
    pub token_hash: Vec<u8>,
    pub expires_at: Timestamp,
}

/// How a machine that comes with a token is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    Taken(MachineId),
    /// The token was used by another machine.
    Used,
    /// It is too old, was made anew, or never was.
    Unknown,
}

/// A machine that is known by its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownMachine {
    pub id: MachineId,
    pub is_removed: bool,
}

fn house(operation: &'static str) -> SystemPermit {
    SystemPermit::new(WorkspaceId::INSTALLATION, operation, None, None)
}

/// Its workspace's pages look at it again.
async fn tell(tx: &mut Tx<'_>, machine: MachineId) -> Result<(), StorageFault> {
    for row in tx.fetch_all(SERVERS_OF, values![machine]).await? {
        let (workspace, server): (WorkspaceId, ServerId) = (row.get(0)?, row.get(1)?);
        tx.tell(workspace, EventType::Changed, ResourceKind::Server, server.uuid()).await?;
    }
    Ok(())
}

/// The machine of a server that is removed is refused from here on.
pub(crate) async fn remove_of_server(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    server: ServerId,
) -> Result<Option<MachineId>, StorageFault> {
    let now = tx.now();
    let row = tx.fetch_optional(REMOVE_OF_SERVER, values![workspace, server, now]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The same of all servers of a workspace.
pub(crate) async fn remove_of_workspace(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
) -> Result<Vec<MachineId>, StorageFault> {
    let now = tx.now();
    let rows = tx.fetch_all(REMOVE_OF_WORKSPACE, values![workspace, now]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

impl Store {
    /// Where the machine of an instance is; `None` where there is no such instance.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_place_of_instance(
        &self,
        instance: InstanceId,
    ) -> Result<Option<MachinePlace>, StorageFault> {
        let row = self.fetch_optional(OF_INSTANCE, values![instance]).await?;
        row.map(|row| MachinePlace::read(&row, 0, self.own_replica())).transpose()
    }

    /// The same of a machine itself; nowhere where there is none, or none any more.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_place_of_machine(&self, machine: MachineId) -> Result<MachinePlace, StorageFault> {
        let row = self.fetch_optional(OF_MACHINE, values![machine]).await?;
        row.map_or(Ok(MachinePlace::Nowhere), |row| MachinePlace::read(&row, 0, self.own_replica()))
    }

    /// The same of a server.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_place_of_server(
        &self,
        workspace: WorkspaceId,
        server: ServerId,
    ) -> Result<Option<MachinePlace>, StorageFault> {
        let row = self.fetch_optional(OF_SERVER, values![workspace, server]).await?;
        row.map(|row| MachinePlace::read(&row, 0, self.own_replica())).transpose()
    }

    /// The first by name of a workspace's servers that have a machine.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_first_server(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Option<(ServerId, MachinePlace)>, StorageFault> {
        let row = self.fetch_optional(FIRST, values![workspace]).await?;
        row.map(|row| Ok((row.get(3)?, MachinePlace::read(&row, 0, self.own_replica())?))).transpose()
    }

    /// Where the machine is whose disk a repository of backups is on, or which has written it; `None` where that machine
    /// was removed. What is in a bucket is asked for by this process's own then.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_place_of_repository(
        &self,
        workspace: WorkspaceId,
        repository: BackupRepositoryId,
    ) -> Result<Option<MachinePlace>, StorageFault> {
        let Some(row) = self.fetch_optional(OF_REPOSITORY, values![workspace, repository]).await? else {
            return Ok(None);
        };
        let (is_in_bucket, has_server): (bool, bool) = (row.get(3)?, row.get(4)?);
        let place = MachinePlace::read(&row, 0, self.own_replica())?;
        Ok(match place {
            MachinePlace::Nowhere => is_in_bucket.then_some(MachinePlace::Here),
            _ if is_in_bucket && !has_server => Some(MachinePlace::Here),
            place => Some(place),
        })
    }

    /// Makes a server that a machine may join as.
    ///
    /// # Errors
    /// A fault.
    pub async fn create_server_elsewhere(
        &self,
        permit: Permit<Create>,
        new: NewServer,
        join: NewJoin,
    ) -> Result<ServerId, Failure> {
        let workspace = permit.workspace();
        let work: Work<ServerId> = Box::new(move |tx| {
            let (new, join) = (new.clone(), join.clone());
            Box::pin(async move {
                insert_server(tx, workspace, &new, None).await?;
                tx.execute(ADD_JOIN, values![join.token_hash, workspace, new.id, join.expires_at]).await?;
                Ok(new.id)
            })
        });
        self.write(permit, work).await
    }

    /// Lets a machine join by another token. The one before counts no more.
    ///
    /// # Errors
    /// [`Conflict::AlreadyJoined`] where one has joined, or a fault.
    pub async fn renew_join(&self, permit: Permit<Join>, join: NewJoin) -> Result<(), Failure> {
        let (workspace, server) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let join = join.clone();
            Box::pin(async move {
                let row = tx.fetch_optional(MACHINE_AND_NAME, values![workspace, server]).await?;
                let row = row.ok_or(Refusal::NotFound)?;
                tx.audit_name(row.get::<String>(1)?);
                if row.get::<Option<MachineId>>(0)?.is_some() {
                    return Err(Refusal::Conflict(Conflict::AlreadyJoined).into());
                }
                tx.execute(END_JOINS, values![workspace, server]).await?;
                tx.execute(ADD_JOIN, values![join.token_hash, workspace, server, join.expires_at]).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// The machine of a certificate.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_machine_by_certificate(
        &self,
        certificate: &[u8],
    ) -> Result<Option<KnownMachine>, StorageFault> {
        let Some(row) = self.fetch_optional(BY_CERTIFICATE, values![certificate.to_vec()]).await? else {
            return Ok(None);
        };
        Ok(Some(KnownMachine { id: row.get(0)?, is_removed: row.get::<Option<Timestamp>>(1)?.is_some() }))
    }

    /// Takes a machine in by a token, which ends with it.
    ///
    /// # Errors
    /// A fault.
    pub async fn join_machine(
        &self,
        token_hash: Vec<u8>,
        certificate: Vec<u8>,
        machine: MachineId,
    ) -> Result<Joined, Failure> {
        let work: Work<Joined> = Box::new(move |tx| {
            let (token_hash, certificate) = (token_hash.clone(), certificate.clone());
            Box::pin(async move {
                let now = tx.now();
                let taken = tx.fetch_optional(TAKE_JOIN, values![token_hash.clone(), now]).await?;
                let Some(row) = taken else {
                    tx.audit_nothing();
                    let known = tx.fetch_optional(FIND_JOIN, values![token_hash]).await?;
                    let used = known.map(|row| row.get::<Option<Timestamp>>(0)).transpose()?.flatten();
                    return Ok(if used.is_some() { Joined::Used } else { Joined::Unknown });
                };
                let (workspace, server): (WorkspaceId, ServerId) = (row.get(0)?, row.get(1)?);
                tx.execute(ADD_MACHINE, values![machine, "agent", certificate]).await?;
                let row = tx.fetch_optional(TAKE_SERVER, values![workspace, server, machine]).await?;
                // One token at a time lets one machine in: a second has nothing to join as.
                let row = row.ok_or(Refusal::Conflict(Conflict::AlreadyJoined))?;
                tx.audit_in(workspace);
                tx.audit_resource(ResourceKind::Server, server.uuid(), row.get::<String>(0)?);
                tx.tell(workspace, EventType::Changed, ResourceKind::Server, server.uuid()).await?;
                Ok(Joined::Taken(machine))
            })
        });
        self.write(house("server.joined"), work).await
    }

    /// Writes down that this process holds a machine's link. `false` where it was removed meanwhile.
    ///
    /// # Errors
    /// A fault.
    pub async fn machine_linked(&self, machine: MachineId) -> Result<bool, Failure> {
        let here = self.own_replica();
        let work: Work<bool> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let is_known = tx.execute(LINKED, values![machine, here, now]).await? == 1;
                tell(tx, machine).await?;
                tx.touched.jobs = true;
                Ok(is_known)
            })
        });
        self.write(house("machine.linked"), work).await
    }

    /// Writes down that it was there a moment ago. `false` where it was removed meanwhile, by whichever process.
    ///
    /// # Errors
    /// A fault.
    pub async fn machine_seen(&self, machine: MachineId) -> Result<bool, Failure> {
        let work: Work<bool> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                Ok(tx.execute(SEEN, values![machine, now]).await? == 1)
            })
        });
        self.write(house("machine.seen"), work).await
    }

    /// Whether the server of a machine was removed.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_machine_removed(&self, machine: MachineId) -> Result<bool, StorageFault> {
        let row = self.fetch_optional(IS_REMOVED, values![machine]).await?;
        row.map_or(Ok(true), |row| Ok(row.get::<Option<Timestamp>>(0)?.is_some()))
    }

    /// Writes down that its link has ended.
    ///
    /// # Errors
    /// A fault.
    pub async fn machine_unlinked(&self, machine: MachineId) -> Result<(), Failure> {
        let here = self.own_replica();
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                tx.execute(UNLINKED, values![machine, here, now]).await?;
                Ok(tell(tx, machine).await?)
            })
        });
        self.write(house("machine.unlinked"), work).await
    }

    /// How the replica is reached that holds a machine's link, or stands on it; `None` where that is this one, or none
    /// that is there.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_holder(&self, machine: MachineId) -> Result<Option<String>, StorageFault> {
        let since = self.now().plus_seconds(-GONE_SECONDS);
        let row = self.fetch_optional(HOLDER, values![machine, since]).await?;
        let found = row.map(|row| Ok::<_, StorageFault>((row.get(0)?, row.get(1)?))).transpose()?;
        Ok(found.filter(|(id, _): &(ReplicaId, _)| Some(*id) != self.own_replica()).and_then(|(_, url)| url))
    }

    /// The key and the certificate by which agents know the installation, sealed.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_agent_identity(&self) -> Result<Option<Vec<u8>>, StorageFault> {
        self.fetch_optional(IDENTITY, vec![]).await?.map_or(Ok(None), |row| row.get(0))
    }

    /// Keeps them, where there are none yet.
    ///
    /// # Errors
    /// A fault.
    pub async fn keep_agent_identity(&self, sealed: Vec<u8>) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let sealed = sealed.clone();
            Box::pin(async move {
                tx.audit_nothing();
                tx.execute(KEEP_IDENTITY, values![sealed]).await?;
                Ok(())
            })
        });
        self.write(house("installation.identity"), work).await
    }
}
