//! Memberships as `decide` wants them. On SQLite they are kept in memory; on PostgreSQL nothing is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_domain::member::Role;
use stoa_domain::{
    Access, AccountId, Action, ActionSet, InstanceId, MemberId, ProjectId, Resource, ResourceKind, Revisions,
    ServerId, Timestamp, WorkspaceId,
};

use crate::failure::StorageFault;
use crate::row::Row;
use crate::store::Store;
use crate::tx::{Touched, Tx};
use crate::values;

/// Standings that nobody asked for are dropped after ten minutes.
const IDLE_SECONDS: i64 = 600;

crate::statements! {
    /// The whole membership in one statement: the member, its actions and its lists. `$4` asks for the whole
    /// lists; otherwise only for the entries `$5`, `$6` and `$7`. A row `demand` says that a second factor is missing.
    /// Of a grant `number` is its end.
    ACCESS = "SELECT 'member' AS kind, m.role AS word, m.id AS id, m.access_revision AS number, a.revision AS second
            FROM members m JOIN accounts a ON a.id = m.account_id
            WHERE m.workspace_id = $1 AND m.account_id = $2 AND a.status = 'active'
        UNION ALL SELECT 'demand', NULL, NULL, NULL, NULL FROM workspaces w
            WHERE w.id = $1 AND w.requires_second_factor
              AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.account_id = $2)
              AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.account_id = $2)
        UNION ALL SELECT 'action', x.action, NULL, x.until_at, NULL FROM members m
            JOIN member_actions x ON x.member_id = m.id
            WHERE m.workspace_id = $1 AND m.account_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'project', NULL, x.project_id, x.until_at, NULL FROM members m
            JOIN member_projects x ON x.member_id = m.id
            WHERE m.workspace_id = $1 AND m.account_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
              AND ($4 OR x.project_id = $5)
        UNION ALL SELECT 'instance', NULL, x.instance_id, x.until_at, NULL FROM members m
            JOIN member_instances x ON x.member_id = m.id
            WHERE m.workspace_id = $1 AND m.account_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
              AND ($4 OR x.instance_id = $6)
        UNION ALL SELECT 'server', NULL, x.server_id, x.until_at, NULL FROM members m
            JOIN member_servers x ON x.member_id = m.id
            WHERE m.workspace_id = $1 AND m.account_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
              AND ($4 OR x.server_id = $7)";
}

#[derive(Clone, Default)]
pub(crate) struct Standings {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Rises with each commit that changes a standing: what was read before isn't kept after.
    generation: u64,
    entries: HashMap<(WorkspaceId, AccountId), Entry>,
}

struct Entry {
    /// `None`: known not to be a member.
    access: Option<Arc<Access>>,
    used_at: Timestamp,
}

impl Entry {
    /// When the first of its grants ends: it counts no longer then.
    fn ends_at(&self) -> Option<Timestamp> {
        self.access.as_ref().and_then(|access| access.ends_at)
    }
}

impl Standings {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // The map is whole after every statement, so a panic elsewhere doesn't spoil it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the writer after the commit, before anyone is answered.
    pub(crate) fn forget(&self, touched: &Touched) {
        if touched.members.is_empty() && touched.workspaces.is_empty() && touched.accounts.is_empty() {
            return;
        }
        let mut kept = self.kept();
        kept.generation += 1;
        for key in &touched.members {
            kept.entries.remove(key);
        }
        if !touched.workspaces.is_empty() || !touched.accounts.is_empty() {
            kept.entries.retain(|(workspace, account), _| {
                !touched.workspaces.contains(workspace) && !touched.accounts.contains(account)
            });
        }
    }

    fn find(&self, key: (WorkspaceId, AccountId), now: Timestamp) -> Result<Option<Arc<Access>>, u64> {
        let mut kept = self.kept();
        let generation = kept.generation;
        match kept.entries.get_mut(&key) {
            Some(entry) if entry.ends_at().is_none_or(|ends_at| ends_at > now) => {
                entry.used_at = now;
                Ok(entry.access.clone())
            }
            _ => Err(generation),
        }
    }

    fn keep(&self, key: (WorkspaceId, AccountId), access: Option<Arc<Access>>, read_at: u64, now: Timestamp) {
        let mut kept = self.kept();
        if kept.generation != read_at {
            return;
        }
        if kept.entries.len() % 1024 == 1023 {
            kept.entries.retain(|_, entry| now.seconds_since(entry.used_at) < IDLE_SECONDS);
        }
        kept.entries.insert(key, Entry { access, used_at: now });
    }
}

