//! A mail box for tests.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::ports::{Delivery, Letter, Mail};

/// Keeps what was sent, or answers what it was told to.
#[derive(Default)]
pub struct FakeMail {
    sent: Mutex<Vec<Letter>>,
    next: Mutex<Option<Delivery>>,
}

impl FakeMail {
    #[must_use]
    pub fn sent(&self) -> Vec<Letter> {
        self.sent.lock().unwrap().clone()
    }

    /// What the next try is answered with.
    pub fn answer_next(&self, delivery: Delivery) {
        *self.next.lock().unwrap() = Some(delivery);
    }
}

impl Mail for FakeMail {
    fn send(&self, letter: Letter) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            if let Some(delivery) = self.next.lock().unwrap().take() {
                return delivery;
            }
            self.sent.lock().unwrap().push(letter);
            Delivery::Sent
        })
    }
}
