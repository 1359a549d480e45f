//! The stream of events that an open page follows.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use stoa_domain::member::Role;
use stoa_domain::permission::workspace as may;
use stoa_domain::{
    AccountId, Action, Credential, EventId, MemberId, Permit, Refusal, ResourceKind, Timestamp, WorkspaceId,
};
use stoa_storage::Touched;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

pub use stoa_storage::event::{EventRecord, EventType};

use crate::{App, Failure};

/// A hint may get lost; the records are asked this often all the same.
const TICK: Duration = Duration::from_secs(2);

/// Milliseconds before the newest event in which another may still turn up: a transaction can commit after one with a
/// later id. An event may be told twice; that does no harm.
const WINDOW: u64 = 10_000;

/// Events that one question is answered with at most.
const BATCH: usize = 500;

impl App {
    /// The moment that the records are written with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store().now()
    }

    /// What happens in the workspace, as far as the member sees it at each moment: from `after` on, else from now on.
    /// It ends with a refusal when the membership does.
    ///
    /// The first look is over before this answers: whatever is written once a client has heard of its stream is told
    /// on it, so that a page which loads after opening the stream misses nothing.
    ///
    /// # Errors
    /// A fault.
    pub async fn follow_events(
        &self,
        permit: Permit<may::FollowEvents>,
        after: Option<EventId>,
    ) -> Result<impl Stream<Item = Result<EventRecord, Failure>> + Send + use<>, Failure> {
        let now = u64::try_from(self.store().now().micros() / 1_000).unwrap_or(0);
        let member = self.store().load_member(permit.workspace(), permit.member()).await?;
        let joined = u64::try_from(member.joined_at.micros() / 1_000).unwrap_or(0);
        let mut follower = Follower {
            app: self.clone(),
            // Before the first look, so that nothing falls between the two.
            changes: self.store().changes(),
            workspace: permit.workspace(),
            account: permit.account(),
            credential: permit.actor().credential,
            member: permit.member(),
            joined,
            newest: after.map_or(now, millis_of),
            told: HashMap::new(),
            waiting: VecDeque::new(),
            has_ended: false,
        };
        follower.look().await?;
        if after.is_none() {
            // Who starts at now has been told of everything that is there, but for its own end.
            follower.waiting.retain(Result::is_err);
        }
        Ok(futures_util::stream::unfold(follower, |mut follower| async move {
            let next = follower.next().await?;
            Some((next, follower))
        }))
    }
}

struct Follower {
    app: App,
    changes: Receiver<Arc<Touched>>,
    workspace: WorkspaceId,
    account: AccountId,
    /// What it was opened with.
    credential: Credential,
    member: MemberId,
    /// When it became one, in milliseconds: what was before isn't for it.
    joined: u64,
    /// The moment in the newest id that was met, in milliseconds.
    newest: u64,
    /// What was told within the window, with the moment in its id.
    told: HashMap<EventId, u64>,
    waiting: VecDeque<Result<EventRecord, Failure>>,
    has_ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<EventRecord, Failure>> {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Some(next);
            }
            if self.has_ended {
                return None;
            }
            self.wait().await;
            if let Err(failure) = self.look().await {
                self.has_ended = true;
                return Some(Err(failure));
            }
        }
    }

    /// Asks the records, as the member stands now: what it saw when the stream began doesn't count any more.
    async fn look(&mut self) -> Result<(), Failure> {
        let access = self.app.store().find_access(self.workspace, self.account, &[]).await?;
        // Somebody who was removed and invited again is another member, and begins anew.
        let access = access.filter(|access| access.member == self.member);
        let sees_everything = access.as_ref().is_some_and(|access| access.role == Role::Owner);
        // A project that is in the list isn't seen without the action.
        let sees_projects =
            sees_everything || access.as_ref().is_some_and(|access| access.actions.has(Action::ViewProjects));
        let mut cursor = first_id_at(self.newest.saturating_sub(WINDOW));
        loop {
            let events =
                self.app.store().list_events(self.workspace, cursor, self.member, sees_everything).await?;
            let count = events.len();
            for event in events {
                cursor = event.id;
                let at = millis_of(event.id);
                self.newest = self.newest.max(at);
                // To a member who is gone nothing is told but its own last word.
                let is_for_it = access.is_some() || event.member == Some(self.member);
                let is_for_it = is_for_it && at >= self.joined;
                let is_for_it =
                    is_for_it && (sees_projects || event.resource_kind != ResourceKind::Project.key());
                if self.told.insert(event.id, at).is_none() && is_for_it {
                    self.waiting.push_back(Ok(event));
                }
            }
            if count < BATCH {
                break;
            }
        }
        let oldest = self.newest.saturating_sub(WINDOW);
        self.told.retain(|_, at| *at >= oldest);
        if access.is_none() {
            self.has_ended = true;
            // Memberships go with their account, and then that is said.
            let is_signed_out = self.app.has_signed_out(self.credential).await?;
            let refusal = if is_signed_out { Refusal::Unauthenticated } else { Refusal::NotFound };
            self.waiting.push_back(Err(refusal.into()));
        }
        Ok(())
    }

    /// Until something of this workspace has changed, or a while has passed.
    async fn wait(&mut self) {
        let heard = async {
            loop {
                match self.changes.recv().await {
                    Ok(touched) if !concerns(&touched, self.workspace, self.account) => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(TICK, heard).await;
    }
}

fn concerns(touched: &Touched, workspace: WorkspaceId, account: AccountId) -> bool {
    touched.events.contains(&workspace)
        || touched.workspaces.contains(&workspace)
        || touched.accounts.contains(&account)
        || touched.members.contains(&(workspace, account))
}

/// The first 48 bits of a UUIDv7: milliseconds since 1970.
fn millis_of(id: EventId) -> u64 {
    u64::try_from(id.uuid().as_u128() >> 80).unwrap_or(0)
}

/// The id before every event of that moment.
fn first_id_at(millis: u64) -> EventId {
    EventId::new(Uuid::from_u128(u128::from(millis) << 80))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_of_an_id_is_read_back() {
        assert_eq!(millis_of(first_id_at(1_795_000_000_123)), 1_795_000_000_123);
    }
}
