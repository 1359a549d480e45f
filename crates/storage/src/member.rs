//! Members: roles, profiles, and the rule that there is always an owner.

use stoa_domain::WorkspaceId;

use crate::failure::StorageFault;
use crate::store::Store;
use crate::values;

crate::statements! {
    OWNER_NAMES = "SELECT a.name FROM members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 AND m.role = 'owner' AND a.status = 'active' ORDER BY a.name, a.id LIMIT 10";
}

impl Store {
    /// The names of those who can grant a permission, ten at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_owner_names(&self, workspace: WorkspaceId) -> Result<Vec<String>, StorageFault> {
        let rows = self.fetch_all(OWNER_NAMES, values![workspace]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
