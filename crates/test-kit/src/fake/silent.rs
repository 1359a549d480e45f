//! A machine that takes what it is asked, and says nothing.

use stoa_domain::InstanceId;

use super::machines::FakeMachines;

impl FakeMachines {
    /// Whether it says nothing from now on when it is told a form, or to end a session.
    pub fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    /// How many wait for it to say something.
    #[must_use]
    pub fn kept_waiting(&self) -> usize {
        self.hangs.receiver_count()
    }

    pub(super) async fn answers(&self) {
        self.hangs.subscribe().wait_for(|hangs| !hangs).await.unwrap();
    }

    /// Whose forms it was told, in order, with the fence of each order.
    #[must_use]
    pub fn told(&self) -> Vec<(InstanceId, i64)> {
        self.told.lock().unwrap().clone()
    }

    /// How often it was asked to forget a backup.
    #[must_use]
    pub fn asked_to_forget(&self) -> usize {
        *self.to_forget.lock().unwrap()
    }
}
