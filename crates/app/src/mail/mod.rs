//! The queue of mails, worked off while Stoa runs. A mail server that is away, slow or wrong slows nothing else.

mod letter;
mod sealed;

pub(crate) use letter::framed;
pub use letter::{Button, Look, Words};

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stoa_storage::mail::{ClaimedMail, MailOutcome};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::ports::{Delivery, Mail};
use crate::{App, Failure};

/// How long one try may take, with room for the server's own patience.
const LEASE_SECONDS: i64 = 120;
/// Tries are given up after these many: about two days.
const MOST_ATTEMPTS: i64 = 16;

/// Mails that are under way at once, as long as each goes on as it should. The first line takes only those that are tried
/// for the first time: those that failed before never keep them waiting.
const LINES: usize = 4;
/// What takes longer is kept waiting, by the server or by that of its address: it goes on beside its line, which takes the
/// next one.
const PROMPT: Duration = Duration::from_secs(3);
/// As many go on beside the lines. With more, one waits in its line: a server that answers nobody isn't called by hundreds.
const BESIDE: usize = 16;

/// Seconds until the next try: half a minute, doubled each time, six hours at most.
fn pause(attempts: i64) -> i64 {
    (15_i64 << attempts.clamp(1, 11)).min(6 * 3600)
}

impl App {
    /// Sends what waits, until `stop`.
    pub async fn run_mails(self, stop: CancellationToken) {
        let beside = Arc::new(Semaphore::new(BESIDE));
        join_all((0..LINES).map(|line| self.run_line_of_mails(line == 0, &beside, &stop))).await;
    }

    async fn run_line_of_mails(&self, only_new: bool, beside: &Arc<Semaphore>, stop: &CancellationToken) {
        let mut changes = self.store().changes();
        let mut kept_waiting = JoinSet::new();
        while !stop.is_cancelled() {
            match self.claim(only_new).await {
                Ok(Some((mail, claimed))) => {
                    let mut going = Box::pin(self.clone().send(mail, claimed));
                    match timeout(PROMPT, &mut going).await {
                        Ok(sent) => log(sent),
                        Err(_) => match beside.clone().try_acquire_owned() {
                            Ok(place) => drop(kept_waiting.spawn(async move {
                                log(going.await);
                                drop(place);
                            })),
                            Err(_) => log(going.await),
                        },
                    }
                    while kept_waiting.try_join_next().is_some() {}
                    continue;
                }
                Ok(None) => {}
                Err(failure) => log(Err(failure)),
            }
            let rest = self.rest().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(rest) => {}
                () = async {
                    loop {
                        match changes.recv().await {
                            Ok(touched) if !touched.mails => {}
                            _ => break,
                        }
                    }
                } => {}
            }
        }
        while kept_waiting.join_next().await.is_some() {}
    }

    /// Until the next mail is due; a minute at most, for what another replica left.
    async fn rest(&self) -> Duration {
        let due = self.store().next_mail_at().await.unwrap_or_else(|failure| {
            tracing::error!(?failure, "when the next mail is due can't be read");
            None
        });
        let seconds = due.map_or(60, |at| at.seconds_since(self.store().now()).clamp(1, 60));
        Duration::from_secs(u64::try_from(seconds).unwrap_or(60))
    }

    /// Sends one mail; `false` where none is due.
    ///
    /// # Errors
    /// A fault of storage. What the mail server says isn't one.
    pub async fn send_next(&self) -> Result<bool, Failure> {
        let Some((mail, claimed)) = self.claim(false).await? else { return Ok(false) };
        self.clone().send(mail, claimed).await?;
        Ok(true)
    }

    /// The next mail, and what sends it.
    async fn claim(&self, only_new: bool) -> Result<Option<(Arc<dyn Mail>, ClaimedMail)>, Failure> {
        let Some(mail) = self.outside().mail.clone() else { return Ok(None) };
        let claimed = if only_new {
            self.store().claim_new_mail(LEASE_SECONDS).await?
        } else {
            self.store().claim_mail(LEASE_SECONDS).await?
        };
        Ok(claimed.map(|claimed| (mail, claimed)))
    }

    /// Tries one mail, and writes down how that ended.
    async fn send(self, mail: Arc<dyn Mail>, claimed: ClaimedMail) -> Result<(), Failure> {
        let outcome = match self.open_letter(&claimed).await {
            Ok(letter) => match mail.send(letter).await {
                Delivery::Sent => MailOutcome::Sent,
                Delivery::Refused(error) => MailOutcome::Refused(error),
                Delivery::Waiting(error) if claimed.attempts >= MOST_ATTEMPTS => MailOutcome::Refused(error),
                Delivery::Waiting(error) => MailOutcome::Again {
                    next_at: self.store().now().plus_seconds(pause(claimed.attempts)),
                    error,
                },
            },
            Err(failure) => {
                tracing::error!(?failure, mail = %claimed.id, "a queued mail can't be opened");
                MailOutcome::Refused("The mail can't be read any more. Send it again.".to_owned())
            }
        };
        match &outcome {
            MailOutcome::Refused(error) => {
                tracing::warn!(mail = %claimed.id, error, "a mail can't be delivered")
            }
            MailOutcome::Again { error, .. } => tracing::info!(mail = %claimed.id, error, "a mail waits"),
            MailOutcome::Sent => {}
        }
        Ok(self.store().settle_mail(claimed.id, claimed.fence, outcome).await?)
    }
}

fn log(sent: Result<(), Failure>) {
    if let Err(failure) = sent {
        tracing::error!(?failure, "the queue of mails can't be worked off");
    }
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn tries_grow_apart_up_to_six_hours() {
        assert_eq!(pause(1), 30);
        assert_eq!(pause(2), 60);
        assert_eq!(pause(16), 6 * 3600);
    }
}
