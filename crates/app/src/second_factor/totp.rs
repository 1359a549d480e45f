//! An authenticator app: a secret that is shown once, and proved by a first code before it counts.

use stoa_domain::{AccountPermit, Refusal, Secret, Timestamp};
use stoa_storage::ceremony::CeremonyKind;
use totp_rs::{Builder, Totp};

use super::{CEREMONY_SECONDS, RecoveryCodes, place};
use crate::ports::SealedPlace;
use crate::secrets::hash_of;
use crate::{App, Failure, Fault};

/// Bytes of a secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// What an authenticator app is told.
pub struct BegunTotp {
    /// In base32, to be typed.
    pub secret: Secret,
    /// `otpauth://…`, to be scanned.
    pub address: Secret,
    /// What the first code is sent with.
    pub ceremony: Secret,
    pub expires_at: Timestamp,
}

/// The place for which a secret is sealed.
pub(super) fn secret_place(account: stoa_domain::AccountId) -> SealedPlace {
    place("second_factors", "secret", account.to_string())
}

/// Codes of six digits each 30 seconds, the one before and the one after taken too.
fn codes(secret: &Secret, email: &str) -> Result<Totp, Fault> {
    Builder::new()
        .with_secret(secret.reveal().to_vec())
        .with_skew(1)
        .with_issuer(Some("Stoa"))
        .with_account_name(email)
        .build()
        .map_err(|error| Fault::new(error.to_string()))
}

/// The 30-second step whose code this is, where it is later than the last that was taken.
pub(super) fn step_of(
    secret: &Secret,
    code: &str,
    last_step: i64,
    now: Timestamp,
) -> Result<Option<i64>, Fault> {
    let seconds = u64::try_from(now.micros() / 1_000_000).unwrap_or(0);
    let found = codes(secret, "account")?.check(code, seconds);
    Ok(found.and_then(|step| i64::try_from(step).ok()).filter(|step| *step > last_step))
}

impl App {
    /// Begins to set an authenticator app up. Nothing counts until its first code.
    ///
    /// # Errors
    /// A fault.
    pub async fn begin_totp(&self, permit: AccountPermit) -> Result<BegunTotp, Failure> {
        let account = permit.actor().account;
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        let mut bytes = vec![0_u8; SECRET_BYTES];
        self.outside().rng.fill(&mut bytes);
        let secret = Secret::new(bytes);
        let codes = codes(&secret, &own.email_canonical)?;
        let address = codes.to_url().map_err(|error| Fault::new(error.to_string()))?;
        let ceremony = self.begin_ceremony(Some(account), CeremonyKind::Totp, &secret).await?;
        Ok(BegunTotp {
            secret: Secret::from_text(codes.secret().to_base32()),
            address: Secret::from_text(address),
            ceremony,
            expires_at: self.store().now().plus_seconds(CEREMONY_SECONDS),
        })
    }

    /// The first code turns it on. Recovery codes come with it where the account had none.
    ///
    /// # Errors
    /// `Invalid` for a wrong code, or one that comes too late; `TooManyRequests`.
    pub async fn confirm_totp(
        &self,
        permit: AccountPermit,
        ceremony: &str,
        code: &str,
    ) -> Result<Option<RecoveryCodes>, Failure> {
        let account = permit.actor().account;
        let address = permit.actor().address.clone().unwrap_or_default();
        self.count_factor_attempt(account, &address).await?;
        let secret = self.load_ceremony(account, ceremony, CeremonyKind::Totp).await?;
        let Some(step) = step_of(&secret, code.trim(), 0, self.store().now())? else {
            return Err(Refusal::invalid(
                "code",
                "wrong",
                "This code isn't right, or is over. Type the one that is shown now, and see that your device's clock is right.",
            )
            .into());
        };
        let sealed = self.seal_alone(&secret_place(account), &secret)?;
        let codes = self.new_recovery_codes();
        let hashes = codes.hashes(account);
        let notice = self
            .factor_notice(
                &permit,
                "A second factor was added",
                "Signing in to your account asks for a code of an authenticator app from now on. Every other session was ended.",
            )
            .await?;
        let is_first = self.store().set_totp(permit, hash_of(ceremony), sealed, step, hashes, notice).await?;
        self.forget_factor_attempts(account, &address).await?;
        Ok(is_first.then_some(codes))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret of its tests, and the last six of the eight digits at 59 seconds.
    #[test]
    fn codes_are_those_of_the_standard_and_a_step_counts_once() {
        let secret = Secret::from_text("12345678901234567890".to_owned());
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(step_of(&secret, "287082", 0, at(59)).unwrap(), Some(1));
        assert_eq!(step_of(&secret, "287082", 0, at(89)).unwrap(), Some(1));
        assert_eq!(step_of(&secret, "287082", 0, at(90)).unwrap(), None);
        assert_eq!(step_of(&secret, "287082", 1, at(59)).unwrap(), None);
        for wrong in ["287083", "", "28708", "2870820", "+87082", "ab"] {
            assert_eq!(step_of(&secret, wrong, 0, at(59)).unwrap(), None, "{wrong}");
        }
    }
}
