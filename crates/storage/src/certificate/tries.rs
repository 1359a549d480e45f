//! Which hosts are to have a certificate, and whose try it is: each host's by one process at a time, which holds it by a
//! lease, and no more tries than an authority bears.

use stoa_domain::certificate::{Asked, CertificateKind, Trouble, UsedUp, used_up};
use stoa_domain::{InstanceId, Resource, ResourceKind, SystemPermit, Timestamp, WorkspaceId};
use uuid::Uuid;

use super::{CertificateScope, system};
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::page::word;
use crate::row::Row;
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

/// Seconds for which a try is nobody else's.
const LEASE: i64 = 420;

/// In a second, as times are kept.
const MICROS: i64 = 1_000_000;

/// Tries are counted for so many seconds.
const HOUR: i64 = 3600;
const WEEK: i64 = 7 * 24 * HOUR;

crate::statements! {
    /// Whether a row is missing, or one too many.
    IS_WANTING = "SELECT EXISTS (SELECT 1 FROM hosts h WHERE h.instance_id IS NOT NULL
            AND ((h.kind = 'given' AND $2) OR (h.kind = 'own' AND h.verified_at IS NOT NULL))
            AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.host = h.host))
        OR EXISTS (SELECT 1 FROM certificates c WHERE c.host <> $1 AND NOT EXISTS (SELECT 1 FROM hosts h
            WHERE h.host = c.host AND h.instance_id IS NOT NULL AND (h.kind = 'own' OR $2)))
        OR ($1 <> '' AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.host = $1))
        OR EXISTS (SELECT 1 FROM certificates c WHERE c.directory <> $3 AND c.trouble IS NULL AND c.next_at > $4)";
    WANT_HOSTS = "INSERT INTO certificates (host, wanted_at, next_at, failures, fence)
        SELECT h.host, CAST($1 AS BIGINT), CAST($1 AS BIGINT), 0, 0 FROM hosts h WHERE h.instance_id IS NOT NULL
            AND ((h.kind = 'given' AND $2) OR (h.kind = 'own' AND h.verified_at IS NOT NULL))
            AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.host = h.host)
        ON CONFLICT (host) DO NOTHING";
    WANT_ONE = "INSERT INTO certificates (host, wanted_at, next_at, failures, fence) VALUES ($1, $2, $2, 0, 0)
        ON CONFLICT (host) DO NOTHING";
    /// A domain whose proof is away for a while keeps its own: it would be asked for anew otherwise, again and again.
    FORGET = "DELETE FROM certificates WHERE host <> $1 AND NOT EXISTS (SELECT 1 FROM hosts h
        WHERE h.host = certificates.host AND h.instance_id IS NOT NULL AND (h.kind = 'own' OR $2))";
    /// What another authority issued than the one that is asked now: staging's is trusted by nobody.
    ASK_ANEW = "UPDATE certificates SET next_at = $2 WHERE directory <> $1 AND trouble IS NULL AND next_at > $2";
    FORGET_ONE = "DELETE FROM certificates WHERE host = $1";
    FORGET_CHALLENGES = "DELETE FROM acme_challenges WHERE expires_at <= $1";
    FORGET_TRIES = "DELETE FROM certificate_tries WHERE tried_at <= $1";
    /// So many of a workspace: whose hosts take long keeps nobody else waiting. The page's own first, then renewals.
    DUE = "SELECT host, workspace_id, instance_id, kind,
            (SELECT MIN(g.host) FROM hosts g WHERE g.instance_id = due.instance_id AND g.kind = 'given') FROM (
            SELECT c.host, h.workspace_id, h.instance_id, h.kind, c.ends_at, c.next_at,
                CASE WHEN h.host IS NULL THEN 0 WHEN c.ends_at IS NOT NULL THEN 1 ELSE 2 END AS turn,
                ROW_NUMBER() OVER (PARTITION BY h.workspace_id
                    ORDER BY CASE WHEN c.ends_at IS NULL THEN 1 ELSE 0 END, c.next_at, c.host) AS place
            FROM certificates c LEFT JOIN hosts h ON h.host = c.host
            WHERE c.next_at <= $1 AND (c.lease_until IS NULL OR c.lease_until <= $1)
                AND (c.host = $2 OR (h.instance_id IS NOT NULL
                    AND ((h.kind = 'given' AND $3) OR (h.kind = 'own' AND h.verified_at IS NOT NULL))))) due
        WHERE place <= $4 ORDER BY turn, next_at, host LIMIT $5";
    CLAIM = "UPDATE certificates SET lease_until = $3, fence = fence + 1
        WHERE host = $1 AND next_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
        RETURNING fence, failures, wanted_at, ends_at";
    FREE = "UPDATE certificates SET lease_until = NULL WHERE lease_until IS NOT NULL";
    RELEASE = "UPDATE certificates SET lease_until = NULL WHERE host = $1 AND fence = $2";
    IS_HELD = "SELECT 1 FROM certificates WHERE host = $1 AND fence = $2";
    SERVES = "SELECT 1 FROM hosts WHERE host = $1 AND instance_id = $2 AND (kind = 'given' OR verified_at IS NOT NULL)";
    ASKED = "SELECT COUNT(CASE WHEN host = $1 AND tried_at > $3 THEN 1 END),
            COUNT(CASE WHEN host = $1 AND is_issued THEN 1 END),
            COUNT(CASE WHEN workspace_id = $2 AND tried_at > $3 THEN 1 END),
            COUNT(CASE WHEN workspace_id = $2 AND kind = 'given' AND is_first THEN 1 END),
            COUNT(CASE WHEN kind = 'given' AND is_first THEN 1 END),
            COUNT(CASE WHEN is_first AND tried_at > $3 THEN 1 END),
            COUNT(CASE WHEN tried_at > $3 THEN 1 END)
        FROM certificate_tries WHERE tried_at > $4";
    BEGIN = "INSERT INTO certificate_tries (id, host, workspace_id, kind, is_first, is_issued, tried_at)
        VALUES ($1, $2, $3, $4, $5, FALSE, $6)";
    SUCCEEDED = "UPDATE certificate_tries SET is_issued = TRUE WHERE id = $1";
    ISSUED = "UPDATE certificates SET chain = $3, private_key = $4, issued_at = $5, ends_at = $6, next_at = $7, directory = $8,
            failures = 0, trouble = NULL, problem = NULL, lease_until = NULL WHERE host = $1 AND fence = $2";
    TROUBLE = "SELECT trouble FROM certificates WHERE host = $1 AND fence = $2";
    /// Where somebody wanted it soon while it was tried (its time is later than that try's beginning), the DNS may have
    /// been looked at before it was mended: then there is no pause.
    FAILED = "UPDATE certificates SET trouble = $3, problem = $4, failures = $5, lease_until = NULL,
            next_at = CASE WHEN $7 AND next_at > lease_until - $8 THEN next_at ELSE $6 END
        WHERE host = $1 AND fence = $2";
    SOON = "UPDATE certificates SET next_at = $2
        WHERE host = $1 AND (trouble = 'dns' OR (trouble IS NULL AND lease_until > $2))";
    NAME = "SELECT name FROM instances WHERE workspace_id = $1 AND id = $2";
}

