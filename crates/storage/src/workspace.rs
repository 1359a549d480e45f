//! Workspaces and their slugs.

pub mod counts;

use stoa_domain::member::Role;
use stoa_domain::name::sorted_as;
use stoa_domain::permission::workspace::{Change, Delete};
use stoa_domain::slug::Slug;
use stoa_domain::{
    AccountId, AccountPermit, LogoId, MachineId, MemberId, Permit, Refusal, ResourceKind, Timestamp,
    WorkspaceId,
};

use crate::detail::Difference;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::second_factor;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// Days for which a deleted workspace's slugs stay taken.
const SLUG_REST_SECONDS: i64 = 30 * 24 * 3600;

crate::statements! {
    INSERT = "INSERT INTO workspaces (id, name, primary_color, revision, audit_seq, audit_hash, created_at, sorted_as)
        VALUES ($1, $2, $3, 1, 0, $4, $5, $6)";
    INSERT_KEY = "INSERT INTO workspace_keys (workspace_id, version, wrapped) VALUES ($1, 1, $2)";
    INSERT_OWNER = "INSERT INTO members (id, workspace_id, account_id, role, access_revision, joined_at, last_seen_at)
        VALUES ($1, $2, $3, 'owner', 1, $4, $4)";
    SLUG_STATE = "SELECT workspace_id, free_at FROM workspace_slugs WHERE slug = $1";
    FREE_SLUG = "DELETE FROM workspace_slugs WHERE slug = $1";
    INSERT_SLUG = "INSERT INTO workspace_slugs (slug, workspace_id, is_current) VALUES ($1, $2, $3)";
    RETIRE_SLUG = "UPDATE workspace_slugs SET is_current = $2 WHERE workspace_id = $1 AND is_current";
    FIND = "SELECT w.id, s.slug, w.name, w.primary_color, w.revision, w.created_at, w.logo_id, w.requires_second_factor FROM workspaces w
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current WHERE w.id = $1";
    MINE = "SELECT w.id, s.slug, w.name, w.primary_color, w.revision, w.created_at, w.logo_id, w.requires_second_factor,
            m.role FROM members m
        JOIN workspaces w ON w.id = m.workspace_id
        JOIN workspace_slugs s ON s.workspace_id = w.id AND s.is_current
        WHERE m.account_id = $1 AND (w.sorted_as, w.id) > ($2, $3)
        ORDER BY w.sorted_as, w.id LIMIT $4";
    CHANGE = "UPDATE workspaces SET name = COALESCE($2, name), sorted_as = COALESCE($5, sorted_as),
        primary_color = COALESCE($3, primary_color), requires_second_factor = COALESCE($4, requires_second_factor), revision = revision + 1 WHERE id = $1";
    INSTANCES = "SELECT slug, name FROM instances WHERE workspace_id = $1 ORDER BY sorted_as, id LIMIT 100";
    ANY_INSTANCE = "SELECT id FROM instances WHERE workspace_id = $1 LIMIT 1";
    RELEASE_SLUGS = "UPDATE workspace_slugs SET workspace_id = NULL, is_current = $2, free_at = $3 WHERE workspace_id = $1";
    DELETE_PROJECTS = "DELETE FROM projects WHERE workspace_id = $1";
    DELETE_SERVERS = "DELETE FROM servers WHERE workspace_id = $1";
    DELETE = "DELETE FROM workspaces WHERE id = $1";
    KEY = "SELECT wrapped FROM workspace_keys WHERE workspace_id = $1 AND version = $2";
    RAISE_MEMBERS = "UPDATE members SET access_revision = access_revision + 1 WHERE workspace_id = $1";
    ACCOUNTS_OF = "SELECT account_id FROM members WHERE workspace_id = $1";
}

#[derive(Clone)]
pub struct NewWorkspace {
    pub id: WorkspaceId,
    pub owner: MemberId,
    pub name: String,
    pub slug: Slug,
    pub primary_color: String,
    /// The workspace's key, wrapped by the master key.
    pub wrapped_key: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct WorkspaceRecord {
    pub id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub primary_color: String,
    pub revision: i64,
    pub created_at: Timestamp,
    /// Another one for each picture that is uploaded.
    pub logo: Option<LogoId>,
    /// Whether its members need a second factor.
    pub requires_second_factor: bool,
}

/// One of an account's workspaces.
#[derive(Debug, Clone)]
pub struct MyWorkspace {
    pub workspace: WorkspaceRecord,
    pub role: Role,
}

/// What a change of a workspace sets; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceChange {
    pub name: Option<String>,
    pub slug: Option<Slug>,
    pub primary_color: Option<String>,
    pub requires_second_factor: Option<bool>,
    /// Refused where the workspace has another revision by now.
    pub expected_revision: Option<i64>,
}

