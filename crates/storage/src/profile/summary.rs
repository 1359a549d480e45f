//! Profiles in a few words: for lists of members, which needn't carry thousands of ids.

use stoa_domain::{Action, ActionSet, MemberId, Timestamp, WorkspaceId};

use crate::failure::StorageFault;
use crate::store::Store;
use crate::values;

crate::statements! {
    SUMMARY = "SELECT 'action' AS kind, x.action AS word, CAST(1 AS BIGINT) AS number, x.until_at AS ends
            FROM member_actions x WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'project', NULL, COUNT(*), MIN(x.until_at) FROM member_projects x
            WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'instance', NULL, COUNT(*), MIN(x.until_at) FROM member_instances x
            WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'server', NULL, COUNT(*), MIN(x.until_at) FROM member_servers x
            WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)";
}

/// What ends first of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub at: Timestamp,
    /// The action, where it is one; else an entry of a list.
    pub action: Option<Action>,
    /// `action`, `project`, `instance` or `server`.
    pub kind: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub actions: ActionSet,
    pub projects: i64,
    pub instances: i64,
    pub servers: i64,
    pub ends: Option<Ends>,
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn summarize_profile(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Summary, StorageFault> {
        let rows = self.fetch_all(SUMMARY, values![workspace, member, self.now()]).await?;
        let mut summary = Summary::default();
        for row in &rows {
            let (kind, number) = (row.get::<String>(0)?, row.get::<i64>(2)?);
            let (kind, action) = match kind.as_str() {
                "action" => {
                    let key = row.get::<String>(1)?;
                    let action = Action::from_key(&key).ok_or(StorageFault::Unknown(key))?;
                    summary.actions = summary.actions.with(action);
                    ("action", Some(action))
                }
                "project" => {
                    summary.projects = number;
                    ("project", None)
                }
                "instance" => {
                    summary.instances = number;
                    ("instance", None)
                }
                "server" => {
                    summary.servers = number;
                    ("server", None)
                }
                _ => return Err(StorageFault::Unknown(kind)),
            };
            if let Some(at) = row.get::<Option<Timestamp>>(3)?
                && summary.ends.is_none_or(|first| at < first.at)
            {
                summary.ends = Some(Ends { at, action, kind });
            }
        }
        Ok(summary)
    }
}