/// A host whose time has come.
#[derive(Debug, Clone)]
pub struct DueCertificate {
    pub host: String,
    pub kind: CertificateKind,
    /// Whose it is; `None`: the page's own.
    pub instance: Option<(WorkspaceId, InstanceId)>,
    /// The host that the instance was given, which its domains may be pointed to.
    pub given: Option<String>,
}

/// A try that is nobody else's.
#[derive(Debug, Clone)]
pub struct ClaimedCertificate {
    pub due: DueCertificate,
    /// Rises with each claim: an outcome that comes too late isn't taken.
    pub fence: i64,
    /// In a row.
    pub failures: i64,
    pub wanted_at: Timestamp,
    /// `None` where there is none yet.
    pub ends_at: Option<Timestamp>,
}

/// Whether an authority may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    Try(Uuid),
    UsedUp(UsedUp),
    /// The host serves no more, or the try is somebody else's.
    Gone,
}

/// One that was issued. The key is sealed.
#[derive(Clone)]
pub struct IssuedCertificate {
    pub chain: String,
    pub private_key: Vec<u8>,
    /// Of the authority.
    pub directory: String,
    pub ends_at: Timestamp,
    pub renew_at: Timestamp,
}

/// Why none was.
#[derive(Debug, Clone)]
pub struct FailedCertificate {
    pub trouble: Trouble,
    pub problem: String,
    pub failures: i64,
    pub next_at: Timestamp,
}

fn read(row: &Row) -> Result<DueCertificate, StorageFault> {
    let (workspace, instance): (Option<WorkspaceId>, Option<InstanceId>) = (row.get(1)?, row.get(2)?);
    let kind = match row.get::<Option<String>>(3)? {
        Some(_) => word(row, 3, CertificateKind::from_key)?,
        None => CertificateKind::Public,
    };
    Ok(DueCertificate { host: row.get(0)?, kind, instance: workspace.zip(instance), given: row.get(4)? })
}

/// Of the instance's workspace, or of the installation.
fn of(due: &DueCertificate, operation: &'static str) -> SystemPermit {
    match due.instance {
        None => system(operation),
        Some((workspace, instance)) => {
            let resource = Resource { kind: ResourceKind::Instance, id: instance.uuid() };
            SystemPermit::new(workspace, operation, Some(resource), None)
        }
    }
}

