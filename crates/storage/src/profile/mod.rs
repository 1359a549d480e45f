//! Permission profiles: ten switches and three lists for each member, each entry for good or until it ends.

mod difference;
mod ending;
mod set;
mod summary;
mod who;

pub use set::{NewProfile, SetOne};
pub use summary::{Ends, Summary};
pub use who::{Grantable, Holder, Named, Wanted};

use std::collections::BTreeMap;

use stoa_domain::{Action, ActionSet, InstanceId, MemberId, ProjectId, ServerId, Timestamp, WorkspaceId};

use crate::failure::StorageFault;
use crate::statement::Statement;
use crate::store::Store;
use crate::value::Column;
use crate::values;

crate::statements! {
    ACTIONS = "SELECT action, until_at FROM member_actions WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3)";
    PROJECTS = "SELECT project_id, until_at FROM member_projects WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY project_id";
    INSTANCES = "SELECT instance_id, until_at FROM member_instances WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY instance_id";
    SERVERS = "SELECT server_id, until_at FROM member_servers WHERE member_id = $1 AND workspace_id = $2
        AND (until_at IS NULL OR until_at > $3) ORDER BY server_id";
}

/// The statements of this noun.
pub(crate) fn statements() -> Vec<Statement> {
    [
        STATEMENTS,
        difference::STATEMENTS,
        ending::STATEMENTS,
        set::STATEMENTS,
        summary::STATEMENTS,
        who::STATEMENTS,
    ]
    .concat()
}

/// One entry of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Granted {
    Action(Action),
    Project(ProjectId),
    Instance(InstanceId),
    Server(ServerId),
}

impl Granted {
    /// As the API names it: an action's key, or an id.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Action(action) => action.key().to_owned(),
            Self::Project(id) => id.to_string(),
            Self::Instance(id) => id.to_string(),
            Self::Server(id) => id.to_string(),
        }
    }
}

/// What one member may do, on what, and of which entries there is an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub actions: ActionSet,
    pub projects: Vec<ProjectId>,
    pub instances: Vec<InstanceId>,
    pub servers: Vec<ServerId>,
    pub until: BTreeMap<Granted, Timestamp>,
}

impl Profile {
    /// Whether the entry is in it.
    #[must_use]
    pub fn has(&self, granted: Granted) -> bool {
        match granted {
            Granted::Action(action) => self.actions.has(action),
            Granted::Project(id) => self.projects.contains(&id),
            Granted::Instance(id) => self.instances.contains(&id),
            Granted::Server(id) => self.servers.contains(&id),
        }
    }
}

impl Store {
    /// What counts of a member's profile at this moment.
    ///
    /// # Errors
    /// A fault.
    pub async fn load_profile(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Profile, StorageFault> {
        let rows = self.fetch_all(ACTIONS, values![member, workspace, self.now()]).await?;
        let (mut actions, mut until) = (ActionSet::EMPTY, BTreeMap::new());
        for row in &rows {
            let key = row.get::<String>(0)?;
            let action = Action::from_key(&key).ok_or(StorageFault::Unknown(key))?;
            actions = actions.with(action);
            if let Some(at) = row.get(1)? {
                until.insert(Granted::Action(action), at);
            }
        }
        let of = (workspace, member);
        Ok(Profile {
            actions,
            projects: self.load_list(PROJECTS, of, Granted::Project, &mut until).await?,
            instances: self.load_list(INSTANCES, of, Granted::Instance, &mut until).await?,
            servers: self.load_list(SERVERS, of, Granted::Server, &mut until).await?,
            until,
        })
    }

    async fn load_list<T: Column + Copy>(
        &self,
        statement: Statement,
        (workspace, member): (WorkspaceId, MemberId),
        granted: fn(T) -> Granted,
        until: &mut BTreeMap<Granted, Timestamp>,
    ) -> Result<Vec<T>, StorageFault> {
        let rows = self.fetch_all(statement, values![member, workspace, self.now()]).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = row.get(0)?;
            ids.push(id);
            if let Some(at) = row.get(1)? {
                until.insert(granted(id), at);
            }
        }
        Ok(ids)
    }
}
