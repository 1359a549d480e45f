//! What `git push` may do: decided for each ref, twice, by the same function.

use crate::branch::BranchName;
use crate::decide::{decide, owner_required};
use crate::ids::{InstanceId, ProjectId};
use crate::permission::{ProjectAndInstances, project};
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::standing::Standing;

/// One branch that a push would move, and the instances that deploy it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchUpdate {
    pub branch: BranchName,
    pub kind: UpdateKind,
    pub deployed_by: Vec<InstanceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// It is made, or moved to a commit that descends from the one it was at.
    Forward,
    /// It is moved to a commit that doesn't.
    Rewind,
    Delete,
}

/// Decides a whole push: one refused branch refuses it all.
///
/// # Errors
/// [`Refusal::NotFound`] and [`Refusal::PermissionDenied`] as everywhere; [`Refusal::TargetNotAllowed`] where
/// an instance that deploys a branch isn't allowed; [`Refusal::OwnerRequired`] for deleting or rewinding a
/// branch which an instance deploys.
pub fn decide_push(
    standing: &Standing,
    project: ProjectId,
    updates: &[BranchUpdate],
) -> Result<Permit<project::Push>, Refusal> {
    let instances = updates.iter().flat_map(|update| update.deployed_by.iter().copied()).collect();
    let permit = decide::<project::Push>(standing, ProjectAndInstances { project, instances })?;
    if standing.is_owner() {
        return Ok(permit);
    }
    let all_allowed = permit.target().instances.iter().all(|instance| standing.has_instance(*instance));
    if !all_allowed {
        return Err(Refusal::TargetNotAllowed);
    }
    let loses_commits =
        updates.iter().any(|update| update.kind != UpdateKind::Forward && !update.deployed_by.is_empty());
    if loses_commits {
        return Err(owner_required(standing));
    }
    Ok(permit)
}
