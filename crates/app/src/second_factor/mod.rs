//! Second factors of one's own account: an authenticator app, passkeys, and recovery codes for when both are away.

mod passkey;
mod prove;
mod totp;

pub use passkey::{BegunPasskey, NewPasskeyWish};
pub use prove::{ShownFactor, ShownPasskey};
pub use stoa_storage::second_factor::PasskeyRecord;
pub use totp::BegunTotp;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stoa_domain::permission::workspace::ViewSignInRules;
use stoa_domain::{AccountId, AccountPermit, PasskeyId, Permit, Refusal, Secret, Timestamp};
use stoa_storage::ceremony::{CeremonyKind, NewCeremony};
use stoa_storage::mail::NewMail;

use crate::ports::SealedPlace;
use crate::secrets::hash_of;
use crate::{App, Failure};

/// Seconds within which a ceremony has to end.
const CEREMONY_SECONDS: i64 = 600;

/// Recovery codes of one account.
const CODES: usize = 10;
/// Letters of a recovery code: 5 bits each, 80 in all. Without those that are read for one another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CODE_LETTERS: usize = 16;

/// What an account has besides its password, as it sees itself.
pub struct OwnSecondFactors {
    /// Since when an authenticator app gives codes.
    pub totp_since: Option<Timestamp>,
    pub passkeys: usize,
    pub recovery_codes_left: i64,
    /// Names of workspaces that demand a second factor.
    pub demanded_by: Vec<String>,
    /// Why browsers can't have passkeys here, where they can't.
    pub no_passkeys: Option<Refusal>,
    pub has_password: bool,
}

/// Members of a workspace, and those of them without a second factor.
pub struct SignInRules {
    pub members: i64,
    pub without: i64,
}

/// Recovery codes that were just made: shown once.
pub struct RecoveryCodes(pub Vec<Secret>);

impl RecoveryCodes {
    fn hashes(&self, account: AccountId) -> Vec<Vec<u8>> {
        self.0.iter().map(|code| hash_of_code(account, code.reveal_text().unwrap_or_default())).collect()
    }
}

/// The one form in which a code is kept: bound to its account, without regard to case and hyphens.
fn hash_of_code(account: AccountId, code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    hash_of(&format!("{account} {plain}"))
}

/// The place for which the state of a ceremony is sealed.
fn ceremony_place(token_hash: &[u8]) -> SealedPlace {
    place("ceremonies", "state", URL_SAFE_NO_PAD.encode(token_hash))
}

fn place(table: &'static str, column: &'static str, row: String) -> SealedPlace {
    SealedPlace { workspace: stoa_domain::WorkspaceId::INSTALLATION, table, column, row, version: 1 }
}

impl App {
    /// # Errors
    /// A fault.
    pub async fn view_second_factors(&self, permit: AccountPermit) -> Result<OwnSecondFactors, Failure> {
        let account = permit.actor().account;
        let found = self.store().find_second_factors(account).await?;
        let own = self.store().find_account(account).await?.ok_or(Refusal::Unauthenticated)?;
        Ok(OwnSecondFactors {
            totp_since: found.totp.map(|totp| totp.created_at),
            passkeys: found.passkeys.len(),
            recovery_codes_left: found.recovery_codes,
            demanded_by: self.store().list_demanding_workspaces(account).await?,
            no_passkeys: self.relying_party().err().and_then(|failure| match failure {
                Failure::Refused(refusal) => Some(refusal),
                Failure::Fault(_) => None,
            }),
            has_password: own.password_hash.is_some(),
        })
    }

    /// How many members a workspace has, and how many of them have no second factor.
    ///
    /// # Errors
    /// A fault.
    pub async fn view_sign_in_rules(&self, permit: Permit<ViewSignInRules>) -> Result<SignInRules, Failure> {
        let (members, without) = self.store().count_without_second_factor(&permit).await?;
        Ok(SignInRules { members, without })
    }

    /// New recovery codes; the old ones count no more.
    ///
    /// # Errors
    /// `Conflict` where the account has no second factor.
    pub async fn renew_recovery_codes(&self, permit: AccountPermit) -> Result<RecoveryCodes, Failure> {
        let codes = self.new_recovery_codes();
        let hashes = codes.hashes(permit.actor().account);
        self.store().replace_recovery_codes(permit, hashes).await?;
        Ok(codes)
    }

    /// Turns the authenticator app off. Passkeys stay.
    ///
    /// # Errors
    /// `NotFound` where there is none; `LastSecondFactorOf` a workspace that demands one.
    pub async fn remove_totp(&self, permit: AccountPermit) -> Result<(), Failure> {
        let notice = self
            .factor_notice(
                &permit,
                "Your authenticator app isn't asked for any more",
                "The authenticator app was removed from your account.",
            )
            .await?;
        Ok(self.store().remove_totp(permit, notice).await?)
    }

