//! Servers whose machine never comes back: they go with all that is known of them. What is on the machine stays there, and
//! it is refused for ever.

use stoa_domain::permission::server::Forget;
use stoa_domain::{
    Conflict, InstanceId, MachineId, Permit, Refusal, Resource, ResourceKind, Via, WorkspaceId,
};

use crate::audit::{NewAuditEvent, Outcome};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::job::carry::take_out;
use crate::server::{remove_in, unchanged_in};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    STANDING_ON_IT = "SELECT id, name, is_protected FROM instances WHERE workspace_id = $1 AND server_id = $2 ORDER BY id";
    /// Whoever carries one out holds it no longer, and so writes nothing any more.
    END_JOBS = "UPDATE jobs SET status = 'cancelled', ended_at = $3, cancel_at = COALESCE(cancel_at, $3), lease_until = NULL
        WHERE workspace_id = $1 AND instance_id = $2 AND status IN ('queued', 'running')";
}

impl Store {
    /// Removes a server with its instances; their backups are kept like those of any that are deleted. The machine, which
    /// its caller found to be away, is refused from here on.
    ///
    /// # Errors
    /// [`Conflict::ProtectedOnServer`], [`Conflict::ServerAnswers`] for a machine that Stoa stands on,
    /// `PreconditionFailed`, or a fault.
    pub async fn forget_server(
        &self,
        permit: Permit<Forget>,
        expected: Option<i64>,
    ) -> Result<MachineId, Failure> {
        let (workspace, server) = (permit.workspace(), *permit.target());
        let work: Work<MachineId> = Box::new(move |tx| {
            Box::pin(async move {
                unchanged_in(tx, workspace, server, expected).await?;
                let rows = tx.fetch_all(STANDING_ON_IT, values![workspace, server]).await?;
                let mut instances: Vec<(InstanceId, String)> = Vec::new();
                for row in &rows {
                    if row.get::<bool>(2)? {
                        return Err(Refusal::Conflict(Conflict::ProtectedOnServer).into());
                    }
                    instances.push((row.get(0)?, row.get(1)?));
                }
                for (instance, name) in instances {
                    forget_instance(tx, workspace, instance, name).await?;
                }
                let machine = remove_in(tx, workspace, server).await?;
                machine.ok_or_else(|| Refusal::Conflict(Conflict::ServerAnswers).into())
            })
        });
        self.write(permit, work).await
    }
}

async fn forget_instance(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    name: String,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(END_JOBS, values![workspace, instance, now]).await?;
    take_out(tx, workspace, instance).await?;
    let event = NewAuditEvent {
        workspace,
        actor: None,
        via: Via::System,
        action: "instance.deleted".to_owned(),
        resource: Some(Resource { kind: ResourceKind::Instance, id: instance.uuid() }),
        resource_name: Some(name),
        second_name: None,
        outcome: Outcome::Done,
        repeated: 1,
        detail: "{\"because\":\"server_forgotten\"}".to_owned(),
    };
    tx.audit_also(&event).await?;
    tx.tell(workspace, EventType::Deleted, ResourceKind::Instance, instance.uuid()).await
}
