//! A backup on its way out as an archive, and what that tells of how it is stored.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use stoa_domain::WorkspaceId;
use stoa_domain::permission::BackupTarget;
use stoa_storage::backup::BackupRecord;

use crate::ports::{Archive, Archived, Machines, RepositoryAccess};
use crate::{App, Fault};

/// One byte of it: to hear why the rest broke off.
const A_BYTE: &str = "bytes=0-0";

#[derive(Clone)]
pub(super) struct Reading {
    pub app: App,
    pub machine: Arc<dyn Machines>,
    pub access: RepositoryAccess,
    pub workspace: WorkspaceId,
    pub record: BackupRecord,
}

impl Reading {
    pub async fn ask(&self, range: Option<String>) -> Result<Archived, Fault> {
        let size = u64::try_from(self.record.size).unwrap_or(0);
        // Of one that was found damaged only what is stored now says how it is.
        let anew = self.record.damaged_at.is_some() && range.is_none();
        let access = (self.access.clone(), size, anew);
        self.machine.archive(self.record.instance, self.record.id, access, range).await
    }

    /// The archive, followed to its end: where it breaks off it is asked why, and one that was known as damaged is known
    /// as whole once all of it came.
    pub fn followed(self, archive: Archive, is_whole: bool) -> Archive {
        let heals = is_whole && self.record.damaged_at.is_some();
        let length = archive.length;
        let bytes =
            unfold((archive.bytes, self, heals, 0), move |(mut bytes, reading, heals, sent)| async move {
                match bytes.next().await {
                    Some(Ok(piece)) => {
                        let sent = sent + piece.len() as u64;
                        // Whoever knows how long it is asks for nothing behind it.
                        let is_over = heals && length == Some(sent);
                        if is_over {
                            reading.note(true).await;
                        }
                        Some((Ok(piece), (bytes, reading, heals && !is_over, sent)))
                    }
                    Some(Err(fault)) => {
                        let broken = reading.clone();
                        tokio::spawn(async move { broken.why().await });
                        Some((Err(fault), (bytes, reading, false, sent)))
                    }
                    None => {
                        if heals {
                            reading.note(true).await;
                        }
                        None
                    }
                }
            });
        Archive { bytes: bytes.boxed(), ..archive }
    }

    async fn why(&self) {
        match self.ask(Some(A_BYTE.to_owned())).await {
            Ok(Archived::Damaged) => self.note(false).await,
            Ok(Archived::There(_) | Archived::Gone) => {}
            Err(fault) => {
                tracing::warn!(fault = %fault.chain(), backup = %self.record.id, "an archive broke off, and nobody says why");
            }
        }
    }

    pub async fn note(&self, is_whole: bool) {
        let target = BackupTarget { backup: self.record.id, instance: self.record.instance };
        if let Err(failure) = self.app.store().note_backup_read(self.workspace, target, is_whole).await {
            tracing::warn!(?failure, backup = %self.record.id, "it isn't written down how a backup was found");
        }
    }
}
