//! Changing what an owner sets of an instance: its name, who may open it, whether it is protected.

use stoa_domain::Permit;
use stoa_domain::instance::Visibility;
use stoa_domain::permission::instance::Change as ChangePermission;

use super::settings::{Change, SettingsChange, apply};
use crate::failure::Failure;
use crate::store::{Store, Work};

#[derive(Debug, Clone, Default)]
pub struct InstanceChange {
    pub name: Option<String>,
    pub visibility: Option<Visibility>,
    pub is_protected: Option<bool>,
    /// The revision that the change was made from.
    pub expected: Option<i64>,
}

impl Store {
    /// # Errors
    /// `PreconditionFailed`, or a fault.
    pub async fn change_instance(
        &self,
        permit: Permit<ChangePermission>,
        change: InstanceChange,
    ) -> Result<(), Failure> {
        let place = (permit.workspace(), *permit.target());
        let account = permit.actor().account;
        let work: Work<()> = Box::new(move |tx| {
            let InstanceChange { name, visibility, is_protected, expected } = change.clone();
            let wanted = SettingsChange { name, visibility, is_protected, ..SettingsChange::default() };
            Box::pin(async move {
                let change = Change { place, account, from: &[], expected, reverts: None };
                apply(tx, change, wanted).await.map(drop)
            })
        });
        self.write(permit, work).await
    }
}
