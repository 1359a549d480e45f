//! Showing a second factor: a code, a recovery code or a passkey, with limits on guessing that all replicas share.

use serde_json::Value;
use stoa_domain::{AccountId, Refusal, Secret, ShownWrong};
use stoa_storage::attempt::Limit;
use stoa_storage::second_factor::{FactorUse, SecondFactors};

use super::{hash_of_code, totp};
use crate::session::counted;
use crate::{App, Failure};

/// Tries from one address, and from all that the account never signed in from.
const FROM_ONE: Limit = Limit { count: 10, seconds: 900 };
const FROM_OTHERS: Limit = Limit { count: 50, seconds: 900 };

/// Digits of an authenticator's code; everything else is a recovery code.
const DIGITS: usize = 6;

/// What a browser shows as its second factor.
#[derive(Default)]
pub struct ShownFactor {
    /// An authenticator's code or a recovery code.
    pub code: Option<Secret>,
    pub passkey: Option<ShownPasskey>,
}

impl ShownFactor {
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.code.is_none() && self.passkey.is_none()
    }
}

pub struct ShownPasskey {
    pub ceremony: String,
    /// What the authenticator answered.
    pub credential: Value,
}

/// The ways in which the account's second factor can be shown.
fn ways(factors: &SecondFactors) -> Vec<&'static str> {
    let mut ways = Vec::new();
    if factors.totp.is_some() {
        ways.push("code");
    }
    if !factors.passkeys.is_empty() {
        ways.push("passkey");
    }
    if factors.recovery_codes > 0 {
        ways.push("recovery_code");
    }
    ways
}

impl App {
    fn buckets(account: AccountId, address: &str) -> (String, String) {
        (format!("factor:account:{account}:{}", counted(address)), format!("factor:account:{account}"))
    }

    /// Counts a try before it is looked at, so that many at once aren't more than are allowed.
    pub(crate) async fn count_factor_attempt(
        &self,
        account: AccountId,
        address: &str,
    ) -> Result<(), Failure> {
        let (from_one, from_others) = Self::buckets(account, address);
        self.count(from_one, FROM_ONE).await?;
        // Others' tries never keep out whoever signed in from here before.
        if self.store().is_address_known(account, address).await? {
            return Ok(());
        }
        self.count(from_others, FROM_OTHERS).await
    }

    pub(crate) async fn forget_factor_attempts(
        &self,
        account: AccountId,
        address: &str,
    ) -> Result<(), Failure> {
        Ok(self.store().clear_attempts(Self::buckets(account, address).0).await?)
    }

    /// Checks what is shown. It is used up by the write that rests on it.
    ///
    /// # Errors
    /// `SecondFactorDue` where it is missing or wrong; `TooManyRequests`.
    pub(crate) async fn prove_factor(
        &self,
        account: AccountId,
        shown: ShownFactor,
        address: &str,
    ) -> Result<FactorUse, Failure> {
        let factors = self.store().find_second_factors(account).await?;
        if !factors.is_any() {
            return Ok(FactorUse::None);
        }
        let due = |wrong| Failure::from(Refusal::SecondFactorDue { ways: ways(&factors), wrong });
        if shown.is_nothing() {
            return Err(due(None));
        }
        let wrong = if shown.passkey.is_some() { ShownWrong::Passkey } else { ShownWrong::Code };
        self.count_factor_attempt(account, address).await?;
        let used = match (shown.passkey, shown.code) {
            (Some(passkey), _) => self.check_passkey(account, &factors, passkey).await?,
            (None, Some(code)) => self.check_code(account, &factors, &code)?,
            (None, None) => None,
        };
        used.ok_or_else(|| due(Some(wrong)))
    }

    fn check_code(
        &self,
        account: AccountId,
        factors: &SecondFactors,
        code: &Secret,
    ) -> Result<Option<FactorUse>, Failure> {
        let text: String = code.reveal_text().unwrap_or_default().split_whitespace().collect();
        if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Whether it is one is settled where it is used up.
            return Ok(Some(FactorUse::Recovery { hash: hash_of_code(account, &text) }));
        }
        let Some(totp) = &factors.totp else { return Ok(None) };
        let secret = self.open_alone(&totp::secret_place(account), &totp.secret)?;
        let step = totp::step_of(&secret, &text, totp.last_step, self.store().now())?;
        Ok(step.map(|step| FactorUse::Totp { step }))
    }
}
