//! The variables of an instance, as an owner replaces them.

use stoa_domain::Permit;
use stoa_domain::permission::instance::ChangeEnvironment;

pub(crate) use super::settings::insert_variable;
pub use super::settings::{Variable, VariableValue};

use super::settings::{Change, SettingsChange, apply};
use crate::failure::Failure;
use crate::store::{Store, Work};

impl Store {
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
