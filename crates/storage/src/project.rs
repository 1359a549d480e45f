//! Projects: one application each, with the heads of its repository's branches.

use stoa_domain::branch::BranchName;
use stoa_domain::name::sorted_as;
use stoa_domain::permission::project::{Change, Create, Delete, List};
use stoa_domain::slug::Slug;
use stoa_domain::{Conflict, MemberId, Permit, ProjectId, Refusal, ResourceKind, Timestamp, WorkspaceId};

use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::page::Page;
use crate::remote::{NewRemote, RemoteState};
use crate::row::Row;
use crate::server::free_slug;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    INSERT = "INSERT INTO projects (id, workspace_id, slug, name, kind, default_branch, revision, created_at, sorted_as)
        VALUES ($1, $2, $3, $4, 'hosted', $5, 1, $6, $7) ON CONFLICT (workspace_id, slug) DO NOTHING";
    INSERT_REMOTE = "INSERT INTO projects (id, workspace_id, slug, name, kind, default_branch, revision, created_at, sorted_as,
            url, credential) VALUES ($1, $2, $3, $4, 'remote', $5, 1, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, slug) DO NOTHING";
    SLUG = "SELECT id FROM projects WHERE workspace_id = $1 AND slug = $2";
    FIND = "SELECT p.id, p.slug, p.name, p.default_branch, p.revision, p.created_at,
            (SELECT COUNT(*) FROM instances i WHERE i.project_id = p.id
                AND ($3 OR EXISTS (SELECT 1 FROM member_instances x WHERE x.member_id = $4
                    AND x.instance_id = i.id AND (x.until_at IS NULL OR x.until_at > $5)))),
            EXISTS (SELECT 1 FROM heads h WHERE h.project_id = p.id), p.url, r.fetched_at, r.tried_at, r.problem, r.detail,
            r.failing_since, r.passed_over, r.lease_until
        FROM projects p LEFT JOIN remotes r ON r.project_id = p.id WHERE p.workspace_id = $1 AND p.id = $2";
    LIST_ALL = "SELECT p.id, p.slug, p.name, p.default_branch, p.revision, p.created_at,
            (SELECT COUNT(*) FROM instances i WHERE i.project_id = p.id),
            EXISTS (SELECT 1 FROM heads h WHERE h.project_id = p.id), p.url, r.fetched_at, r.tried_at, r.problem, r.detail,
            r.failing_since, r.passed_over, r.lease_until
        FROM projects p LEFT JOIN remotes r ON r.project_id = p.id WHERE p.workspace_id = $1 AND (p.sorted_as, p.id) > ($2, $3)
        ORDER BY p.sorted_as, p.id LIMIT $4";
    /// From the member's list alone: SQLite keeps to the order of a CROSS JOIN.
    LIST_MINE = "SELECT p.id, p.slug, p.name, p.default_branch, p.revision, p.created_at,
            (SELECT COUNT(*) FROM instances i JOIN member_instances y ON y.instance_id = i.id
                WHERE i.project_id = p.id AND y.member_id = $5 AND (y.until_at IS NULL OR y.until_at > $6)),
            EXISTS (SELECT 1 FROM heads h WHERE h.project_id = p.id), p.url, r.fetched_at, r.tried_at, r.problem, r.detail,
            r.failing_since, r.passed_over, r.lease_until
        FROM member_projects x CROSS JOIN projects p LEFT JOIN remotes r ON r.project_id = p.id
        WHERE p.id = x.project_id AND p.workspace_id = x.workspace_id AND x.workspace_id = $1 AND x.member_id = $5 AND (x.until_at IS NULL OR x.until_at > $6)
            AND (p.sorted_as, p.id) > ($2, $3)
        ORDER BY p.sorted_as, p.id LIMIT $4";
    REVISION = "SELECT revision FROM projects WHERE workspace_id = $1 AND id = $2";
    LACKS_BRANCH = "SELECT p.id FROM projects p WHERE p.workspace_id = $1 AND p.id = $2 AND p.default_branch <> $3
        AND EXISTS (SELECT 1 FROM heads h WHERE h.project_id = p.id)
        AND NOT EXISTS (SELECT 1 FROM heads h WHERE h.project_id = p.id AND h.branch = $3)";
    CHANGE = "UPDATE projects SET name = COALESCE($3, name), sorted_as = COALESCE($6, sorted_as), slug = COALESCE($4, slug),
            default_branch = COALESCE($5, default_branch), revision = revision + 1
        WHERE workspace_id = $1 AND id = $2 RETURNING name";
    INSTANCES = "SELECT COUNT(*) FROM instances WHERE workspace_id = $1 AND project_id = $2";
    DELETE = "DELETE FROM projects WHERE workspace_id = $1 AND id = $2 RETURNING name";
    MEMBERS_LISTING = "SELECT m.id, m.account_id FROM member_projects x JOIN members m ON m.id = x.member_id
        WHERE x.workspace_id = $1 AND x.project_id = $2";
    ALL_IDS = "SELECT workspace_id, id, default_branch, kind FROM projects WHERE id > $1 ORDER BY id LIMIT 500";
    KEPT = "SELECT workspace_id, id, default_branch, kind FROM projects WHERE workspace_id = $1 AND id = $2";
    EXISTS_ANYWHERE = "SELECT id FROM projects WHERE id = $1";
}

