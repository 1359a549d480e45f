//! The audit chains of a database, followed from their first event to their end.

use stoa_domain::WorkspaceId;

use super::sentence;
use crate::audit::{self, AuditRecord};
use crate::failure::StorageFault;
use crate::tx::Connection;
use crate::values;

crate::statements! {
    CHAINS = "SELECT DISTINCT workspace_id FROM audit_events ORDER BY workspace_id";
    ENDS = "SELECT id, audit_seq, audit_hash FROM workspaces";
    END = "SELECT audit_seq, audit_hash FROM installation WHERE id = 1";
    NEXT = "SELECT seq, id, at, account_id, actor_name, via, address, action, resource_kind, resource_id, resource_name,
            outcome, second_name, repeated, detail, previous_hash, hash
        FROM audit_events WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT 1000";
}

/// The hash before a chain's first event.
const BEGIN: [u8; 32] = [0; 32];

/// Follows every chain. How many events there are.
///
/// # Errors
/// Where one has a gap, was changed, or doesn't end where it should.
pub(crate) async fn verify(connection: &mut Connection<'_>) -> Result<u64, StorageFault> {
    let mut ends = std::collections::HashMap::new();
    for row in connection.fetch_all(ENDS, vec![]).await? {
        ends.insert(row.get::<WorkspaceId>(0)?, (row.get::<i64>(1)?, row.get::<Vec<u8>>(2)?));
    }
    for row in connection.fetch_all(END, vec![]).await? {
        ends.insert(WorkspaceId::INSTALLATION, (row.get(0)?, row.get(1)?));
    }
    let mut counted = 0;
    let mut seen = Vec::new();
    for row in connection.fetch_all(CHAINS, vec![]).await? {
        let chain: WorkspaceId = row.get(0)?;
        let (seq, hash) = follow(connection, chain).await?;
        // A workspace that is gone has its events, but no row any more that says where they end.
        if ends.get(&chain).is_some_and(|(known, end)| (*known, end) != (seq, &hash)) {
            return Err(broken(chain, seq));
        }
        counted += u64::try_from(seq).unwrap_or(0);
        seen.push(chain);
    }
    match ends.iter().find(|(chain, (seq, _))| *seq != 0 && !seen.contains(chain)) {
        Some((chain, _)) => Err(broken(*chain, 0)),
        None => Ok(counted),
    }
}

fn broken(chain: WorkspaceId, seq: i64) -> StorageFault {
    let whose = if chain == WorkspaceId::INSTALLATION {
        "of the installation".to_owned()
    } else {
        format!("of the workspace {chain}")
    };
    sentence(format!("the audit log {whose} was changed, or is cut off, behind its event {seq}"))
}

async fn follow(connection: &mut Connection<'_>, chain: WorkspaceId) -> Result<(i64, Vec<u8>), StorageFault> {
    let (mut seq, mut hash) = (0, BEGIN.to_vec());
    loop {
        let rows = connection.fetch_all(NEXT, values![chain, seq]).await?;
        if rows.is_empty() {
            return Ok((seq, hash));
        }
        for row in &rows {
            let record: AuditRecord = audit::read(row)?;
            let is_next = record.seq == seq + 1 && record.previous_hash == hash;
            if !is_next || audit::hash_of(chain, &record) != record.hash {
                return Err(broken(chain, seq));
            }
            (seq, hash) = (record.seq, record.hash);
        }
    }
}
