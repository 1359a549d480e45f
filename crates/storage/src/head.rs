//! Where the branches of hosted repositories stand, and the deployments that follow when they move.

use std::collections::HashSet;

use stoa_domain::branch::{BranchName, CommitId};
use stoa_domain::deployment::DeploymentCause;
use stoa_domain::permission::ide::Push;
use stoa_domain::{
    AccountId, Action, Authority, InstanceId, MemberId, Permission, ProjectId, Refusal, ResourceKind,
    StartedBy, WorkspaceId,
};

use crate::deployment::{DeploymentOrder, QueuedDeployment, queue_deployment};
use crate::detail::{Detail, quoted};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    FIND = "SELECT commit_id FROM heads WHERE workspace_id = $1 AND project_id = $2 AND branch = $3";
    LIST = "SELECT branch, commit_id FROM heads WHERE workspace_id = $1 AND project_id = $2 ORDER BY branch";
    KEEP = "INSERT INTO heads (workspace_id, project_id, branch, commit_id, seen_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (project_id, branch) DO UPDATE SET commit_id = excluded.commit_id, seen_at = excluded.seen_at";
    FORGET = "DELETE FROM heads WHERE workspace_id = $1 AND project_id = $2 AND branch = $3";
    ON_BRANCH = "SELECT id FROM instances WHERE workspace_id = $1 AND project_id = $2 AND branch = $3
            AND status <> 'deleting' ORDER BY id";
    DEPLOYED_BY = "SELECT id FROM instances WHERE workspace_id = $1 AND project_id = $2 AND branch = $3 ORDER BY id";
    /// All others on the branch of an instance.
    DEPLOY_THE_SAME = "SELECT o.id FROM instances i JOIN instances o
            ON o.workspace_id = i.workspace_id AND o.project_id = i.project_id AND o.branch = i.branch AND o.id <> i.id
        WHERE i.workspace_id = $1 AND i.id = $2 ORDER BY o.id";
    SEEN_ON_BRANCHES = "SELECT i.branch, i.id, i.slug, i.name, i.stage, i.status,
            i.awaits_backup AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.instance_id = i.id AND j.kind = 'restore'
                AND j.status IN ('queued', 'running')) FROM instances i
        WHERE i.workspace_id = $1 AND i.project_id = $2
          AND ($3 OR EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $4 AND x.instance_id = i.id
              AND (x.until_at IS NULL OR x.until_at > $5)))
        ORDER BY i.sorted_as, i.id";
    /// Branches that an instance deploys which isn't in the member's list.
    NOT_ALLOWED = "SELECT DISTINCT i.branch FROM instances i WHERE i.workspace_id = $1 AND i.project_id = $2
            AND NOT EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $3 AND x.instance_id = i.id
                AND (x.until_at IS NULL OR x.until_at > $4))";
    /// Whether a member is allowed the project of an instance, and every instance that deploys the same branch.
    IS_ALLOWED_TARGET = "SELECT EXISTS (SELECT 1 FROM member_projects y WHERE y.member_id = $3 AND y.project_id = i.project_id
                AND (y.until_at IS NULL OR y.until_at > $4))
            AND NOT EXISTS (SELECT 1 FROM instances o WHERE o.project_id = i.project_id AND o.branch = i.branch
                AND NOT EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $3 AND x.instance_id = o.id
                    AND (x.until_at IS NULL OR x.until_at > $4)))
        FROM instances i WHERE i.workspace_id = $1 AND i.id = $2";
    OF_PROJECT = "SELECT id FROM instances WHERE workspace_id = $1 AND project_id = $2 ORDER BY id";
    DEFAULT = "SELECT default_branch FROM projects WHERE workspace_id = $1 AND id = $2";
    SET_DEFAULT = "UPDATE projects SET default_branch = $3, revision = revision + 1 WHERE workspace_id = $1 AND id = $2";
    PROJECT = "SELECT name FROM projects WHERE workspace_id = $1 AND id = $2";
}

/// Where a branch stands now; no commit where it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub branch: BranchName,
    pub commit: Option<CommitId>,
}

/// An instance beside the branch that it deploys.
#[derive(Debug, Clone)]
pub struct OnBranch {
    pub branch: String,
    pub id: InstanceId,
    pub slug: String,
    pub name: String,
    pub stage: stoa_domain::instance::Stage,
    pub status: stoa_domain::instance::InstanceStatus,
    /// It waits for a restore: nothing is deployed to it before.
    pub lacks_data: bool,
}

