//! Signing in: the same answer, in the same time, for an unknown address and a wrong password.

use stoa_domain::email::EmailAddress;
use stoa_domain::{AccountId, Refusal, Secret, SessionId, decide_open};
use stoa_storage::attempt::Limit;
use stoa_storage::session::NewSession;

use crate::secrets::NewSecret;
use crate::{App, Failure};

const QUARTER_HOUR: i64 = 900;
const PER_ACCOUNT_AND_ADDRESS: Limit = Limit { count: 10, seconds: QUARTER_HOUR };
const PER_ADDRESS: Limit = Limit { count: 100, seconds: QUARTER_HOUR };

/// Where a request without an account comes from.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub address: String,
    pub user_agent: String,
}

pub struct SignIn {
    pub email: String,
    pub password: Secret,
}

/// A session that was just made; its secret goes into the cookie and nowhere else.
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    pub secret: Secret,
}

impl App {
    /// # Errors
    /// `WrongCredentials`, or `TooManyRequests` after repeated failures.
    pub async fn sign_in(&self, wish: SignIn, visitor: Visitor) -> Result<SignedIn, Failure> {
        let email = EmailAddress::parse(&wish.email);
        let canonical = email.as_ref().map_or("", EmailAddress::canonical);
        let account =
            if canonical.is_empty() { None } else { self.store().find_account_by_email(canonical).await? };
        let account = account.filter(|account| account.is_active);

        let pair = format!("signin:account:{}:{}", short_hash(canonical), visitor.address);
        let address = format!("signin:address:{}", visitor.address);
        if let Some(retry_after) = self.store().attempts_exhausted(&pair, PER_ACCOUNT_AND_ADDRESS).await? {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        if let Some(retry_after) = self.store().attempts_exhausted(&address, PER_ADDRESS).await? {
            // Others' failures never keep out whoever signed in from here before.
            let known = match &account {
                Some(account) => self.store().is_address_known(account.id, &visitor.address).await?,
                None => false,
            };
            if !known {
                return Err(Refusal::TooManyRequests { retry_after }.into());
            }
        }

        let kept = account.as_ref().and_then(|account| account.password_hash.clone());
        let verified = self.outside().passwords.verify(wish.password, kept, self.new_salt()).await?;
        let Some(account) = account.filter(|_| verified.matches) else {
            self.store().count_attempt(pair, PER_ACCOUNT_AND_ADDRESS).await?;
            self.store().count_attempt(address, PER_ADDRESS).await?;
            return Err(Refusal::WrongCredentials.into());
        };
        let (new, secret) = self.new_session(visitor);
        let session = self
            .store()
            .sign_in(
                decide_open("session.sign_in", None),
                account.id,
                account.name,
                new,
                verified.better_hash,
            )
            .await?;
        self.store().clear_attempts(pair).await?;
        Ok(SignedIn { account: account.id, session, secret })
    }

    /// A session to be stored, and its secret.
    pub(crate) fn new_session(&self, visitor: Visitor) -> (NewSession, Secret) {
        let NewSecret { text, hash } = self.new_secret("");
        let session = NewSession {
            id: SessionId::new(self.new_uuid()),
            token_hash: hash,
            address: visitor.address,
            user_agent: visitor.user_agent.chars().take(300).collect(),
        };
        (session, text)
    }

    pub(crate) fn new_salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.outside().rng.fill(&mut salt);
        salt
    }
}

/// An address in a bucket's name: of one length, and not readable.
fn short_hash(text: &str) -> String {
    crate::secrets::hash_of(text).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
