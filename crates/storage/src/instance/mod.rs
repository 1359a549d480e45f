//! Instances: running copies of a project.

pub mod change;
pub mod create;
pub mod environment;
pub mod form;
pub mod settings;

use std::collections::HashMap;

use stoa_domain::instance::{InstanceStatus, Stage, State, Visibility, Wish};
use stoa_domain::job::{JobKind, JobStatus};
use stoa_domain::name::sorted_as;
use stoa_domain::permission::instance::List;
use stoa_domain::{
    BackupId, InstanceId, MemberId, Permit, ProjectId, Refusal, ReleaseId, ReplicaId, ServerId, Timestamp,
    WorkspaceId,
};

use crate::failure::{Failure, StorageFault};
use crate::job::JobRecord;
use crate::machine::MachinePlace;
use crate::page::{Page, stage, status, visibility, wish};
use crate::row::Row;
use crate::store::Store;
use crate::value::Value;
use crate::values;

crate::statements! {
    FIND = "SELECT i.id, i.slug, i.name, i.stage, i.branch, i.wish, i.status, i.reason, i.release_id, i.visibility,
            i.is_protected, i.revision, i.created_at, p.id, p.slug, p.name, s.id, s.slug, s.name,
            ($3 OR EXISTS (SELECT 1 FROM member_servers y WHERE y.member_id = $4 AND y.server_id = i.server_id
                AND (y.until_at IS NULL OR y.until_at > $5))),
            r.commit_id, (SELECT MIN(h.host) FROM hosts h WHERE h.instance_id = i.id AND h.kind = 'given'), r.connect_as,
            m.id, m.kind, m.replica_id, i.awaits_backup, CASE WHEN $3 OR EXISTS (SELECT 1 FROM backups b
                JOIN member_instances x ON x.instance_id = b.instance_id WHERE b.id = i.made_of AND x.workspace_id = $1
                AND x.member_id = $4 AND (x.until_at IS NULL OR x.until_at > $5)) THEN i.made_of END, i.is_mail_off
        FROM instances i JOIN projects p ON p.id = i.project_id JOIN servers s ON s.id = i.server_id
        LEFT JOIN machines m ON m.id = s.machine_id LEFT JOIN releases r ON r.id = i.release_id WHERE i.workspace_id = $1 AND i.id = $2";
    LIST_ALL = "SELECT i.id, i.slug, i.name, i.stage, i.branch, i.wish, i.status, i.reason, i.release_id, i.visibility,
            i.is_protected, i.revision, i.created_at, p.id, p.slug, p.name, s.id, s.slug, s.name, ($5 OR NOT $5),
            r.commit_id, (SELECT MIN(h.host) FROM hosts h WHERE h.instance_id = i.id AND h.kind = 'given'), r.connect_as,
            m.id, m.kind, m.replica_id, i.awaits_backup, i.made_of, i.is_mail_off
        FROM instances i JOIN projects p ON p.id = i.project_id JOIN servers s ON s.id = i.server_id
        LEFT JOIN machines m ON m.id = s.machine_id LEFT JOIN releases r ON r.id = i.release_id
        WHERE i.workspace_id = $1 AND (i.sorted_as, i.id) > ($2, $3)
            AND ($5 OR i.project_id = $6) AND ($7 OR i.stage = $8) AND ($9 OR i.status = $10) AND ($11 OR i.server_id = $12)
        ORDER BY i.sorted_as, i.id LIMIT $4";
    /// From the member's list alone, however large the workspace is: SQLite keeps to the order of a CROSS JOIN. What is
    /// shown of an instance is read for those of the page.
    LIST_MINE = "SELECT i.id, i.slug, i.name, i.stage, i.branch, i.wish, i.status, i.reason, i.release_id, i.visibility,
            i.is_protected, i.revision, i.created_at, p.id, p.slug, p.name, s.id, s.slug, s.name,
            EXISTS (SELECT 1 FROM member_servers y WHERE y.member_id = $13 AND y.server_id = i.server_id
                AND (y.until_at IS NULL OR y.until_at > $14)),
            r.commit_id, (SELECT MIN(h.host) FROM hosts h WHERE h.instance_id = i.id AND h.kind = 'given'), r.connect_as,
            m.id, m.kind, m.replica_id, i.awaits_backup, CASE WHEN EXISTS (SELECT 1 FROM backups b
                JOIN member_instances x ON x.instance_id = b.instance_id WHERE b.id = i.made_of AND x.workspace_id = $1
                AND x.member_id = $13 AND (x.until_at IS NULL OR x.until_at > $14)) THEN i.made_of END, i.is_mail_off
        FROM (SELECT i.id AS id FROM member_instances x CROSS JOIN instances i
            WHERE i.id = x.instance_id AND i.workspace_id = x.workspace_id
                AND x.workspace_id = $1 AND x.member_id = $13 AND (x.until_at IS NULL OR x.until_at > $14)
                AND (i.sorted_as, i.id) > ($2, $3)
                AND ($5 OR i.project_id = $6) AND ($7 OR i.stage = $8) AND ($9 OR i.status = $10)
                AND ($11 OR (i.server_id = $12 AND EXISTS (SELECT 1 FROM member_servers y WHERE y.member_id = $13
                    AND y.server_id = i.server_id AND (y.until_at IS NULL OR y.until_at > $14))))
            ORDER BY i.sorted_as, i.id LIMIT $4) z
        CROSS JOIN instances i JOIN projects p ON p.id = i.project_id JOIN servers s ON s.id = i.server_id
        LEFT JOIN machines m ON m.id = s.machine_id LEFT JOIN releases r ON r.id = i.release_id
        WHERE i.id = z.id ORDER BY i.sorted_as, i.id";
    RUNNING = "SELECT COUNT(*) FROM instances WHERE status = 'running'
            OR (status = 'deploying' AND wish = 'running' AND release_id IS NOT NULL)";
}

