//! From what a request presents to the account behind it.

use stoa_domain::{AccountStanding, Actor, Credential, Via};

use crate::secrets::hash_of;
use crate::{App, Failure};

/// Seconds for which an entered password counts as just entered.
const CONFIRMED_SECONDS: i64 = 600;
/// `last_seen_at` and `last_used_at` are written at most this often.
const TOUCH_SECONDS: i64 = 60;

/// What a request presents.
#[derive(Clone)]
pub enum Presented {
    Nothing,
    /// The value of the session cookie.
    Session(String),
    /// A personal access token.
    Token(String),
}

/// By which way and from where a request came.
#[derive(Debug, Clone)]
pub struct Origin {
    pub via: Via,
    pub address: Option<String>,
}

impl App {
    /// The account behind a request; `None` where there is none that counts.
    ///
    /// # Errors
    /// A fault.
    pub async fn identify(
        &self,
        presented: &Presented,
        origin: Origin,
    ) -> Result<Option<AccountStanding>, Failure> {
        let now = self.store().now();
        match presented {
            Presented::Nothing => Ok(None),
            Presented::Session(text) => {
                let Some(found) = self.store().find_session(&hash_of(text)).await? else { return Ok(None) };
                if now.seconds_since(found.last_seen_at) >= TOUCH_SECONDS {
                    self.store().touch_session(found.id, found.account).await?;
                }
                Ok(Some(AccountStanding {
                    actor: Actor {
                        account: found.account,
                        name: found.name,
                        via: origin.via,
                        credential: Credential::Session(found.id),
                        address: origin.address,
                    },
                    is_admin: found.is_admin,
                    revision: found.revision,
                    limits: None,
                    confirmed: now.seconds_since(found.authenticated_at) < CONFIRMED_SECONDS,
                    viewing: None,
                }))
            }
            Presented::Token(text) => {
                let Some(found) = self.store().find_token(&hash_of(text)).await? else { return Ok(None) };
                if found.last_used_at.is_none_or(|used| now.seconds_since(used) >= TOUCH_SECONDS) {
                    self.store().touch_token(found.id).await?;
                }
                Ok(Some(AccountStanding {
                    actor: Actor {
                        account: found.account,
                        name: found.name,
                        via: origin.via,
                        credential: Credential::Token(found.id),
                        address: origin.address,
                    },
                    is_admin: found.is_admin,
                    revision: found.revision,
                    limits: Some(found.limits),
                    confirmed: false,
                    viewing: None,
                }))
            }
        }
    }

    /// Whether what an actor was signed in by still counts: asked for as long as something it opened goes on.
    ///
    /// # Errors
    /// A fault.
    pub async fn is_still_signed_in(&self, credential: Credential) -> Result<bool, Failure> {
        Ok(match credential {
            Credential::Session(id) => self.store().is_session_alive(id).await?,
            Credential::Token(id) => self.store().is_token_alive(id).await?,
            Credential::Job => true,
        })
    }

    /// As [`App::is_still_signed_in`], by the records alone: for who was refused, and is told why.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn has_signed_out(&self, credential: Credential) -> Result<bool, Failure> {
        Ok(match credential {
            Credential::Session(id) => !self.store().is_session_recorded(id).await?,
            Credential::Token(id) => !self.store().is_token_alive(id).await?,
            Credential::Job => false,
        })
    }
}
