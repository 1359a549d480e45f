//! The reverse question, who can do this, and everything that can be allowed at all.

use stoa_domain::instance::Stage;
use stoa_domain::name::sorted_as;
use stoa_domain::{Action, InstanceId, MemberId, ProjectId, ServerId, Timestamp, WorkspaceId};

use crate::failure::StorageFault;
use crate::member::{MemberRecord, read};
use crate::page::stage;
use crate::store::Store;
use crate::value::Column;
use crate::values;

crate::statements! {
    /// Members who have the action, where one is asked for, and the resource in their list, where one is. An owner has
    /// all of it.
    WHO = "SELECT m.id, m.account_id, a.name, a.email, a.email_verified_at, m.role, m.joined_at, m.last_seen_at,
            m.access_revision, a.status,
            (SELECT x.until_at FROM member_actions x WHERE x.member_id = m.id AND x.action = $5),
            (SELECT x.until_at FROM member_projects x WHERE x.member_id = m.id AND x.project_id = $8),
            (SELECT x.until_at FROM member_instances x WHERE x.member_id = m.id AND x.instance_id = $10),
            (SELECT x.until_at FROM member_servers x WHERE x.member_id = m.id AND x.server_id = $12)
        FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND a.status = 'active' AND (a.sorted_as, m.id) > ($2, $3)
          AND (m.role = 'owner' OR (NOT $14
            AND ($4 OR EXISTS (SELECT 1 FROM member_actions x WHERE x.member_id = m.id AND x.action = $5
                AND (x.until_at IS NULL OR x.until_at > $6)))
            AND ($7 OR EXISTS (SELECT 1 FROM member_projects x WHERE x.member_id = m.id AND x.project_id = $8
                AND (x.until_at IS NULL OR x.until_at > $6)))
            AND ($9 OR EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = m.id AND x.instance_id = $10
                AND (x.until_at IS NULL OR x.until_at > $6)))
            AND ($11 OR EXISTS (SELECT 1 FROM member_servers x WHERE x.member_id = m.id AND x.server_id = $12
                AND (x.until_at IS NULL OR x.until_at > $6)))))
        ORDER BY a.sorted_as, m.id LIMIT $13";
    PROJECTS = "SELECT id, slug, name FROM projects WHERE workspace_id = $1 ORDER BY sorted_as, id LIMIT 100000";
    INSTANCES = "SELECT id, slug, name, stage FROM instances WHERE workspace_id = $1 AND status <> 'deleting'
        ORDER BY sorted_as, id LIMIT 100000";
    SERVERS = "SELECT id, slug, name FROM servers WHERE workspace_id = $1 ORDER BY sorted_as, id LIMIT 100000";
    STAGE = "SELECT stage FROM instances WHERE workspace_id = $1 AND id = $2";
}

/// What is asked for: an action, a resource, or both.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    pub action: Option<Action>,
    pub project: Option<ProjectId>,
    pub instance: Option<InstanceId>,
    pub server: Option<ServerId>,
    /// Whether it is an owner's alone, whatever a profile holds.
    pub owners_only: bool,
}

/// Somebody who can.
#[derive(Debug, Clone)]
pub struct Holder {
    pub member: MemberRecord,
    /// When the first of the grants that it rests on ends; never an owner's.
    pub until: Option<Timestamp>,
}

/// A thing by its names.
#[derive(Debug, Clone)]
pub struct Named<I> {
    pub id: I,
    pub slug: String,
    pub name: String,
}

/// Everything that a profile's lists may hold.
#[derive(Debug, Clone)]
pub struct Grantable {
    pub projects: Vec<Named<ProjectId>>,
    pub instances: Vec<(Named<InstanceId>, Stage)>,
    pub servers: Vec<Named<ServerId>>,
}

fn named<I: Column>(row: &crate::row::Row) -> Result<Named<I>, StorageFault> {
    Ok(Named { id: row.get(0)?, slug: row.get(1)?, name: row.get(2)? })
}

impl Store {
    /// Members by name, after the one with this name and id.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_holders(
        &self,
        workspace: WorkspaceId,
        wanted: Wanted,
        after: (&str, MemberId),
        limit: i64,
    ) -> Result<Vec<Holder>, StorageFault> {
        let Wanted { action, project, instance, server, owners_only } = wanted;
        let rows = self
            .fetch_all(
                WHO,
                values![
                    workspace,
                    sorted_as(after.0),
                    after.1,
                    action.is_none(),
                    action.map(|action| action.key().to_owned()),
                    self.now(),
                    project.is_none(),
                    project,
                    instance.is_none(),
                    instance,
                    server.is_none(),
                    server,
                    limit,
                    owners_only,
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let member = read(row)?;
                let mut until: Option<Timestamp> = None;
                for column in 10..14 {
                    if let Some(at) = row.get::<Option<Timestamp>>(column)? {
                        until = Some(until.map_or(at, |first| first.min(at)));
                    }
                }
                let until = until.filter(|_| member.role == stoa_domain::member::Role::Member);
                Ok(Holder { member, until })
            })
            .collect()
    }

    /// # Errors
    /// A fault.
    pub async fn list_grantable(&self, workspace: WorkspaceId) -> Result<Grantable, StorageFault> {
        let (projects, instances, servers) = (
            self.fetch_all(PROJECTS, values![workspace]).await?,
            self.fetch_all(INSTANCES, values![workspace]).await?,
            self.fetch_all(SERVERS, values![workspace]).await?,
        );
        Ok(Grantable {
            projects: projects.iter().map(named).collect::<Result<_, _>>()?,
            instances: instances
                .iter()
                .map(|row| Ok((named(row)?, stage(row, 3)?)))
                .collect::<Result<_, StorageFault>>()?,
            servers: servers.iter().map(named).collect::<Result<_, _>>()?,
        })
    }

    /// An instance's stage; `None` where there is no such instance.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_stage(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Option<Stage>, StorageFault> {
        let row = self.fetch_optional(STAGE, values![workspace, instance]).await?;
        row.map(|row| stage(&row, 0)).transpose()
    }
}
