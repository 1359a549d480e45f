//! What undoes a change: each thing as it was before, where that is known. A secret's earlier value isn't.

use stoa_domain::backup::BackupSchedule;
use stoa_domain::branch::BranchName;
use stoa_domain::instance::Visibility;
use stoa_domain::settings::{DomainName, HealthCheck, Setting, Turn};

use super::SettingsRecord;
use super::change::{SettingsChange, WantedDomain};
use super::parts::Part;
use super::variables::{Variable, VariableValue};
use crate::failure::StorageFault;

fn unknown(part: &Part) -> StorageFault {
    StorageFault::Unknown(format!("a recorded {}", part.setting.key()))
}

fn number(part: &Part) -> Result<Option<i64>, StorageFault> {
    part.before.as_deref().map(|text| text.parse().map_err(|_| unknown(part))).transpose()
}

/// The change that undoes what `parts` did, given what is set now.
pub(super) fn of(
    now: &SettingsRecord,
    parts: &[Part],
    proofs: Vec<String>,
) -> Result<SettingsChange, StorageFault> {
    let mut wanted = SettingsChange::default();
    let mut variables = now.variables.clone();
    let mut domains: Vec<String> = now.domains.iter().map(|domain| domain.host.clone()).collect();
    let mut limits = now.limits;
    for part in parts {
        let before = || part.before.clone().ok_or_else(|| unknown(part));
        match part.setting {
            Setting::Environment => match (part.turn, &part.before) {
                (Turn::Added, _) => _ = variables.remove(&part.name),
                (_, Some(text)) => {
                    _ = variables.insert(part.name.clone(), VariableValue::Plain(text.clone()))
                }
                // It was a secret: it stays as it is now.
                (_, None) => {}
            },
            Setting::Domain if part.turn == Turn::Added => domains.retain(|host| *host != part.name),
            Setting::Domain if !domains.contains(&part.name) => domains.push(part.name.clone()),
            Setting::Domain => {}
            Setting::Branch => {
                wanted.branch = Some(BranchName::parse(&before()?).ok_or_else(|| unknown(part))?);
            }
            Setting::Health => {
                let health = part.before.as_deref().map(HealthCheck::from_text);
                wanted.health = Some(health.map(|read| read.ok_or_else(|| unknown(part))).transpose()?);
            }
            Setting::Memory => limits.memory = number(part)?,
            Setting::Processor => limits.processor = number(part)?,
            Setting::Processes => limits.processes = number(part)?,
            Setting::Disk => limits.disk = number(part)?,
            Setting::BackupSchedule => {
                let plan = part.before.as_deref().map(BackupSchedule::from_text);
                wanted.schedule = Some(plan.map(|read| read.ok_or_else(|| unknown(part))).transpose()?);
            }
            Setting::Visibility => {
                wanted.visibility = Some(Visibility::from_key(&before()?).ok_or_else(|| unknown(part))?);
            }
            Setting::Protection => wanted.is_protected = Some(before()? == "true"),
            Setting::Name => wanted.name = Some(before()?),
        }
    }
    wanted.limits = Some(limits);
    wanted.variables = Some(variables.into_iter().map(|(name, value)| Variable { name, value }).collect());
    let mut proofs = proofs.into_iter();
    let mut claimed = Vec::with_capacity(domains.len());
    for host in domains {
        let name = DomainName::parse(&host).map_err(|_| StorageFault::Unknown(host.clone()))?;
        let is_there = now.domains.iter().any(|domain| domain.host == host);
        let proof = if is_there { Some(String::new()) } else { proofs.next() };
        // Without a proof for it, it isn't claimed: what it was changed to in between has no such part.
        claimed.extend(proof.map(|proof| WantedDomain { name, proof }));
    }
    wanted.domains = Some(claimed);
    Ok(wanted)
}
