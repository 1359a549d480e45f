//! Presets: the four that every workspace has, and its own.

use stoa_domain::permission::preset as may;
use stoa_domain::preset::{BuiltIn, Told, tell};
use stoa_domain::{ActionSet, FieldProblem, Permission, Permit, PresetId, Refusal, WorkspaceId};
pub use stoa_storage::preset::PresetRecord;

use crate::account::check_name;
use crate::token::known_actions;
use crate::{App, Failure};

/// A preset, of either kind.
#[derive(Debug, Clone)]
pub struct SeenPreset {
    /// A built-in one's key, or an id.
    pub id: String,
    pub name: String,
    /// For whom it is meant, where it is built in.
    pub sentence: Option<&'static str>,
    pub is_built_in: bool,
    pub actions: ActionSet,
}

impl From<PresetRecord> for SeenPreset {
    fn from(record: PresetRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name,
            sentence: None,
            is_built_in: false,
            actions: record.actions,
        }
    }
}

/// By which preset a set of actions is told.
#[must_use]
pub fn told(actions: ActionSet, presets: &[SeenPreset]) -> Option<Told<'_>> {
    tell(actions, presets.iter().map(|preset| (preset.name.as_str(), preset.actions)))
}

#[derive(Debug, Clone)]
pub struct CreatePreset {
    pub name: String,
    pub actions: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ChangePreset {
    pub name: Option<String>,
    pub actions: Option<Vec<String>>,
}

fn some_actions(keys: &[String], problems: &mut Vec<FieldProblem>) -> ActionSet {
    let actions = known_actions("actions", keys, problems);
    if keys.is_empty() {
        problems.push(FieldProblem::new(
            "actions",
            "missing",
            "A preset has at least one action permission.",
        ));
    }
    actions
}

impl App {
    pub(crate) async fn presets_of(&self, workspace: WorkspaceId) -> Result<Vec<SeenPreset>, Failure> {
        let built_in = BuiltIn::ALL.iter().map(|preset| SeenPreset {
            id: preset.key().to_owned(),
            name: preset.name().to_owned(),
            sentence: Some(preset.sentence()),
            is_built_in: true,
            actions: preset.actions(),
        });
        let own = self.store().list_presets(workspace).await?;
        Ok(built_in.chain(own.into_iter().map(Into::into)).collect())
    }

    /// The built-in ones, then the workspace's own by name: a hundred at most.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_presets(&self, permit: Permit<may::List>) -> Result<Vec<SeenPreset>, Failure> {
        self.presets_of(permit.workspace()).await
    }

    /// # Errors
    /// `NotFound`.
    pub async fn view_preset(&self, permit: Permit<may::View>) -> Result<PresetRecord, Failure> {
        self.load_preset(&permit).await
    }

    /// As whoever may change it sees it: what a guarded change is compared with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn load_preset<P: Permission<Target = PresetId>>(
        &self,
        permit: &Permit<P>,
    ) -> Result<PresetRecord, Failure> {
        Ok(self.store().load_preset(permit.workspace(), *permit.target()).await?)
    }

    /// # Errors
    /// `Invalid`, `Conflict`.
    pub async fn create_preset(
        &self,
        permit: Permit<may::Create>,
        wish: CreatePreset,
    ) -> Result<PresetRecord, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let actions = some_actions(&wish.actions, &mut problems);
        let (Some(name), true) = (name, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let new = PresetRecord { id: PresetId::new(self.new_uuid()), name: name.into_string(), actions };
        self.store().create_preset(permit, new.clone()).await?;
        Ok(new)
    }

    /// # Errors
    /// `Invalid`, `Conflict`, `PreconditionFailed`.
    pub async fn change_preset(
        &self,
        permit: Permit<may::Change>,
        wish: ChangePreset,
        expected: Option<PresetRecord>,
    ) -> Result<PresetRecord, Failure> {
        let mut problems = Vec::new();
        let name = wish.name.and_then(|name| check_name("name", &name, &mut problems));
        let actions = wish.actions.map(|keys| some_actions(&keys, &mut problems));
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        let (workspace, id) = (permit.workspace(), *permit.target());
        let name = name.map(stoa_domain::name::Name::into_string);
        self.store().change_preset(permit, name, actions, expected).await?;
        Ok(self.store().load_preset(workspace, id).await?)
    }

    /// # Errors
    /// `PreconditionFailed`.
    pub async fn delete_preset(
        &self,
        permit: Permit<may::Delete>,
        expected: Option<PresetRecord>,
    ) -> Result<(), Failure> {
        Ok(self.store().delete_preset(permit, expected).await?)
    }
}
