//! Changing what an owner sets of an instance: its name, who may open it, whether it is protected.

use stoa_domain::instance::Visibility;
use stoa_domain::permission::instance::Change;
use stoa_domain::{Permit, Refusal, ResourceKind};

use crate::event::EventType;
use crate::failure::Failure;
use crate::store::{Store, Work};
use crate::values;

crate::statements! {
    REVISION = "SELECT revision FROM instances WHERE workspace_id = $1 AND id = $2";
    /// The stage has no statement that changes it.
    CHANGE = "UPDATE instances SET name = COALESCE($3, name), visibility = COALESCE($4, visibility),
            is_protected = COALESCE($5, is_protected), revision = revision + 1
        WHERE workspace_id = $1 AND id = $2 RETURNING name";
}

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
        permit: Permit<Change>,
        change: InstanceChange,
    ) -> Result<(), Failure> {
        let (workspace, instance) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let InstanceChange { name, visibility, is_protected, expected } = change.clone();
            Box::pin(async move {
                let row = tx
                    .fetch_optional(REVISION, values![workspace, instance])
                    .await?
                    .ok_or(Refusal::NotFound)?;
                let revision: i64 = row.get(0)?;
                if expected.is_some_and(|expected| expected != revision) {
                    return Err(Refusal::PreconditionFailed.into());
                }
                let visibility = visibility.map(|visibility| visibility.key().to_owned());
                let detail = visibility.as_ref().map_or_else(
                    || "{}".to_owned(),
                    |visibility| format!("{{\"visibility\":\"{visibility}\"}}"),
                );
                let row = tx
                    .fetch_one(CHANGE, values![workspace, instance, name, visibility, is_protected])
                    .await?;
                tx.audit_name(row.get::<String>(0)?);
                tx.audit_detail(detail);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }
}
