//! A workspace's own presets: sets of actions under a name.

use std::collections::BTreeMap;

use stoa_domain::name::sorted_as;
use stoa_domain::permission::preset::{Change, Create, Delete};
use stoa_domain::preset::BuiltIn;
use stoa_domain::{Action, ActionSet, Conflict, Permit, PresetId, Refusal, ResourceKind, WorkspaceId};

use crate::detail::{Detail, list};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::member::tell_owners;
use crate::row::Row;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// More than this nobody chooses from.
const MOST: usize = 100;

crate::statements! {
    LIST = "SELECT p.id, p.name, x.action FROM presets p LEFT JOIN preset_actions x ON x.preset_id = p.id
        WHERE p.workspace_id = $1 ORDER BY p.sorted_as, p.id";
    FIND = "SELECT p.id, p.name, x.action FROM presets p LEFT JOIN preset_actions x ON x.preset_id = p.id
        WHERE p.workspace_id = $1 AND p.id = $2";
    FIND_ID = "SELECT id FROM presets WHERE workspace_id = $1 AND id = $2";
    INSERT = "INSERT INTO presets (id, workspace_id, name, sorted_as) VALUES ($1, $2, $3, $4)";
    RENAME = "UPDATE presets SET name = $3, sorted_as = $4 WHERE workspace_id = $1 AND id = $2";
    DELETE = "DELETE FROM presets WHERE workspace_id = $1 AND id = $2";
    ADD = "INSERT INTO preset_actions (preset_id, action) VALUES ($1, $2)";
    EMPTY = "DELETE FROM preset_actions WHERE preset_id = $1";
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetRecord {
    pub id: PresetId,
    pub name: String,
    pub actions: ActionSet,
}

/// One row for each action, in the order of the presets.
fn read(rows: &[Row]) -> Result<Vec<PresetRecord>, StorageFault> {
    let mut places: BTreeMap<PresetId, usize> = BTreeMap::new();
    let mut presets: Vec<PresetRecord> = Vec::new();
    for row in rows {
        let id = row.get(0)?;
        let at = match places.get(&id) {
            Some(at) => *at,
            None => {
                presets.push(PresetRecord { id, name: row.get(1)?, actions: ActionSet::EMPTY });
                places.insert(id, presets.len() - 1);
                presets.len() - 1
            }
        };
        if let (Some(key), Some(preset)) = (row.get::<Option<String>>(2)?, presets.get_mut(at)) {
            preset.actions = preset.actions.with(Action::from_key(&key).ok_or(StorageFault::Unknown(key))?);
        }
    }
    Ok(presets)
}

async fn list_in(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<PresetRecord>, StorageFault> {
    read(&tx.fetch_all(LIST, values![workspace]).await?)
}

/// A name is one preset's, whatever the case of its letters, and none of those that every workspace has.
fn check_name(presets: &[PresetRecord], but: Option<PresetId>, name: &str) -> Result<(), Refusal> {
    let wanted = name.to_lowercase();
    let built_in = BuiltIn::ALL.iter().any(|preset| preset.name().to_lowercase() == wanted);
    let taken = presets.iter().any(|preset| Some(preset.id) != but && preset.name.to_lowercase() == wanted);
    if built_in || taken { Err(Refusal::Conflict(Conflict::NameTaken)) } else { Ok(()) }
}

/// The preset, where it is still as it was loaded.
fn unchanged(
    presets: &[PresetRecord],
    id: PresetId,
    expected: Option<&PresetRecord>,
) -> Result<PresetRecord, Refusal> {
    let found = presets.iter().find(|preset| preset.id == id).ok_or(Refusal::NotFound)?;
    if expected.is_some_and(|expected| expected != found) {
        return Err(Refusal::PreconditionFailed);
    }
    Ok(found.clone())
}

async fn add_actions(tx: &mut Tx<'_>, preset: PresetId, actions: ActionSet) -> Result<(), StorageFault> {
    for action in actions.iter() {
        tx.execute(ADD, values![preset, action.key()]).await?;
    }
    Ok(())
}

/// Members don't see presets: the owners' pages alone are told, by a change of the workspace.
async fn tell(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<(), StorageFault> {
    tell_owners(tx, workspace, EventType::Changed, ResourceKind::Workspace, workspace.uuid()).await
}

fn detail(actions: ActionSet) -> String {
    Detail::default().json("actions", &list(actions.iter().map(Action::key))).finish()
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn list_presets(&self, workspace: WorkspaceId) -> Result<Vec<PresetRecord>, StorageFault> {
        read(&self.fetch_all(LIST, values![workspace]).await?)
    }

    /// # Errors
    /// `NotFound`.
    pub async fn load_preset(&self, workspace: WorkspaceId, id: PresetId) -> Result<PresetRecord, Failure> {
        let found = read(&self.fetch_all(FIND, values![workspace, id]).await?)?;
        Ok(found.into_iter().next().ok_or(Refusal::NotFound)?)
    }

    /// The preset that a word of a path names.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_preset_id(
        &self,
        workspace: WorkspaceId,
        word: &str,
    ) -> Result<Option<PresetId>, StorageFault> {
        let Ok(id) = word.parse::<PresetId>() else { return Ok(None) };
        self.fetch_optional(FIND_ID, values![workspace, id]).await?.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// `Conflict` for a name that is taken, or where there are too many.
    pub async fn create_preset(&self, permit: Permit<Create>, new: PresetRecord) -> Result<(), Failure> {
        let workspace = permit.workspace();
        let work: Work<()> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let presets = list_in(tx, workspace).await?;
                if presets.len() >= MOST {
                    return Err(Refusal::Conflict(Conflict::TooManyPresets).into());
                }
                check_name(&presets, None, &new.name)?;
                tx.execute(INSERT, values![new.id, workspace, &new.name, sorted_as(&new.name)]).await?;
                add_actions(tx, new.id, new.actions).await?;
                tx.audit_resource(ResourceKind::Preset, new.id.uuid(), new.name);
                tx.audit_detail(detail(new.actions));
                Ok(tell(tx, workspace).await?)
            })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// `Conflict` for a name that is taken, `PreconditionFailed`.
    pub async fn change_preset(
        &self,
        permit: Permit<Change>,
        name: Option<String>,
        actions: Option<ActionSet>,
        expected: Option<PresetRecord>,
    ) -> Result<(), Failure> {
        let (workspace, id) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let (name, expected) = (name.clone(), expected.clone());
            Box::pin(async move {
                let presets = list_in(tx, workspace).await?;
                let found = unchanged(&presets, id, expected.as_ref())?;
                if let Some(name) = &name {
                    check_name(&presets, Some(id), name)?;
                    tx.execute(RENAME, values![workspace, id, name, sorted_as(name)]).await?;
                    tx.audit_second(found.name.clone());
                }
                if let Some(actions) = actions {
                    tx.execute(EMPTY, values![id]).await?;
                    add_actions(tx, id, actions).await?;
                    tx.audit_detail(detail(actions));
                }
                tx.audit_name(name.unwrap_or(found.name));
                Ok(tell(tx, workspace).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Profiles that were filled in from it stay as they are.
    ///
    /// # Errors
    /// `PreconditionFailed`.
    pub async fn delete_preset(
        &self,
        permit: Permit<Delete>,
        expected: Option<PresetRecord>,
    ) -> Result<(), Failure> {
        let (workspace, id) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let expected = expected.clone();
            Box::pin(async move {
                let found = unchanged(&list_in(tx, workspace).await?, id, expected.as_ref())?;
                tx.execute(DELETE, values![workspace, id]).await?;
                tx.audit_name(found.name);
                Ok(tell(tx, workspace).await?)
            })
        });
        self.write(permit, work).await
    }
}
