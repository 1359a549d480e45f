//! Mirrors: what was brought of repositories, to be deployed from.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use stoa_domain::ProjectId;
use stoa_domain::branch::CommitId;

use super::Agent;
use super::deploy::KEPT_FREE;
use super::facts::free_space;
use super::operation::{Order, Refused};
use crate::folders::LEAST_FREE;
use crate::git::Repository;

/// Packs that are taken in at once: each is checked by a git of its own.
pub(super) const AT_ONCE: usize = 4;

/// Heads that are told: enough that a pack holds only what is new.
const HEADS: usize = 64;

impl Agent {
    pub(super) fn mirror(&self, project: ProjectId) -> Repository {
        Repository::at(self.inner.folders.mirror(project))
    }

    /// The commits that were brought last, newest first.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) async fn mirror_heads(&self, project: ProjectId) -> Result<Vec<CommitId>, Refused> {
        let mirror = self.mirror(project);
        if !mirror.exists() {
            return Ok(Vec::new());
        }
        Ok(mirror.deployed(HEADS).await?)
    }

    /// Takes a commit with all it needs, checked. Of a pack that isn't good nothing is kept; one that isn't needed is
    /// not read.
    ///
    /// # Errors
    /// `Late`, `DiskFull`, or why git refuses.
    pub(crate) async fn take_pack(
        &self,
        order: Order,
        project: ProjectId,
        commit: CommitId,
        pack: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    ) -> Result<(), Refused> {
        order.in_time()?;
        let free = free_space(&self.inner.folders);
        if free < KEPT_FREE {
            return Err(Refused::DiskFull);
        }
        let mirror = self.mirror(project);
        mirror.create("main").await?;
        if mirror.has(&commit).await? {
            return Ok(());
        }
        // A lock that a killed git left there would keep the next one from it for ever.
        mirror.tidy(self.inner.began)?;
        let place = tokio::time::timeout_at(order.start_by, self.inner.packs.acquire()).await;
        let _place = place.map_err(|_| Refused::Late)?.map_err(io::Error::other)?;
        match mirror.receive(&commit, pack, free - LEAST_FREE).await {
            // Another brought it meanwhile.
            Err(_) if mirror.has(&commit).await? => Ok(()),
            other => Ok(other?),
        }
    }
}
