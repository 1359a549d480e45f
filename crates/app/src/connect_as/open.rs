//! The one use of a link: the application opens a session, and its cookies are kept.

use std::sync::Arc;

use stoa_domain::connect_as::{CODE_SECONDS, ConnectRefusal, SESSION_SECONDS};
use stoa_domain::permission::connect_as as may;
use stoa_domain::{AccountPermit, AccountStanding, Permit, Refusal, Secret, SessionId, Timestamp};
use stoa_storage::connect_as::{Opening, Ticket};

use super::jar::Jar;
use crate::abilities::Caller;
use crate::authority::PathWords;
use crate::ports::{AppCookie, ConnectAnswer, ConnectWish};
use crate::secrets::hash_of;
use crate::{App, Failure, Fault};

/// Where the browser goes on, and what it brings there, once.
pub struct Opened {
    /// Of the session's own host.
    pub url: String,
    pub code: Secret,
    pub ends_at: Timestamp,
}

impl App {
    /// Acts on a link: as the account that asked for it, signed in, which still may.
    ///
    /// # Errors
    /// `NotFound`; `ConnectAs` where it is used, too old or another's, and where the application opens none; what the
    /// permission refuses.
    pub async fn open_ticket(&self, account: AccountPermit, token: &str) -> Result<Opened, Failure> {
        let session = Self::session_of(&account)?;
        let ticket = self.store().find_ticket(&hash_of(token)).await?.ok_or(Refusal::NotFound)?;
        let refused = |refusal| Err(Refusal::ConnectAs(refusal).into());
        // Whose it is comes first: another is told nothing else of it.
        if ticket.account != account.actor().account {
            let resource = stoa_domain::Resource {
                kind: stoa_domain::ResourceKind::Instance,
                id: ticket.instance.uuid(),
            };
            let refusal = Refusal::ConnectAs(ConnectRefusal::TicketOfAnother);
            let operation = <may::Open as stoa_domain::Permission>::OPERATION;
            // Who is no member leaves nothing in the workspace's log.
            if self.store().find_access(ticket.workspace, account.actor().account, &[]).await?.is_some() {
                self.record_refusal(ticket.workspace, account.actor(), operation, Some(resource), &refusal)
                    .await;
            }
            return Err(refusal.into());
        }
        if ticket.is_used || ticket.is_ended {
            return refused(ConnectRefusal::TicketUsed);
        }
        if ticket.expires_at <= self.store().now() {
            return refused(ConnectRefusal::TicketExpired);
        }
        let permit = Arc::new(self.permit_to_open(&account, &ticket).await?);
        let caller = Caller::of(&permit);
        self.needs_way(&caller, ticket.instance).await?;
        // To its end, whether or not its caller waits: what the application opens has to be written down, or closed.
        let app = self.clone();
        let opening = tokio::spawn(async move { app.use_ticket(permit, caller, ticket, session).await });
        opening.await.map_err(Fault::new)?
    }

    async fn use_ticket(
        &self,
        permit: Arc<Permit<may::Open>>,
        caller: Caller,
        ticket: Ticket,
        session: SessionId,
    ) -> Result<Opened, Failure> {
        self.store().take_ticket(permit.clone(), ticket.id, session).await?;
        match self.open(&permit, &caller, &ticket).await {
            Ok(opened) => Ok(opened),
            Err(failure) => {
                // By the house: the right may be what has ended.
                self.store().fail_connect_session(permit.actor().clone(), ticket).await?;
                Err(failure)
            }
        }
    }

    /// Decided on the instance as any other request is.
    async fn permit_to_open(
        &self,
        account: &AccountPermit,
        ticket: &Ticket,
    ) -> Result<Permit<may::Open>, Failure> {
        let standing = AccountStanding {
            actor: account.actor().clone(),
            is_admin: false,
            revision: 0,
            limits: None,
            confirmed: false,
            viewing: None,
        };
        let path = vec![
            ("workspace".to_owned(), ticket.workspace.to_string()),
            ("instance".to_owned(), ticket.instance.to_string()),
        ];
        self.authorize::<may::Open>(&standing, &PathWords::new(path)).await
    }

    async fn open(
        &self,
        permit: &Arc<Permit<may::Open>>,
        caller: &Caller,
        ticket: &Ticket,
    ) -> Result<Opened, Failure> {
        let ends_at = self.store().now().plus_seconds(SESSION_SECONDS);
        let wish = ConnectWish::Open {
            user: ticket.user.id.clone(),
            reason: ticket.reason.clone(),
            actor: permit.actor().name.clone(),
            expires_at: ends_at,
        };
        let answer = self.ask_application(caller, ticket.instance, wish).await?;
        let ConnectAnswer::Opened { cookies, path: landing } = answer else {
            return Err(Fault::new("a session was asked for, and something else answered").into());
        };
        match self.keep_opened(permit, ticket, &cookies, landing, ends_at).await {
            Ok(Some(opened)) => Ok(opened),
            Ok(None) => {
                // It was ended while the application opened it.
                self.close_unkept(ticket, cookies).await;
                Err(Refusal::ConnectAs(ConnectRefusal::TicketUsed).into())
            }
            Err(failure) => {
                self.close_unkept(ticket, cookies).await;
                Err(failure)
            }
        }
    }

    /// Has the application end a session that nobody has.
    async fn close_unkept(&self, ticket: &Ticket, cookies: Vec<AppCookie>) {
        let wish = ConnectWish::End { cookies };
        let told = match self.machine_of(ticket.instance).await {
            Ok(reached) => reached.machine.connect_as(ticket.instance, wish).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = told {
            tracing::warn!(?failure, "a session that nobody has can't be ended");
        }
    }

    /// `None` where it was ended meanwhile.
    async fn keep_opened(
        &self,
        permit: &Arc<Permit<may::Open>>,
        ticket: &Ticket,
        cookies: &[AppCookie],
        landing: String,
        ends_at: Timestamp,
    ) -> Result<Option<Opened>, Failure> {
        let jar = Jar::of(cookies.iter().map(|AppCookie { name, value, path }| (name, value, path)));
        let sealed = self.seal_jar(ticket.workspace, ticket.id, &jar).await?;
        let code = self.new_secret("");
        let opening = Opening {
            cookies: sealed,
            landing,
            code_hash: code.hash,
            code_expires_at: self.store().now().plus_seconds(CODE_SECONDS),
            ends_at,
        };
        if !self.store().open_connect_session(permit.clone(), ticket.clone(), opening).await? {
            return Ok(None);
        }
        let url = self.settings().url_of(&self.connect_host(&ticket.label));
        Ok(Some(Opened { url, code: code.text, ends_at }))
    }

    pub(super) fn session_of_actor(session: Option<SessionId>) -> Result<SessionId, Refusal> {
        session.ok_or(Refusal::Unauthenticated)
    }
}