/// What the audit log and who looks at the instance are told.
async fn tell(tx: &mut Tx<'_>, due: &DueCertificate) -> Result<(), StorageFault> {
    tx.audit_second(due.host.clone());
    let Some((workspace, instance)) = due.instance else { return Ok(()) };
    if let Some(row) = tx.fetch_optional(NAME, values![workspace, instance]).await? {
        tx.audit_name(row.get::<String>(0)?);
    }
    tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await
}

/// A host that was given up: its key goes with it.
pub(crate) async fn forget_in(tx: &mut Tx<'_>, host: &str) -> Result<(), StorageFault> {
    tx.execute(FORGET_ONE, values![host]).await.map(drop)
}

impl Store {
    /// Begins a row for each host that is to have a certificate, forgets those of hosts that are gone, and makes due what
    /// another authority issued. Where nothing has to be changed, nothing is written.
    ///
    /// # Errors
    /// A fault.
    pub async fn want_certificates(&self, scope: &CertificateScope, directory: &str) -> Result<(), Failure> {
        let public = scope.public.clone().unwrap_or_default();
        let (given, directory) = (scope.given, directory.to_owned());
        let values = values![public.as_str(), given, directory.as_str(), self.now()];
        let row = self.fetch_optional(IS_WANTING, values).await?;
        if !row.map(|row| row.get::<bool>(0)).transpose()?.unwrap_or(true) {
            return Ok(());
        }
        let work: Work<()> = Box::new(move |tx| {
            let (public, directory) = (public.clone(), directory.clone());
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                if !public.is_empty() {
                    tx.execute(WANT_ONE, values![public.as_str(), now]).await?;
                }
                tx.execute(WANT_HOSTS, values![now, given]).await?;
                tx.execute(FORGET, values![public, given]).await?;
                tx.execute(ASK_ANEW, values![directory, now]).await?;
                Ok(())
            })
        });
        self.write(system("certificate.want"), work).await
    }

    /// Removes what proved something once, and tries that count no more.
    ///
    /// # Errors
    /// A fault.
    pub async fn sweep_certificates(&self) -> Result<(), Failure> {
        let now = self.now();
        self.sweep("certificate.challenge", FORGET_CHALLENGES, values![now]).await?;
        self.sweep("certificate.challenge", FORGET_TRIES, values![now.plus_seconds(-WEEK)]).await
    }

    /// Hosts whose time has come, so many of a workspace.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_due_certificates(
        &self,
        scope: &CertificateScope,
        of_workspace: i64,
        limit: i64,
    ) -> Result<Vec<DueCertificate>, StorageFault> {
        let public = scope.public.as_deref().unwrap_or_default();
        let values = values![self.now(), public, scope.given, of_workspace, limit];
        let rows = self.fetch_all(DUE, values).await?;
        rows.iter().map(read).collect()
    }

    /// Takes the try; `None` where somebody else has it.
    ///
    /// # Errors
    /// A fault.
    pub async fn claim_certificate(
        &self,
        due: DueCertificate,
    ) -> Result<Option<ClaimedCertificate>, Failure> {
        let work: Work<Option<ClaimedCertificate>> = Box::new(move |tx| {
            let due = due.clone();
            Box::pin(async move {
                tx.audit_nothing();
                let now = tx.now();
                let values = values![due.host.as_str(), now, now.plus_seconds(LEASE)];
                let Some(row) = tx.fetch_optional(CLAIM, values).await? else { return Ok(None) };
                Ok(Some(ClaimedCertificate {
                    due,
                    fence: row.get(0)?,
                    failures: row.get(1)?,
                    wanted_at: row.get(2)?,
                    ends_at: row.get(3)?,
                }))
            })
        });
        self.write(system("certificate.claim"), work).await
    }

    /// Tries that another life of this process began are nobody's: for records that one process has alone.
    ///
    /// # Errors
    /// A fault.
    pub async fn free_certificates(&self) -> Result<(), Failure> {
        self.sweep("certificate.claim", FREE, vec![]).await
    }

    /// # Errors
    /// A fault.
    pub async fn release_certificate(&self, claimed: &ClaimedCertificate) -> Result<(), Failure> {
        let values = values![claimed.due.host.as_str(), claimed.fence];
        self.sweep("certificate.claim", RELEASE, values).await
    }

    /// Counts a try, before the authority is asked: what is used up isn't asked for, whoever asks at the same time.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_certificate_try(&self, claimed: &ClaimedCertificate) -> Result<Begun, Failure> {
        let claimed = claimed.clone();
        let work: Work<Begun> = Box::new(move |tx| {
            let claimed = claimed.clone();
            Box::pin(async move {
                tx.audit_nothing();
                lock_installation(tx).await?;
                let DueCertificate { host, kind, instance, .. } = &claimed.due;
                let held = tx.fetch_optional(IS_HELD, values![host.as_str(), claimed.fence]).await?;
                let serves = match instance {
                    None => true,
                    Some((_, instance)) => {
                        tx.fetch_optional(SERVES, values![host.as_str(), *instance]).await?.is_some()
                    }
                };
                if held.is_none() || !serves {
                    return Ok(Begun::Gone);
                }
                let now = tx.now();
                let workspace = instance.map(|(workspace, _)| workspace);
                let is_first = claimed.ends_at.is_none();
                let asked = asked_in(tx, host, workspace).await?;
                if let Some(used) = used_up(*kind, is_first, asked) {
                    return Ok(Begun::UsedUp(used));
                }
                let id = tx.new_id();
                tx.execute(BEGIN, values![id, host.as_str(), workspace, kind.key(), is_first, now]).await?;
                Ok(Begun::Try(id))
            })
        });
        self.write(system("certificate.try"), work).await
    }

    /// Whether it was taken: a try that somebody else has meanwhile, or a host that is gone, has no use for it.
    ///
    /// # Errors
    /// A fault.
    pub async fn certificate_issued(
        &self,
        claimed: &ClaimedCertificate,
        id: Uuid,
        issued: IssuedCertificate,
    ) -> Result<bool, Failure> {
        let permit = of(&claimed.due, "certificate.issue");
        let claimed = claimed.clone();
        let work: Work<bool> = Box::new(move |tx| {
            let (claimed, issued) = (claimed.clone(), issued.clone());
            Box::pin(async move {
                let IssuedCertificate { chain, private_key, directory, ends_at, renew_at } = issued;
                let now = tx.now();
                // The authority counts it, whether it is used or not.
                tx.execute(SUCCEEDED, values![id]).await?;
                let host = claimed.due.host.as_str();
                let values =
                    values![host, claimed.fence, chain, private_key, now, ends_at, renew_at, directory];
                let is_taken = tx.execute(ISSUED, values).await? > 0;
                if is_taken {
                    tell(tx, &claimed.due).await?;
                } else {
                    tx.audit_nothing();
                }
                Ok(is_taken)
            })
        });
        self.write(permit, work).await
    }

    /// Writes down why there is none. The audit log tells what the authority refuses, once and not each time.
    ///
    /// # Errors
    /// A fault.
    pub async fn certificate_failed(
        &self,
        claimed: &ClaimedCertificate,
        failed: FailedCertificate,
    ) -> Result<(), Failure> {
        let permit = of(&claimed.due, "certificate.refuse");
        let claimed = claimed.clone();
        let work: Work<()> = Box::new(move |tx| {
            let (claimed, failed) = (claimed.clone(), failed.clone());
            Box::pin(async move {
                let FailedCertificate { trouble, problem, failures, next_at } = failed;
                let (host, fence) = (claimed.due.host.as_str(), claimed.fence);
                let before = tx.fetch_optional(TROUBLE, values![host, fence]).await?;
                let before: Option<String> = before.map(|row| row.get(0)).transpose()?.flatten();
                let is_dns = trouble == Trouble::Dns;
                let values =
                    values![host, fence, trouble.key(), problem, failures, next_at, is_dns, LEASE * MICROS];
                let is_written = tx.execute(FAILED, values).await? > 0;
                let is_news = is_written && before.as_deref() != Some(trouble.key());
                if is_written {
                    tell(tx, &claimed.due).await?;
                }
                if !is_news || !matches!(trouble, Trouble::Refused | Trouble::Limited) {
                    tx.audit_nothing();
                }
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// A host that didn't lead here is tried at once, not when its time comes: it does now. One that is being tried is
    /// tried once more, if that try comes too late for what was mended.
    ///
    /// # Errors
    /// A fault.
    pub async fn try_certificate_soon(&self, host: &str) -> Result<(), Failure> {
        self.sweep("certificate.want", SOON, values![host, self.now()]).await
    }
}

async fn asked_in(
    tx: &mut Tx<'_>,
    host: &str,
    workspace: Option<WorkspaceId>,
) -> Result<Asked, StorageFault> {
    let now = tx.now();
    let values = values![host, workspace, now.plus_seconds(-HOUR), now.plus_seconds(-WEEK)];
    let row = tx.fetch_one(ASKED, values).await?;
    Ok(Asked {
        of_host: row.get(0)?,
        issued_of_host: row.get(1)?,
        of_workspace: row.get(2)?,
        given_of_workspace: row.get(3)?,
        given: row.get(4)?,
        first: row.get(5)?,
        all: row.get(6)?,
    })
}
