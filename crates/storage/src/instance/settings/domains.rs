//! Domains of instances: rows of `hosts` that somebody claimed. One serves once its proof was found in the DNS, and
//! only for as long as it is.

use std::net::IpAddr;

use stoa_domain::certificate::Leads;
use stoa_domain::permission::settings::CheckDomain;
use stoa_domain::settings::{UNPROVED_SECONDS, next_look};
use stoa_domain::{
    Conflict, InstanceId, Permit, Refusal, Resource, ResourceKind, SystemPermit, Timestamp, WorkspaceId,
};

use crate::certificate::tries::forget_in;
use crate::event::EventType;
use crate::failure::{Failure, StorageFault};
use crate::host::REST_SECONDS;
use crate::page::word;
use crate::row::Row;
use crate::server::lock_installation;
use crate::store::{Store, Work};
use crate::tx::Tx;
use crate::values;

crate::statements! {
    LIST = "SELECT host, proof, verified_at, checked_at, problem, claimed_at, leads, leads_to, should_lead_to FROM hosts
        WHERE workspace_id = $1 AND instance_id = $2 AND kind = 'own' ORDER BY host";
    HOLDER = "SELECT workspace_id, instance_id, kind, verified_at, released_at, claimed_at FROM hosts WHERE host = $1";
    HOLDERS_HERE = "SELECT instance_id FROM hosts WHERE workspace_id = $1 AND host = $2 AND kind = 'own'
            AND instance_id IS NOT NULL AND instance_id <> $3";
    INSERT = "INSERT INTO hosts (host, workspace_id, instance_id, kind, proof, claimed_at, check_at)
        VALUES ($1, $2, $3, 'own', $4, $5, $6)";
    /// An unproved claim that is given up keeps nobody from anything; it stands only for when it was first made.
    PARK = "UPDATE hosts SET instance_id = NULL, released_at = $4, check_at = NULL
        WHERE workspace_id = $1 AND instance_id = $2 AND host = $3 AND kind = 'own' AND verified_at IS NULL";
    REMOVE = "DELETE FROM hosts WHERE workspace_id = $1 AND instance_id = $2 AND host = $3 AND kind = 'own'";
    /// Only while it still is what nobody has: it may have been proved since it was read.
    REMOVE_FREE = "DELETE FROM hosts WHERE host = $1 AND kind = 'own' AND (verified_at IS NULL OR instance_id IS NULL)";
    /// Its proof is the workspace's, and stays found.
    MOVE = "UPDATE hosts SET instance_id = $3 WHERE workspace_id = $1 AND host = $2 AND kind = 'own'";
    /// So many of a workspace: whose DNS is silent keeps nobody else waiting.
    DUE = "SELECT workspace_id, instance_id, host, proof, verified_at,
            (SELECT MIN(g.host) FROM hosts g WHERE g.instance_id = due.instance_id AND g.kind = 'given') FROM (
            SELECT workspace_id, instance_id, host, proof, verified_at, check_at,
                ROW_NUMBER() OVER (PARTITION BY workspace_id ORDER BY check_at, host) AS place
            FROM hosts WHERE kind = 'own' AND instance_id IS NOT NULL AND check_at <= $1) due
        WHERE place <= $2 ORDER BY check_at, host LIMIT $3";
    ONE = "SELECT workspace_id, instance_id, host, proof, verified_at,
            (SELECT MIN(g.host) FROM hosts g WHERE g.instance_id = hosts.instance_id AND g.kind = 'given') FROM hosts
        WHERE workspace_id = $1 AND instance_id = $2 AND host = $3 AND kind = 'own'";
    /// What was looked at is what is written about: with another proof it is another claim.
    NOTE = "UPDATE hosts SET verified_at = $5, checked_at = $6, check_at = $7, problem = $8, leads = $9, leads_to = $10,
            should_lead_to = $11
        WHERE workspace_id = $1 AND instance_id = $2 AND host = $3 AND proof = $4 AND kind = 'own'";
    CLAIMED = "SELECT verified_at, claimed_at FROM hosts
        WHERE workspace_id = $1 AND instance_id = $2 AND host = $3 AND proof = $4 AND kind = 'own'";
    NAME = "SELECT name FROM instances WHERE workspace_id = $1 AND id = $2";
}

/// A domain of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    pub host: String,
    /// What `_stoa.<host>` has to hold.
    pub proof: String,
    /// Since when its proof was found; `None` while it doesn't serve.
    pub verified_at: Option<Timestamp>,
    pub checked_at: Option<Timestamp>,
    /// What the last look found instead of the proof.
    pub problem: Option<String>,
    pub claimed_at: Option<Timestamp>,
    /// `None` before it was looked at.
    pub pointing: Option<Pointing>,
}

