//! Variables of an instance. A secret one comes in sealed; nothing here could open it.

use std::collections::BTreeMap;

use stoa_domain::permission::instance::ChangeEnvironment;
use stoa_domain::{FieldProblem, InstanceId, Permit, Refusal, ResourceKind, WorkspaceId};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    LIST = "SELECT name, is_secret, value, sealed FROM variables WHERE workspace_id = $1 AND instance_id = $2
        ORDER BY name";
    INSERT = "INSERT INTO variables (workspace_id, instance_id, name, is_secret, value, sealed)
        VALUES ($1, $2, $3, $4, $5, $6)";
    REMOVE_ALL = "DELETE FROM variables WHERE workspace_id = $1 AND instance_id = $2";
    RAISE = "UPDATE instances SET revision = revision + 1 WHERE workspace_id = $1 AND id = $2
        RETURNING revision, name";
    RECORD = "INSERT INTO settings_changes (id, workspace_id, instance_id, revision, account_id, change, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// The settings that a start, a hard restart or a deployment found are those that are in use.
    CHANGED_SINCE = "SELECT EXISTS (SELECT 1 FROM settings_changes c WHERE c.workspace_id = $1 AND c.instance_id = $2
            AND c.at > COALESCE((SELECT MAX(j.created_at) FROM jobs j WHERE j.instance_id = $2
                AND j.kind IN ('deploy', 'restore', 'start', 'restart_hard') AND j.status = 'succeeded'), $3))";
    REVISION = "SELECT revision FROM instances WHERE workspace_id = $1 AND id = $2";
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

fn read(row: &crate::row::Row) -> Result<Variable, StorageFault> {
    let is_secret: bool = row.get(1)?;
    let value = if is_secret {
        VariableValue::Sealed(row.get::<Option<Vec<u8>>>(3)?.unwrap_or_default())
    } else {
        VariableValue::Plain(row.get::<Option<String>>(2)?.unwrap_or_default())
    };
    Ok(Variable { name: row.get(0)?, value })
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

    /// The revision of an instance's settings, and whether they have changed since it was started with them.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn settings_state(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<(i64, bool), Failure> {
        let row =
            self.fetch_optional(REVISION, values![workspace, instance]).await?.ok_or(Refusal::NotFound)?;
        let changed = self.fetch_optional(CHANGED_SINCE, values![workspace, instance, i64::MAX]).await?;
        let changed = changed.map_or(Ok(false), |row| row.get(0))?;
        Ok((row.get(0)?, changed))
    }

    /// Replaces all variables. A secret one may keep what it has.
    ///
    /// # Errors
    /// `PreconditionFailed`, `Invalid` for a kept value that isn't there, or a fault.
    pub async fn change_environment(
        &self,
        permit: Permit<ChangeEnvironment>,
        variables: Vec<Variable>,
        expected: Option<i64>,
    ) -> Result<(), Failure> {
        let (workspace, instance, account) = (permit.workspace(), *permit.target(), permit.actor().account);
        let work: Work<()> = Box::new(move |tx| {
            let variables = variables.clone();
            Box::pin(async move {
                let row = tx
                    .fetch_optional(REVISION, values![workspace, instance])
                    .await?
                    .ok_or(Refusal::NotFound)?;
                let revision: i64 = row.get(0)?;
                if expected.is_some_and(|expected| expected != revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                let rows = tx.fetch_all(LIST, values![workspace, instance]).await?;
                let mut before = BTreeMap::new();
                for row in &rows {
                    let variable = read(row)?;
                    before.insert(variable.name, variable.value);
                }
                let after = settle(&before, variables)?;
                let change = describe(&before, &after);
                tx.execute(REMOVE_ALL, values![workspace, instance]).await?;
                for (name, value) in after {
                    insert_variable(tx, workspace, instance, &Variable { name, value }).await?;
                }
                let row = tx.fetch_one(RAISE, values![workspace, instance]).await?;
                let (revision, name): (i64, String) = (row.get(0)?, row.get(1)?);
                let (id, now) = (tx.new_id(), tx.now());
                tx.execute(RECORD, values![id, workspace, instance, revision, account, change.as_str(), now])
                    .await?;
                tx.audit_name(name);
                tx.audit_detail(change);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }
}

/// The values as they will be: those that are kept are taken over.
fn settle(
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

/// What changed, by name: values never, because a plain one may have been a secret by mistake.
fn describe(before: &BTreeMap<String, VariableValue>, after: &BTreeMap<String, VariableValue>) -> String {
    // Names of variables are letters, digits and `_`: they need no escaping.
    let list = |names: Vec<&String>| {
        let quoted: Vec<String> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
        quoted.join(",")
    };
    let added = after.keys().filter(|name| !before.contains_key(*name)).collect();
    let removed = before.keys().filter(|name| !after.contains_key(*name)).collect();
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(*name).is_some_and(|old| old != *value))
        .map(|(name, _)| name)
        .collect();
    format!("{{\"added\":[{}],\"changed\":[{}],\"removed\":[{}]}}", list(added), list(changed), list(removed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_its_value_and_a_new_one_needs_one() {
        let before = BTreeMap::from([("KEY".to_owned(), VariableValue::Sealed(vec![1]))]);
        let kept = |name: &str| Variable { name: name.to_owned(), value: VariableValue::Kept };
        assert_eq!(settle(&before, vec![kept("KEY")]).unwrap(), before);
        assert!(settle(&before, vec![kept("OTHER")]).is_err());
    }

    #[test]
    fn a_change_is_told_by_names_alone() {
        let plain = |text: &str| VariableValue::Plain(text.to_owned());
        let before = BTreeMap::from([("A".to_owned(), plain("1")), ("B".to_owned(), plain("2"))]);
        let after = BTreeMap::from([("B".to_owned(), plain("3")), ("C".to_owned(), plain("secret"))]);
        assert_eq!(describe(&before, &after), r#"{"added":["C"],"changed":["B"],"removed":["A"]}"#);
    }
}