#[derive(Clone)]
pub struct NewProject {
    pub id: ProjectId,
    pub name: String,
    pub default_branch: BranchName,
    /// `None` where Stoa hosts its repository.
    pub remote: Option<NewRemote>,
}

#[derive(Debug, Clone)]
pub struct ProjectRecord {
    pub id: ProjectId,
    pub slug: String,
    pub name: String,
    pub default_branch: String,
    pub revision: i64,
    pub created_at: Timestamp,
    /// How many of its instances the caller sees.
    pub instances: i64,
    /// Whether anything was pushed to it.
    pub has_commits: bool,
    /// `None` where Stoa hosts its repository.
    pub remote: Option<RemoteState>,
}

/// A project of any workspace, for keeping house: its repository is kept here, hosted or as a mirror.
#[derive(Debug, Clone)]
pub struct KeptProject {
    pub workspace: WorkspaceId,
    pub id: ProjectId,
    pub default_branch: String,
    /// What is kept is a mirror.
    pub is_remote: bool,
}

fn kept(row: &Row) -> Result<KeptProject, StorageFault> {
    let kind: String = row.get(3)?;
    Ok(KeptProject {
        workspace: row.get(0)?,
        id: row.get(1)?,
        default_branch: row.get(2)?,
        is_remote: kind == "remote",
    })
}

#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    pub name: Option<String>,
    pub slug: Option<Slug>,
    pub default_branch: Option<BranchName>,
    /// The revision that the change was made from.
    pub expected: Option<i64>,
}

fn read(row: &Row, now: Timestamp) -> Result<ProjectRecord, StorageFault> {
    let url: Option<String> = row.get(8)?;
    Ok(ProjectRecord {
        remote: url.map(|url| crate::remote::state(row, url, 9, now)).transpose()?,
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        default_branch: row.get(3)?,
        revision: row.get(4)?,
        created_at: row.get(5)?,
        instances: row.get(6)?,
        has_commits: row.get(7)?,
    })
}

/// Refuses a change of one that isn't as it was seen any more.
async fn unchanged_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    project: ProjectId,
    expected: Option<i64>,
) -> Result<(), Failure> {
    let row = tx.fetch_optional(REVISION, values![workspace, project]).await?.ok_or(Refusal::NotFound)?;
    let revision: i64 = row.get(0)?;
    if expected.is_some_and(|expected| expected != revision) {
        return Err(Refusal::PreconditionFailed.into());
    }
    Ok(())
}