/// Where a domain leads, and where it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointing {
    pub leads: Leads,
    pub to: Vec<IpAddr>,
    pub should: Vec<IpAddr>,
}

/// A domain whose proof is to be looked for.
#[derive(Debug, Clone)]
pub struct DomainToCheck {
    pub workspace: WorkspaceId,
    pub instance: InstanceId,
    pub host: String,
    pub proof: String,
    pub is_verified: bool,
    /// The host that its instance was given.
    pub given: Option<String>,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    Found,
    /// The DNS answered, without the proof.
    Missing(String),
    /// It didn't answer: what was found before still holds.
    NoAnswer(String),
}

fn read(row: &Row) -> Result<DomainRecord, StorageFault> {
    Ok(DomainRecord {
        host: row.get(0)?,
        proof: row.get::<Option<String>>(1)?.unwrap_or_default(),
        verified_at: row.get(2)?,
        checked_at: row.get(3)?,
        problem: row.get(4)?,
        claimed_at: row.get(5)?,
        pointing: match row.get::<Option<String>>(6)? {
            None => None,
            Some(_) => Some(Pointing {
                leads: word(row, 6, Leads::from_key)?,
                to: addresses(row.get(7)?),
                should: addresses(row.get(8)?),
            }),
        },
    })
}

fn addresses(text: Option<String>) -> Vec<IpAddr> {
    text.unwrap_or_default().split(' ').filter_map(|one| one.parse().ok()).collect()
}

fn text_of(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
}

fn read_due(row: &Row) -> Result<DomainToCheck, StorageFault> {
    Ok(DomainToCheck {
        workspace: row.get(0)?,
        instance: row.get(1)?,
        host: row.get(2)?,
        proof: row.get::<Option<String>>(3)?.unwrap_or_default(),
        is_verified: row.get::<Option<Timestamp>>(4)?.is_some(),
        given: row.get(5)?,
    })
}

