//! Places for git programs: so many at once, and so many for one account and one workspace, so that whoever holds theirs
//! keeps nobody else from git.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use stoa_domain::{AccountId, AtOnce, Refusal, WorkspaceId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Git programs that run at once.
const MOST: usize = 32;
/// Of one workspace.
const OF_WORKSPACE: usize = 8;
/// Requests of one account whose bodies are read or whose programs run.
const OF_ACCOUNT: usize = 4;
/// How long a request waits for others to end.
const WAITS: Duration = Duration::from_secs(30);

/// How many of them there are; none of what isn't git's.
pub(crate) const fn most(what: AtOnce) -> usize {
    match what {
        AtOnce::GitOfAccount => OF_ACCOUNT,
        AtOnce::GitOfWorkspace => OF_WORKSPACE,
        AtOnce::Git => MOST,
        AtOnce::DesksOfAccount
        | AtOnce::MergesOfAccount
        | AtOnce::Merges
        | AtOnce::StreamsOfAccount
        | AtOnce::Streams
        | AtOnce::Links => 0,
    }
}

fn full(what: AtOnce) -> Refusal {
    Refusal::TooMuchAtOnce { what, most: most(what) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Account(AccountId),
    Workspace(WorkspaceId),
}

pub(super) struct Places {
    all: Arc<Semaphore>,
    of: Mutex<HashMap<Whose, Weak<Semaphore>>>,
    waits: Duration,
}

/// The account's own: what it reads of a body is bounded by these, and nobody else waits for it.
pub(super) struct Own {
    _place: OwnedSemaphorePermit,
}

/// The right to run a program. It ends when dropped.
pub(super) struct Place {
    _own: Own,
    _workspace: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self::waiting(WAITS)
    }
}

impl Places {
    fn waiting(waits: Duration) -> Self {
        Self { all: Arc::new(Semaphore::new(MOST)), of: Mutex::default(), waits }
    }

    fn of(&self, whose: Whose, most: usize) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = of.get(&whose).and_then(Weak::upgrade) {
            return known;
        }
        of.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(most));
        of.insert(whose, Arc::downgrade(&places));
        places
    }

    async fn wait(&self, places: Arc<Semaphore>, full: Refusal) -> Result<OwnedSemaphorePermit, Refusal> {
        match tokio::time::timeout(self.waits, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(full),
        }
    }

    /// Before anything of a body is read.
    pub(super) async fn of_account(&self, account: AccountId) -> Result<Own, Refusal> {
        let places = self.of(Whose::Account(account), OF_ACCOUNT);
        Ok(Own { _place: self.wait(places, full(AtOnce::GitOfAccount)).await? })
    }

    /// Once what the client wants is known whole.
    pub(super) async fn of_workspace(&self, own: Own, workspace: WorkspaceId) -> Result<Place, Refusal> {
        let places = self.of(Whose::Workspace(workspace), OF_WORKSPACE);
        let of_workspace = self.wait(places, full(AtOnce::GitOfWorkspace)).await?;
        let all = self.wait(self.all.clone(), full(AtOnce::Git)).await?;
        Ok(Place { _own: own, _workspace: of_workspace, _all: all })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId::new(uuid::Uuid::from_u128(number))
    }

    fn workspace(number: u128) -> WorkspaceId {
        WorkspaceId::new(uuid::Uuid::from_u128(number))
    }

    fn what(refused: Result<impl Sized, Refusal>) -> Option<AtOnce> {
        match refused {
            Err(Refusal::TooMuchAtOnce { what, .. }) => Some(what),
            _ => None,
        }
    }

    #[tokio::test]
    async fn nobody_takes_the_places_of_another() {
        let places = Places::waiting(Duration::from_millis(20));
        let mut held = Vec::new();
        for _ in 0..OF_ACCOUNT {
            held.push(places.of_account(account(1)).await.unwrap());
        }
        assert_eq!(what(places.of_account(account(1)).await), Some(AtOnce::GitOfAccount));
        // A second account of the same workspace has its own, and the workspace no more than its own.
        let mut running = Vec::new();
        for own in held {
            running.push(places.of_workspace(own, workspace(1)).await.unwrap());
        }
        for number in 2..10 {
            let own = places.of_account(account(number)).await.unwrap();
            match places.of_workspace(own, workspace(1)).await {
                Ok(place) => running.push(place),
                Err(refusal) => assert_eq!(what(Err::<(), _>(refusal)), Some(AtOnce::GitOfWorkspace)),
            }
        }
        assert_eq!(running.len(), OF_WORKSPACE);
        let own = places.of_account(account(20)).await.unwrap();
        let elsewhere = places.of_workspace(own, workspace(2)).await.unwrap();
        drop((running, elsewhere));
        let own = places.of_account(account(1)).await.unwrap();
        assert!(places.of_workspace(own, workspace(1)).await.is_ok());
        assert!(places.of.lock().unwrap().len() <= 2, "whoever has gone is forgotten");
    }

    #[tokio::test]
    async fn all_that_run_are_counted_over_every_workspace() {
        let places = Places::waiting(Duration::from_millis(20));
        let mut running = Vec::new();
        for number in 0..u128::try_from(MOST).unwrap() {
            let own = places.of_account(account(number)).await.unwrap();
            running.push(places.of_workspace(own, workspace(number)).await.unwrap());
        }
        let own = places.of_account(account(1_000)).await.unwrap();
        assert_eq!(what(places.of_workspace(own, workspace(1_000)).await), Some(AtOnce::Git));
        running.pop();
        let own = places.of_account(account(1_000)).await.unwrap();
        assert!(places.of_workspace(own, workspace(1_000)).await.is_ok());
    }
}
