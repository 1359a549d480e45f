//! What a change of settings did, thing by thing. Values of secrets are in none of it, nor do they stay in what was
//! recorded while they weren't secret yet.

use std::collections::BTreeMap;

use stoa_domain::settings::{Setting, Turn};
use stoa_domain::{InstanceId, WorkspaceId};
use uuid::Uuid;

use super::variables::VariableValue;
use crate::detail::{Detail, list};
use crate::failure::StorageFault;
use crate::page::word;
use crate::row::Row;
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO settings_change_parts (workspace_id, change_id, position, setting, name, turn, before_value,
            after_value, is_secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// What became a secret is taken out of what was recorded before.
    HIDE = "UPDATE settings_change_parts SET before_value = NULL, after_value = NULL, is_secret = TRUE
        WHERE workspace_id = $1 AND setting = 'environment' AND name = $3
            AND change_id IN (SELECT id FROM settings_changes WHERE workspace_id = $1 AND instance_id = $2)";
    OF_CHANGE = "SELECT setting, name, turn, before_value, after_value, is_secret FROM settings_change_parts
        WHERE workspace_id = $1 AND change_id = $2 ORDER BY position";
}

/// One thing that a change did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub setting: Setting,
    /// Of a variable or a domain.
    pub name: String,
    pub turn: Turn,
    /// `None` where there was none, where it was as usual, or where it is secret.
    pub before: Option<String>,
    pub after: Option<String>,
    /// Whether a value of it was or is secret: then neither is here.
    pub is_secret: bool,
}

impl Part {
    /// A thing that there is one of; `None` where it stays as it is.
    pub(super) fn of(setting: Setting, before: Option<String>, after: Option<String>) -> Option<Self> {
        let turn = match (&before, &after) {
            (before, after) if before == after => return None,
            (None, _) => Turn::Added,
            (_, None) => Turn::Removed,
            _ => Turn::Changed,
        };
        Some(Self { setting, name: String::new(), turn, before, after, is_secret: false })
    }

    pub(super) fn domain(name: &str, turn: Turn) -> Self {
        Self {
            setting: Setting::Domain,
            name: name.to_owned(),
            turn,
            before: None,
            after: None,
            is_secret: false,
        }
    }

    pub(super) fn read(row: &Row) -> Result<Self, StorageFault> {
        Ok(Self {
            setting: word(row, 0, Setting::from_key)?,
            name: row.get(1)?,
            turn: word(row, 2, Turn::from_key)?,
            before: row.get(3)?,
            after: row.get(4)?,
            is_secret: row.get(5)?,
        })
    }
}

/// The differences of two sets of variables.
pub(super) fn of_variables(
    before: &BTreeMap<String, VariableValue>,
    after: &BTreeMap<String, VariableValue>,
) -> Vec<Part> {
    let plain = |value: Option<&VariableValue>| match value {
        Some(VariableValue::Plain(text)) => Some(text.clone()),
        _ => None,
    };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let (was, is) = (before.get(name), after.get(name));
            let turn = match (was, is) {
                (None, _) => Turn::Added,
                (_, None) => Turn::Removed,
                (was, is) if was == is => return None,
                _ => Turn::Changed,
            };
            let is_sealed = |value: Option<&VariableValue>| {
                matches!(value, Some(VariableValue::Sealed(_) | VariableValue::Kept))
            };
            let is_secret = is_sealed(was) || is_sealed(is);
            let shown = |value| plain(value).filter(|_| !is_secret);
            Some(Part {
                setting: Setting::Environment,
                name: name.clone(),
                turn,
                before: shown(was),
                after: shown(is),
                is_secret,
            })
        })
        .collect()
}

/// What the audit log is told: names, never values.
pub(super) fn describe(parts: &[Part]) -> String {
    let of = |setting: Setting, turn: Turn| {
        let found = parts.iter().filter(move |part| part.setting == setting && part.turn == turn);
        list(found.map(|part| part.name.as_str()))
    };
    let mut detail = Detail::default();
    if parts.iter().any(|part| part.setting == Setting::Environment) {
        for turn in Turn::ALL {
            detail = detail.json(turn.key(), &of(Setting::Environment, *turn));
        }
    }
    if parts.iter().any(|part| part.setting == Setting::Domain) {
        detail = detail
            .json("domains_added", &of(Setting::Domain, Turn::Added))
            .json("domains_removed", &of(Setting::Domain, Turn::Removed));
    }
    for part in parts {
        if !matches!(part.setting, Setting::Environment | Setting::Domain) {
            let value = part.after.as_deref().unwrap_or("usual");
            detail = detail.text(part.setting.key(), value);
        }
    }
    detail.finish()
}

pub(super) async fn insert_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    change: Uuid,
    parts: &[Part],
) -> Result<(), StorageFault> {
    for (position, part) in parts.iter().enumerate() {
        let Part { setting, name, turn, before, after, is_secret } = part.clone();
        if setting == Setting::Environment && is_secret {
            tx.execute(HIDE, values![workspace, instance, name.as_str()]).await?;
        }
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let (setting, turn) = (setting.key(), turn.key());
        let values = values![workspace, change, position, setting, name, turn, before, after, is_secret];
        tx.execute(INSERT, values).await?;
    }
    Ok(())
}

pub(super) async fn of_change_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    change: Uuid,
) -> Result<Vec<Part>, StorageFault> {
    let rows = tx.fetch_all(OF_CHANGE, values![workspace, change]).await?;
    rows.iter().map(Part::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_by_name_and_a_secrets_value_by_nothing() {
        let plain = |text: &str| VariableValue::Plain(text.to_owned());
        let sealed = |byte: u8| VariableValue::Sealed(vec![byte]);
        let of = |all: &[(&str, VariableValue)]| {
            all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        let before = of(&[
            ("A", plain("1")),
            ("B", plain("2")),
            ("C", plain("hunter2")),
            ("D", sealed(1)),
            ("E", sealed(2)),
        ]);
        let after = of(&[
            ("B", plain("3")),
            ("C", sealed(9)),
            ("D", sealed(1)),
            ("E", sealed(3)),
            ("F", plain("new")),
        ]);
        let parts = of_variables(&before, &after);
        let told: Vec<_> = parts
            .iter()
            .map(|part| {
                let turn = part.turn.key();
                (part.name.as_str(), turn, part.before.as_deref(), part.after.as_deref(), part.is_secret)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("A", "removed", Some("1"), None, false),
                ("B", "changed", Some("2"), Some("3"), false),
                ("C", "changed", None, None, true),
                ("E", "changed", None, None, true),
                ("F", "added", None, Some("new"), false),
            ]
        );
        assert_eq!(describe(&parts), r#"{"added":["F"],"changed":["B","C","E"],"removed":["A"]}"#);
    }
}