impl Store {
    /// The account's membership in the workspace, at this moment; `None` where there is none. `wanted` names
    /// the resources that will be decided on.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_access(
        &self,
        workspace: WorkspaceId,
        account: AccountId,
        wanted: &[Resource],
    ) -> Result<Option<Arc<Access>>, StorageFault> {
        let now = self.now();
        if !self.is_sqlite() {
            let mut whole: Option<Access> = None;
            for values in access_values(workspace, account, now, wanted) {
                let rows = self.fetch_all(ACCESS, values).await?;
                let Some(part) = read(&rows, workspace, account)? else { return Ok(None) };
                match &mut whole {
                    None => whole = Some(part),
                    Some(whole) => add(whole, part),
                }
            }
            return Ok(whole.map(Arc::new));
        }
        let key = (workspace, account);
        let read_at = match self.inner.standings.find(key, now) {
            Ok(access) => return Ok(access),
            Err(generation) => generation,
        };
        let rows = self.fetch_all(ACCESS, whole_lists(workspace, account, now)).await?;
        let access = read(&rows, workspace, account)?.map(Arc::new);
        self.inner.standings.keep(key, access.clone(), read_at, now);
        Ok(access)
    }
}

fn add(whole: &mut Access, part: Access) {
    whole.ends_at = earlier(whole.ends_at, part.ends_at);
    whole.projects.extend(part.projects);
    whole.instances.extend(part.instances);
    whole.servers.extend(part.servers);
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn whole_lists(workspace: WorkspaceId, account: AccountId, now: Timestamp) -> Vec<crate::value::Value> {
    values![workspace, account, now, true, None::<ProjectId>, None::<InstanceId>, None::<ServerId>]
}

/// One set of values for each group of a project, an instance and a server that is asked for.
fn access_values(
    workspace: WorkspaceId,
    account: AccountId,
    now: Timestamp,
    wanted: &[Resource],
) -> Vec<Vec<crate::value::Value>> {
    let of = |kind| wanted.iter().filter(move |r| r.kind == kind).map(|r| r.id).collect::<Vec<_>>();
    let (projects, instances, servers) =
        (of(ResourceKind::Project), of(ResourceKind::Instance), of(ResourceKind::Server));
    let rounds = projects.len().max(instances.len()).max(servers.len()).max(1);
    if rounds > 4 {
        return vec![whole_lists(workspace, account, now)];
    }
    let mut all = Vec::with_capacity(rounds);
    for round in 0..rounds {
        all.push(values![
            workspace,
            account,
            now,
            false,
            projects.get(round).copied(),
            instances.get(round).copied(),
            servers.get(round).copied(),
        ]);
    }
    all
}

/// The whole membership, read inside a write.
pub(crate) async fn load_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account: AccountId,
    _wanted: &[Resource],
) -> Result<Option<Access>, StorageFault> {
    let now = tx.now();
    let rows = tx.fetch_all(ACCESS, whole_lists(workspace, account, now)).await?;
    read(&rows, workspace, account)
}

fn read(rows: &[Row], workspace: WorkspaceId, account: AccountId) -> Result<Option<Access>, StorageFault> {
    let mut access = None;
    let mut lacks_second_factor = false;
    let mut actions = ActionSet::EMPTY;
    let (mut projects, mut instances, mut servers) = Default::default();
    let mut ends_at: Option<Timestamp> = None;
    let id = |row: &Row| row.get::<uuid::Uuid>(2);
    for row in rows {
        let kind = row.get::<String>(0)?;
        if kind == "member" {
            let role = row.get::<String>(1)?;
            let role = Role::from_key(&role).ok_or(StorageFault::Unknown(role))?;
            let revisions = Revisions { access: row.get(3)?, account: row.get(4)? };
            access = Some((MemberId::new(id(row)?), role, revisions));
            continue;
        }
        if kind == "demand" {
            lacks_second_factor = true;
            continue;
        }
        if let Some(until) = row.get::<Option<Timestamp>>(3)? {
            ends_at = earlier(ends_at, Some(until));
        }
        match kind.as_str() {
            "action" => {
                let key = row.get::<String>(1)?;
                actions = actions.with(Action::from_key(&key).ok_or(StorageFault::Unknown(key))?);
            }
            "project" => insert(&mut projects, ProjectId::new(id(row)?)),
            "instance" => insert(&mut instances, InstanceId::new(id(row)?)),
            "server" => insert(&mut servers, ServerId::new(id(row)?)),
            _ => return Err(StorageFault::Unknown(kind)),
        }
    }
    Ok(access.map(|(member, role, revisions)| Access {
        account,
        workspace,
        member,
        role,
        actions,
        projects,
        instances,
        servers,
        revisions,
        ends_at,
        lacks_second_factor,
    }))
}

fn insert<T: std::hash::Hash + Eq>(set: &mut rustc_hash::FxHashSet<T>, id: T) {
    set.insert(id);
}