/// Whether it was written: nothing is where the slug is taken.
async fn insert_as(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    new: &NewProject,
    slug: &Slug,
) -> Result<bool, StorageFault> {
    let (name, branch, now) = (new.name.as_str(), new.default_branch.as_str(), tx.now());
    let mut values = values![new.id, workspace, slug.as_str(), name, branch, now, sorted_as(name)];
    let statement = match &new.remote {
        None => INSERT,
        Some(remote) => {
            values.extend(values![remote.url.as_str(), remote.credential.clone()]);
            INSERT_REMOTE
        }
    };
    Ok(tx.execute(statement, values).await? == 1)
}

/// A project, within a write that does more.
pub(crate) async fn insert_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    new: NewProject,
) -> Result<ProjectRecord, Failure> {
    // The plain slug is free nearly always: then looking for one is spared.
    let slug = match Slug::of_resource(&Slug::plain_of(&new.name)) {
        Ok(plain) if insert_as(tx, workspace, &new, &plain).await? => plain,
        _ => {
            let slug = free_slug(tx, SLUG, workspace, &new.name).await?;
            if !insert_as(tx, workspace, &new, &slug).await? {
                return Err(Refusal::SlugTaken.into());
            }
            slug
        }
    };
    let remote = match &new.remote {
        None => None,
        Some(remote) => {
            crate::remote::insert_in(tx, workspace, new.id, remote).await?;
            Some(RemoteState::new(remote.url.clone()))
        }
    };
    let (name, now) = (new.name.as_str(), tx.now());
    tx.audit_resource(ResourceKind::Project, new.id.uuid(), name);
    tx.tell(workspace, EventType::Created, ResourceKind::Project, new.id.uuid()).await?;
    Ok(ProjectRecord {
        id: new.id,
        slug: slug.as_str().to_owned(),
        default_branch: new.default_branch.as_str().to_owned(),
        name: new.name,
        revision: 1,
        created_at: now,
        instances: 0,
        has_commits: false,
        remote,
    })
}

impl Store {
    /// The project as it then is.
    ///
    /// # Errors
    /// A fault.
    pub async fn create_project(
        &self,
        permit: Permit<Create>,
        new: NewProject,
    ) -> Result<ProjectRecord, Failure> {
        let workspace = permit.workspace();
        let work: Work<ProjectRecord> = Box::new(move |tx| {
            let new = new.clone();
            Box::pin(async move { insert_in(tx, workspace, new).await })
        });
        self.write(permit, work).await
    }

    /// # Errors
    /// A fault.
    pub async fn list_projects(
        &self,
        permit: &Permit<List>,
        page: &Page,
    ) -> Result<Vec<ProjectRecord>, StorageFault> {
        let (workspace, member, now) = (permit.workspace(), permit.member(), self.now());
        let (mut sorted, mut id) = page.start();
        let mut found = Vec::new();
        loop {
            let rows = if permit.sees_everything() {
                self.fetch_all(LIST_ALL, values![workspace, sorted, id, page.rows()]).await?
            } else {
                self.fetch_all(LIST_MINE, values![workspace, sorted, id, page.rows(), member, now]).await?
            };
            for row in &rows {
                let record = read(row, now)?;
                if page.is_found(&record.name, &record.slug) {
                    found.push(record);
                }
            }
            let is_end = i64::try_from(rows.len()).unwrap_or(0) < page.rows();
            if page.search.is_none() || found.len() >= page.wanted() || is_end {
                found.truncate(page.wanted());
                return Ok(found);
            }
            (sorted, id) = match rows.last() {
                Some(row) => (sorted_as(&row.get::<String>(2)?), row.get(0)?),
                None => return Ok(found),
            };
        }
    }