impl Store {
    /// Writes down where branches stand, and queues a deployment for every instance on each that moved: in one
    /// transaction, so that no crash parts them. What hasn't moved is left alone.
    ///
    /// # Errors
    /// A fault.
    pub async fn move_heads<A: Authority + 'static>(
        &self,
        authority: A,
        project: ProjectId,
        heads: Vec<Head>,
        account: Option<AccountId>,
        rewound: Vec<BranchName>,
    ) -> Result<Vec<InstanceId>, Failure> {
        let workspace = authority.workspace();
        // What a job's start needed is asked again when it begins: a push from the IDE was decided by its own rule.
        let permission = match account {
            None => "owner",
            Some(_) if authority.operation() == Push::OPERATION => Action::UseIde.key(),
            Some(_) => StartedBy::PUSH,
        };
        let work: Work<Vec<InstanceId>> = Box::new(move |tx| {
            let (heads, rewound) = (heads.clone(), rewound.clone());
            Box::pin(async move {
                let by = MovedBy { permission, ..MovedBy::push(account) };
                let moved = move_in(tx, workspace, project, &heads, &by).await?;
                match moved.words() {
                    None => tx.audit_nothing(),
                    Some(names) => {
                        tx.audit_name(moved.project.clone());
                        tx.audit_second(names);
                        tx.audit_detail(moved.detail(&rewound));
                    }
                }
                Ok(moved.deployed.into_iter().map(|(instance, _)| instance).collect())
            })
        });
        self.write(authority, work).await
    }

    /// Branches of a project into which a member may not merge, because an instance that deploys them isn't allowed.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_targets_not_allowed(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        member: MemberId,
    ) -> Result<HashSet<String>, StorageFault> {
        let rows = self.fetch_all(NOT_ALLOWED, values![workspace, project, member, self.now()]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Whether a member is allowed all that a merge into an instance's branch touches.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_allowed_target(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        member: MemberId,
    ) -> Result<bool, StorageFault> {
        let values = values![workspace, instance, member, self.now()];
        self.fetch_optional(IS_ALLOWED_TARGET, values).await?.map_or(Ok(false), |row| row.get(0))
    }

    /// All instances of a project, whoever sees them: for what concerns every one, such as their secrets.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_instances_of(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Vec<InstanceId>, StorageFault> {
        let rows = self.fetch_all(OF_PROJECT, values![workspace, project]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// At the first push, where none of `pushed` is the default branch, `first` becomes it. Whether it did.
    ///
    /// # Errors
    /// A fault.
    pub async fn follow_first_branch<A: Authority + 'static>(
        &self,
        authority: A,
        project: ProjectId,
        first: BranchName,
        pushed: Vec<BranchName>,
    ) -> Result<bool, Failure> {
        let workspace = authority.workspace();
        let work: Work<bool> = Box::new(move |tx| {
            let (first, pushed) = (first.clone(), pushed.clone());
            Box::pin(async move {
                tx.audit_nothing();
                let row = tx
                    .fetch_optional(DEFAULT, values![workspace, project])
                    .await?
                    .ok_or(Refusal::NotFound)?;
                let default: String = row.get(0)?;
                let heads = tx.fetch_all(LIST, values![workspace, project]).await?;
                if !heads.is_empty() || pushed.iter().any(|branch| branch.as_str() == default) {
                    return Ok(false);
                }
                tx.execute(SET_DEFAULT, values![workspace, project, first.as_str()]).await?;
                Ok(true)
            })
        });
        self.write(authority, work).await
    }

    /// The commit a branch stood at when it was last looked at.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_head(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branch: &str,
    ) -> Result<Option<CommitId>, StorageFault> {
        if is_no_name(branch) {
            return Ok(None);
        }
        let row = self.fetch_optional(FIND, values![workspace, project, branch]).await?;
        row.map(|row| commit(row.get(0)?)).transpose()
    }

    /// # Errors
    /// A fault.
    pub async fn list_heads(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Vec<(String, CommitId)>, StorageFault> {
        let rows = self.fetch_all(LIST, values![workspace, project]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, commit(row.get(1)?)?))).collect()
    }

    /// Every instance that deploys a branch, whoever sees it: for the decision about a push.
    ///
    /// # Errors
    /// A fault.
    pub async fn deployed_by(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        branch: &str,
    ) -> Result<Vec<InstanceId>, StorageFault> {
        let rows = self.fetch_all(DEPLOYED_BY, values![workspace, project, branch]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The other instances that deploy the branch of one, whoever sees them.
    ///
    /// # Errors
    /// A fault.
    pub async fn deploy_the_same(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<InstanceId>, StorageFault> {
        let rows = self.fetch_all(DEPLOY_THE_SAME, values![workspace, instance]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The project's instances that a member sees, with the branch of each.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_on_branches(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        sees_everything: bool,
        member: MemberId,
    ) -> Result<Vec<OnBranch>, StorageFault> {
        let values = values![workspace, project, sees_everything, member, self.now()];
        let rows = self.fetch_all(SEEN_ON_BRANCHES, values).await?;
        rows.iter()
            .map(|row| {
                Ok(OnBranch {
                    branch: row.get(0)?,
                    id: row.get(1)?,
                    slug: row.get(2)?,
                    name: row.get(3)?,
                    stage: crate::page::stage(row, 4)?,
                    status: crate::page::status(row, 5)?,
                    lacks_data: row.get(6)?,
                })
            })
            .collect()
    }
}

pub(crate) fn commit(text: String) -> Result<CommitId, StorageFault> {
    CommitId::parse(&text).ok_or(StorageFault::Unknown(text))
}

/// What was written down before such names were refused counts as no branch.
fn is_no_name(branch: &str) -> bool {
    BranchName::parse(branch).is_none()
}

pub(crate) async fn head_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    branch: &str,
) -> Result<Option<CommitId>, StorageFault> {
    if is_no_name(branch) {
        return Ok(None);
    }
    let row = tx.fetch_optional(FIND, values![workspace, project, branch]).await?;
    row.map(|row| commit(row.get(0)?)).transpose()
}

/// Writes down where a branch stands.
pub(crate) async fn keep_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    branch: &str,
    commit: &CommitId,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(KEEP, values![workspace, project, branch, commit.as_str(), now]).await.map(drop)
}

pub(crate) async fn deployed_by_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    branch: &str,
) -> Result<Vec<InstanceId>, StorageFault> {
    let rows = tx.fetch_all(DEPLOYED_BY, values![workspace, project, branch]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// So many branches of one push are named in its audit event.
const NAMED: usize = 10;

/// Why branches moved, and what the deployments that follow have of it.
pub(crate) struct MovedBy {
    pub cause: DeploymentCause,
    pub account: Option<AccountId>,
    /// What moving them needed.
    pub permission: &'static str,
}

impl MovedBy {
    fn push(account: Option<AccountId>) -> Self {
        let permission = if account.is_some() { StartedBy::PUSH } else { "owner" };
        Self { cause: DeploymentCause::Push, account, permission }
    }
}

/// Where a branch was, and where it is now.
struct MovedBranch {
    name: String,
    from: Option<CommitId>,
    to: Option<CommitId>,
}

pub(crate) struct Moved {
    /// Its name.
    pub project: String,
    branches: Vec<MovedBranch>,
    pub deployed: Vec<(InstanceId, QueuedDeployment)>,
}

impl Moved {
    /// The branches, for the audit event; `None` where none has moved.
    fn words(&self) -> Option<String> {
        let (shown, more) = (self.branches.len().min(NAMED), self.branches.len().saturating_sub(NAMED));
        let names: Vec<&str> = self.branches[..shown].iter().map(|branch| branch.name.as_str()).collect();
        let mut names = names.join(", ");
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        (shown > 0).then_some(names)
    }

    /// `{"branches":[{"name","from","to","rewound":true}]}`: commits, null where there is none; of more it says how many
    /// more. `rewound` is left out of those that aren't.
    fn detail(&self, rewound: &[BranchName]) -> String {
        let commit =
            |commit: &Option<CommitId>| commit.as_ref().map_or("null".into(), |id| quoted(id.as_str()));
        let one = |branch: &MovedBranch| {
            let detail = Detail::default().text("name", &branch.name);
            let detail = detail.json("from", &commit(&branch.from)).json("to", &commit(&branch.to));
            let is_rewound = rewound.iter().any(|name| name.as_str() == branch.name);
            if is_rewound { detail.json("rewound", "true") } else { detail }.finish()
        };
        let mut all: Vec<String> = self.branches.iter().take(NAMED).map(one).collect();
        if self.branches.len() > NAMED {
            all.push(quoted(&format!("and {} more", self.branches.len() - NAMED)));
        }
        Detail::default().json("branches", &format!("[{}]", all.join(","))).finish()
    }
}

pub(crate) async fn move_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    heads: &[Head],
    by: &MovedBy,
) -> Result<Moved, Failure> {
    let Some(row) = tx.fetch_optional(PROJECT, values![workspace, project]).await? else {
        return Err(Refusal::NotFound.into());
    };
    let mut deployed = Vec::new();
    let mut moved = Vec::new();
    for head in heads {
        let branch = head.branch.as_str();
        let from = head_in(tx, workspace, project, branch).await?;
        if from == head.commit {
            continue;
        }
        moved.push(MovedBranch { name: branch.to_owned(), from, to: head.commit.clone() });
        let Some(commit) = &head.commit else {
            tx.execute(FORGET, values![workspace, project, branch]).await?;
            continue;
        };
        keep_in(tx, workspace, project, branch, commit).await?;
        for row in tx.fetch_all(ON_BRANCH, values![workspace, project, branch]).await? {
            let instance: InstanceId = row.get(0)?;
            let order = DeploymentOrder {
                workspace,
                instance,
                commit: commit.clone(),
                branch: branch.to_owned(),
                cause: by.cause,
                account: by.account,
                permission: by.permission,
                release: None,
            };
            // One whose deletion waits is left to it; the push is accepted all the same.
            match queue_deployment(tx, order).await {
                Ok(queued) => deployed.push((instance, queued)),
                Err(Failure::Refused(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
    }
    if !moved.is_empty() {
        tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?;
    }
    Ok(Moved { project: row.get(0)?, branches: moved, deployed })
}
