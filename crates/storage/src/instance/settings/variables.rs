//! Variables of an instance. A secret one comes in sealed; nothing here could open it.

use std::collections::BTreeMap;

use stoa_domain::{FieldProblem, InstanceId, Refusal, WorkspaceId};

use crate::failure::{Failure, StorageFault};
use crate::row::Row;
use crate::store::Store;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    LIST = "SELECT name, is_secret, value, sealed FROM variables WHERE workspace_id = $1 AND instance_id = $2
        ORDER BY name";
    INSERT = "INSERT INTO variables (workspace_id, instance_id, name, is_secret, value, sealed)
        VALUES ($1, $2, $3, $4, $5, $6)";
    SEALED = "SELECT name, is_secret, value, sealed, instance_id FROM variables WHERE workspace_id = $1 AND is_secret";
    REMOVE_ALL = "DELETE FROM variables WHERE workspace_id = $1 AND instance_id = $2";
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableValue {
    Plain(String),
    Sealed(Vec<u8>),
    /// The sealed value that it has already.
    Kept,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: VariableValue,
}

pub(crate) async fn insert_variable(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    variable: &Variable,
) -> Result<(), Failure> {
    let (plain, sealed) = match &variable.value {
        VariableValue::Plain(text) => (Some(text.clone()), None),
        VariableValue::Sealed(bytes) => (None, Some(bytes.clone())),
        VariableValue::Kept => {
            let problem =
                FieldProblem::new("environment", "required", "A new secret variable needs a value.");
            return Err(Refusal::Invalid(vec![problem]).into());
        }
    };
    let name = variable.name.as_str();
    tx.execute(INSERT, values![workspace, instance, name, sealed.is_some(), plain, sealed]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Variable, StorageFault> {
    let is_secret: bool = row.get(1)?;
    let value = if is_secret {
        VariableValue::Sealed(row.get::<Option<Vec<u8>>>(3)?.unwrap_or_default())
    } else {
        VariableValue::Plain(row.get::<Option<String>>(2)?.unwrap_or_default())
    };
    Ok(Variable { name: row.get(0)?, value })
}

pub(super) async fn list_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<BTreeMap<String, VariableValue>, StorageFault> {
    let rows = tx.fetch_all(LIST, values![workspace, instance]).await?;
    rows.iter().map(|row| read(row).map(|Variable { name, value }| (name, value))).collect()
}

/// In place of all that there are.
pub(super) async fn replace_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    variables: &BTreeMap<String, VariableValue>,
) -> Result<(), Failure> {
    tx.execute(REMOVE_ALL, values![workspace, instance]).await?;
    for (name, value) in variables {
        insert_variable(tx, workspace, instance, &Variable { name: name.clone(), value: value.clone() })
            .await?;
    }
    Ok(())
}

/// The values as they will be: those that are kept are taken over.
pub(super) fn settle(
    before: &BTreeMap<String, VariableValue>,
    wanted: Vec<Variable>,
) -> Result<BTreeMap<String, VariableValue>, Refusal> {
    let mut after = BTreeMap::new();
    for (index, Variable { name, value }) in wanted.into_iter().enumerate() {
        let value = match (value, before.get(&name)) {
            (VariableValue::Kept, Some(VariableValue::Sealed(bytes))) => VariableValue::Sealed(bytes.clone()),
            (VariableValue::Kept, _) => {
                let field = format!("environment.{index}.value");
                return Err(Refusal::invalid(&field, "required", "A new secret variable needs a value."));
            }
            (value, _) => value,
        };
        after.insert(name, value);
    }
    Ok(after)
}

impl Store {
    /// By name.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_variables(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<Variable>, StorageFault> {
        let rows = self.fetch_all(LIST, values![workspace, instance]).await?;
        rows.iter().map(read).collect()
    }

    /// The secret ones of all instances of a workspace.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_sealed_variables(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(InstanceId, Variable)>, StorageFault> {
        let rows = self.fetch_all(SEALED, values![workspace]).await?;
        rows.iter().map(|row| Ok((row.get(4)?, read(row)?))).collect()
    }
}
