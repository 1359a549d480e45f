//! What was changed of an instance's settings: by whom, when, and what of it, newest first.

use std::collections::HashMap;

use stoa_domain::permission::settings::{ListChanges, Revert};
use stoa_domain::settings::Setting;
use stoa_domain::{AccountId, InstanceId, Permit, Refusal, SettingsChangeId, Timestamp, WorkspaceId};
use uuid::Uuid;

use super::change::{Change, Changed, apply};
pub use super::parts::Part;
use super::{load_in, parts, revert};
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    RAISE = "UPDATE instances SET revision = revision + 1 WHERE workspace_id = $1 AND id = $2 RETURNING revision";
    RECORD = "INSERT INTO settings_changes (id, workspace_id, instance_id, revision, account_id, change, at,
            needs_restart, reverts_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    USED_AT_ONCE = "UPDATE settings_changes SET needs_restart = $3 WHERE workspace_id = $1 AND instance_id = $2
        AND revision = (SELECT i.revision FROM instances i WHERE i.workspace_id = $1 AND i.id = $2)";
    /// Each change raises the revision by one.
    FORGET = "DELETE FROM settings_changes WHERE workspace_id = $1 AND instance_id = $2 AND revision <= $3";
    LIST = "SELECT c.id, c.revision, c.account_id, a.name, c.at, c.needs_restart, c.reverts_id,
            (SELECT r.revision FROM settings_changes r WHERE r.workspace_id = c.workspace_id AND r.id = c.reverts_id)
        FROM settings_changes c LEFT JOIN accounts a ON a.id = c.account_id
        WHERE c.workspace_id = $1 AND c.instance_id = $2 AND c.revision < $3 ORDER BY c.revision DESC LIMIT $4";
    PARTS = "SELECT p.setting, p.name, p.turn, p.before_value, p.after_value, p.is_secret, p.change_id
        FROM settings_changes c JOIN settings_change_parts p ON p.workspace_id = c.workspace_id AND p.change_id = c.id
        WHERE c.workspace_id = $1 AND c.instance_id = $2 AND c.revision >= $3 AND c.revision <= $4
        ORDER BY c.revision DESC, p.position";
    PARTS_OF = "SELECT p.setting, p.name, p.turn, p.before_value, p.after_value, p.is_secret
        FROM settings_changes c JOIN settings_change_parts p ON p.workspace_id = c.workspace_id AND p.change_id = c.id
        WHERE c.workspace_id = $1 AND c.instance_id = $2 AND c.id = $3 ORDER BY p.position";
    FIND = "SELECT id FROM settings_changes WHERE workspace_id = $1 AND instance_id = $2 AND id = $3";
}

/// So many of an instance's changes are kept.
const KEPT: i64 = 1000;

/// One change, as it is listed.
#[derive(Debug, Clone)]
pub struct ChangeRecord {
    pub id: Uuid,
    pub revision: i64,
    pub account: AccountId,
    /// `None` where the account is gone.
    pub account_name: Option<String>,
    pub at: Timestamp,
    pub needs_restart: bool,
    /// The change that it undid, and that one's revision while it is kept.
    pub reverts: Option<(Uuid, Option<i64>)>,
    /// Empty for what was recorded before parts were.
    pub parts: Vec<Part>,
}

pub(super) struct New<'n> {
    pub revision: i64,
    pub account: AccountId,
    pub reverts: Option<Uuid>,
    pub parts: &'n [Part],
}

/// The next revision of an instance's settings.
pub(super) async fn raise_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
) -> Result<i64, Failure> {
    let row = tx.fetch_optional(RAISE, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
    Ok(row.get(0)?)
}

/// Writes down what a change did.
pub(super) async fn record_in(
    tx: &mut Tx<'_>,
    place: (WorkspaceId, InstanceId),
    new: New<'_>,
) -> Result<(), StorageFault> {
    let (workspace, instance) = place;
    let New { revision, account, reverts, parts } = new;
    let (id, now) = (tx.new_id(), tx.now());
    let needs_restart = parts.iter().any(|part| part.setting.needs_restart());
    let change = parts::describe(parts);
    let values =
        values![id, workspace, instance, revision, account, change.as_str(), now, needs_restart, reverts];
    tx.execute(RECORD, values).await?;
    parts::insert_in(tx, place, id, parts).await?;
    tx.execute(FORGET, values![workspace, instance, revision - KEPT]).await.map(drop)
}

/// The newest change is made by what starts the instance with it.
pub(crate) async fn used_at_once_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
) -> Result<(), StorageFault> {
    tx.execute(USED_AT_ONCE, values![workspace, instance, false]).await.map(drop)
}

