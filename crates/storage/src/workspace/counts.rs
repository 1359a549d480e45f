//! How much there is in each of an account's workspaces, of what it may see there.

use std::collections::HashMap;

use stoa_domain::name::sorted_as;
use stoa_domain::{AccountId, WorkspaceId};

use super::MyWorkspace;
use crate::failure::StorageFault;
use crate::store::Store;
use crate::values;

crate::statements! {
    /// For all of a page at once, which is a stretch of the list as it is sorted. Where a second factor is demanded that the
    /// account hasn't, nothing may be seen, and there is no row. Projects are counted for whoever may list them.
    COUNTS = "SELECT w.id, (SELECT COUNT(*) FROM members o WHERE o.workspace_id = w.id),
            CASE WHEN m.role = 'owner' THEN (SELECT COUNT(*) FROM projects p WHERE p.workspace_id = w.id)
                WHEN EXISTS (SELECT 1 FROM member_actions a WHERE a.member_id = m.id AND a.action = 'view_projects'
                    AND (a.until_at IS NULL OR a.until_at > $6))
                THEN (SELECT COUNT(*) FROM member_projects x WHERE x.member_id = m.id AND (x.until_at IS NULL OR x.until_at > $6)) END,
            CASE WHEN m.role = 'owner' THEN (SELECT COUNT(*) FROM instances i WHERE i.workspace_id = w.id)
                ELSE (SELECT COUNT(*) FROM member_instances x WHERE x.member_id = m.id AND (x.until_at IS NULL OR x.until_at > $6)) END
        FROM members m JOIN workspaces w ON w.id = m.workspace_id
        WHERE m.account_id = $1 AND (w.sorted_as, w.id) >= ($2, $3) AND (w.sorted_as, w.id) <= ($4, $5)
            AND NOT (w.requires_second_factor
                AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.account_id = m.account_id)
                AND NOT EXISTS (SELECT 1 FROM passkeys k WHERE k.account_id = m.account_id))";
}

/// Members are seen by every member; of the others those that the account may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub members: i64,
    /// `None` where the account may list no projects.
    pub projects: Option<i64>,
    pub instances: i64,
}

impl Store {
    /// Counts of these workspaces of the account's, which come as the list is sorted. None of those where the account may see
    /// nothing as it is now.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_in_my_workspaces(
        &self,
        account: AccountId,
        mine: &[MyWorkspace],
    ) -> Result<HashMap<WorkspaceId, Counts>, StorageFault> {
        let (Some(first), Some(last)) = (mine.first(), mine.last()) else { return Ok(HashMap::new()) };
        let (first, last) = (&first.workspace, &last.workspace);
        let range = [sorted_as(&first.name), sorted_as(&last.name)];
        let values = values![account, &range[0], first.id, &range[1], last.id, self.now()];
        let rows = self.fetch_all(COUNTS, values).await?;
        let count = |row: &crate::row::Row| {
            Ok((row.get(0)?, Counts { members: row.get(1)?, projects: row.get(2)?, instances: row.get(3)? }))
        };
        rows.iter().map(count).collect()
    }
}
