//! How replicas on one PostgreSQL hear of each other's writes: a hint, never the truth.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use stoa_domain::{AccountId, WorkspaceId};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::failure::StorageFault;
use crate::tx::{Connection, Touched, Tx};

const CHANNEL: &str = "stoa_changes";
const NOTIFY: &str = "SELECT pg_notify('stoa_changes', $1)";

/// Tells the other replicas, when the transaction commits.
pub(crate) async fn announce(tx: &mut Tx<'_>) -> Result<(), StorageFault> {
    if tx.touched.is_empty() {
        return Ok(());
    }
    let text = write(&tx.touched);
    if let Connection::Postgres(connection) = &mut tx.connection {
        sqlx::query(NOTIFY).bind(text).execute(&mut **connection).await?;
    }
    Ok(())
}

/// A payload has 8,000 bytes at most; beyond that it says that everything may have changed.
fn write(touched: &Touched) -> String {
    let mut words = Vec::new();
    for (workspace, account) in &touched.members {
        words.push(format!("m{workspace}{account}"));
    }
    words.extend(touched.workspaces.iter().map(|id| format!("w{id}")));
    words.extend(touched.accounts.iter().map(|id| format!("a{id}")));
    words.extend(touched.events.iter().map(|id| format!("e{id}")));
    if touched.jobs {
        words.push("j".to_owned());
    }
    if touched.mails {
        words.push("l".to_owned());
    }
    words.sort();
    words.dedup();
    let text = words.join(" ");
    if text.len() < 7_500 { text } else { "j l".to_owned() }
}

fn read(text: &str) -> Touched {
    let id = |text: &str| Uuid::try_parse(text).ok();
    let mut touched = Touched::default();
    for word in text.split(' ') {
        let (kind, rest) = word.split_at_checked(1).unwrap_or_default();
        match kind {
            "m" => {
                let (workspace, account) = rest.split_at_checked(36).unwrap_or_default();
                if let (Some(workspace), Some(account)) = (id(workspace), id(account)) {
                    touched.members.push((WorkspaceId::new(workspace), AccountId::new(account)));
                }
            }
            "w" => touched.workspaces.extend(id(rest).map(WorkspaceId::new)),
            "a" => touched.accounts.extend(id(rest).map(AccountId::new)),
            "e" => touched.events.extend(id(rest).map(WorkspaceId::new)),
            "j" => touched.jobs = true,
            "l" => touched.mails = true,
            _ => {}
        }
    }
    touched
}

/// Hears the others, and hears again after the connection was lost. Ends when the pool is closed.
pub(crate) fn listen(pool: PgPool, changes: broadcast::Sender<Arc<Touched>>) {
    tokio::spawn(async move {
        while !pool.is_closed() {
            if let Err(error) = hear(&pool, &changes).await {
                tracing::debug!(%error, "not hearing the other replicas for the moment");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
}

async fn hear(pool: &PgPool, changes: &broadcast::Sender<Arc<Touched>>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        // Nobody listening is no fault.
        let _ = changes.send(Arc::new(read(notification.payload())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let (workspace, account) = (WorkspaceId::new(Uuid::from_u128(1)), AccountId::new(Uuid::from_u128(2)));
        let touched = Touched { members: vec![(workspace, account)], jobs: true, ..Touched::default() };
        let back = read(&write(&touched));
        assert_eq!(back.members, touched.members);
        assert!(back.jobs && !back.mails);
    }
}