impl Store {
    /// Newest first, those with a revision below `before`.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_settings_changes(
        &self,
        permit: &Permit<ListChanges>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ChangeRecord>, StorageFault> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let before = before.unwrap_or(i64::MAX);
        let rows = self.fetch_all(LIST, values![workspace, instance, before, limit]).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let reverts: Option<Uuid> = row.get(6)?;
            let of: Option<i64> = row.get(7)?;
            changes.push(ChangeRecord {
                id: row.get(0)?,
                revision: row.get(1)?,
                account: row.get(2)?,
                account_name: row.get(3)?,
                at: row.get(4)?,
                needs_restart: row.get(5)?,
                reverts: reverts.map(|id| (id, of)),
                parts: Vec::new(),
            });
        }
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return Ok(changes) };
        let values = values![workspace, instance, last.revision, first.revision];
        let mut found: HashMap<Uuid, Vec<Part>> = HashMap::new();
        for row in self.fetch_all(PARTS, values).await? {
            found.entry(row.get(6)?).or_default().push(Part::read(&row)?);
        }
        for change in &mut changes {
            change.parts = found.remove(&change.id).unwrap_or_default();
        }
        Ok(changes)
    }

    /// Undoes what one change did, as far as that is known. `proofs`: one for each domain that comes back.
    ///
    /// # Errors
    /// `NotFound`, `OwnerRequired`, `PreconditionFailed`, [`stoa_domain::Conflict::NothingToRevert`], what forbids the
    /// change itself, or a fault.
    pub async fn revert_settings(
        &self,
        permit: Permit<Revert>,
        proofs: Vec<String>,
        expected: Option<i64>,
    ) -> Result<Changed, Failure> {
        let place = (permit.workspace(), permit.target().instance);
        let change = permit.target().change.uuid();
        let (account, by_owner) = (permit.actor().account, permit.by_owner());
        let owner_required = permit.owner_required();
        let work: Work<Changed> = Box::new(move |tx| {
            let (proofs, owner_required) = (proofs.clone(), owner_required.clone());
            Box::pin(async move {
                let found = tx.fetch_optional(FIND, values![place.0, place.1, change]).await?;
                _ = found.ok_or(Refusal::NotFound)?;
                let parts = parts::of_change_in(tx, place.0, change).await?;
                let is_of_owners = |part: &Part| Setting::is_of_owners(part.setting);
                if !by_owner && parts.iter().any(is_of_owners) {
                    return Err(owner_required.into());
                }
                let before = load_in(tx, place).await?;
                let wanted = revert::of(&before, &parts, proofs)?;
                let change = Change { place, account, from: &[], expected, reverts: Some(change) };
                let changed = apply(tx, change, wanted).await?;
                if !changed.is_changed {
                    return Err(Refusal::Conflict(stoa_domain::Conflict::NothingToRevert).into());
                }
                Ok(changed)
            })
        });
        self.write(permit, work).await
    }

    /// What one change did.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_parts_of_change(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        change: SettingsChangeId,
    ) -> Result<Vec<Part>, StorageFault> {
        let rows = self.fetch_all(PARTS_OF, values![workspace, instance, change]).await?;
        rows.iter().map(Part::read).collect()
    }

    /// A change of an instance, by its id.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_settings_change(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        word: &str,
    ) -> Result<Option<SettingsChangeId>, StorageFault> {
        let Ok(id) = word.parse::<SettingsChangeId>() else { return Ok(None) };
        let row = self.fetch_optional(FIND, values![workspace, instance, id]).await?;
        row.map(|row| row.get(0)).transpose()
    }
}
