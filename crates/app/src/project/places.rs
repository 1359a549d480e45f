//! Places for looking at merges and doing them: git compares whole trees for each, so that so many go on at once, and so
//! many of one account, and whoever asks for more keeps nobody else waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use stoa_domain::{AccountId, AtOnce, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{App, Failure};

/// At once, and of one account.
const MOST: usize = 8;
const OF_ACCOUNT: usize = 2;
/// How long one waits for others to end.
const WAITS: Duration = Duration::from_secs(20);

/// How many there are.
pub struct MergePlaces {
    all: Arc<Semaphore>,
    of: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
    waits: Duration,
}

/// The right to have git compare trees. It ends when dropped.
pub(crate) struct MergePlace {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for MergePlaces {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MOST)), of: Mutex::default(), waits: WAITS }
    }
}

impl MergePlaces {
    fn own(&self, account: AccountId) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = of.get(&account).and_then(Weak::upgrade) {
            return known;
        }
        of.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(OF_ACCOUNT));
        of.insert(account, Arc::downgrade(&places));
        places
    }

    async fn take(&self, account: AccountId) -> Result<MergePlace, Refusal> {
        let full = |what, most| Refusal::TooMuchAtOnce { what, most };
        let own = self.wait(self.own(account)).await.ok_or(full(AtOnce::MergesOfAccount, OF_ACCOUNT))?;
        let all = self.wait(self.all.clone()).await.ok_or(full(AtOnce::Merges, MOST))?;
        Ok(MergePlace { _own: own, _all: all })
    }

    async fn wait(&self, places: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(self.waits, places.acquire_owned()).await.ok()?.ok()
    }
}

impl App {
    /// Waits for a place.
    pub(crate) async fn merge_place(&self, account: AccountId) -> Result<MergePlace, Failure> {
        Ok(self.merge_places().take(account).await?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId::new(uuid::Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn whoever_has_theirs_waits_and_nobody_else_does() {
        let places = MergePlaces { waits: Duration::from_millis(20), ..MergePlaces::default() };
        let first = places.take(account(1)).await.unwrap();
        let _second = places.take(account(1)).await.unwrap();
        let refused = places.take(account(1)).await.err();
        assert_eq!(refused, Some(Refusal::TooMuchAtOnce { what: AtOnce::MergesOfAccount, most: OF_ACCOUNT }));
        assert!(places.take(account(2)).await.is_ok());
        drop(first);
        assert!(places.take(account(1)).await.is_ok());
    }

    #[tokio::test]
    async fn all_together_are_counted() {
        let places = MergePlaces { waits: Duration::from_millis(20), ..MergePlaces::default() };
        let mut held = Vec::new();
        for number in 0..u128::try_from(MOST).unwrap() {
            held.push(places.take(account(number)).await.unwrap());
        }
        let refused = places.take(account(100)).await.err();
        assert_eq!(refused, Some(Refusal::TooMuchAtOnce { what: AtOnce::Merges, most: MOST }));
        held.pop();
        assert!(places.take(account(100)).await.is_ok());
    }
}
