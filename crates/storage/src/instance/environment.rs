//! The variables of an instance, as an owner replaces them.

use stoa_domain::permission::instance::ChangeEnvironment;
use stoa_domain::{AccountId, InstanceId, Permit};

pub(crate) use super::settings::insert_variable;
pub use super::settings::{Variable, VariableValue};

use super::settings::history::used_at_once_in;
use super::settings::{Change, SettingsChange, apply, load_in};
use crate::failure::Failure;
use crate::job::carry::{hold_in, permit};
use crate::job::claim::Claim;
use crate::store::{Store, Work};

impl Store {
    /// Adds those that aren't set yet, as what a job does: one that somebody has set meanwhile stays. `false` where the
    /// claim has passed to another.
    ///
    /// # Errors
    /// `Invalid` where there are too many, or a fault.
    pub async fn add_variables(
        &self,
        claim: &Claim,
        instance: InstanceId,
        made: Vec<Variable>,
    ) -> Result<bool, Failure> {
        let place = (claim.workspace, instance);
        // Where nobody began it, nobody is named in the history.
        let account = claim.job.account.unwrap_or(AccountId::new(uuid::Uuid::nil()));
        let claimed = claim.clone();
        let work: Work<bool> = Box::new(move |tx| {
            let (claim, made) = (claimed.clone(), made.clone());
            Box::pin(async move {
                if !hold_in(tx, &claim).await? {
                    tx.audit_nothing();
                    return Ok(false);
                }
                let there = load_in(tx, place).await?.variables;
                let new = made.into_iter().filter(|variable| !there.contains_key(&variable.name));
                let before = there.clone().into_iter().map(|(name, value)| Variable { name, value });
                let variables: Vec<Variable> = before.chain(new).collect();
                if variables.len() == there.len() {
                    tx.audit_nothing();
                    return Ok(true);
                }
                let wanted = SettingsChange { variables: Some(variables), ..SettingsChange::default() };
                let change = Change { place, account, from: &[], expected: None, reverts: None };
                let _ = apply(tx, change, wanted).await?;
                used_at_once_in(tx, place).await?;
                Ok(true)
            })
        });
        self.write(permit(claim, "instance.change_environment"), work).await
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
        let place = (permit.workspace(), *permit.target());
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let wanted = SettingsChange { variables: Some(variables.clone()), ..SettingsChange::default() };
            Box::pin(async move {
                let change = Change { place, account, from: &[], expected, reverts: None };
                apply(tx, change, wanted).await.map(drop)
            })
        });
        self.write(permit, work).await
    }
}
