//! The queue of mails, worked off while Stoa runs. A mail server that is away, slow or wrong slows nothing else.

mod letter;
mod sealed;

pub(crate) use letter::framed;
pub use letter::{Button, Look, Words};

use std::time::Duration;

use futures_util::future::join_all;
use stoa_storage::mail::MailOutcome;
use tokio_util::sync::CancellationToken;

use crate::ports::Delivery;
use crate::{App, Failure};

/// How long one try may take, with room for the server's own patience.
const LEASE_SECONDS: i64 = 120;
/// Tries are given up after these many: about two days.
const MOST_ATTEMPTS: i64 = 16;

/// Mails that are under way at once: a server that lets one wait, or an address whose server does, holds no other up.
const LINES: usize = 4;

/// Seconds until the next try: half a minute, doubled each time, six hours at most.
fn pause(attempts: i64) -> i64 {
    (15_i64 << attempts.clamp(1, 11)).min(6 * 3600)
}

impl App {
    /// Sends what waits, until `stop`.
    pub async fn run_mails(self, stop: CancellationToken) {
        join_all((0..LINES).map(|_| self.run_line_of_mails(&stop))).await;
    }

    async fn run_line_of_mails(&self, stop: &CancellationToken) {
        let mut changes = self.store().changes();
        while !stop.is_cancelled() {
            match self.send_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => tracing::error!(?failure, "the queue of mails can't be worked off"),
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
        let Some(mail) = self.outside().mail.clone() else { return Ok(false) };
        let Some(claimed) = self.store().claim_mail(LEASE_SECONDS).await? else { return Ok(false) };
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
        self.store().settle_mail(claimed.id, claimed.fence, outcome).await?;
        Ok(true)
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
