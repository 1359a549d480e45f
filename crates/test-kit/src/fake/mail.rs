//! A mail box for tests.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::ports::{Delivery, Letter, Mail};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Keeps what was sent, or answers what it was told to.
#[derive(Default)]
pub struct FakeMail {
    sent: Mutex<Vec<Letter>>,
    next: Mutex<Option<Delivery>>,
    held: Mutex<Vec<Held>>,
    went: Notify,
}

/// One recipient, whose mails wait.
#[derive(Clone)]
struct Held {
    recipient: String,
    until: CancellationToken,
}

impl FakeMail {
    #[must_use]
    pub fn sent(&self) -> Vec<Letter> {
        self.sent.lock().unwrap().clone()
    }

    #[must_use]
    pub fn is_sent_to(&self, recipient: &str) -> bool {
        self.sent.lock().unwrap().iter().any(|letter| letter.to == recipient)
    }

    /// Waits for a mail to go to a recipient.
    pub async fn until_sent_to(&self, recipient: &str) {
        loop {
            let went = self.went.notified();
            if self.is_sent_to(recipient) {
                return;
            }
            went.await;
        }
    }

    /// What the next try is answered with.
    pub fn answer_next(&self, delivery: Delivery) {
        *self.next.lock().unwrap() = Some(delivery);
    }

    /// Lets every mail to one recipient wait, as a server does that has gone silent, until the token is cancelled.
    pub fn hold(&self, recipient: &str, until: CancellationToken) {
        self.held.lock().unwrap().push(Held { recipient: recipient.to_owned(), until });
    }
}

impl Mail for FakeMail {
    fn send(&self, letter: Letter) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            let held = self.held.lock().unwrap().iter().find(|held| held.recipient == letter.to).cloned();
            if let Some(held) = held {
                held.until.cancelled().await;
            }
            if let Some(delivery) = self.next.lock().unwrap().take() {
                return delivery;
            }
            self.sent.lock().unwrap().push(letter);
            self.went.notify_waiters();
            Delivery::Sent
        })
    }
}
