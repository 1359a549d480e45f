//! An example that is put online: its project, where its branch stands, its instance and the deployment that this begins
//! with, in one transaction. Nothing of it is there without the rest.

use stoa_domain::branch::CommitId;
use stoa_domain::permission::example::Deploy;
use stoa_domain::{JobId, Permit};

use crate::failure::Failure;
use crate::head;
use crate::instance::create::{self, NewInstance};
use crate::project::{self, NewProject};
use crate::store::{Store, Work};

#[derive(Clone)]
pub struct NewExample {
    pub project: NewProject,
    /// Where the project's default branch stands: its repository is there already.
    pub commit: CommitId,
    /// Of that project and that branch.
    pub instance: NewInstance,
}

impl Store {
    /// # Errors
    /// `NotFound` for a server that isn't the workspace's, or a fault.
    pub async fn deploy_example(&self, permit: Permit<Deploy>, new: NewExample) -> Result<JobId, Failure> {
        let workspace = permit.workspace();
        let account = Some(permit.actor().account);
        let work: Work<JobId> = Box::new(move |tx| {
            let NewExample { project, commit, instance } = new.clone();
            Box::pin(async move {
                let made = project::insert_in(tx, workspace, project).await?;
                head::keep_in(tx, workspace, made.id, &made.default_branch, &commit).await?;
                create::insert_in(tx, workspace, account, instance).await
            })
        });
        self.write(permit, work).await
    }
}