/// A thing named beside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<Id> {
    pub id: Id,
    pub slug: String,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct InstanceRecord {
    pub id: InstanceId,
    pub slug: String,
    pub name: String,
    pub stage: Stage,
    pub branch: String,
    pub wish: Wish,
    pub status: InstanceStatus,
    /// Why it failed, in one sentence.
    pub reason: Option<String>,
    pub release: Option<ReleaseId>,
    pub visibility: Visibility,
    pub is_protected: bool,
    pub revision: i64,
    pub created_at: Timestamp,
    pub project: Named<ProjectId>,
    /// `None` where the caller isn't allowed the server.
    pub server: Option<Named<ServerId>>,
    /// Of its machine, also where the server isn't shown.
    pub place: MachinePlace,
    /// The commit that it runs.
    pub commit: Option<String>,
    pub host: Option<String>,
    /// How one connects as a user of its release, or `none`; `None` where that was never told.
    pub connect_as: Option<String>,
    /// The one that runs, else the one that waits.
    pub job: Option<JobRecord>,
    /// The backup that it was made of, for whoever may see the instance of that. It may be deleted by now.
    pub made_of: Option<BackupId>,
    /// Whether it sends no mail, since its data came from production.
    pub is_mail_off: bool,
    pub state: State,
}

/// What a list of instances is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct InstanceFilter {
    pub project: Option<ProjectId>,
    pub stage: Option<Stage>,
    pub status: Option<InstanceStatus>,
    pub server: Option<ServerId>,
}

