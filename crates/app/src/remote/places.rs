//! Places for fetches: so many at once, and so many of a workspace. Whoever waits for one waits no longer than a slow fetch
//! is borne with.

use std::collections::HashMap;
use std::time::Duration;

use stoa_domain::{ProjectId, WorkspaceId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Fetched at once, and of one workspace: one that hangs keeps nobody else waiting.
const MOST: usize = 6;
pub(super) const OF_WORKSPACE: usize = 2;

/// How long a fetch has its place for itself; after that it gives way to whoever waits for one.
const UNDISTURBED: Duration = Duration::from_secs(3 * 60);

/// Those that are taken.
#[derive(Default)]
pub(super) struct Places {
    held: HashMap<ProjectId, Held>,
}

struct Held {
    workspace: WorkspaceId,
    since: Instant,
    cut: CancellationToken,
}

impl Places {
    /// Takes one; what it gives way by is handed out. `None` where the workspace has its share, or all are taken: then one
    /// that was held for long is told to give way.
    pub(super) fn take(
        &mut self,
        workspace: WorkspaceId,
        project: ProjectId,
        now: Instant,
    ) -> Option<CancellationToken> {
        let of_workspace = self.held.values().filter(|held| held.workspace == workspace).count();
        if of_workspace >= OF_WORKSPACE || self.held.contains_key(&project) {
            return None;
        }
        if self.held.len() >= MOST {
            self.make_room(now);
            return None;
        }
        let cut = CancellationToken::new();
        self.held.insert(project, Held { workspace, since: now, cut: cut.clone() });
        Some(cut)
    }

    /// One at a time: whoever was told already is about to go.
    fn make_room(&self, now: Instant) {
        if self.held.values().any(|held| held.cut.is_cancelled()) {
            return;
        }
        let longest = self.held.values().min_by_key(|held| held.since);
        if let Some(longest) = longest.filter(|held| now.duration_since(held.since) > UNDISTURBED) {
            longest.cut.cancel();
        }
    }

    pub(super) fn give_back(&mut self, project: ProjectId) {
        self.held.remove(&project);
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn of(workspace: u128, project: u128) -> (WorkspaceId, ProjectId) {
        (WorkspaceId::new(Uuid::from_u128(workspace)), ProjectId::new(Uuid::from_u128(project)))
    }

    #[tokio::test]
    async fn a_workspace_has_its_share_and_slow_ones_give_way_to_whoever_waits() {
        let start = Instant::now();
        let mut places = Places::default();
        let mut held = Vec::new();
        for (number, workspace) in [1, 1, 2, 2, 3, 3].into_iter().enumerate() {
            let (workspace, project) = of(workspace, number as u128);
            let later = start + Duration::from_secs(number as u64);
            held.push(places.take(workspace, project, later).unwrap());
            if number == 1 {
                let (workspace, third) = of(1, 90);
                assert!(places.take(workspace, third, later).is_none(), "its share is two");
            }
        }
        let (workspace, waiting) = of(4, 91);
        let cut = |held: &[CancellationToken]| held.iter().filter(|cut| cut.is_cancelled()).count();
        // Nobody gives way before its time.
        assert!(places.take(workspace, waiting, start + UNDISTURBED).is_none());
        assert_eq!(cut(&held), 0);
        // One whose workspace has its share waits for itself.
        let (of_first, third) = of(1, 90);
        assert!(places.take(of_first, third, start + UNDISTURBED * 2).is_none());
        assert_eq!(cut(&held), 0);
        for _ in 0..2 {
            assert!(places.take(workspace, waiting, start + UNDISTURBED * 2).is_none());
            assert!(held[0].is_cancelled() && cut(&held) == 1, "the longest, and one at a time");
        }
        places.give_back(of(1, 0).1);
        assert!(places.take(workspace, waiting, start + UNDISTURBED * 2).is_some());
    }
}