fn read(row: &Row) -> Result<WorkspaceRecord, StorageFault> {
    read_from(row, 0)
}

/// From the columns that begin at `first`.
fn read_from(row: &Row, first: usize) -> Result<WorkspaceRecord, StorageFault> {
    Ok(WorkspaceRecord {
        id: row.get(first)?,
        slug: row.get(first + 1)?,
        name: row.get(first + 2)?,
        primary_color: row.get(first + 3)?,
        revision: row.get(first + 4)?,
        created_at: row.get(first + 5)?,
        logo: row.get(first + 6)?,
        requires_second_factor: row.get(first + 7)?,
    })
}

/// A membership as a list of one's workspaces shows it.
pub(crate) fn read_mine(row: &Row, first: usize) -> Result<MyWorkspace, StorageFault> {
    let role: String = row.get(first + 8)?;
    let role = Role::from_key(&role).ok_or(StorageFault::Unknown(role))?;
    Ok(MyWorkspace { workspace: read_from(row, first)?, role })
}

/// Takes a slug for the workspace, or says that it's taken.
async fn take_slug(tx: &mut Tx<'_>, slug: &Slug, workspace: WorkspaceId) -> Result<(), Failure> {
    let now = tx.now();
    if let Some(row) = tx.fetch_optional(SLUG_STATE, values![slug.as_str()]).await? {
        let holder = row.get::<Option<WorkspaceId>>(0)?;
        let free_at = row.get::<Option<Timestamp>>(1)?;
        let is_free = holder.is_none() && free_at.is_none_or(|free_at| free_at <= now);
        if !is_free && holder != Some(workspace) {
            return Err(Refusal::SlugTaken.into());
        }
        tx.execute(FREE_SLUG, values![slug.as_str()]).await?;
    }
    tx.execute(RETIRE_SLUG, values![workspace, false]).await?;
    match tx.execute(INSERT_SLUG, values![slug.as_str(), workspace, true]).await {
        // Two on two replicas: the schema settles it.
        Err(fault) if fault.is_unique_violation() => Err(Refusal::SlugTaken.into()),
        other => Ok(other.map(drop)?),
    }
}

/// Whoever demands a second factor has one, so that no owner locks everybody out. Every member's standing is another
/// one from now on.
async fn demand(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    owner: AccountId,
    requires: bool,
) -> Result<(), Failure> {
    if requires && !second_factor::has_any(tx, owner).await? {
        return Err(Refusal::invalid(
            "requires_second_factor",
            "no_second_factor",
            "Set up a second factor of your own first, under Account, Security.",
        )
        .into());
    }
    tx.execute(RAISE_MEMBERS, values![workspace]).await?;
    for row in tx.fetch_all(ACCOUNTS_OF, values![workspace]).await? {
        tx.touched.members.push((workspace, row.get(0)?));
    }
    Ok(())
}