    /// Oldest first, after the one that is named.
    ///
    /// # Errors
    /// A fault.
    pub async fn list_passkeys(
        &self,
        permit: AccountPermit,
        after: Option<PasskeyId>,
        limit: i64,
    ) -> Result<Vec<PasskeyRecord>, Failure> {
        Ok(self.store().list_passkeys(permit.actor().account, after, limit).await?)
    }

    fn new_recovery_codes(&self) -> RecoveryCodes {
        let code = || {
            let mut bytes = [0_u8; CODE_LETTERS];
            self.outside().rng.fill(&mut bytes);
            let mut text = String::with_capacity(CODE_LETTERS + 3);
            for (at, byte) in bytes.iter().enumerate() {
                if at > 0 && at % 4 == 0 {
                    text.push('-');
                }
                text.push(char::from(LETTERS[usize::from(byte % 32)]));
            }
            Secret::from_text(text)
        };
        RecoveryCodes((0..CODES).map(|_| code()).collect())
    }

    /// Begins a ceremony: what the browser brings again is the secret.
    pub(crate) async fn begin_ceremony(
        &self,
        account: Option<AccountId>,
        kind: CeremonyKind,
        state: &Secret,
    ) -> Result<Secret, Failure> {
        let secret = self.new_secret("");
        self.keep_ceremony(secret.hash, account, kind, state).await?;
        Ok(secret.text)
    }

    async fn keep_ceremony(
        &self,
        token_hash: Vec<u8>,
        account: Option<AccountId>,
        kind: CeremonyKind,
        state: &Secret,
    ) -> Result<(), Failure> {
        let state = self.seal_alone(&ceremony_place(&token_hash), state)?;
        let expires_at = self.store().now().plus_seconds(CEREMONY_SECONDS);
        let new = NewCeremony { token_hash, account, kind, state, expires_at };
        Ok(self.store().begin_ceremony(new).await?)
    }

    /// Goes on with a secret that the browser has already, after the ceremony before has ended.
    pub(crate) async fn begin_ceremony_by(
        &self,
        secret: &str,
        account: AccountId,
        kind: CeremonyKind,
        state: &Secret,
    ) -> Result<(), Failure> {
        self.keep_ceremony(hash_of(secret), Some(account), kind, state).await
    }

    /// Whose ceremony it is, without ending it.
    pub(crate) async fn find_ceremony_account(
        &self,
        secret: &str,
        kind: CeremonyKind,
    ) -> Result<Option<AccountId>, Failure> {
        Ok(self.store().find_ceremony(&hash_of(secret), kind).await?.and_then(|(account, _)| account))
    }

    /// Whose it is and its state, without ending it.
    pub(crate) async fn find_ceremony_state(
        &self,
        token: &str,
        kind: CeremonyKind,
    ) -> Result<Option<(Option<AccountId>, Secret)>, Failure> {
        let hash = hash_of(token);
        let Some((account, state)) = self.store().find_ceremony(&hash, kind).await? else { return Ok(None) };
        Ok(Some((account, self.open_alone(&ceremony_place(&hash), &state)?)))
    }

    /// Ends it, and gives its state.
    pub(crate) async fn take_ceremony(
        &self,
        token: &str,
        kind: CeremonyKind,
    ) -> Result<Option<(Option<AccountId>, Secret)>, Failure> {
        let hash = hash_of(token);
        let Some((account, state)) = self.store().take_ceremony(hash.clone(), kind).await? else {
            return Ok(None);
        };
        Ok(Some((account, self.open_alone(&ceremony_place(&hash), &state)?)))
    }

    /// Its state, without ending it: the write that it leads to does.
    async fn load_ceremony(
        &self,
        account: AccountId,
        token: &str,
        kind: CeremonyKind,
    ) -> Result<Secret, Failure> {
        let hash = hash_of(token);
        let found = self.store().find_ceremony(&hash, kind).await?;
        let state = found.filter(|(whose, _)| *whose == Some(account)).map(|(_, state)| state);
        let over =
            || Refusal::invalid("ceremony", "over", "This took too long, or was done already. Begin again.");
        Ok(self.open_alone(&ceremony_place(&hash), &state.ok_or_else(over)?)?)
    }

    /// Tells an account by mail that a second factor changed; `None` where no mail is sent.
    async fn factor_notice(
        &self,
        permit: &AccountPermit,
        title: &str,
        sentence: &str,
    ) -> Result<Option<NewMail>, Failure> {
        let found =
            self.store().find_account(permit.actor().account).await?.ok_or(Refusal::Unauthenticated)?;
        self.notice(&found.email_canonical, title, sentence).await
    }
}
