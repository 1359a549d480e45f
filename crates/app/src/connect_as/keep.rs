//! Sessions end by themselves: when their hour is over, and when what they rest on is gone. Who is in one is stopped by a
//! lease at once; this writes it down, and has the application told.

use std::time::Duration;

use futures_util::StreamExt as _;
use stoa_domain::permission::connect_as as may;
use stoa_domain::{AccountStanding, Actor, Credential, Refusal, Via};
use stoa_storage::connect_as::keep::{EndCause, GoingSession, UnclosedSession};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::visit::{Connected, words};
use crate::authority::GoingOn;
use crate::ports::{AppCookie, ConnectAnswer, ConnectWish};
use crate::{App, Failure};

/// How often it is looked while sessions go on, and while none does.
const EACH: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(30);

/// One that has other questions to answer is asked again and again for so long.
const BUSY_SECONDS: i64 = 600;

/// How long one may take to say that it was: what its machine gives it, and a little more. One that says nothing holds up
/// nobody else's end.
const PATIENCE: Duration = Duration::from_secs(15);

/// Applications that are told at once.
const AT_ONCE: usize = 8;

/// Seconds after the end at which an application that couldn't be told is told again: an agent may be starting anew, a
/// machine be away. After the last its own end of the session has to do.
const AGAIN_AT: [i64; 6] = [0, 1, 5, 30, 120, 600];

impl App {
    /// Ends what is over, and has applications told of it. Doing it twice does no harm.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_connect_sessions(&self) -> Result<bool, Failure> {
        let goes_on = self.end_sessions_that_are_over().await?;
        Ok(self.tell_applications_of_ends().await? || goes_on)
    }

    /// Ends one whose visitor was just refused.
    ///
    /// # Errors
    /// A fault.
    pub async fn end_refused_connect_session(&self, connected: &Connected) -> Result<(), Failure> {
        let going = self.store().list_going_connect_sessions().await?;
        if let Some(session) = going.into_iter().find(|one| one.id == connected.id()) {
            self.store().end_over_connect_session(session, EndCause::Right).await?;
        }
        Ok(())
    }

    /// Whether any session goes on.
    async fn end_sessions_that_are_over(&self) -> Result<bool, Failure> {
        let going = self.store().list_going_connect_sessions().await?;
        let mut goes_on = false;
        for session in going {
            // One that can't be asked about isn't in the way of the others.
            let looked = match self.why_over(&session).await {
                Ok(Some(cause)) => self
                    .store()
                    .end_over_connect_session(session, cause)
                    .await
                    .map(|()| false)
                    .map_err(Failure::from),
                Ok(None) => Ok(true),
                Err(failure) => Err(failure),
            };
            goes_on |= looked.unwrap_or_else(|failure| {
                tracing::warn!(?failure, "whether a session as a user is over is asked again");
                true
            });
        }
        Ok(goes_on)
    }

    /// Whether any application is to be told later.
    async fn tell_applications_of_ends(&self) -> Result<bool, Failure> {
        let telling =
            self.store().list_unclosed_connect_sessions().await?.into_iter().map(|session| async move {
                self.tell_application(session).await.unwrap_or_else(|failure| {
                    tracing::warn!(?failure, "an application is told later that a session is over");
                    false
                })
            });
        let told: Vec<bool> = futures_util::stream::iter(telling).buffer_unordered(AT_ONCE).collect().await;
        Ok(told.contains(&false))
    }

    /// Until it is asked to stop. What is over ends, whatever applications say to that.
    pub async fn run_connect_sessions(&self, stop: CancellationToken) {
        tokio::join!(
            self.look_again_and_again(&stop, || self.end_sessions_that_are_over()),
            self.look_again_and_again(&stop, || self.tell_applications_of_ends())
        );
    }

    async fn look_again_and_again<F>(&self, stop: &CancellationToken, look: impl Fn() -> F)
    where
        F: Future<Output = Result<bool, Failure>>,
    {
        let mut changes = self.store().changes();
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = look() => looked,
            };
            let pause = match looked {
                Ok(true) => EACH,
                Ok(false) => SELDOM,
                Err(failure) => {
                    tracing::warn!(?failure, "sessions as users that are over are written down later");
                    EACH * 10
                }
            };
            let heard = async {
                match changes.recv().await {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
                // Changes that come together are looked at together.
                tokio::time::sleep(EACH / 5).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = heard => while changes.try_recv().is_ok() {},
            }
        }
    }

    async fn why_over(&self, going: &GoingSession) -> Result<Option<EndCause>, Failure> {
        if going.ends_at <= self.store().now() {
            return Ok(Some(EndCause::Time));
        }
        let Ok(session) = Self::session_of_actor(going.session) else { return Ok(Some(EndCause::Right)) };
        let actor = Actor {
            account: going.account,
            name: String::new(),
            via: Via::Page,
            credential: Credential::Session(session),
            address: None,
        };
        let standing = AccountStanding {
            actor,
            is_admin: false,
            revision: 0,
            limits: None,
            confirmed: false,
            viewing: None,
        };
        let path = words(going.workspace, going.instance, going.id);
        match GoingOn::<may::Use>::new(standing, path).ask(self).await {
            Ok(()) | Err(Failure::Refused(Refusal::Unavailable)) => Ok(None),
            Err(Failure::Refused(_)) => Ok(Some(EndCause::Right)),
            Err(fault) => Err(fault),
        }
    }

    /// Whether nothing more is to be told.
    async fn tell_application(&self, over: UnclosedSession) -> Result<bool, Failure> {
        let tries = usize::try_from(over.tries).unwrap_or(usize::MAX);
        let due = AGAIN_AT.get(tries).copied().unwrap_or_default();
        if over.ended_at.plus_seconds(due) > self.store().now() {
            return Ok(false);
        }
        let again = tries + 1 < AGAIN_AT.len();
        let jar = match self.open_jar(over.workspace, over.id, Some(&over.cookies)).await {
            Ok(jar) => jar,
            Err(failure) => {
                self.store().close_connect_session(over.id, again).await?;
                return Err(failure);
            }
        };
        let cookies: Vec<AppCookie> = jar.cookies().collect();
        let wish = ConnectWish::End { cookies };
        let telling = async {
            let reached = self.machine_of(over.instance).await?;
            Ok::<_, Failure>(reached.machine.connect_as(over.instance, wish).await?)
        };
        let told = tokio::time::timeout(PATIENCE, telling).await;
        let told = told.unwrap_or(Err(Failure::Refused(Refusal::ServerAway)));
        let failed = match told {
            // It wasn't asked: that is no try.
            Ok(ConnectAnswer::Busy) if over.ended_at.plus_seconds(BUSY_SECONDS) > self.store().now() => {
                return Ok(false);
            }
            Ok(ConnectAnswer::Busy) => true,
            Ok(ConnectAnswer::Failed { sentence, .. }) => {
                tracing::warn!(instance = %over.instance, sentence, "an application couldn't end a session");
                true
            }
            Ok(_) => false,
            Err(failure) => {
                tracing::warn!(?failure, instance = %over.instance, "an application can't be told that a session is over");
                true
            }
        };
        let again = failed && again;
        self.store().close_connect_session(over.id, again).await?;
        Ok(!again)
    }
}
