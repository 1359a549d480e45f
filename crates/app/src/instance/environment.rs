//! Variables of an instance: seen by owners, secret ones never.

use std::collections::HashSet;

use stoa_domain::permission::instance as may;
use stoa_domain::variable::{MOST_VARIABLES, check_name, check_value};
use stoa_domain::{FieldProblem, InstanceId, Permit, Refusal, Secret, WorkspaceId};
use stoa_storage::instance::environment::{Variable, VariableValue};

use crate::ports::SealedPlace;
use crate::{App, Failure};

/// The version of the workspace's key by which new values are sealed.
const KEY_VERSION: i64 = 1;
/// Bytes of all secret values together: each is looked for in every line of the log, in many ways of writing.
const MOST_SECRET: usize = 256 * 1024;

/// A variable as an owner writes it. A secret one without a value keeps the one that it has.
#[derive(Clone)]
pub struct WantedVariable {
    pub name: String,
    pub value: Option<Secret>,
    pub is_secret: bool,
}

/// A variable as an owner reads it: a secret one without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenVariable {
    pub name: String,
    pub value: Option<String>,
    pub is_secret: bool,
}

#[derive(Debug, Clone)]
pub struct SeenEnvironment {
    pub variables: Vec<SeenVariable>,
    pub revision: i64,
    /// Whether what runs was started with other values.
    pub restart_needed: bool,
}

fn place(workspace: WorkspaceId, instance: InstanceId, name: &str) -> SealedPlace {
    SealedPlace {
        workspace,
        table: "variables",
        column: "sealed",
        row: format!("{instance}/{name}"),
        version: KEY_VERSION,
    }
}

/// As they are shown.
pub(super) fn seen(variables: impl IntoIterator<Item = (String, VariableValue)>) -> Vec<SeenVariable> {
    let one = |(name, value)| match value {
        VariableValue::Plain(text) => SeenVariable { name, value: Some(text), is_secret: false },
        VariableValue::Sealed(_) | VariableValue::Kept => SeenVariable { name, value: None, is_secret: true },
    };
    variables.into_iter().map(one).collect()
}

impl App {
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn view_environment(
        &self,
        permit: Permit<may::ViewEnvironment>,
    ) -> Result<SeenEnvironment, Failure> {
        self.seen_environment(permit.workspace(), *permit.target()).await
    }