pub(super) async fn list_in(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
) -> Result<Vec<DomainRecord>, StorageFault> {
    let rows = tx.fetch_all(LIST, values![workspace, instance]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn give_up_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    host: &str,
) -> Result<(), StorageFault> {
    let now = tx.now();
    tx.execute(PARK, values![workspace, instance, host, now]).await?;
    if tx.execute(REMOVE, values![workspace, instance, host]).await? > 0 {
        forget_in(tx, host).await?;
    }
    Ok(())
}

/// Makes a domain the instance's. Answers the instance that it was taken from.
pub(super) async fn claim_in(
    tx: &mut Tx<'_>,
    (workspace, instance): (WorkspaceId, InstanceId),
    from: &[InstanceId],
    host: &str,
    proof: &str,
) -> Result<Option<InstanceId>, Failure> {
    lock_installation(tx).await?;
    let taken = || Refusal::Conflict(Conflict::DomainTaken);
    let now = tx.now();
    let mut first_claimed_at = now;
    if let Some(row) = tx.fetch_optional(HOLDER, values![host]).await? {
        let (holder, of): (WorkspaceId, Option<InstanceId>) = (row.get(0)?, row.get(1)?);
        let is_own = row.get::<String>(2)? == "own";
        let (verified_at, released_at): (Option<Timestamp>, Option<Timestamp>) = (row.get(3)?, row.get(4)?);
        let claimed_at: Option<Timestamp> = row.get(5)?;
        if !is_own {
            return Err(taken().into());
        }
        if let Some(of) = of.filter(|of| holder == workspace && from.contains(of)) {
            tx.execute(MOVE, values![workspace, host, instance]).await?;
            return Ok(Some(of));
        }
        let is_over = |at: Option<Timestamp>, seconds| at.is_none_or(|at| now.seconds_since(at) > seconds);
        let is_free = match of {
            // What a deleted instance has proved stays its workspace's for a while.
            None => holder == workspace || verified_at.is_none() || is_over(released_at, REST_SECONDS),
            // What nobody proves keeps others from nothing.
            Some(_) => verified_at.is_none() && is_over(claimed_at, UNPROVED_SECONDS),
        };
        if !is_free {
            return Err(taken().into());
        }
        if tx.execute(REMOVE_FREE, values![host]).await? == 0 {
            return Err(taken().into());
        }
        // Giving a claim up and making it again gives it no more time.
        if holder == workspace && verified_at.is_none() {
            first_claimed_at = claimed_at.unwrap_or(now);
        }
    }
    tx.execute(INSERT, values![host, workspace, instance, proof, first_claimed_at, now]).await?;
    Ok(None)
}

impl Store {
    /// # Errors
    /// A fault.
    pub async fn list_domains(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
    ) -> Result<Vec<DomainRecord>, StorageFault> {
        let rows = self.fetch_all(LIST, values![workspace, instance]).await?;
        rows.iter().map(read).collect()
    }

    /// The workspace's other instance that has a domain.
    ///
    /// # Errors
    /// A fault.
    pub async fn find_domain_holder(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        host: &str,
    ) -> Result<Option<InstanceId>, StorageFault> {
        let row = self.fetch_optional(HOLDERS_HERE, values![workspace, host, instance]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Domains whose time to be looked at has come, so many of a workspace.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_due_domains(
        &self,
        of_workspace: i64,
        limit: i64,
    ) -> Result<Vec<DomainToCheck>, StorageFault> {
        let rows = self.fetch_all(DUE, values![self.now(), of_workspace, limit]).await?;
        rows.iter().map(read_due).collect()
    }

    /// # Errors
    /// `NotFound`, or a fault.
    pub async fn load_domain(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        host: &str,
    ) -> Result<DomainToCheck, Failure> {
        let row = self.fetch_optional(ONE, values![workspace, instance, host]).await?;
        Ok(read_due(&row.ok_or(Refusal::NotFound)?)?)
    }

    /// Writes down what a look found that a member asked for.
    ///
    /// # Errors
    /// `NotFound` where it was given up meanwhile, or a fault.
    pub async fn note_asked_look(
        &self,
        permit: Permit<CheckDomain>,
        domain: DomainToCheck,
        look: Look,
        pointing: Pointing,
    ) -> Result<(), Failure> {
        let work: Work<()> = Box::new(move |tx| {
            let (domain, look, pointing) = (domain.clone(), look.clone(), pointing.clone());
            Box::pin(async move {
                tx.audit_second(domain.host.clone());
                note_in(tx, &domain, &look, &pointing).await?.ok_or(Refusal::NotFound)?;
                Ok(())
            })
        });
        self.write(permit, work).await
    }

    /// Writes down what a look found. Whether the domain serves changed.
    ///
    /// # Errors
    /// A fault.
    pub async fn note_look(
        &self,
        domain: DomainToCheck,
        look: Look,
        pointing: Pointing,
    ) -> Result<bool, Failure> {
        let operation = if look == Look::Found { "settings.domain_proved" } else { "settings.domain_lost" };
        let resource = Resource { kind: ResourceKind::Instance, id: domain.instance.uuid() };
        let permit = SystemPermit::new(domain.workspace, operation, Some(resource), None);
        let work: Work<bool> = Box::new(move |tx| {
            let (domain, look, pointing) = (domain.clone(), look.clone(), pointing.clone());
            Box::pin(async move {
                let changed = note_in(tx, &domain, &look, &pointing).await?.unwrap_or(false);
                if changed {
                    tx.audit_second(domain.host.clone());
                } else {
                    tx.audit_nothing();
                }
                Ok(changed)
            })
        });
        self.write(permit, work).await
    }
}

/// Whether it changed that the domain serves; `None` where the claim is gone.
async fn note_in(
    tx: &mut Tx<'_>,
    domain: &DomainToCheck,
    look: &Look,
    pointing: &Pointing,
) -> Result<Option<bool>, Failure> {
    let DomainToCheck { workspace, instance, host, proof, .. } = domain;
    let (workspace, instance) = (*workspace, *instance);
    let values = values![workspace, instance, host.as_str(), proof.as_str()];
    let Some(row) = tx.fetch_optional(CLAIMED, values).await? else { return Ok(None) };
    let (verified_at, claimed_at): (Option<Timestamp>, Option<Timestamp>) = (row.get(0)?, row.get(1)?);
    let now = tx.now();
    let verified_after = match look {
        Look::Found => verified_at.or(Some(now)),
        Look::Missing(_) => None,
        Look::NoAnswer(_) => verified_at,
    };
    let problem = match look {
        Look::Found => None,
        Look::Missing(problem) | Look::NoAnswer(problem) => Some(problem.clone()),
    };
    let age = now.seconds_since(claimed_at.unwrap_or(now));
    let has_answered = !matches!(look, Look::NoAnswer(_));
    let next = now.plus_seconds(next_look(verified_after.is_some(), has_answered, age));
    let (host, proof) = (host.as_str(), proof.as_str());
    let (leads, to, should) = (pointing.leads.key(), text_of(&pointing.to), text_of(&pointing.should));
    let values =
        values![workspace, instance, host, proof, verified_after, now, next, problem, leads, to, should];
    tx.execute(NOTE, values).await?;
    if let Some(row) = tx.fetch_optional(NAME, values![workspace, instance]).await? {
        tx.audit_name(row.get::<String>(0)?);
    }
    let changed = verified_at.is_some() != verified_after.is_some();
    tx.tell(workspace, EventType::Changed, ResourceKind::Instance, instance.uuid()).await?;
    Ok(Some(changed))
}