impl Store {
    /// The creator becomes the owner.
    ///
    /// # Errors
    /// `SlugTaken`.
    pub async fn create_workspace(
        &self,
        permit: AccountPermit,
        new: NewWorkspace,
    ) -> Result<WorkspaceRecord, Failure> {
        let account = permit.actor().account;
        let id = new.id;
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let now = tx.now();
                let sorted = sorted_as(&new.name);
                tx.execute(
                    INSERT,
                    values![new.id, new.name.clone(), new.primary_color, vec![0_u8; 32], now, sorted],
                )
                .await?;
                take_slug(tx, &new.slug, new.id).await?;
                tx.execute(INSERT_KEY, values![new.id, new.wrapped_key]).await?;
                tx.execute(INSERT_OWNER, values![new.owner, new.id, account, now]).await?;
                tx.touched.members.push((new.id, account));
                tx.audit_in(new.id);
                tx.audit_resource(ResourceKind::Workspace, new.id.uuid(), new.name);
                Ok(())
            })
        });
        self.write(permit, work).await?;
        self.load_workspace(id).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn load_workspace(&self, id: WorkspaceId) -> Result<WorkspaceRecord, Failure> {
        let row = self.fetch_optional(FIND, values![id]).await?.ok_or(Refusal::NotFound)?;
        Ok(read(&row)?)
    }

    /// The account's workspaces by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_my_workspaces(
        &self,
        account: AccountId,
        after: (&str, WorkspaceId),
        limit: i64,
    ) -> Result<Vec<MyWorkspace>, StorageFault> {
        let rows = self.fetch_all(MINE, values![account, sorted_as(after.0), after.1, limit]).await?;
        rows.iter().map(|row| read_mine(row, 0)).collect()
    }

    /// # Errors
    /// A fault.
    pub async fn has_instances(&self, workspace: WorkspaceId) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(ANY_INSTANCE, values![workspace]).await?.is_some())
    }

    /// Whether a workspace's slug can be taken.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_slug_free(&self, slug: &str) -> Result<bool, StorageFault> {
        let Some(row) = self.fetch_optional(SLUG_STATE, values![slug]).await? else { return Ok(true) };
        let holder = row.get::<Option<WorkspaceId>>(0)?;
        let free_at = row.get::<Option<Timestamp>>(1)?;
        Ok(holder.is_none() && free_at.is_none_or(|free_at| free_at <= self.now()))
    }

    /// The workspace's key as it is kept: wrapped.
    ///
    /// # Errors
    /// A fault where there is none.
    pub async fn load_wrapped_key(
        &self,
        workspace: WorkspaceId,
        version: i64,
    ) -> Result<Vec<u8>, StorageFault> {
        let row = self.fetch_optional(KEY, values![workspace, version]).await?;
        row.ok_or_else(|| StorageFault::Unknown(format!("key {version} of workspace {workspace}")))?.get(0)
    }

    /// # Errors
    /// `SlugTaken`, `PreconditionFailed`.
    pub async fn change_workspace(
        &self,
        permit: Permit<Change>,
        change: WorkspaceChange,
    ) -> Result<WorkspaceRecord, Failure> {
        let (id, account) = (permit.workspace(), permit.actor().account);
        let work: Work<()> = Box::new(move |tx| {
            let change = change.clone();
            Box::pin(async move {
                let row = tx.fetch_optional(FIND, values![id]).await?.ok_or(Refusal::NotFound)?;
                let old = read(&row)?;
                if change.expected_revision.is_some_and(|expected| old.revision != expected) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                if let Some(slug) = &change.slug {
                    take_slug(tx, slug, id).await?;
                }
                let color = change.primary_color.as_deref().unwrap_or(&old.primary_color);
                let asked = |demands: bool| if demands { "true" } else { "false" };
                let demands = change.requires_second_factor.unwrap_or(old.requires_second_factor);
                let difference = Difference::default()
                    .of("name", &old.name, change.name.as_deref().unwrap_or(&old.name))
                    .of("slug", &old.slug, change.slug.as_ref().map_or(&old.slug, Slug::as_str))
                    .of("primary_color", &old.primary_color, color)
                    .of("requires_second_factor", asked(old.requires_second_factor), asked(demands));
                tx.audit_name(change.name.as_deref().unwrap_or(&old.name));
                tx.audit_detail(difference.finish());
                let sorted = change.name.as_deref().map(sorted_as);
                tx.execute(
                    CHANGE,
                    values![id, change.name, change.primary_color, change.requires_second_factor, sorted],
                )
                .await?;
                if demands != old.requires_second_factor {
                    demand(tx, id, account, demands).await?;
                }
                tx.tell(id, EventType::Changed, ResourceKind::Workspace, id.uuid()).await?;
                Ok(())
            })
        });
        self.write(permit, work).await?;
        self.load_workspace(id).await
    }

    /// The machines that were its servers alone, which are refused from here on.
    ///
    /// # Errors
    /// `HasInstances`, `PreconditionFailed`.
    pub async fn delete_workspace(
        &self,
        permit: Permit<Delete>,
        expected_revision: Option<i64>,
    ) -> Result<Vec<MachineId>, Failure> {
        let id = permit.workspace();
        let work: Work<Vec<MachineId>> = Box::new(move |tx| {
            Box::pin(async move {
                let row = tx.fetch_optional(FIND, values![id]).await?.ok_or(Refusal::NotFound)?;
                let found = read(&row)?;
                if expected_revision.is_some_and(|expected| found.revision != expected) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                let instances = tx.fetch_all(INSTANCES, values![id]).await?;
                if !instances.is_empty() {
                    let named = instances.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
                    let named = named.collect::<Result<Vec<_>, StorageFault>>()?;
                    return Err(Refusal::HasInstances(named).into());
                }
                tx.audit_name(found.name);
                let accounts = tx.fetch_all(ACCOUNTS_OF, values![id]).await?;
                for row in &accounts {
                    tx.touched.members.push((id, row.get(0)?));
                }
                let free_at = tx.now().plus_seconds(SLUG_REST_SECONDS);
                tx.execute(RELEASE_SLUGS, values![id, false, free_at]).await?;
                tx.execute(DELETE_PROJECTS, values![id]).await?;
                let machines = crate::machine::remove_of_workspace(tx, id).await?;
                tx.execute(DELETE_SERVERS, values![id]).await?;
                tx.execute(DELETE, values![id]).await?;
                tx.touched.workspaces.push(id);
                tx.touched.events.push(id);
                Ok(machines)
            })
        });
        self.write(permit, work).await
    }
}