    /// Replaces all variables. `expected` is the revision that the change was made from.
    ///
    /// # Errors
    /// `Invalid`, `PreconditionFailed`, or a fault.
    pub async fn change_environment(
        &self,
        permit: Permit<may::ChangeEnvironment>,
        wanted: Vec<WantedVariable>,
        expected: Option<i64>,
    ) -> Result<SeenEnvironment, Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let mut problems = Vec::new();
        let variables = self.seal_variables(workspace, instance, wanted, &mut problems).await?;
        if !problems.is_empty() {
            return Err(Refusal::Invalid(problems).into());
        }
        self.store().change_environment(permit, variables, expected).await?;
        self.secrets_changed(workspace, instance).await;
        self.seen_environment(workspace, instance).await
    }

    /// As it is now: what a change is compared with.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_environment_for_change(
        &self,
        permit: &Permit<may::ChangeEnvironment>,
    ) -> Result<SeenEnvironment, Failure> {
        self.seen_environment(permit.workspace(), *permit.target()).await
    }

    async fn seen_environment(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<SeenEnvironment, Failure> {
        let settings = self.store().load_settings(workspace, instance).await?;
        let restart_needed = self.store().is_restart_needed(workspace, instance).await?;
        Ok(SeenEnvironment {
            variables: seen(settings.variables),
            revision: settings.revision,
            restart_needed,
        })
    }

    /// Checks names and values, and seals the secret ones for this instance alone.
    pub(crate) async fn seal_variables(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        wanted: Vec<WantedVariable>,
        problems: &mut Vec<FieldProblem>,
    ) -> Result<Vec<Variable>, Failure> {
        if wanted.len() > MOST_VARIABLES {
            problems.push(FieldProblem::new(
                "environment",
                "too_many",
                "An instance has at most 500 variables.",
            ));
            return Ok(Vec::new());
        }
        if self.secret_bytes(workspace, instance, &wanted).await? > MOST_SECRET {
            let detail = "All secret values of an instance have at most 256 KiB together.";
            problems.push(FieldProblem::new("environment", "too_large", detail));
        }
        let mut key = None;
        let mut names = HashSet::new();
        let mut variables = Vec::with_capacity(wanted.len());
        for (index, variable) in wanted.into_iter().enumerate() {
            let field = |part: &str| format!("environment.{index}.{part}");
            let WantedVariable { name, value, is_secret } = variable;
            if let Err(detail) = check_name(&name) {
                problems.push(FieldProblem::new(&field("name"), "invalid", detail));
            }
            if !names.insert(name.clone()) {
                problems.push(FieldProblem::new(&field("name"), "duplicate", "This name stands twice."));
            }
            let Some(value) = value else {
                if !is_secret {
                    let detail = "Give a value; only a secret variable keeps the one it has.";
                    problems.push(FieldProblem::new(&field("value"), "required", detail));
                }
                variables.push(Variable { name, value: VariableValue::Kept });
                continue;
            };
            let Some(text) = value.reveal_text() else {
                problems.push(FieldProblem::new(&field("value"), "invalid", "A value is text."));
                continue;
            };
            if let Err(detail) = check_value(text) {
                problems.push(FieldProblem::new(&field("value"), "invalid", detail));
            }
            if !is_secret {
                variables.push(Variable { name, value: VariableValue::Plain(text.to_owned()) });
                continue;
            }
            if key.is_none() {
                key = Some(self.store().load_wrapped_key(workspace, KEY_VERSION).await?);
            }
            let key = key.as_deref().unwrap_or_default();
            let sealed = self.outside().vault.seal(key, &place(workspace, instance, &name), &value)?;
            variables.push(Variable { name, value: VariableValue::Sealed(sealed) });
        }
        Ok(variables)
    }

    /// Of all values that are to be secret; of those that are kept, as they are sealed.
    async fn secret_bytes(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        wanted: &[WantedVariable],
    ) -> Result<usize, Failure> {
        let secret = || wanted.iter().filter(|variable| variable.is_secret);
        let given: usize =
            secret().filter_map(|variable| variable.value.as_ref()).map(|value| value.reveal().len()).sum();
        let names: HashSet<&str> = secret()
            .filter(|variable| variable.value.is_none())
            .map(|variable| variable.name.as_str())
            .collect();
        if names.is_empty() {
            return Ok(given);
        }
        let there = self.store().list_variables(workspace, instance).await?;
        let kept: usize = there
            .iter()
            .filter(|variable| names.contains(variable.name.as_str()))
            .map(|variable| match &variable.value {
                VariableValue::Sealed(sealed) => sealed.len(),
                VariableValue::Plain(text) => text.len(),
                VariableValue::Kept => 0,
            })
            .sum();
        Ok(given + kept)
    }

    /// A secret one of one instance, sealed for another.
    pub(crate) async fn seal_anew(
        &self,
        workspace: WorkspaceId,
        (from, to): (InstanceId, InstanceId),
        name: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let key = self.store().load_wrapped_key(workspace, KEY_VERSION).await?;
        let vault = &self.outside().vault;
        let value = vault.open(&key, &place(workspace, from, name), sealed)?;
        Ok(vault.seal(&key, &place(workspace, to, name), &value)?)
    }

    /// The values of the secret ones alone, sealed until here: so that they can be looked for in what is to leave.
    pub(crate) async fn open_secret_variables(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<Secret>, Failure> {
        let names: HashSet<String> = self.names_of_secrets(workspace, instance).await?.into_iter().collect();
        let opened = self.open_variables(workspace, instance).await?;
        Ok(opened.into_iter().filter(|(name, _)| names.contains(name)).map(|(_, secret)| secret).collect())
    }

    /// Which of the variables are secret.
    pub(crate) async fn names_of_secrets(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<String>, Failure> {
        let variables = self.store().list_variables(workspace, instance).await?;
        let sealed =
            variables.into_iter().filter(|variable| matches!(variable.value, VariableValue::Sealed(_)));
        Ok(sealed.map(|variable| variable.name).collect())
    }

    /// All variables with their values: for the machine that runs the instance, and nobody else.
    pub(crate) async fn open_variables(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<(String, Secret)>, Failure> {
        let variables = self.store().list_variables(workspace, instance).await?;
        self.open_all(workspace, variables.into_iter().map(|variable| (instance, variable))).await
    }

    /// The secret ones of all instances of a workspace: for what is never to leave.
    pub(crate) async fn open_secrets_of_workspace(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<Secret>, Failure> {
        let sealed = self.store().list_sealed_variables(workspace).await?;
        let opened = self.open_all(workspace, sealed.into_iter()).await?;
        Ok(opened.into_iter().map(|(_, secret)| secret).collect())
    }

    async fn open_all(
        &self,
        workspace: WorkspaceId,
        variables: impl Iterator<Item = (InstanceId, Variable)> + Send,
    ) -> Result<Vec<(String, Secret)>, Failure> {
        let mut key = None;
        let mut opened = Vec::new();
        for (instance, Variable { name, value }) in variables {
            let secret = match value {
                VariableValue::Plain(text) => Secret::from_text(text),
                VariableValue::Kept => continue,
                VariableValue::Sealed(sealed) => {
                    if key.is_none() {
                        key = Some(self.store().load_wrapped_key(workspace, KEY_VERSION).await?);
                    }
                    let key = key.as_deref().unwrap_or_default();
                    self.outside().vault.open(key, &place(workspace, instance, &name), &sealed)?
                }
            };
            opened.push((name, secret));
        }
        Ok(opened)
    }
}
