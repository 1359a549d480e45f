//! Profiles in a few words: for lists of members, which needn't carry thousands of ids.

use stoa_domain::{Action, ActionSet, MemberId, Timestamp, WorkspaceId};

use crate::failure::StorageFault;
use crate::store::Store;
use crate::values;

crate::statements! {
    SUMMARY = "SELECT 'action' AS kind, x.action AS word, CAST(1 AS BIGINT) AS number, x.until_at AS ends, x.until_at AS last,
            CAST(CASE WHEN x.until_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS ending
            FROM member_actions x WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'project', NULL, COUNT(*), MIN(x.until_at), CASE WHEN COUNT(*) = COUNT(x.until_at) THEN MAX(x.until_at) END,
            COUNT(x.until_at) FROM member_projects x
            WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'instance', NULL, COUNT(*), MIN(x.until_at), CASE WHEN COUNT(*) = COUNT(x.until_at) THEN MAX(x.until_at) END,
            COUNT(x.until_at) FROM member_instances x
            WHERE x.workspace_id = $1 AND x.member_id = $2 AND (x.until_at IS NULL OR x.until_at > $3)
        UNION ALL SELECT 'server', NULL, COUNT(*), MIN(x.until_at), CASE WHEN COUNT(*) = COUNT(x.until_at) THEN MAX(x.until_at) END,
            COUNT(x.until_at) FROM member_servers x
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
    /// Whether all that is granted ends at that moment.
    pub is_everything: bool,
    /// How many grants have an end, this one among them.
    pub count: i64,
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
        // When the last of each kind ends; none where one of it never does.
        let mut lasts = Vec::new();
        let mut count = 0;
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
            if number > 0 {
                lasts.push(row.get::<Option<Timestamp>>(4)?);
            }
            count += row.get::<i64>(5)?;
            if let Some(at) = row.get::<Option<Timestamp>>(3)?
                && summary.ends.is_none_or(|first| at < first.at)
            {
                summary.ends = Some(Ends { at, action, kind, is_everything: false, count: 0 });
            }
        }
        if let Some(ends) = &mut summary.ends {
            ends.count = count;
            ends.is_everything = lasts.iter().all(|last| *last == Some(ends.at));
        }
        Ok(summary)
    }
}
