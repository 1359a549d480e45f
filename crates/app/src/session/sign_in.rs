//! Signing in: the same answer, in the same time, for an unknown address and a wrong password.

use stoa_domain::email::EmailAddress;
use stoa_domain::{AccountId, Refusal, Secret, SessionId, decide_open};
use stoa_storage::account::AccountRecord;
use stoa_storage::attempt::Limit;
use stoa_storage::identity::NewLink;
use stoa_storage::second_factor::FactorUse;
use stoa_storage::session::{NewSession, Proof};

use super::counted;
use crate::second_factor::{BegunPasskey, ShownFactor};
use crate::secrets::NewSecret;
use crate::{App, Failure};

const QUARTER_HOUR: i64 = 900;
const PER_ACCOUNT_AND_ADDRESS: Limit = Limit { count: 10, seconds: QUARTER_HOUR };
const PER_ADDRESS: Limit = Limit { count: 100, seconds: QUARTER_HOUR };
/// Beyond both, where the account signed in from the address before: its password is looked at all the same, so that
/// others' failures there don't keep it out. So far that nobody reaches it who doesn't guess by a program.
const WHERE_KNOWN: Limit = Limit { count: 1_000, seconds: 24 * 3600 };

/// Where a request without an account comes from.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub address: String,
    pub user_agent: String,
}

pub struct SignIn {
    pub email: String,
    pub password: Secret,
    pub factor: ShownFactor,
}

/// A session that was just made; its secret goes into the cookie and nowhere else.
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    pub secret: Secret,
    /// Where it was made with a recovery code: how many are left.
    pub recovery_codes_left: Option<i64>,
}

/// An account whose password was right.
struct Known {
    account: AccountRecord,
    better_hash: Option<String>,
    /// The limits that a wrong second factor counts to.
    buckets: Buckets,
}

struct Buckets {
    pair: String,
    address: String,
    /// Of failures beyond the other two.
    beyond: String,
}

/// A try that was counted before it is looked at, so that many at once aren't more than are allowed.
#[derive(Default)]
struct Tried {
    buckets: Vec<String>,
    /// Seconds to wait, where it is one too many but for who it is.
    is_beyond: Option<i64>,
    /// Seconds to wait, where it is one too many. The password is compared with nothing all the same: the time it takes
    /// doesn't tell whose it is.
    is_over: Option<i64>,
}

impl App {
    /// # Errors
    /// `WrongCredentials`; `SecondFactorDue` once the password was right; `TooManyRequests` after repeated failures.
    pub async fn sign_in(&self, wish: SignIn, visitor: Visitor) -> Result<SignedIn, Failure> {
        let known = self.check_credentials(&wish.email, wish.password, &visitor).await;
        if known.is_err() {
            // Without what was typed: there people type their passwords by mistake.
            tracing::info!(address = visitor.address, "a sign-in was refused");
        }
        let known = known?;
        let id = known.account.id;
        let shown = !wish.factor.is_nothing();
        let done = async {
            let factor = self.prove_factor(id, wish.factor, &visitor.address).await?;
            self.make_session(&known.account, known.better_hash.clone(), factor, None, &visitor).await
        };
        let signed_in = match done.await {
            Err(failure) => {
                if matches!(&failure, Failure::Refused(Refusal::SecondFactorDue { wrong: Some(_), .. })) {
                    self.count_failure(&known.buckets).await?;
                }
                return Err(failure);
            }
            Ok(signed_in) => signed_in,
        };
        self.store().clear_attempts(known.buckets.pair).await?;
        if shown {
            self.forget_factor_attempts(id, &visitor.address).await?;
        }
        Ok(signed_in)
    }

    /// Signs an account in that something else than its password has named: its second factor is due as ever. Who it is
    /// there is kept in the same write.
    pub(crate) async fn sign_in_as(
        &self,
        account: AccountId,
        shown: ShownFactor,
        link: Option<NewLink>,
        visitor: Visitor,
    ) -> Result<SignedIn, Failure> {
        let found = self.store().find_account(account).await?.filter(|account| account.is_active);
        let account = found.ok_or(Refusal::WrongCredentials)?;
        let id = account.id;
        let was_shown = !shown.is_nothing();
        let factor = self.prove_factor(id, shown, &visitor.address).await?;
        let signed_in = self.make_session(&account, None, factor, link, &visitor).await?;
        if was_shown {
            self.forget_factor_attempts(id, &visitor.address).await?;
        }
        Ok(signed_in)
    }

