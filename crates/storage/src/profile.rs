//! Permission profiles: ten switches and three lists for each member.

use std::collections::HashSet;

use stoa_domain::member::Role;
use stoa_domain::permission::member::SetPermissions;
use stoa_domain::{
    Action, ActionSet, Conflict, FieldProblem, InstanceId, MemberId, Permit, ProjectId, Refusal, ServerId,
    WorkspaceId,
};
use uuid::Uuid;

use crate::failure::{Failure, StorageFault};
use crate::member::{clear_profile, find_member_in, tell_access};
use crate::statement::Statement;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::value::Column;
use crate::values;

crate::statements! {
    ACTIONS = "SELECT action FROM member_actions WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3)";
    PROJECTS = "SELECT project_id FROM member_projects WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY project_id";
    INSTANCES = "SELECT instance_id FROM member_instances WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY instance_id";
    SERVERS = "SELECT server_id FROM member_servers WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY server_id";
    INSERT_ACTION = "INSERT INTO member_actions (workspace_id, member_id, action) VALUES ($1, $2, $3)";
    INSERT_PROJECT = "INSERT INTO member_projects (workspace_id, member_id, project_id) VALUES ($1, $2, $3)";
    INSERT_INSTANCE = "INSERT INTO member_instances (workspace_id, member_id, instance_id) VALUES ($1, $2, $3)";
    INSERT_SERVER = "INSERT INTO member_servers (workspace_id, member_id, server_id) VALUES ($1, $2, $3)";
    ALL_PROJECTS = "SELECT id FROM projects WHERE workspace_id = $1";
    ALL_INSTANCES = "SELECT id FROM instances WHERE workspace_id = $1";
    ALL_SERVERS = "SELECT id FROM servers WHERE workspace_id = $1";
    RAISE = "UPDATE members SET access_revision = access_revision + 1 WHERE workspace_id = $1 AND id = $2";
    COUNTS = "SELECT m.id,
            (SELECT COUNT(*) FROM member_projects x WHERE x.member_id = m.id AND (x.until_at IS NULL OR x.until_at > $2)),
            (SELECT COUNT(*) FROM member_instances x WHERE x.member_id = m.id AND (x.until_at IS NULL OR x.until_at > $2)),
            (SELECT COUNT(*) FROM member_servers x WHERE x.member_id = m.id AND (x.until_at IS NULL OR x.until_at > $2))
        FROM members m WHERE m.workspace_id = $1";
}

/// What one member may do, on what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub actions: ActionSet,
    pub projects: Vec<ProjectId>,
    pub instances: Vec<InstanceId>,
    pub servers: Vec<ServerId>,
}

/// A profile to be stored, as it was asked for.
#[derive(Debug, Clone)]
pub struct NewProfile {
    pub profile: Profile,
    /// Refused where the member's access has another revision by now.
    pub expected_revision: Option<i64>,
}

async fn ids<T: Column>(
    store: &Store,
    statement: Statement,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<Vec<T>, StorageFault> {
    let rows = store.fetch_all(statement, values![member, workspace, store.now()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Refuses ids that aren't the workspace's: another's, deleted ones, made-up ones alike.
async fn all_known(
    tx: &mut Tx<'_>,
    statement: Statement,
    workspace: WorkspaceId,
    field: &str,
    wanted: &[Uuid],
) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let rows = tx.fetch_all(statement, values![workspace]).await?;
    let known = rows.iter().map(|row| row.get::<Uuid>(0)).collect::<Result<HashSet<_>, _>>()?;
    let problems: Vec<_> = wanted
        .iter()
        .enumerate()
        .filter(|(_, id)| !known.contains(id))
        .take(20)
        .map(|(at, id)| {
            FieldProblem::new(
                &format!("{field}.{at}"),
                "unknown",
                format!("There is no {} with the id {id} here.", &field[..field.len() - 1]),
            )
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Refusal::Invalid(problems).into()) }
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn load_profile(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Profile, StorageFault> {
        let rows = self.fetch_all(ACTIONS, values![member, workspace, self.now()]).await?;
        let mut actions = ActionSet::EMPTY;
        for row in &rows {
            let key = row.get::<String>(0)?;
            actions = actions.with(Action::from_key(&key).ok_or(StorageFault::Unknown(key))?);
        }
        Ok(Profile {
            actions,
            projects: ids(self, PROJECTS, workspace, member).await?,
            instances: ids(self, INSTANCES, workspace, member).await?,
            servers: ids(self, SERVERS, workspace, member).await?,
        })
    }

    /// Replaces the whole profile.
    ///
    /// # Errors
    /// `Conflict` on an owner, `Invalid` for an id that isn't the workspace's, `PreconditionFailed`.
    pub async fn set_profile(&self, permit: Permit<SetPermissions>, new: NewProfile) -> Result<(), Failure> {
        let (workspace, member) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let NewProfile { profile, expected_revision } = new.clone();
            Box::pin(async move {
                let found = find_member_in(tx, workspace, member).await?.ok_or(Refusal::NotFound)?;
                if expected_revision.is_some_and(|expected| expected != found.revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                if found.role == Role::Owner {
                    return Err(Refusal::Conflict(Conflict::OwnerHasAll).into());
                }
                let lists: [(Statement, Statement, &str, Vec<Uuid>); 3] = [
                    (
                        ALL_PROJECTS,
                        INSERT_PROJECT,
                        "projects",
                        profile.projects.iter().map(|id| id.uuid()).collect(),
                    ),
                    (
                        ALL_INSTANCES,
                        INSERT_INSTANCE,
                        "instances",
                        profile.instances.iter().map(|id| id.uuid()).collect(),
                    ),
                    (
                        ALL_SERVERS,
                        INSERT_SERVER,
                        "servers",
                        profile.servers.iter().map(|id| id.uuid()).collect(),
                    ),
                ];
                for (all, _, field, wanted) in &lists {
                    all_known(tx, *all, workspace, field, wanted).await?;
                }
                clear_profile(tx, workspace, member).await?;
                for action in profile.actions.iter() {
                    tx.execute(INSERT_ACTION, values![workspace, member, action.key()]).await?;
                }
                for (_, insert, _, wanted) in &lists {
                    let wanted: HashSet<_> = wanted.iter().collect();
                    for id in wanted {
                        tx.execute(*insert, values![workspace, member, *id]).await?;
                    }
                }
                tx.execute(RAISE, values![workspace, member]).await?;
                tx.audit_name(found.name);
                tx.audit_detail(detail(&profile));
                tell_access(tx, workspace, member, found.account).await?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// How many entries each member's lists have: projects, instances, servers.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_lists(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(MemberId, [i64; 3])>, StorageFault> {
        let rows = self.fetch_all(COUNTS, values![workspace, self.now()]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?]))).collect()
    }
}

/// The profile as the audit event keeps it: keys and ids, which need no escaping.
fn detail(profile: &Profile) -> String {
    let list = |ids: Vec<String>| ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"actions":[{}],"projects":[{}],"instances":[{}],"servers":[{}]}}"#,
        list(profile.actions.iter().map(|action| action.key().to_owned()).collect()),
        list(profile.projects.iter().map(ToString::to_string).collect()),
        list(profile.instances.iter().map(ToString::to_string).collect()),
        list(profile.servers.iter().map(ToString::to_string).collect()),
    )
}