fn read(
    row: &Row,
    open: &HashMap<InstanceId, Vec<JobRecord>>,
    here: Option<ReplicaId>,
) -> Result<InstanceRecord, StorageFault> {
    let id: InstanceId = row.get(0)?;
    let release: Option<ReleaseId> = row.get(8)?;
    let is_server_seen: bool = row.get(19)?;
    let server = Named { id: row.get(16)?, slug: row.get(17)?, name: row.get(18)? };
    let jobs = open.get(&id).map_or(&[][..], Vec::as_slice);
    let (status, is_protected) = (status(row, 6)?, row.get(10)?);
    let state = State {
        status,
        has_release: release.is_some(),
        is_protected,
        is_busy: !jobs.is_empty(),
        is_being_deleted: status == InstanceStatus::Deleting
            || jobs.iter().any(|job| job.kind == JobKind::Delete),
        lacks_its_data: row.get(26)? && !jobs.iter().any(|job| job.kind == JobKind::Restore),
    };
    let running = jobs.iter().find(|job| job.status == JobStatus::Running);
    Ok(InstanceRecord {
        id,
        slug: row.get(1)?,
        name: row.get(2)?,
        stage: stage(row, 3)?,
        branch: row.get(4)?,
        wish: wish(row, 5)?,
        status,
        reason: row.get(7)?,
        release,
        visibility: visibility(row, 9)?,
        is_protected,
        revision: row.get(11)?,
        created_at: row.get(12)?,
        project: Named { id: row.get(13)?, slug: row.get(14)?, name: row.get(15)? },
        server: is_server_seen.then_some(server),
        place: MachinePlace::read(row, 23, here)?,
        commit: row.get(20)?,
        host: row.get(21)?,
        connect_as: row.get(22)?,
        job: running.or(jobs.first()).cloned(),
        made_of: row.get(27)?,
        is_mail_off: row.get(28)?,
        state,
    })
}

fn by_instance(jobs: Vec<JobRecord>) -> HashMap<InstanceId, Vec<JobRecord>> {
    let mut open: HashMap<InstanceId, Vec<JobRecord>> = HashMap::new();
    for job in jobs {
        if let Some(instance) = job.instance {
            open.entry(instance).or_default().push(job);
        }
    }
    open
}

impl Store {
    /// One instance, as the one who has a permit for it sees it.
    ///
    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_instance(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        sees_everything: bool,
        member: MemberId,
    ) -> Result<InstanceRecord, Failure> {
        let values = values![workspace, instance, sees_everything, member, self.now()];
        // Before the instance: of work that ends between the two it is never seen without what came of it.
        let open = by_instance(self.list_open_jobs(workspace, Some(instance)).await?);
        let row = self.fetch_optional(FIND, values).await?.ok_or(Refusal::NotFound)?;
        Ok(read(&row, &open, self.own_replica())?)
    }

    /// # Errors
    /// A fault.
    pub async fn list_instances(
        &self,
        permit: &Permit<List>,
        filter: &InstanceFilter,
        page: &Page,
    ) -> Result<Vec<InstanceRecord>, StorageFault> {
        let workspace = permit.workspace();
        let open = by_instance(self.list_open_jobs(workspace, None).await?);
        let (mut sorted, mut id) = page.start();
        let mut found = Vec::new();
        loop {
            let mut values = values![workspace, sorted, id, page.rows()];
            values.extend(filter_values(filter));
            let statement = if permit.sees_everything() {
                LIST_ALL
            } else {
                values.extend(values![permit.member(), self.now()]);
                LIST_MINE
            };
            let rows = self.fetch_all(statement, values).await?;
            for row in &rows {
                let (name, slug): (String, String) = (row.get(2)?, row.get(1)?);
                if page.is_found(&name, &slug) {
                    found.push(read(row, &open, self.own_replica())?);
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

    /// How many instances run, in all workspaces: what is said when Stoa stops.
    ///
    /// # Errors
    /// A fault.
    pub async fn count_running_instances(&self) -> Result<i64, StorageFault> {
        let row = self.fetch_optional(RUNNING, vec![]).await?;
        row.map_or(Ok(0), |row| row.get(0))
    }
}

fn filter_values(filter: &InstanceFilter) -> Vec<Value> {
    let stage = filter.stage.map(|stage| stage.key().to_owned());
    let status = filter.status.map(|status| status.key().to_owned());
    values![
        filter.project.is_none(),
        filter.project,
        stage.is_none(),
        stage,
        status.is_none(),
        status,
        filter.server.is_none(),
        filter.server,
    ]
}
