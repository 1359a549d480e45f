//! From what a path says (a slug or an id) to the thing meant, within one workspace. Ids are looked up first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stoa_domain::permission::{DeploymentTarget, JobTarget};
use stoa_domain::{
    DeploymentId, InstanceId, InvitationId, JobId, MemberId, ProjectId, ServerId, StartedBy, WorkspaceId,
};

use crate::failure::StorageFault;
use crate::store::Store;
use crate::tx::Touched;
use crate::values;

crate::statements! {
    WORKSPACE_BY_ID = "SELECT id FROM workspaces WHERE id = $1";
    /// An old slug works as an alias.
    WORKSPACE_BY_SLUG = "SELECT workspace_id FROM workspace_slugs WHERE slug = $1 AND workspace_id IS NOT NULL";
    PROJECT_BY_ID = "SELECT id FROM projects WHERE workspace_id = $1 AND id = $2";
    PROJECT_BY_SLUG = "SELECT id FROM projects WHERE workspace_id = $1 AND slug = $2";
    INSTANCE_BY_ID = "SELECT id FROM instances WHERE workspace_id = $1 AND id = $2";
    INSTANCE_BY_SLUG = "SELECT id FROM instances WHERE workspace_id = $1 AND slug = $2";
    SERVER_BY_ID = "SELECT id FROM servers WHERE workspace_id = $1 AND id = $2";
    SERVER_BY_SLUG = "SELECT id FROM servers WHERE workspace_id = $1 AND slug = $2";
    MEMBER_BY_ID = "SELECT id FROM members WHERE workspace_id = $1 AND id = $2";
    INVITATION_BY_ID = "SELECT id FROM invitations WHERE workspace_id = $1 AND id = $2";
    JOB_BY_ID = "SELECT id, instance_id, permission, project_id FROM jobs WHERE workspace_id = $1 AND id = $2";
    DEPLOYMENT_BY_ID =
        "SELECT id, job_id, instance_id FROM deployments WHERE workspace_id = $1 AND instance_id = $2 AND id = $3";
    JOB_OF_DEPLOYMENT = "SELECT j.id, j.instance_id, j.permission, j.project_id FROM deployments d JOIN jobs j ON j.id = d.job_id
        WHERE d.workspace_id = $1 AND d.instance_id = $2 AND d.id = $3";
}

/// Words that meant a workspace when they were last asked for. Kept on SQLite alone, where one process writes; a word
/// stops meaning its workspace only when that is deleted.
#[derive(Clone, Default)]
pub(crate) struct WorkspaceWords {
    kept: Arc<Mutex<(u64, HashMap<String, WorkspaceId>)>>,
}

/// More are dropped at once: they are found again at their next use.
const MOST_WORDS: usize = 10_000;

impl WorkspaceWords {
    fn find(&self, text: &str) -> Result<WorkspaceId, u64> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.get(text).copied().ok_or(kept.0)
    }

    fn keep(&self, text: &str, id: WorkspaceId, read_at: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != read_at {
            return;
        }
        if kept.1.len() >= MOST_WORDS {
            kept.1.clear();
        }
        kept.1.insert(text.to_owned(), id);
    }

    /// Called by the writer after the commit, before anyone is answered.
    pub(crate) fn forget(&self, touched: &Touched) {
        if touched.workspaces.is_empty() {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        kept.1.retain(|_, id| !touched.workspaces.contains(id));
    }
}

/// A job, and what its start needed.
#[derive(Debug, Clone)]
pub struct LocatedJob {
    pub target: JobTarget,
    pub started_by: StartedBy,
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn find_workspace_id(&self, text: &str) -> Result<Option<WorkspaceId>, StorageFault> {
        let read_at = match self.inner.workspace_words.find(text) {
            Ok(id) => return Ok(Some(id)),
            Err(generation) => generation,
        };
        let row = match text.parse::<WorkspaceId>() {
            Ok(id) => self.fetch_optional(WORKSPACE_BY_ID, values![id]).await?,
            Err(_) => self.fetch_optional(WORKSPACE_BY_SLUG, values![text.to_ascii_lowercase()]).await?,
        };
        let found = row.map(|row| row.get(0)).transpose()?;
        if let Some(id) = found
            && self.is_sqlite()
        {
            self.inner.workspace_words.keep(text, id, read_at);
        }
        Ok(found)
    }

    /// # Errors
    /// A fault.
    pub async fn find_project_id(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<ProjectId>, StorageFault> {
        let row = match text.parse::<ProjectId>() {
            Ok(id) => self.fetch_optional(PROJECT_BY_ID, values![workspace, id]).await?,
            Err(_) => self.fetch_optional(PROJECT_BY_SLUG, values![workspace, text]).await?,
        };
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_instance_id(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<InstanceId>, StorageFault> {
        let row = match text.parse::<InstanceId>() {
            Ok(id) => self.fetch_optional(INSTANCE_BY_ID, values![workspace, id]).await?,
            Err(_) => self.fetch_optional(INSTANCE_BY_SLUG, values![workspace, text]).await?,
        };
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_server_id(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<ServerId>, StorageFault> {
        let row = match text.parse::<ServerId>() {
            Ok(id) => self.fetch_optional(SERVER_BY_ID, values![workspace, id]).await?,
            Err(_) => self.fetch_optional(SERVER_BY_SLUG, values![workspace, text]).await?,
        };
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_member_id(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<MemberId>, StorageFault> {
        let Ok(id) = text.parse::<MemberId>() else { return Ok(None) };
        let row = self.fetch_optional(MEMBER_BY_ID, values![workspace, id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_invitation_id(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<InvitationId>, StorageFault> {
        let Ok(id) = text.parse::<InvitationId>() else { return Ok(None) };
        let row = self.fetch_optional(INVITATION_BY_ID, values![workspace, id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_job(
        &self,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<Option<LocatedJob>, StorageFault> {
        let Ok(id) = text.parse::<JobId>() else { return Ok(None) };
        let row = self.fetch_optional(JOB_BY_ID, values![workspace, id]).await?;
        row.map(|row| located(&row)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn find_deployment(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        text: &str,
    ) -> Result<Option<DeploymentTarget>, StorageFault> {
        let Ok(id) = text.parse::<DeploymentId>() else { return Ok(None) };
        let row = self.fetch_optional(DEPLOYMENT_BY_ID, values![workspace, instance, id]).await?;
        row.map(|row| {
            Ok(DeploymentTarget { deployment: row.get(0)?, job: row.get(1)?, instance: row.get(2)? })
        })
        .transpose()
    }

    /// The job that carries out a deployment.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_deployment_job(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        text: &str,
    ) -> Result<Option<LocatedJob>, StorageFault> {
        let Ok(id) = text.parse::<DeploymentId>() else { return Ok(None) };
        let row = self.fetch_optional(JOB_OF_DEPLOYMENT, values![workspace, instance, id]).await?;
        row.map(|row| located(&row)).transpose()
    }
}

fn located(row: &crate::row::Row) -> Result<LocatedJob, StorageFault> {
    let started_by = StartedBy::parse(&row.get::<String>(2)?, row.get(3)?);
    let target = JobTarget { job: row.get(0)?, instance: row.get(1)?, project: started_by.project() };
    Ok(LocatedJob { target, started_by })
}
