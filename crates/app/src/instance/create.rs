//! Making an instance.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoa_domain::branch::BranchName;
use stoa_domain::instance::{Stage, Visibility};
use stoa_domain::permission::instance as may;
use stoa_domain::{FieldProblem, InstanceId, Permit, Refusal, WorkspaceId};
use stoa_storage::instance::create::{FirstSettings, NewInstance};
use stoa_storage::instance::environment::{Variable, VariableValue};

use crate::abilities::Caller;
use crate::account::check_name;
use crate::backup::{BackupRecord, KeptSettings, KeptVariable};
use crate::instance::Accepted;
use crate::instance::environment::WantedVariable;
use crate::{App, Failure, Fault};

#[derive(Clone)]
pub struct CreateInstance {
    pub name: String,
    /// The id or the slug of one of the workspace's projects.
    pub project: String,
    /// The id or the slug of one of its servers.
    pub server: String,
    pub stage: Stage,
    pub branch: String,
    pub environment: Vec<WantedVariable>,
    pub visibility: Option<Visibility>,
    /// The id of the backup whose data, database and commit it begins with.
    pub from_backup: Option<String>,
}

impl App {
    /// Makes an instance, which begins with a deployment of its branch, or with what a backup holds.
    ///
    /// # Errors
    /// `NotFound` for a backup, project or server that the workspace doesn't have, `Conflict` where the branch has no commit,
    /// `BackupOnOtherServer`, `ServerAway`, `NoSandbox`, `Invalid`, or a fault.
    pub async fn create_instance(
        &self,
        permit: Permit<may::Create>,
        wish: CreateInstance,
    ) -> Result<Accepted, Failure> {
        let mut problems = Vec::new();
        let name = check_name("name", &wish.name, &mut problems);
        let branch = BranchName::parse(&wish.branch);
        if branch.is_none() {
            problems.push(FieldProblem::new(
                "branch",
                "invalid",
                "This isn't a name that a branch can have.",
            ));
        }
        let id = InstanceId::new(self.new_uuid());
        let workspace = permit.workspace();
        let mut variables = self.seal_variables(workspace, id, wish.environment, &mut problems).await?;
        let source = match &wish.from_backup {
            Some(text) => Some(self.load_source(workspace, text).await?),
            None => None,
        };
        let first = match &source {
            Some(source) => self.take_kept(workspace, id, source, wish.stage, &mut variables).await?,
            None => FirstSettings::default(),
        };
        let is_of_production = source.as_ref().is_some_and(|source| source.is_of_production);
        // What is made of somebody's data isn't for everybody.
        let usual = if source.is_some() { Visibility::Members } else { Visibility::Public };
        let (Some(name), Some(branch), true) = (name, branch, problems.is_empty()) else {
            return Err(Refusal::Invalid(problems).into());
        };
        let project =
            self.store().find_project_id(workspace, &wish.project).await?.ok_or(Refusal::NotFound)?;
        let server = self.store().find_server_id(workspace, &wish.server).await?.ok_or(Refusal::NotFound)?;
        self.needs_server(workspace, server).await?;
        let caller = Caller::of(&permit);
        let new = NewInstance {
            id,
            name: name.into_string(),
            project,
            server,
            stage: wish.stage,
            branch,
            visibility: wish.visibility.unwrap_or(usual),
            variables,
            domain: self.settings().instance_domain.clone(),
            from: source.map(|source| source.id),
            is_mail_off: is_of_production && wish.stage != Stage::Production,
            first,
        };
        let job = self.store().create_instance(permit, new).await?;
        self.accepted(&caller, id, job).await
    }

    async fn load_source(&self, workspace: WorkspaceId, text: &str) -> Result<BackupRecord, Failure> {
        let target = self.store().find_backup(workspace, text).await?.ok_or(Refusal::NotFound)?;
        Ok(self.store().load_backup(workspace, target.backup).await?)
    }

    /// The settings that a backup kept: limits, the health check; and of the variables those that weren't given. Secret
    /// ones come along only where a deleted instance is made again, at the same stage: whatever else is made of a backup
    /// has secrets of its own. The schedule of backups stays at its stage: a copy for trying things out fills no disk
    /// unasked.
    async fn take_kept(
        &self,
        workspace: WorkspaceId,
        id: InstanceId,
        source: &BackupRecord,
        stage: Stage,
        variables: &mut Vec<Variable>,
    ) -> Result<FirstSettings, Failure> {
        let kept = KeptSettings::read(&source.settings)?;
        let mut first = kept.first()?;
        if source.stage != stage {
            first.schedule = None;
        }
        let comes_again = !source.has_instance && source.stage == stage;
        for KeptVariable { name, value, sealed } in kept.variables {
            if variables.iter().any(|given| given.name == name) {
                continue;
            }
            let value = match (value, sealed) {
                (Some(text), _) => VariableValue::Plain(text),
                (None, Some(sealed)) if comes_again => {
                    let sealed = STANDARD.decode(sealed).map_err(Fault::new)?;
                    let sealed = self.seal_anew(workspace, (source.instance, id), &name, &sealed).await?;
                    VariableValue::Sealed(sealed)
                }
                _ => continue,
            };
            variables.push(Variable { name, value });
        }
        Ok(first)
    }
}