    async fn make_session(
        &self,
        account: &AccountRecord,
        better_hash: Option<String>,
        factor: FactorUse,
        link: Option<NewLink>,
        visitor: &Visitor,
    ) -> Result<SignedIn, Failure> {
        let by_recovery = matches!(factor, FactorUse::Recovery { .. });
        let notice = if by_recovery {
            let sentence =
                "Somebody signed in to your account with a recovery code. That code can't be used again.";
            self.notice(&account.email_canonical, "A recovery code was used", sentence).await?
        } else {
            None
        };
        let proof = Proof { revision: account.revision, factor, notice, link };
        let (new, secret) = self.new_session(visitor.clone());
        let session = self
            .store()
            .sign_in(
                decide_open("session.sign_in", None),
                account.id,
                account.name.clone(),
                new,
                better_hash,
                proof,
            )
            .await?;
        let recovery_codes_left = if by_recovery {
            Some(self.store().find_second_factors(account.id).await?.recovery_codes)
        } else {
            None
        };
        Ok(SignedIn { account: account.id, session, secret, recovery_codes_left })
    }

    /// What a passkey is asked, to be shown with address and password at [`App::sign_in`].
    ///
    /// # Errors
    /// As [`App::sign_in`]; `Conflict` where the account has no passkey.
    pub async fn begin_signing_in(
        &self,
        email: &str,
        password: Secret,
        visitor: &Visitor,
    ) -> Result<BegunPasskey, Failure> {
        let known = self.check_credentials(email, password, visitor).await?;
        self.ask_for_passkey(known.account.id).await
    }

    /// A wrong second factor: the password was right, so that it was given back.
    async fn count_failure(&self, buckets: &Buckets) -> Result<(), Failure> {
        self.store().count_attempt(buckets.pair.clone(), PER_ACCOUNT_AND_ADDRESS).await?;
        self.store().count_attempt(buckets.address.clone(), PER_ADDRESS).await?;
        Ok(())
    }

    async fn count_sign_in(
        &self,
        account: Option<&AccountRecord>,
        buckets: &Buckets,
        visitor: &Visitor,
    ) -> Result<Tried, Failure> {
        // Others' failures never keep out whoever signed in from here before.
        let is_known = async || match account {
            Some(account) => self.store().is_address_known(account.id, &visitor.address).await,
            None => Ok(false),
        };
        // By reading alone: a flood of made-up addresses writes nothing.
        let exhausted = self.store().attempts_exhausted(&buckets.address, PER_ADDRESS).await?;
        if let Some(retry_after) = exhausted
            && !is_known().await?
        {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        let mut tried = Tried::default();
        for (bucket, limit) in [(&buckets.pair, PER_ACCOUNT_AND_ADDRESS), (&buckets.address, PER_ADDRESS)] {
            let over = self.store().count_attempt(bucket.clone(), limit).await?;
            tried.buckets.push(bucket.clone());
            let Some(retry_after) = over else { continue };
            if is_known().await? {
                tried.is_beyond = Some(retry_after);
            } else {
                tried.is_over = Some(retry_after);
            }
        }
        if tried.is_beyond.is_some() {
            let bucket = buckets.beyond.clone();
            if let Some(retry_after) = self.store().count_attempt(bucket.clone(), WHERE_KNOWN).await? {
                return Err(Refusal::TooManyRequests { retry_after }.into());
            }
            tried.buckets.push(bucket);
        }
        Ok(tried)
    }

    async fn check_credentials(
        &self,
        email: &str,
        password: Secret,
        visitor: &Visitor,
    ) -> Result<Known, Failure> {
        let email = EmailAddress::parse(email);
        let canonical = email.as_ref().map_or("", EmailAddress::canonical);
        let account =
            if canonical.is_empty() { None } else { self.store().find_account_by_email(canonical).await? };
        let account = account.filter(|account| account.is_active);

        let buckets = Buckets {
            pair: format!("signin:account:{}:{}", short_hash(canonical), counted(&visitor.address)),
            address: format!("signin:address:{}", counted(&visitor.address)),
            beyond: format!("signin:beyond:{}:{}", short_hash(canonical), counted(&visitor.address)),
        };
        let tried = self.count_sign_in(account.as_ref(), &buckets, visitor).await?;
        let kept = account.as_ref().and_then(|account| account.password_hash.clone());
        let kept = kept.filter(|_| tried.is_over.is_none());
        let verified = self.outside().passwords.verify(password, kept, self.new_salt()).await?;
        if let Some(retry_after) = tried.is_over {
            return Err(Refusal::TooManyRequests { retry_after }.into());
        }
        let Some(account) = account.filter(|_| verified.matches) else {
            return Err(match tried.is_beyond {
                Some(retry_after) => Refusal::TooManyRequests { retry_after }.into(),
                None => Refusal::WrongCredentials.into(),
            });
        };
        self.store().give_attempt_back(tried.buckets).await?;
        Ok(Known { account, better_hash: verified.better_hash, buckets })
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