    /// One project, as the one who has a permit for it sees it.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_project(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
        sees_everything: bool,
        member: MemberId,
    ) -> Result<ProjectRecord, Failure> {
        let now = self.now();
        let row =
            self.fetch_optional(FIND, values![workspace, project, sees_everything, member, now]).await?;
        Ok(read(&row.ok_or(Refusal::NotFound)?, now)?)
    }

    /// # Errors
    /// `SlugTaken`, `PreconditionFailed`, `Invalid` where it has branches and no such one, or a fault.
    pub async fn change_project(&self, permit: Permit<Change>, change: ProjectChange) -> Result<(), Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            let change = change.clone();
            Box::pin(async move {
                unchanged_in(tx, workspace, project, change.expected).await?;
                if let Some(slug) = &change.slug {
                    let holder = tx.fetch_optional(SLUG, values![workspace, slug.as_str()]).await?;
                    let holder: Option<ProjectId> = holder.map(|row| row.get(0)).transpose()?;
                    if holder.is_some_and(|holder| holder != project) {
                        return Err(Refusal::SlugTaken.into());
                    }
                }
                let slug = change.slug.map(|slug| slug.as_str().to_owned());
                let branch = change.default_branch.map(|branch| branch.as_str().to_owned());
                // Before the first push it may be the name of one that is to come.
                if let Some(branch) = &branch
                    && tx
                        .fetch_optional(LACKS_BRANCH, values![workspace, project, branch.as_str()])
                        .await?
                        .is_some()
                {
                    let sentence = "The project has no such branch. Push it first.";
                    return Err(Refusal::invalid("default_branch", "unknown", sentence).into());
                }
                let sorted = change.name.as_deref().map(sorted_as);
                let values = values![workspace, project, change.name, slug, branch, sorted];
                let row = tx.fetch_one(CHANGE, values).await?;
                tx.audit_name(row.get::<String>(0)?);
                Ok(tx.tell(workspace, EventType::Changed, ResourceKind::Project, project.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Removes its records. The repository is removed by whoever keeps it, afterwards.
    ///
    /// # Errors
    /// [`Conflict::StillInUse`] while it has an instance, `PreconditionFailed`, or a fault.
    pub async fn delete_project(&self, permit: Permit<Delete>, expected: Option<i64>) -> Result<(), Failure> {
        let (workspace, project) = (permit.workspace(), *permit.target());
        let work: Work<()> = Box::new(move |tx| {
            Box::pin(async move {
                unchanged_in(tx, workspace, project, expected).await?;
                let count: i64 = tx.fetch_one(INSTANCES, values![workspace, project]).await?.get(0)?;
                if count > 0 {
                    return Err(Refusal::Conflict(Conflict::StillInUse).into());
                }
                let listing = tx.fetch_all(MEMBERS_LISTING, values![workspace, project]).await?;
                tx.leaves_lists(workspace, ResourceKind::Project, project.uuid(), &listing).await?;
                let row =
                    tx.fetch_optional(DELETE, values![workspace, project]).await?.ok_or(Refusal::NotFound)?;
                tx.audit_name(row.get::<String>(0)?);
                Ok(tx.tell(workspace, EventType::Deleted, ResourceKind::Project, project.uuid()).await?)
            })
        });
        self.write(permit, work).await
    }

    /// Projects of all workspaces after `after`, 500 at most: for keeping house.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_kept_projects(&self, after: ProjectId) -> Result<Vec<KeptProject>, StorageFault> {
        let rows = self.fetch_all(ALL_IDS, values![after]).await?;
        rows.iter().map(kept).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_kept_project(
        &self,
        workspace: WorkspaceId,
        project: ProjectId,
    ) -> Result<Option<KeptProject>, StorageFault> {
        self.fetch_optional(KEPT, values![workspace, project]).await?.map(|row| kept(&row)).transpose()
    }

    /// Whether there is such a project in any workspace: a repository without one is swept.
    ///
    /// # Errors
    /// A fault.
    pub async fn has_project(&self, project: ProjectId) -> Result<bool, StorageFault> {
        Ok(self.fetch_optional(EXISTS_ANYWHERE, values![project]).await?.is_some())
    }
}
